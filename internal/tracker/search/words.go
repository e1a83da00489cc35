package search

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/fold"
)

// form is of the words that the index holds. It grows with every change to what is made
// of a text: what was indexed in another form is indexed again.
const form = 3

// maxWord bounds a word, in bytes: of a longer one its beginning counts.
const maxWord = 120

// word is a piece of a text as the index knows it, and where it stands there, in bytes.
// Several can stand in one place: "½" is 1 and 2.
type word struct {
	text       string
	start, end int
}

// class is what a character is to the index.
type class uint8

const (
	between class = iota // parts words
	inside               // part of a word
	alone                // a word by itself
)

// classOf: scripts that are written without spaces would make one word of a sentence, so
// each of their characters is a word, and a text in them a phrase. So is a symbol.
func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return inside
		}
		return between
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return alone
	case unicode.In(r, unicode.L, unicode.M, unicode.N):
		return inside
	case unicode.Is(unicode.So, r):
		return alone
	}
	return between
}

// words takes a text apart. Case and diacritics do not count.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		for at := 0; at < len(text); {
			start, end := run(text, at)
			if start == end {
				return
			}
			if !folded(text[start:end], func(w string) bool { return yield(word{cut(w), start, end}) }) {
				return
			}
			at = end
		}
	}
}

// run returns the next piece of a text that is folded by itself.
func run(text string, at int) (start, end int) {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		c := classOf(r)
		if c == between {
			at += size
			continue
		}
		start, end = at, at+size
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if next := classOf(r); next != inside || c == alone && !unicode.Is(unicode.M, r) {
				break
			}
			end += size
		}
		return start, end
	}
	return len(text), len(text)
}

// folded calls yield with the words of a run, until it says no: folding can make
// several of one, or none.
func folded(run string, yield func(string) bool) bool {
	key := fold.Key(run)
	begin := -1 // of the word that is being read
	for i, r := range key {
		c := classOf(r)
		if c == inside {
			if begin < 0 {
				begin = i
			}
			continue
		}
		if begin >= 0 && !yield(key[begin:i]) {
			return false
		}
		if begin = -1; c == alone && !yield(key[i:i+utf8.RuneLen(r)]) {
			return false
		}
	}
	return begin < 0 || yield(key[begin:])
}

func cut(w string) string {
	if len(w) <= maxWord {
		return w
	}
	end := maxWord
	for !utf8.RuneStart(w[end]) {
		end--
	}
	return w[:end]
}

// Of a text the index holds so much, in words and in bytes of them, and each word so
// often: PostgreSQL can keep no more, and SQLite shall not find more.
const (
	maxWords = 16_000
	maxBytes = 300_000
	maxSame  = 256
)

// gap stands where no word shall follow another. Like the mark of a scope it is none
// that a text or a query can have.
const gap = "·"

// scopeWord stands in every text of a project.
func scopeWord(projectID string) string { return "§" + strings.ReplaceAll(projectID, "-", "") }

// indexed returns what the index holds of texts, in their order: one word after another,
// so that its place is its number.
func indexed(projectID string, texts ...string) []string {
	all := []string{scopeWord(projectID)}
	bytes, same := 0, map[string]int{}
	for _, text := range texts {
		all = append(all, gap)
		for w := range words(text) {
			if len(all) >= maxWords || bytes >= maxBytes {
				return all
			}
			bytes += len(w.text)
			if same[w.text]++; same[w.text] > maxSame {
				w.text = gap
			}
			all = append(all, w.text)
		}
	}
	return all
}

package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/errs"
)

// MaxQuery bounds a query, in characters, and maxAsked, in words.
const (
	MaxQuery = 500
	maxAsked = 64
)

// minPrefix is how many characters the beginning of a word needs to stand for the word:
// one letter is the beginning of a tenth of all words.
const minPrefix = 2

// term is words that must follow each other. A prefix's last word may go on.
type term struct {
	words  []string
	prefix bool
}

// asked is a query: all of its terms must be in a text.
type asked []term

// parse reads a query. Every text is one.
//
//	log crash      both words, in any order; the last may go on: crashed
//	log crash␠     the last word is complete
//	"log crash"    one after the other
//	e-mail         what is written without a space is a phrase, too
//
// Invalid: it is too long.
func parse(text string) (asked, error) {
	if utf8.RuneCountInString(text) > MaxQuery {
		return nil, errs.Field("query.q", "at most %d characters", MaxQuery)
	}
	var q asked
	count := 0
	for rest := text; rest != ""; {
		var piece string
		var open bool
		piece, rest, open = next(rest)
		t := term{prefix: open}
		for w := range words(piece) {
			t.words = append(t.words, w.text)
		}
		if count += len(t.words); count > maxAsked {
			return nil, errs.Field("query.q", "at most %d words", maxAsked)
		}
		if len(t.words) == 0 {
			continue
		}
		if last := t.words[len(t.words)-1]; utf8.RuneCountInString(last) < minPrefix || !ends(piece, open) {
			t.prefix = false
		}
		q = append(q, t)
	}
	return q, nil
}

// next cuts the first piece off: what stands in quotes, or up to a space or a quote.
// It is open when the text ends with it, so that it may still be written.
func next(text string) (piece, rest string, open bool) {
	if inside, ok := strings.CutPrefix(text, `"`); ok {
		piece, rest, closed := strings.Cut(inside, `"`)
		return piece, rest, !closed
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r == '"' || unicode.IsSpace(r) })
	switch {
	case end < 0:
		return text, "", true
	case text[end] == '"':
		return text[:end], text[end:], false
	}
	_, size := utf8.DecodeRuneInString(text[end:])
	return text[:end], text[end+size:], false
}

// ends reports whether an open piece ends within a word.
func ends(piece string, open bool) bool {
	r, _ := utf8.DecodeLastRuneInString(piece)
	return open && classOf(r) == inside
}

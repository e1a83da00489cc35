package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// fit says how a term matches.
type fit int

const (
	not fit = iota
	begun
	whole
)

// last reports how the term matches the last of some words.
func (t term) last(all []word) fit {
	at := len(all) - len(t.words)
	if at < 0 {
		return not
	}
	for i, w := range t.words {
		switch got := all[at+i].text; {
		case got == w:
		case t.prefix && i == len(t.words)-1 && strings.HasPrefix(got, w):
			return begun
		default:
			return not
		}
	}
	return whole
}

// rank sorts by how well the title matches, where it is the issue's own text that does;
// what matches as well comes newest first, as the rows do.
func (q asked) rank(rows []row) []row {
	scores := make(map[int64]int, len(rows))
	for _, m := range rows {
		if m.commentID == "" {
			scores[m.doc] = q.score(m.titleFolded)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(scores[b.doc], scores[a.doc]) })
	return rows
}

// score counts a term that the title has twice, and one that a word of it begins with
// once.
func (q asked) score(title string) (total int) {
	best := make([]fit, len(q))
	var all []word
	for w := range words(title) {
		all = append(all, w)
		for i, t := range q {
			best[i] = max(best[i], t.last(all))
		}
	}
	for _, f := range best {
		total += int(f)
	}
	return total
}

// span is a part of a text, in bytes.
type span struct{ start, end int }

// spans returns where the query matches in a text, in order and apart. It stops so many
// bytes after the first; 0 is no bound.
func (q asked) spans(text string, within int) (all []span) {
	var read []word
	for w := range words(text) {
		if within > 0 && len(all) > 0 && w.start > all[0].start+within {
			break
		}
		read = append(read, w)
		for _, t := range q {
			if t.last(read) != not {
				all = append(all, span{read[len(read)-len(t.words)].start, w.end})
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	apart := all[:0]
	for _, s := range all {
		if n := len(apart); n > 0 && s.start <= apart[n-1].end {
			apart[n-1].end = max(apart[n-1].end, s.end)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// mark returns a whole text.
func (q asked) mark(text string) []Segment { return segments(text, 0, len(text), q.spans(text, 0)) }

// An excerpt begins so many bytes before the first match, and is so long.
const (
	lead   = 60
	length = 240
)

// excerpt returns the part of a text where the query matches first, nothing where it
// does not. Line breaks are spaces in it.
func (q asked) excerpt(text string) []Segment {
	found := q.spans(text, length)
	if len(found) == 0 {
		return []Segment{}
	}
	from := wordBegin(text, found[0].start-lead, found[0].start)
	to := min(max(from+length, found[0].end), len(text))
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	all := segments(text, from, to, found)
	if from > 0 {
		all[0].Text = "…" + all[0].Text
	}
	if to < len(text) {
		all = append(all, Segment{Text: "…"})
	}
	for i := range all {
		all[i].Text = squeeze(all[i].Text)
	}
	return all
}

// wordBegin returns where a word begins after a space at or behind from, and to when
// there is none.
func wordBegin(text string, from, to int) int {
	if from <= 0 {
		return 0
	}
	if i := strings.IndexAny(text[from:to], " \n\t"); i >= 0 {
		return from + i + 1
	}
	for !utf8.RuneStart(text[from]) {
		from++
	}
	return from
}

// segments cuts a part of a text at the matches. There is at least one.
func segments(text string, from, to int, found []span) []Segment {
	all := []Segment{}
	at := from
	for _, s := range found {
		if s.start >= to {
			break
		}
		if s.start > at {
			all = append(all, Segment{Text: text[at:s.start]})
		}
		at = min(s.end, to)
		all = append(all, Segment{Text: text[s.start:at], Marked: true})
	}
	if at < to {
		all = append(all, Segment{Text: text[at:to]})
	}
	return all
}

// squeeze makes one space of several, and of a line break.
func squeeze(text string) string {
	var b strings.Builder
	space := false
	for _, r := range text {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			space = true
			continue
		}
		if space {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

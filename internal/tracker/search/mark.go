package search

import (
	"strings"
	"unicode/utf8"
)

// mark returns a whole text.
func (m matcher) mark(text string) []Segment { return segments(text, 0, len(text), m.spans(text, 0)) }

// An excerpt begins so many bytes before the first match, and is so long.
const (
	lead   = 60
	length = 240
)

const ellipsis = "…"

// excerpt returns the part of a text where the query matches first, nothing where it
// does not. The text may be the beginning of one that goes on.
func (m matcher) excerpt(text string, goesOn bool) []Segment {
	if found := m.spans(text, length); len(found) > 0 {
		return part(text, goesOn, found)
	}
	return []Segment{}
}

// beginning returns the first part of a text.
func beginning(text string, goesOn bool) []Segment { return part(text, goesOn, nil) }

// part returns what is around the first match, or the beginning. Line breaks are spaces in
// it.
func part(text string, goesOn bool, found []span) []Segment {
	from, to := 0, length
	if len(found) > 0 {
		from = wordBegin(text, found[0].start-lead, found[0].start)
		to = max(from+length, found[0].end)
	}
	to = min(to, len(text))
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	var all []Segment
	if from > 0 {
		all = append(all, Segment{Text: ellipsis})
	}
	all = append(all, segments(text, from, to, found)...)
	if to < len(text) || goesOn {
		all = append(all, Segment{Text: ellipsis})
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

// segments cuts a part of a text at the matches.
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

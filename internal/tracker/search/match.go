package search

import (
	"cmp"
	"slices"
	"strings"
)

// fit says how a term matches.
type fit int

const (
	not fit = iota
	begun
	whole
)

// matcher finds the terms of a query in texts. It knows them by their last words, so that
// a text costs no more where many are asked for.
type matcher struct {
	terms asked            // each once
	ends  map[string][]int // by the last word
	open  []int            // whose last word may go on; the query's last term is the only one
	long  int              // how many words the longest has
}

func newMatcher(q asked) matcher {
	m := matcher{ends: map[string][]int{}}
	for _, t := range q {
		m.long = max(m.long, len(t.words))
		last := t.words[len(t.words)-1]
		if slices.ContainsFunc(m.ends[last], func(i int) bool { return m.terms[i].prefix == t.prefix && slices.Equal(m.terms[i].words, t.words) }) {
			continue
		}
		at := len(m.terms)
		m.terms, m.ends[last] = append(m.terms, t), append(m.ends[last], at)
		if t.prefix {
			m.open = append(m.open, at)
		}
	}
	return m
}

// reading is a text that is read word by word. Of these it keeps as many as a term has.
type reading struct {
	matcher
	last []word
}

func (m matcher) reading() *reading { return &reading{m, make([]word, 0, 4*m.long)} }

// next calls f with each term that ends with the word.
func (r *reading) next(w word, f func(term int, how fit, s span)) {
	if len(r.last) == cap(r.last) {
		r.last = r.last[:copy(r.last, r.last[len(r.last)-r.long:])]
	}
	r.last = append(r.last, w)
	r.candidates(w.text, func(term int, how fit) {
		if start, ok := r.start(r.terms[term]); ok {
			f(term, how, span{start, w.end})
		}
	})
}

// candidates calls f with each term whose last word it may be.
func (m matcher) candidates(w string, f func(term int, how fit)) {
	for _, i := range m.ends[w] {
		f(i, whole)
	}
	for _, i := range m.open {
		if t := m.terms[i]; len(w) > len(t.words[len(t.words)-1]) && strings.HasPrefix(w, t.words[len(t.words)-1]) {
			f(i, begun)
		}
	}
}

// start returns where the last words begin, if they are the term's: the very last is.
func (r *reading) start(t term) (at int, ok bool) {
	from := len(r.last) - len(t.words)
	if from < 0 {
		return 0, false
	}
	for i, w := range t.words[:len(t.words)-1] {
		if r.last[from+i].text != w {
			return 0, false
		}
	}
	return r.last[from].start, true
}

// rank sorts by how well the title matches, where it is the issue's own text that does;
// what matches as well comes newest first, as the rows do.
func (m matcher) rank(rows []row) []row {
	scores := make(map[int64]int, len(rows))
	for _, r := range rows {
		if r.commentID == "" {
			scores[r.doc] = m.score(r.titleFolded)
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(scores[b.doc], scores[a.doc]) })
	return rows
}

// score counts a term that the title has twice, and one that a word of it begins with
// once.
func (m matcher) score(title string) (total int) {
	best := make([]fit, len(m.terms))
	r := m.reading()
	for w := range words(title) {
		r.next(w, func(term int, how fit, _ span) { best[term] = max(best[term], how) })
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
func (m matcher) spans(text string, within int) (all []span) {
	r := m.reading()
	for w := range words(text) {
		if within > 0 && len(all) > 0 && w.start > all[0].start+within {
			break
		}
		r.next(w, func(_ int, _ fit, s span) { all = append(all, s) })
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

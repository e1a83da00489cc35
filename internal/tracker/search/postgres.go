package search

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
)

const postgresPut = `INSERT INTO search_index (doc, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS TSVECTOR))
	ON CONFLICT (doc) DO UPDATE SET words = excluded.words`

const postgresNewest = `WITH found AS MATERIALIZED (
		SELECT doc FROM search_index WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND doc <= CAST($2 AS BIGINT)),
	newest AS MATERIALIZED (SELECT doc FROM found ORDER BY doc DESC LIMIT CAST($3 AS BIGINT))
	SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
	FROM newest
	CROSS JOIN LATERAL (SELECT * FROM search_doc WHERE search_doc.doc = newest.doc OFFSET 0) d
	JOIN issue i ON i.id = d.issue_id
	JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $4
	ORDER BY d.doc DESC`

// GIN gives all matches, in no order. So that a word which is everywhere costs no more
// than another, each text has the number of its shelf as a word, and the newest shelves
// are searched alone: two, then as many as seem to have enough, and all only where that
// is half of them. Of a word that is in half of a million texts, or in a thousandth, some
// thousands are looked at.
const (
	shelfBits  = 10 // so many texts stand on a shelf
	fewShelves = 2  // the newest one may have begun just now
)

// more says how many shelves to look at where the k newest have found too few of n: half
// as many again as would do if the others have as much. Next to nothing says little, so
// it is at most 16 times as many.
func more(k, found, n int) int {
	return max(2*k, min(16*k, 3*k*n/(2*max(found, 1))))
}

func shelf(number int64) string { return "§" + strconv.FormatInt(number, 10) }

// begins is a word for all that begin so. GIN reads each of those by itself, which for
// two or three letters takes long.
func begins(letters string) string { return "›" + letters }

// beginnings calls f with those that are kept of a word.
func beginnings(w string, f func(string)) {
	n := 0
	for i, r := range w {
		n++
		if n == 2 || n == 3 {
			f(begins(w[:i+len(string(r))]))
		}
	}
}

func postgresKept(doc int64, all []string) string {
	places := map[string][]int{shelf(doc >> shelfBits): nil}
	for i, w := range all {
		if w == gap {
			continue
		}
		if places[w] = append(places[w], i+1); len(places[w]) == 1 && i > 0 {
			beginnings(w, func(b string) { places[b] = nil })
		}
	}
	order := make([]string, 0, len(places))
	for w := range places {
		order = append(order, w)
	}
	slices.Sort(order)
	var text []byte
	for _, w := range order {
		text = append(append(append(text, '\''), w...), '\'')
		for i, place := range places[w] {
			text = strconv.AppendInt(append(text, ":,"[min(i, 1)]), int64(place), 10)
		}
		text = append(text, ' ')
	}
	return string(text)
}

func postgresFind(ctx context.Context, c db.Conn, r reach, q asked, upTo int64, n int) ([]row, error) {
	expression := q.tsquery(r.scopes())
	var first, last int64
	err := c.QueryRowContext(ctx, `SELECT COALESCE((SELECT MIN(doc) FROM search_doc), 0),
		COALESCE((SELECT MAX(doc) FROM search_doc WHERE doc <= $1), 0)`, upTo).Scan(&first, &last)
	if err != nil {
		return nil, err
	}
	for k := fewShelves; int64(k)<<(shelfBits+1) <= last-first; {
		within := expression + " & (" + joined(newest(last, k), "'", " | ") + ")"
		all, err := read(ctx, c, r, postgresNewest, within, upTo, n, r.by.ID)
		if err != nil || len(all) == n {
			return all, err
		}
		k = more(k, len(all), n)
	}
	return read(ctx, c, r, postgresNewest, expression, upTo, n, r.by.ID)
}

// newest are n shelves up to that of a text.
func newest(doc int64, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = shelf(doc>>shelfBits - int64(i))
	}
	return all
}

// tsquery is the query within some scopes.
func (q asked) tsquery(scopes []string) string {
	parts := make([]string, 0, len(q)+1)
	parts = append(parts, "("+joined(scopes, "'", " | ")+")")
	for _, t := range q {
		part := joined(t.words, "'", " <-> ")
		if t.prefix {
			part = t.begun(part)
		}
		parts = append(parts, "("+part+")")
	}
	return strings.Join(parts, " & ")
}

// begun is a term whose last word may go on.
func (t term) begun(text string) string {
	if n := len([]rune(t.words[0])); len(t.words) == 1 && n <= 3 {
		return "'" + begins(t.words[0]) + "'"
	}
	return text + ":*"
}

package search

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
)

const postgresWords = `WITH shelved AS (INSERT INTO search_shelf (project_id, shelf) VALUES ($3, CAST($4 AS BIGINT)) ON CONFLICT DO NOTHING)
	INSERT INTO search_index (doc, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS TSVECTOR))
	ON CONFLICT (doc) DO UPDATE SET words = excluded.words`

// postgresPlaces looks at the places $1 one after the other, each from its newest text on,
// until there are enough: a loop is all that PostgreSQL can make of LATERAL. Of what it
// finds there by $2 it takes what fits $6, too, unless that is "": a function, because no
// index shall be asked. Nor shall one for what is older than the anchor $3, which is next
// to everything: hence + 0.
const postgresPlaces = `WITH newest AS MATERIALIZED (
		SELECT found.doc FROM unnest(string_to_array($1, ' ')) AS place CROSS JOIN LATERAL (
			SELECT doc FROM search_index
			WHERE words @@ CAST(place || CAST($2 AS TEXT) AS TSQUERY) AND doc + 0 <= CAST($3 AS BIGINT)
			  AND (CAST($6 AS TEXT) = '' OR ts_match_vq(words, CAST(CAST($6 AS TEXT) AS TSQUERY)))
			ORDER BY doc DESC) found
		LIMIT CAST($4 AS BIGINT))
	SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
	FROM newest
	CROSS JOIN LATERAL (SELECT * FROM search_doc WHERE search_doc.doc = newest.doc OFFSET 0) d
	JOIN issue i ON i.id = d.issue_id
	JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $5
	ORDER BY d.doc DESC`

// postgresAll looks at all texts at once, whosever they are.
const postgresAll = `WITH found AS MATERIALIZED (
		SELECT doc FROM search_index WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND doc + 0 <= CAST($2 AS BIGINT))
	SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
	FROM found
	CROSS JOIN LATERAL (SELECT * FROM search_doc WHERE search_doc.doc = found.doc OFFSET 0) d
	JOIN issue i ON i.id = d.issue_id
	JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $3
	ORDER BY d.doc DESC`

// postgresCount counts texts, up to so many.
const postgresCount = `SELECT count(*) FROM (
		SELECT 1 FROM search_index WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) LIMIT CAST($2 AS BIGINT)) matches`

// postgresShelves are the newest below $1 on which the projects $2 have something.
const postgresShelves = `SELECT shelf, string_agg(project_id, ' ') FROM search_shelf
	WHERE shelf < CAST($1 AS BIGINT) AND project_id = ANY (string_to_array($2, ' '))
	GROUP BY shelf ORDER BY shelf DESC LIMIT CAST($3 AS BIGINT)`

// GIN gives all matches, in no order. So that a word which is everywhere costs no more
// than another, the texts stand on shelves by their age, each with a word for what its
// project has on the shelf, its place. The newest shelves are searched one by one: a few,
// then as many as seem to have enough. Where the few have nothing, or that would be many,
// the words may be rare: then all texts are searched at once. Else they are common in
// older texts, and there are shelves to be searched until there is enough.
const (
	shelfBits   = 10 // so many texts stand on a shelf
	fewShelves  = 16
	someShelves = 256
	few         = 2 * MaxFound // texts are read all at once
)

// more says how many shelves seem to have n where the first k have found fewer: half as
// many again as would do if the others have as much.
func more(k, found, n int) int {
	if found == 0 {
		return math.MaxInt
	}
	return max(2*k, 3*k*n/(2*found))
}

// placeWord is the word of what a project has on a shelf.
func placeWord(projectID string, number int64) string {
	return scopeWord(projectID) + gap + strconv.FormatInt(number, 10)
}

// Words by their first two or three letters have words of their own, by begins: GIN reads
// all that begin so one by one.
const (
	leastBegun = 2
	mostBegun  = 3
)

func begins(letters string) string { return "›" + letters }

// beginnings calls f with those that are kept of a word.
func beginnings(w string, f func(string)) {
	n := 0
	for i, r := range w {
		n++
		if leastBegun <= n && n <= mostBegun {
			f(begins(w[:i+len(string(r))]))
		}
	}
}

func postgresPut(doc int64, t text) (statement string, args []any) {
	number := doc >> shelfBits
	return postgresWords, []any{doc, tsvector(t.words, placeWord(t.projectID, number)), t.projectID, number}
}

// tsvector is the words with their places in the text, as PostgreSQL reads it.
func tsvector(all []string, place string) string {
	places := map[string][]int{place: nil}
	for i, w := range all {
		if w == gap || i == 0 { // nobody asks for the scope's own word
			continue
		}
		if places[w] = append(places[w], i+1); len(places[w]) == 1 {
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
		for i, at := range places[w] {
			text = strconv.AppendInt(append(text, ":,"[min(i, 1)]), int64(at), 10)
		}
		text = append(text, ' ')
	}
	return string(text)
}

func postgresFind(ctx context.Context, c db.Conn, r reach, q asked, upTo int64, n int) ([]row, error) {
	wide, exact := q.wide()
	var all []row
	below, done, common := upTo>>shelfBits+1, 0, false
	for k := fewShelves; ; {
		places, lowest, err := r.places(ctx, c, below, k-done)
		if err != nil {
			return nil, err
		}
		some, err := read(ctx, c, r, postgresPlaces, strings.Join(places, " "), wide, upTo, n-len(all), r.by.ID, exact)
		if all = append(all, some...); err != nil || len(all) == n || len(places) < k-done {
			return all, err
		}
		below, done = lowest, k
		if k = more(done, len(all), n); k > someShelves && !common {
			if common, err = q.common(ctx, c); err != nil {
				return nil, err
			}
			if !common {
				break
			}
		}
		if common {
			k = min(k, 4*done)
		}
	}
	all, err := read(ctx, c, r, postgresAll, strings.TrimPrefix(q.tsquery(), " & "), upTo, r.by.ID)
	return all[:min(n, len(all))], err
}

// common reports whether more texts have the words, in whatever order, than shall be read
// at once.
func (q asked) common(ctx context.Context, c db.Conn) (bool, error) {
	var parts []string
	for _, t := range q {
		words := slices.Clone(t.words)
		if last := len(words) - 1; t.prefix {
			letters := []rune(words[last])
			words[last] = begins(string(letters[:min(mostBegun, len(letters))]))
		}
		parts = append(parts, joined(words, "'", " & "))
	}
	var found int
	err := c.QueryRowContext(ctx, postgresCount, strings.Join(parts, " & "), few).Scan(&found)
	return found == few, err
}

// places are expressions for what the projects have on each of the n newest shelves below
// one, from the newest on, and the lowest of the shelves. What was there may be gone.
func (r reach) places(ctx context.Context, c db.Conn, below int64, n int) (all []string, lowest int64, err error) {
	rows, err := c.QueryContext(ctx, postgresShelves, below, strings.Join(r.ids, " "), n)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var ids string
		if err := rows.Scan(&lowest, &ids); err != nil {
			return nil, 0, err
		}
		words := strings.Fields(ids)
		for i, id := range words {
			words[i] = placeWord(id, lowest)
		}
		all = append(all, oneOf(words))
	}
	return all, lowest, rows.Err()
}

// wide is what the index finds fast in a place, and exact what a text has to have besides:
// "" for nothing. All words that begin with "archive" GIN reads wherever they are, which
// it does once, but not for each place. Both follow another expression.
func (q asked) wide() (wide, exact string) {
	for _, t := range q {
		letters := []rune(t.words[len(t.words)-1])
		if !t.prefix || len(t.words) == 1 && len(letters) <= mostBegun {
			wide += t.tsquery()
			continue
		}
		exact = t.tsquery()
		if len(t.words) > 1 {
			wide += term{words: t.words[:len(t.words)-1]}.tsquery()
		}
		wide += " & '" + begins(string(letters[:min(mostBegun, len(letters))])) + "'"
	}
	return wide, strings.TrimPrefix(exact, " & ")
}

// tsquery is what a text has to have, as it follows another expression.
func (q asked) tsquery() string {
	var all strings.Builder
	for _, t := range q {
		all.WriteString(t.tsquery())
	}
	return all.String()
}

func (t term) tsquery() string {
	text := joined(t.words, "'", " <-> ")
	switch {
	case t.prefix && len(t.words) == 1 && len([]rune(t.words[0])) <= mostBegun:
		text = "'" + begins(t.words[0]) + "'"
	case t.prefix:
		text += ":*"
	}
	return " & (" + text + ")"
}

// oneOf has no space.
func oneOf(words []string) string { return "(" + joined(words, "'", "|") + ")" }

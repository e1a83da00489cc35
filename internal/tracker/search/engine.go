package search

import (
	"context"
	"errors"

	"github.com/peisear/peisear/internal/base/db"
)

// row is a text that matches.
type row struct {
	doc                int64
	issueID, commentID string // commentID is "" for the issue's own text
	projectID          string
	number             int64
	titleFolded        string
}

// engine is what SQLite and PostgreSQL do differently. Both get texts and expressions
// that are put together from words, which are letters, digits and symbols, and so cannot
// be taken for operators, quotes or escapes.
type engine struct {
	put  func(doc int64, t text) (statement string, args []any) // a text's words into the index
	find func(ctx context.Context, c db.Conn, r reach, q asked, upTo int64, n int) ([]row, error)

	apart, together []string // statements around the removal of many texts
}

func engineOf(d *db.DB) engine {
	if d.Engine() == "sqlite" {
		return engine{put: litePut, find: liteFind, apart: liteApart(), together: liteTogether()}
	}
	return engine{put: postgresPut, find: postgresFind}
}

// read returns the rows of a statement that gives a row's columns in their order.
func read(ctx context.Context, c db.Conn, r reach, text string, args ...any) (all []row, err error) {
	rows, err := c.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m row
		if err := rows.Scan(&m.doc, &m.issueID, &m.commentID, &m.projectID, &m.number, &m.titleFolded); err != nil {
			return nil, err
		}
		if r.keys[m.projectID] != "" {
			all = append(all, m)
		}
	}
	return all, rows.Err()
}

func joined(words []string, quote, by string) string {
	var text []byte
	for i, w := range words {
		if i > 0 {
			text = append(text, by...)
		}
		text = append(append(append(text, quote...), w...), quote...)
	}
	return string(text)
}

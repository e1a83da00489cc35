package search

import (
	"context"
	"errors"
	"strings"

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

// engine is what SQLite and PostgreSQL do differently.
type engine struct {
	put   string // a text's words into the index, by its doc
	kept  func(all []string) string
	find  string // the newest that match
	asked func(q asked, scopes []string) string
}

func engineOf(d *db.DB) engine {
	if d.Engine() == "sqlite" {
		return engine{
			put:   "INSERT OR REPLACE INTO search_index (rowid, words) VALUES ($1, $2)",
			kept:  func(all []string) string { return strings.Join(all, " ") },
			find:  liteFind,
			asked: asked.fts5,
		}
	}
	return engine{
		put: `INSERT INTO search_index (doc, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS TSVECTOR))
			ON CONFLICT (doc) DO UPDATE SET words = excluded.words`,
		kept:  tsvector,
		find:  postgresFind,
		asked: asked.tsquery,
	}
}

// Both take the newest matches first, and only then look who they are, and once more
// whether the actor may see them.
const (
	liteFind = `SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
		FROM (SELECT rowid AS doc FROM search_index WHERE search_index MATCH $1 AND rowid <= $2 ORDER BY rowid DESC LIMIT $3) newest
		CROSS JOIN search_doc d ON d.doc = newest.doc
		CROSS JOIN issue i ON i.id = d.issue_id
		CROSS JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $4
		ORDER BY d.doc DESC`
	postgresFind = `WITH found AS MATERIALIZED (
			SELECT doc FROM search_index WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND doc <= CAST($2 AS BIGINT)),
		newest AS MATERIALIZED (SELECT doc FROM found ORDER BY doc DESC LIMIT CAST($3 AS BIGINT))
		SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
		FROM newest
		JOIN search_doc d ON d.doc = newest.doc
		JOIN issue i ON i.id = d.issue_id
		JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $4
		ORDER BY d.doc DESC`
)

// match returns the newest texts that match, up to a doc, and one more than are ranked
// if there is one.
func (e engine) match(ctx context.Context, c db.Conn, r reach, q asked, upTo int64) (all []row, err error) {
	rows, err := c.QueryContext(ctx, e.find, e.asked(q, r.scopes()), upTo, MaxFound+1, r.by.ID)
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

package search

import (
	"context"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
)

// FTS5 gives the newest matches first, and no more than are asked for. Only then it is
// looked who they are, and once more whether the actor may see them.
const liteNewest = `SELECT d.doc, d.issue_id, d.comment_id, i.project_id, i.number, i.title_folded
	FROM (SELECT rowid AS doc FROM search_index WHERE search_index MATCH $1 AND rowid <= $2 ORDER BY rowid DESC LIMIT CAST($3 AS BIGINT)) newest
	CROSS JOIN search_doc d ON d.doc = newest.doc
	CROSS JOIN issue i ON i.id = d.issue_id
	CROSS JOIN project_member m ON m.project_id = i.project_id AND m.user_id = $4
	ORDER BY d.doc DESC`

// FTS5 puts parts of the index together where a tenth of their texts is gone: at every 64th,
// for so many pages that others wait a second. Who removes many texts does it by themselves,
// a few pages each time, and then lets FTS5 go on as the migration has set it up.
func liteApart() []string {
	return []string{"INSERT INTO search_index (search_index, rank) VALUES ('automerge', 0)"}
}

func liteTogether() []string {
	return []string{
		"INSERT INTO search_index (search_index) VALUES ('flush')",
		"INSERT INTO search_index (search_index, rank) VALUES ('merge', 16)",
		"INSERT INTO search_index (search_index, rank) VALUES ('automerge', 8)",
	}
}

func litePut(doc int64, t text) (statement string, args []any) {
	return "INSERT OR REPLACE INTO search_index (rowid, words) VALUES ($1, $2)", []any{doc, strings.Join(t.words, " ")}
}

func liteFind(ctx context.Context, c db.Conn, r reach, q asked, upTo int64, n int) ([]row, error) {
	return read(ctx, c, r, liteNewest, q.fts5(r.scopes()), upTo, n, r.by.ID)
}

// fts5 is the query within some scopes.
func (q asked) fts5(scopes []string) string {
	parts := make([]string, 0, len(q)+1)
	parts = append(parts, "("+joined(scopes, `"`, " OR ")+")")
	for _, t := range q {
		part := `"` + strings.Join(t.words, " ") + `"`
		if t.prefix {
			part += " *"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " AND ")
}

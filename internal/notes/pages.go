package notes

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/notes/query"
)

// parts are the slice's rows in snapshots.
func parts() []live.Part {
	return []live.Part{{Kind: "user", Entity: "note", Paged: &live.Paged{Page: page, Row: row}}}
}

func row(ctx context.Context, c db.Conn, scope, id string) (any, error) {
	return get(ctx, c, userOf(scope), id)
}

// maxRows bounds one statement, in notes: 16 of the longest are some megabytes.
const maxRows = 16

// page reads the notes from the newest on. It ended at the id of its last one.
func page(ctx context.Context, c db.Conn, scope, after string, room int) (json.RawMessage, string, error) {
	if after == "" {
		after = lastID
	} else if len(after) != len(lastID) || uuid.Validate(after) != nil {
		return nil, "", errs.Field("query.after", "expected the next of a page of this scope")
	}
	all := []byte{'['}
	for {
		rows, err := query.New(c).ListNotes(ctx, query.ListNotesParams{UserID: userOf(scope), Before: after, N: maxRows})
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			text, err := json.Marshal(note(row))
			if err != nil {
				return nil, "", err
			}
			if len(all) > 1 {
				if len(all)+len(text)+2 > room { // with a comma and the end
					return append(all, ']'), after, nil
				}
				all = append(all, ',')
			}
			all, after = append(all, text...), row.ID
		}
		if len(rows) < maxRows {
			return append(all, ']'), "", nil
		}
	}
}

func userOf(scope string) string { return strings.TrimPrefix(scope, "user:") }

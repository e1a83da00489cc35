package comment

import (
	"context"

	"github.com/peisear/peisear/internal/base/db"
)

// purge removes comments on issues of a deleted project.
func purge(ctx context.Context, tx *db.Tx, issueIDs []string, room int) (int, error) {
	s := new(db.Statement)
	s.Add("DELETE FROM comment WHERE id IN (SELECT c.id FROM comment c WHERE ")
	s.In("c.issue_id", issueIDs)
	s.Limit(room)
	s.Add(")")
	return s.Exec(ctx, tx)
}

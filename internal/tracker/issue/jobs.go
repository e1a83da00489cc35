package issue

import (
	"context"
	"slices"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/issue/query"
)

// maxPurge is how many issues of a deleted project go in one transaction. With each goes
// the key that it had elsewhere; what is left of db.BatchRows is for what hangs on them.
const maxPurge = 50

// OnPurge lets another slice remove rows that hang on issues of a deleted project, before
// these go: in the transaction, room at most. f returns how many it has removed, and comes
// again as long as there was no more room. They are called in the order in which they came,
// before anything of the issues is locked. It is called while the program is put together.
func (s *Service) OnPurge(f func(ctx context.Context, tx *db.Tx, issueIDs []string, room int) (n int, err error)) {
	s.purgers = append(s.purgers, f)
}

// purge removes the issues of a deleted project.
func (s *Service) purge(ctx context.Context, projectID string) error {
	return db.Batches(ctx, s.db, 0, func(tx *db.Tx, after int64) (next int64, more bool, err error) {
		rows, err := query.New(tx).ListFrom(ctx, query.ListFromParams{ProjectID: projectID, After: after, N: maxPurge})
		if err != nil || len(rows) == 0 {
			return after, false, err
		}
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i], next = row.ID, row.Number
		}
		room := db.BatchRows - 2*maxPurge
		for _, f := range append(slices.Clip(s.purgers), orphan) {
			n, err := f(ctx, tx, ids, room)
			if room -= n; err != nil || room <= 0 {
				return after, true, err
			}
		}
		del := new(db.Statement)
		del.Add("DELETE FROM issue WHERE ")
		del.In("id", ids)
		_, err = del.Exec(ctx, tx)
		return next, true, err
	})
}

// orphan takes the issues from those below them, as the database would: all at once.
func orphan(ctx context.Context, tx *db.Tx, ids []string, room int) (int, error) {
	s := new(db.Statement)
	s.Add("UPDATE issue SET parent_id = NULL WHERE id IN (SELECT child.id FROM issue child WHERE ")
	s.In("child.parent_id", ids)
	s.Limit(room)
	s.Add(")")
	return s.Exec(ctx, tx)
}

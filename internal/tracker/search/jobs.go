package search

import (
	"context"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// purge takes texts of a deleted project out of the index. It has the turn before any row
// of an issue is locked, which the index locks after it.
func (s *Service) purge(ctx context.Context, tx *db.Tx, issueIDs []string, room int) (int, error) {
	e := engineOf(s.db)
	if err := query.New(tx.Queued()).TakeTurn(ctx); err != nil {
		return 0, err
	}
	if err := e.each(ctx, tx, e.apart); err != nil {
		return 0, err
	}
	drop := new(db.Statement)
	drop.Add("DELETE FROM search_doc WHERE doc IN (SELECT d.doc FROM search_doc d WHERE ")
	drop.In("d.issue_id", issueIDs)
	drop.Limit(room)
	drop.Add(")")
	n, err := drop.Exec(ctx, tx)
	if err != nil {
		return 0, err
	}
	return n, e.each(ctx, tx, e.together)
}

func (e engine) each(ctx context.Context, tx *db.Tx, statements []string) error {
	for _, text := range statements {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

const postgresUnshelve = `DELETE FROM search_shelf WHERE project_id = $1 AND shelf IN (
	SELECT shelf FROM search_shelf WHERE project_id = $1 ORDER BY shelf LIMIT CAST($2 AS BIGINT))`

// Purge removes the shelves of a deleted project, whose issues are gone: with the turn, so
// that nobody is about to put one of them there. Register it with project.OnPurge, after
// the issues.
func (s *Service) Purge(ctx context.Context, projectID string) (err error) {
	defer errs.Wrap(&err, "search.Purge(%s)", projectID)
	if s.db.Engine() == "sqlite" {
		return nil
	}
	return db.Batches(ctx, s.db, struct{}{}, func(tx *db.Tx, at struct{}) (_ struct{}, more bool, err error) {
		if err := query.New(tx.Queued()).TakeTurn(ctx); err != nil {
			return at, false, err
		}
		done, err := tx.ExecContext(ctx, postgresUnshelve, projectID, db.BatchRows)
		if err != nil {
			return at, false, err
		}
		n, err := done.RowsAffected()
		return at, n == db.BatchRows, err
	})
}

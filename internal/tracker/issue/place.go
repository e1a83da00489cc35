package issue

import (
	"context"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue/query"
)

// Spot is a place on a board.
type Spot struct{ StatusID, Rank string }

// Ranked is an issue, by its id, and the rank that it gets.
type Ranked struct{ ID, Rank string }

// Placed is an issue after a change, and those that made room for it.
type Placed struct {
	Issue
	Others []Header `json:"others,omitempty" nullable:"false" doc:"issues beside it whose rank had to change, too; seldom there"`
}

// Place puts an issue where find says, which runs inside the transaction and is told
// where the issue stands. To make room find may give other issues of the project new
// ranks: their versions grow, but nobody has updated them.
// Errors are those of Update, and of find.
func (s *Service) Place(ctx context.Context, by account.Actor, tx string, key Key, version *int64,
	find func(ctx context.Context, c db.Conn, projectID, id string, from Spot) (Spot, []Ranked, error),
) (_ Placed, err error) {
	defer errs.Wrap(&err, "issue.Place(%s)", key)
	return s.change(ctx, by, tx, key, version, func(ctx context.Context, tx *live.Tx, row query.Issue) (query.Issue, []Ranked, error) {
		to, others, err := find(ctx, tx, row.ProjectID, row.ID, Spot{row.StatusID, row.Rank})
		row.StatusID, row.Rank = to.StatusID, to.Rank
		return row, others, err
	})
}

// rerank comes after the change of the issue itself: by the first row that a mutation
// records, it is recognised when it is sent again.
func (s *Service) rerank(ctx context.Context, tx *live.Tx, by account.Actor, moved query.EnterIssueRow, others []Ranked) (made []Header, err error) {
	q := query.New(tx)
	for _, o := range others {
		row, err := q.GetIssue(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		old := issue(row, moved.ProjectKey)
		row, err = q.Rerank(ctx, query.RerankParams{ID: o.ID, Rank: o.Rank, ProjectID: moved.Issue.ProjectID, Actor: by.ID})
		if err != nil {
			return nil, err
		}
		i := issue(row, moved.ProjectKey)
		if err := tx.Record(entity, o.ID, old, i); err != nil {
			return nil, err
		}
		if err := s.Written.Publish(ctx, tx, Written{ProjectID: row.ProjectID, Before: &old, Issue: i}); err != nil {
			return nil, err
		}
		made = append(made, i.Header)
	}
	return made, nil
}

package search

import (
	"context"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// lastID sorts after every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// walk looks at every text once, from the newest on, whether the index has it. It begins
// anew when the program does, so it need not remember how far it came.
type walk struct {
	before string // it has looked at all that are younger
	done   bool
}

func newWalk() *walk { return &walk{before: lastID} }

func (w *walk) over() bool { return w.done }

// Fill brings all into the index that it lacks.
func (s *Service) Fill(ctx context.Context) error {
	for w := newWalk(); !w.over(); {
		if err := s.step(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// step looks at the next few. On an error it has not moved.
func (s *Service) step(ctx context.Context, w *walk) error {
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.WalkIssuesRow, error) {
		return query.New(c).WalkIssues(ctx, query.WalkIssuesParams{Before: w.before, N: maxBatch})
	})
	if err != nil {
		return err
	}
	var lacking []text
	for _, row := range rows {
		if row.Form < form {
			lacking = append(lacking, text{issueID: row.ID})
		}
	}
	for len(lacking) > 0 {
		texts, _, err := s.read(ctx, lacking)
		if err != nil {
			return err
		}
		if err := s.put(ctx, texts); err != nil {
			return err
		}
		lacking = lacking[len(texts):]
	}
	if len(rows) > 0 {
		w.before = rows[len(rows)-1].ID
	}
	w.done = len(rows) < maxBatch
	return nil
}

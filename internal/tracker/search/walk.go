package search

import (
	"cmp"
	"context"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// lastID sorts after every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// walk looks at every text once, from the newest on, whether the index has it: at the
// issues, then at the comments. It begins anew when the program does, so it need not
// remember how far it came.
type walk struct {
	before string // it has looked at all that are younger
	stage  int    // the kind of texts, of walks()
}

func newWalk() *walk { return &walk{before: lastID} }

func (w *walk) over() bool { return w.stage == len(walks()) }

// walked is a text that a walk has come to.
type walked struct {
	text
	form int64 // 0 where the index lacks it
}

func walks() []func(context.Context, *query.Queries, string) ([]walked, error) {
	return []func(context.Context, *query.Queries, string) ([]walked, error){
		func(ctx context.Context, q *query.Queries, before string) ([]walked, error) {
			rows, err := q.WalkIssues(ctx, query.WalkIssuesParams{Before: before, N: maxBatch})
			all := make([]walked, len(rows))
			for i, row := range rows {
				all[i] = walked{text{issueID: row.ID}, row.Form}
			}
			return all, err
		},
		func(ctx context.Context, q *query.Queries, before string) ([]walked, error) {
			rows, err := q.WalkComments(ctx, query.WalkCommentsParams{Before: before, N: maxBatch})
			all := make([]walked, len(rows))
			for i, row := range rows {
				all[i] = walked{text{issueID: row.IssueID, commentID: row.ID}, row.Form}
			}
			return all, err
		},
	}
}

// Fill brings all into the index that it lacks.
func (s *Service) Fill(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "search.Fill")
	for w := newWalk(); !w.over(); {
		if err := s.step(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// step looks at the next few. On an error it has not moved, nor when it was overtaken.
func (s *Service) step(ctx context.Context, w *walk) error {
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]walked, error) {
		return walks()[w.stage](ctx, query.New(c), w.before)
	})
	if err != nil {
		return err
	}
	var lacking []text
	for _, row := range rows {
		if row.form < form {
			lacking = append(lacking, row.text)
		}
	}
	for len(lacking) > 0 {
		texts, _, err := s.read(ctx, lacking)
		if err != nil {
			return err
		}
		switch err := s.put(ctx, texts); {
		case overtaken(err):
			return nil
		case err != nil:
			return err
		}
		lacking = lacking[len(texts):]
	}
	if len(rows) < maxBatch {
		w.stage, w.before = w.stage+1, lastID
		return nil
	}
	last := rows[len(rows)-1]
	w.before = cmp.Or(last.commentID, last.issueID)
	return nil
}

package search

import (
	"cmp"
	"context"
	"slices"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// lastID sorts after every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// walk looks at every text once, from the newest on, whether the index has it. Issues and
// comments are one row of texts: their ids say when each was written. It begins anew when
// the program does, so it need not remember how far it came.
type walk struct {
	before string // it has looked at all that are younger
	done   bool
}

func newWalk() *walk { return &walk{before: lastID} }

func (w *walk) over() bool { return w.done }

// walked is a text that a walk has come to.
type walked struct {
	text
	form int64 // 0 where the index lacks it
}

// id is the text's own.
func (w walked) id() string { return cmp.Or(w.commentID, w.issueID) }

// older returns the newest texts before an id, as many as a batch has.
func older(ctx context.Context, c db.Conn, before string) ([]walked, error) {
	issues, err := query.New(c).WalkIssues(ctx, query.WalkIssuesParams{Before: before, N: maxBatch})
	if err != nil {
		return nil, err
	}
	comments, err := query.New(c).WalkComments(ctx, query.WalkCommentsParams{Before: before, N: maxBatch})
	if err != nil {
		return nil, err
	}
	all := make([]walked, 0, len(issues)+len(comments))
	for _, row := range issues {
		all = append(all, walked{text{issueID: row.ID}, row.Form})
	}
	for _, row := range comments {
		all = append(all, walked{text{issueID: row.IssueID, commentID: row.ID}, row.Form})
	}
	slices.SortFunc(all, func(a, b walked) int { return cmp.Compare(b.id(), a.id()) })
	return all[:min(len(all), maxBatch)], nil
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
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]walked, error) { return older(ctx, c, w.before) })
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
		w.done = true
		return nil
	}
	w.before = rows[len(rows)-1].id()
	return nil
}

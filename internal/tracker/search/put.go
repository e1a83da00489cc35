package search

import (
	"context"
	"errors"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// putSome holds the turn: of several nodes one changes the index at a time. NotFound: a
// text is gone, or its todo is, because another node has put it there.
//
// What needs an answer is asked first. The words come last, without a statement between
// that could fail by itself: FTS5 writes what it has gathered before each of those.
func (s *Service) putSome(ctx context.Context, tx *db.Tx, texts []text) (n int, err error) {
	if err := query.New(tx.Queued()).TakeTurn(ctx); err != nil {
		return 0, err
	}
	at, err := placesOf(ctx, tx, texts)
	if err != nil {
		return 0, err
	}
	docs := make([]int64, len(texts))
	for end := time.Now().Add(maxBatchTime / 2); n < len(texts) && time.Now().Before(end); n++ {
		if docs[n], err = at.place(ctx, tx, texts[n]); err != nil {
			return 0, err
		}
	}
	e := engineOf(s.db)
	for i, doc := range docs[:n] {
		if doc == 0 {
			continue
		}
		statement, args := e.put(doc, texts[i])
		if _, err := tx.Queued().ExecContext(ctx, statement, args...); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// places are the docs of texts that the index has, and both ends of it.
type places struct {
	known          map[[2]string]place
	oldest, newest int64
}

type place struct{ doc, form int64 }

func placesOf(ctx context.Context, tx *db.Tx, texts []text) (_ *places, err error) {
	s := new(db.Statement)
	s.Add("WITH wanted (issue_id, comment_id) AS (VALUES ")
	for i, t := range texts {
		if i > 0 {
			s.Add(", ")
		}
		s.Add("(?, ?)", t.issueID, t.commentID)
	}
	s.Add(`) SELECT d.issue_id, d.comment_id, d.doc, d.form
		FROM wanted JOIN search_doc d ON d.issue_id = wanted.issue_id AND d.comment_id = wanted.comment_id`)
	rows, err := tx.QueryContext(ctx, s.Text(), s.Args()...)
	if err != nil {
		return nil, err
	}
	p := &places{known: map[[2]string]place{}}
	for rows.Next() {
		var of [2]string
		var at place
		if err := rows.Scan(&of[0], &of[1], &at.doc, &at.form); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		p.known[of] = at
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	ends, err := query.New(tx).Ends(ctx)
	p.oldest, p.newest = ends.Oldest, ends.Newest
	return p, err
}

// place returns the doc under which the words of a text shall stand, 0 for nowhere. A text
// that is in the index keeps its place. One that was written just now is newer than all,
// and one that the index lacks older.
func (p *places) place(ctx context.Context, tx *db.Tx, t text) (doc int64, err error) {
	q := query.New(tx.Queued())
	for _, seq := range t.seqs {
		if err := q.DropTodo(ctx, seq); err != nil {
			return 0, err
		}
	}
	at, known := p.known[[2]string{t.issueID, t.commentID}]
	switch {
	case t.words == nil && known:
		return 0, query.New(tx).DropDoc(ctx, query.DropDocParams{IssueID: t.issueID, CommentID: t.commentID})
	case t.words == nil, known && at.form == form && len(t.seqs) == 0:
		return 0, nil
	case known && at.form == form:
		return at.doc, nil
	case known:
		return at.doc, q.SetForm(ctx, query.SetFormParams{Doc: at.doc, Form: form})
	case len(t.seqs) > 0:
		p.newest++
		doc = p.newest
	default:
		p.oldest--
		doc = p.oldest
	}
	return doc, q.AddDoc(ctx, query.AddDocParams{Doc: doc, IssueID: t.issueID, CommentID: t.commentID, Form: form})
}

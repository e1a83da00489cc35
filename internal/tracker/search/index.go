package search

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// A transaction of the index ends at whichever comes first, so that other writers do not
// notice it. So many bytes are read for it.
const (
	maxBatch     = 100
	maxBatchTime = 5 * time.Millisecond
	maxBatchRead = 1 << 20
)

const (
	pollEvery = 500 * time.Millisecond // for what other processes have written
	rest      = 10 * time.Millisecond  // how long others have the database to themselves, while the index is filled
	linger    = 50 * time.Millisecond  // how long the index waits for more, unless somebody searches
)

// todo says that a text has changed, or is gone.
func (s *Service) todo(ctx context.Context, tx *live.Tx, issueID, commentID string) error {
	err := query.New(tx.Queued()).AddTodo(ctx, query.AddTodoParams{IssueID: issueID, CommentID: commentID})
	tx.AfterCommit(s.index.add)
	return err
}

// text is what the index shall hold.
type text struct {
	issueID, commentID string
	seqs               []int64  // of the todo; none for a text that nobody has changed
	words              []string // nil: it is gone
}

// Run keeps the index up to date with what this process and others write, and fills it
// with what it lacks, until ctx ends.
func (s *Service) Run(ctx context.Context, logger *slog.Logger) {
	s.index.follow(true)
	defer s.index.follow(false)
	w := newWalk()
	for {
		err := s.CatchUp(ctx)
		if err == nil && !w.over() {
			err = s.step(ctx, w)
		}
		if err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "the search index is behind; it will be tried again", "error", err.Error())
		}
		pause := pollEvery
		if err == nil && !w.over() {
			pause = rest
		}
		if !s.index.await(ctx, pause) {
			return
		}
	}
}

// CatchUp brings all into the index that was written before.
func (s *Service) CatchUp(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "search.CatchUp")
	for {
		mark := s.index.added.Load()
		todo, all, err := s.readTodo(ctx)
		if err != nil {
			return err
		}
		if err := s.put(ctx, todo); err != nil {
			return err
		}
		if all {
			s.index.reached(mark)
			return nil
		}
	}
}

// readTodo returns the texts that were changed first, and whether these are all.
func (s *Service) readTodo(ctx context.Context) (texts []text, all bool, err error) {
	todo, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.SearchTodo, error) {
		return query.New(c).ListTodo(ctx, maxBatch)
	})
	if err != nil {
		return nil, false, err
	}
	places := map[[2]string]int{}
	for _, row := range todo {
		of := [2]string{row.IssueID, row.CommentID}
		at, ok := places[of]
		if !ok {
			at = len(texts)
			places[of] = at
			texts = append(texts, text{issueID: row.IssueID, commentID: row.CommentID})
		}
		texts[at].seqs = append(texts[at].seqs, row.Seq)
	}
	texts, cut, err := s.read(ctx, texts)
	return texts, len(todo) < maxBatch && !cut, err
}

// read takes the texts apart, outside of any transaction: whoever changes one meanwhile
// adds it to the todo again. It may stop before the last.
func (s *Service) read(ctx context.Context, texts []text) (_ []text, cut bool, err error) {
	size := 0
	for i := range texts {
		if size > maxBatchRead {
			return texts[:i], true, nil
		}
		n, err := s.readOne(ctx, &texts[i])
		if err != nil {
			return nil, false, err
		}
		size += n
	}
	return texts, false, nil
}

func (s *Service) readOne(ctx context.Context, t *text) (size int, err error) {
	i, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.ReadIssueRow, error) {
		return query.New(c).ReadIssue(ctx, t.issueID)
	})
	switch {
	case errs.Is(err, errs.NotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	t.words = indexed(i.ProjectID, i.Title, i.Alias, i.Description)
	return len(i.Title) + len(i.Description), nil
}

// put writes the texts, in as many transactions as it takes.
func (s *Service) put(ctx context.Context, texts []text) error {
	for len(texts) > 0 {
		n, err := db.Write(ctx, s.db, func(tx *db.Tx) (int, error) { return s.putSome(ctx, tx, texts) }) // at least one
		if err != nil {
			return err
		}
		texts = texts[n:]
	}
	return nil
}

// putSome holds the turn: of several nodes one changes the index at a time. So a text
// whose todo is gone was written by another, which has read it later.
//
// The words come last, without a statement between that could fail by itself: FTS5
// writes what it has gathered before each of those.
func (s *Service) putSome(ctx context.Context, tx *db.Tx, texts []text) (n int, err error) {
	if err := query.New(tx.Queued()).TakeTurn(ctx); err != nil {
		return 0, err
	}
	docs := make([]int64, len(texts))
	for end := time.Now().Add(maxBatchTime / 2); n < len(texts) && time.Now().Before(end); n++ {
		if docs[n], err = placed(ctx, tx, texts[n]); err != nil {
			return 0, err
		}
	}
	for i, doc := range docs[:n] {
		if doc == 0 {
			continue
		}
		if _, err := tx.Queued().ExecContext(ctx, s.engine.put, doc, s.engine.kept(doc, texts[i].words)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// placed returns the doc under which the words of a text shall stand, 0 for nowhere.
func placed(ctx context.Context, tx *db.Tx, t text) (doc int64, err error) {
	q := query.New(tx)
	dropped := int64(0)
	for _, seq := range t.seqs {
		n, err := q.DropTodo(ctx, seq)
		if err != nil {
			return 0, err
		}
		dropped += n
	}
	switch {
	case len(t.seqs) > 0 && dropped == 0:
		return 0, nil
	case t.words == nil:
		return 0, q.DropDoc(ctx, query.DropDocParams{IssueID: t.issueID, CommentID: t.commentID})
	case len(t.seqs) == 0:
		doc, err = q.PutOlder(ctx, query.PutOlderParams{IssueID: t.issueID, CommentID: t.commentID, Form: form})
	default:
		doc, err = q.PutNewer(ctx, query.PutNewerParams{IssueID: t.issueID, CommentID: t.commentID, Form: form})
	}
	if errors.Is(err, sql.ErrNoRows) { // gone, or nothing is to be done
		return 0, nil
	}
	return doc, err
}

// noText says that a text is not there any more.
func noText(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errs.From(err, errs.NotFound, "not there any more")
	}
	return err
}

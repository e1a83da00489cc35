package search

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
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
	patience  = 5 * time.Second        // how long it waits when the database does not take it
)

// issueWritten takes what changes an issue's words, which a move does not. An issue that
// is removed takes its texts, and its comments', along: the database sees to that.
func (s *Service) issueWritten(ctx context.Context, tx *live.Tx, w issue.Written) error {
	if w.Before != nil && w.Before.Title == w.Issue.Title && w.Before.Description == w.Issue.Description {
		return nil
	}
	return s.todo(ctx, tx, w.Issue.ID, "")
}

func (s *Service) commentWritten(ctx context.Context, tx *live.Tx, w comment.Written) error {
	return s.todo(ctx, tx, w.Comment.IssueID, w.Comment.ID)
}

// commentRemoved takes a comment out at once, and looks once more later: another node may
// be about to put it in. Several go with their issue.
func (s *Service) commentRemoved(ctx context.Context, tx *live.Tx, r comment.Removed) error {
	if len(r.IDs) != 1 {
		return nil
	}
	if err := query.New(tx).DropDoc(ctx, query.DropDocParams{IssueID: r.IssueID, CommentID: r.IDs[0]}); err != nil {
		return err
	}
	return s.todo(ctx, tx, r.IssueID, r.IDs[0])
}

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
		pause := pollEvery
		switch {
		case err != nil && ctx.Err() == nil:
			logger.WarnContext(ctx, "the search index is behind; it will be tried again", "error", err.Error())
			pause = patience
		case !w.over():
			pause = rest
		}
		if !s.index.await(ctx, pause, err == nil) {
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
		switch err := s.put(ctx, todo); {
		case overtaken(err):
			continue
		case err != nil:
			return err
		case all:
			s.index.reached(mark)
			return nil
		}
	}
}

// overtaken reports whether something has changed since it was read: another node has put
// it there, or it was removed. Read again, it is as it is by now.
func overtaken(err error) bool { return errs.Is(err, errs.NotFound) || errs.Is(err, errs.Conflict) }

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
	projectID, texts, err := s.written(ctx, *t)
	switch {
	case errs.Is(err, errs.NotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	t.words = indexed(projectID, texts...)
	return len(strings.Join(texts, "")), nil
}

// written is what somebody wrote. NotFound: it is gone.
func (s *Service) written(ctx context.Context, t text) (projectID string, texts []string, err error) {
	if t.commentID == "" {
		i, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.ReadIssueRow, error) {
			return query.New(c).ReadIssue(ctx, t.issueID)
		})
		return i.ProjectID, []string{i.Title, i.Alias, i.Description}, err
	}
	c, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.ReadCommentRow, error) {
		return query.New(c).ReadComment(ctx, query.ReadCommentParams{ID: t.commentID, IssueID: t.issueID})
	})
	return c.ProjectID, []string{c.Body}, err
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

// putSome holds the turn: of several nodes one changes the index at a time. NotFound: a
// text's todo is gone. Conflict: its issue is.
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
	e := engineOf(s.db)
	for i, doc := range docs[:n] {
		if doc == 0 {
			continue
		}
		if _, err := tx.Queued().ExecContext(ctx, e.put, doc, e.kept(doc, texts[i].words)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// placed returns the doc under which the words of a text shall stand, 0 for nowhere.
func placed(ctx context.Context, tx *db.Tx, t text) (doc int64, err error) {
	for _, seq := range t.seqs {
		if err := query.New(tx.Queued()).DropTodo(ctx, seq); err != nil {
			return 0, err
		}
	}
	q := query.New(tx)
	switch {
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

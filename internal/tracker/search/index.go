package search

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
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
	maxRead      = 25 // texts of one statement
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
	seqs               []int64 // of the todo; none for a text that nobody has changed
	projectID          string
	written            []string // until it is taken apart
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
	size, done := 0, 0
	for some := range slices.Chunk(texts, maxRead) {
		if size > maxBatchRead {
			return texts[:done], true, nil
		}
		n, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (int, error) { return readSome(ctx, c, some) })
		if err != nil {
			return nil, false, err
		}
		for i, t := range some {
			if t.written != nil {
				some[i].written, some[i].words = nil, indexed(t.projectID, t.written...)
			}
		}
		size, done = size+n, done+len(some)
	}
	return texts, false, nil
}

// What somebody wrote: whose it is, the project, and the texts.
const (
	issueWords = `SELECT issue.id, issue.project_id, issue.title,
		COALESCE((SELECT MIN(a.alias) FROM issue_alias a WHERE a.issue_id = issue.id), ''), issue.description
		FROM issue WHERE `
	commentWords = `SELECT comment.id, issue.project_id, '', '', comment.body
		FROM comment JOIN issue ON issue.id = comment.issue_id WHERE `
)

// readSome reads what is written in the texts; in those that are gone nothing is.
func readSome(ctx context.Context, c db.Conn, texts []text) (size int, err error) {
	var issues, comments []string
	places := map[string]int{}
	for i, t := range texts {
		places[cmp.Or(t.commentID, t.issueID)] = i
		if t.commentID != "" {
			comments = append(comments, t.commentID)
		} else {
			issues = append(issues, t.issueID)
		}
	}
	keep := func(id, projectID string, written ...string) {
		t := &texts[places[id]]
		t.projectID, t.written = projectID, written
		for _, text := range written {
			size += len(text)
		}
	}
	return size, errors.Join(
		readWords(ctx, c, issueWords, "issue.id", issues, keep),
		readWords(ctx, c, commentWords, "comment.id", comments, keep))
}

func readWords(ctx context.Context, c db.Conn, text, column string, ids []string, keep func(id, projectID string, written ...string)) (err error) {
	if len(ids) == 0 {
		return nil
	}
	s := new(db.Statement)
	s.Add(text)
	s.In(column, ids)
	rows, err := c.QueryContext(ctx, s.Text(), s.Args()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, projectID, title, alias, body string
		if err := rows.Scan(&id, &projectID, &title, &alias, &body); err != nil {
			return err
		}
		keep(id, projectID, title, alias, body)
	}
	return rows.Err()
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

package comment

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment/query"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

var (
	errNoComment = errs.New(errs.NotFound, "no such comment")
	errNoIssue   = errs.New(errs.NotFound, "no such issue")
	errNotAuthor = errs.New(errs.Forbidden, "only its author changes a comment; maintainers may remove it")
)

// entered is a comment and what the actor may do there.
type entered struct {
	Comment   Comment
	projectID string
	role      project.Role
}

// enter returns the comment with the id.
// NotFound: there is none that the actor, and their token, may see.
func enter(ctx context.Context, c db.Conn, by account.Actor, id string) (entered, error) {
	row, err := query.New(c).EnterComment(ctx, query.EnterCommentParams{Actor: by.ID, ID: id})
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !by.May(project.Scope(row.ProjectID)):
		return entered{}, errNoComment
	case err != nil:
		return entered{}, err
	}
	of := issue.Key{Project: row.ProjectKey, Number: row.Number}
	return entered{comment(row.Comment, of), row.ProjectID, project.Role(row.Role)}, nil
}

// enterIssue returns the issue with the key. NotFound: there is none that the actor,
// and their token, may see. Forbidden: their role is below need.
func enterIssue(ctx context.Context, c db.Conn, by account.Actor, key issue.Key, need project.Role) (query.EnterIssueRow, error) {
	row, err := query.New(c).EnterIssue(ctx, query.EnterIssueParams{Actor: by.ID, Number: key.Number, ProjectKey: key.Project})
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !by.May(project.Scope(row.ProjectID)):
		return row, errNoIssue
	case err != nil:
		return row, err
	}
	return row, project.Role(row.Role).Require(need)
}

// again answers a mutation that was sent again. Conflict: its id was used for something
// else.
func (s *Service) again(ctx context.Context, by account.Actor, op live.Op, seen *live.Change) (Comment, error) {
	if !seen.Did(op, entity, "") {
		return Comment{}, live.ErrOtherMutation
	}
	return s.Get(ctx, by, seen.ID)
}

// removedBefore reports whether the mutation is one that has removed the comment. Its
// project cannot be told any more: it is one of the actor's.
func (s *Service) removedBefore(ctx context.Context, by account.Actor, tx, id string) bool {
	if tx == "" {
		return false
	}
	scopes, err := s.projects.Scopes(ctx, by)
	if err != nil {
		return false
	}
	seen, err := s.log.Find(ctx, live.Mutation{Scopes: scopes, Actor: by.ID, Tx: tx})
	return err == nil && seen != nil && seen.Entity == entity && seen.ID == id && seen.Op == live.Delete
}

// noIssue says of a project that is not found what was asked for: the issue.
func noIssue(err error) error {
	if errs.Is(err, errs.NotFound) {
		return errNoIssue
	}
	return err
}

func comment(row query.Comment, of issue.Key) Comment {
	return Comment{
		ID: row.ID, IssueID: row.IssueID, IssueKey: of.String(), AuthorID: row.AuthorID, Body: row.Body,
		CreatedAt: at(row.CreatedAt), UpdatedAt: at(row.UpdatedAt), Version: row.Version,
	}
}

func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

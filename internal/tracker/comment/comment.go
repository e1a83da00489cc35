// Package comment keeps what people write about issues.
//
// Who may see an issue reads its comments; members and above write them. A comment is
// changed by its author only. Its author removes it, too, and so do maintainers and
// owners. To everybody else it does not exist. What somebody wrote stays when they
// leave the project, and when they are deleted.
//
// A long text is replaced as a whole: who changes one names the version that they
// read, and is refused when the comment has another.
//
// Every change is recorded in the scope project:<id>. Snapshots hold no comments: they
// are read issue by issue, and deltas keep them current. A comment goes with its issue,
// as an issue goes with its project: the log tells of the issue only.
package comment

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/event"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment/query"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Migrations creates the slice's table.
//
//go:embed migrations
var Migrations embed.FS

// MaxBody bounds a comment, in characters, and MaxPage a page, in comments.
const (
	MaxBody = 50_000
	MaxPage = 200
)

// entity is what the change log calls a comment.
const entity = "comment"

// lastID sorts after every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// Comment is a comment in its API form, which is also what the change log records.
type Comment struct {
	ID        string    `json:"id" format:"uuid"`
	IssueID   string    `json:"issueId" format:"uuid"`
	IssueKey  string    `json:"issueKey" doc:"the issue's key, like MESOS-12"`
	AuthorID  string    `json:"authorId" format:"uuid"`
	Body      string    `json:"body" doc:"Markdown"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt" doc:"when it was edited last"`
	Version   int64     `json:"version" doc:"grows by one with every edit; above 1: it was edited"`
}

// Range says which comments of an issue a list holds.
type Range struct {
	Newest bool   // the newest first, instead of the oldest
	After  string // the id of the comment that it goes on after, "" for the beginning
	Limit  int    // 1 to MaxPage
}

// Written says that a comment was made or changed.
type Written struct {
	ProjectID string
	Comment   Comment
}

// Removed says that comments were removed: one, or all of an issue with it.
type Removed struct {
	ProjectID string
	IssueID   string
	IDs       []string
}

// Service keeps the comments.
type Service struct {
	// Written and Removed are published in the transaction.
	Written *event.Topic[Written]
	Removed *event.Topic[Removed]

	db       *db.DB
	log      *live.Log
	projects *project.Service
}

// New returns the service on a database and its change log.
func New(d *db.DB, log *live.Log, projects *project.Service, issues *issue.Service) *Service {
	s := &Service{Written: new(event.Topic[Written]), Removed: new(event.Topic[Removed]), db: d, log: log, projects: projects}
	issues.Removed.Subscribe(s.goAlong)
	issues.OnPurge(purge)
	return s
}

// Create adds a comment to the issue with the key.
// NotFound: there is no issue that the actor may see. Forbidden: they are a viewer.
// Invalid: the body is blank or too long.
func (s *Service) Create(ctx context.Context, by account.Actor, tx string, key issue.Key, body string) (_ Comment, err error) {
	defer errs.Wrap(&err, "comment.Create(%s)", key)
	if _, err := s.projects.Find(ctx, by, key.Project); err != nil {
		return Comment{}, noIssue(err)
	}
	if err := checked(body); err != nil {
		return Comment{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	made, seen, err := project.Write(ctx, s.projects, s.log, by, tx, key.Project, func(tx *live.Tx, projectID string) (Comment, error) {
		c, err := create(ctx, tx, by, key, projectID, id, body)
		if err != nil {
			return Comment{}, err
		}
		return c, s.written(ctx, tx, projectID, nil, c)
	})
	if err == nil && seen != nil {
		if made, err = s.again(ctx, by, live.Create, seen); err == nil && made.IssueKey != key.String() {
			err = live.ErrOtherMutation
		}
	}
	return made, noIssue(err)
}

// create inserts the row, which finds the issue and asks for the role by itself. Only
// when it does not, the reason is looked for.
func create(ctx context.Context, tx *live.Tx, by account.Actor, key issue.Key, projectID, id, body string) (Comment, error) {
	issueID, err := query.New(tx).CreateComment(ctx, query.CreateCommentParams{
		ID: id, Body: body, Now: tx.Micros(), ProjectKey: key.Project, ProjectID: projectID, Number: key.Number, Actor: by.ID,
	})
	if errors.Is(err, sql.ErrNoRows) {
		if _, why := enterIssue(ctx, tx, by, key, project.Member); why != nil {
			return Comment{}, why
		}
		return Comment{}, errNoIssue // the key is another project's now
	}
	now := at(tx.Micros())
	return Comment{
		ID: id, IssueID: issueID, IssueKey: key.String(), AuthorID: by.ID, Body: body, CreatedAt: now, UpdatedAt: now, Version: 1,
	}, err
}

// Get returns one comment. NotFound: there is none that the actor may see.
func (s *Service) Get(ctx context.Context, by account.Actor, id string) (_ Comment, err error) {
	defer errs.Wrap(&err, "comment.Get(%s)", id)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Comment, error) {
		row, err := enter(ctx, c, by, id)
		return row.Comment, err
	})
}

// List returns the comments of an issue in a range, and whether there are more after
// them. NotFound: there is no issue that the actor may see. Invalid: the range's limit
// is not between 1 and MaxPage.
func (s *Service) List(ctx context.Context, by account.Actor, key issue.Key, r Range) (page []Comment, more bool, err error) {
	defer errs.Wrap(&err, "comment.List(%s)", key)
	if r.Limit < 1 || r.Limit > MaxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	page, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Comment, error) {
		of, err := enterIssue(ctx, c, by, key, project.Viewer)
		if err != nil {
			return nil, err
		}
		rows, err := r.read(ctx, c, of.ID)
		all := make([]Comment, 0, len(rows))
		for _, row := range rows {
			all = append(all, comment(row, key))
		}
		return all, err
	})
	if more = len(page) > r.Limit; more {
		page = page[:r.Limit]
	}
	return page, more, err
}

// read returns the rows, and one more if there is one.
func (r Range) read(ctx context.Context, c db.Conn, issueID string) ([]query.Comment, error) {
	n := int64(r.Limit) + 1
	if !r.Newest {
		return query.New(c).ListComments(ctx, query.ListCommentsParams{IssueID: issueID, After: r.After, N: n})
	}
	return query.New(c).ListCommentsBack(ctx, query.ListCommentsBackParams{IssueID: issueID, Before: cmp.Or(r.After, lastID), N: n})
}

// Update replaces a comment's body. The same body again leaves the version alone.
// NotFound, Invalid: as in Create. Forbidden: the actor is a viewer, or it is
// somebody else's. Conflict: the comment has another version; the error carries it as
// it is now.
func (s *Service) Update(ctx context.Context, by account.Actor, tx, id string, version int64, body *string) (_ Comment, err error) {
	defer errs.Wrap(&err, "comment.Update(%s)", id)
	changed, seen, err := s.change(ctx, by, tx, id, func(tx *live.Tx, found entered) (Comment, error) {
		old := found.Comment
		switch {
		case old.AuthorID != by.ID:
			return Comment{}, errNotAuthor
		case version != old.Version:
			return Comment{}, errs.Stale(old)
		case body == nil || *body == old.Body:
			return old, nil
		}
		if err := checked(*body); err != nil {
			return Comment{}, err
		}
		c := old
		c.Body, c.UpdatedAt, c.Version = *body, at(tx.Micros()), old.Version+1
		err := query.New(tx.Queued()).UpdateComment(ctx, query.UpdateCommentParams{
			Body: c.Body, Now: tx.Micros(), ID: id, Version: old.Version, Actor: by.ID,
		})
		if err != nil {
			return Comment{}, err
		}
		return c, s.written(ctx, tx, found.projectID, &old, c)
	})
	if err == nil && seen != nil {
		if changed, err = s.again(ctx, by, live.Update, seen); err == nil && changed.ID != id {
			err = live.ErrOtherMutation
		}
	}
	return changed, err
}

// Delete removes a comment. NotFound: there is none that the actor may see. Forbidden:
// it is somebody else's, and the actor no maintainer; or they are a viewer.
func (s *Service) Delete(ctx context.Context, by account.Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "comment.Delete(%s)", id)
	_, seen, err := s.change(ctx, by, tx, id, func(tx *live.Tx, found entered) (Comment, error) {
		old := found.Comment
		if old.AuthorID != by.ID && !found.role.May(project.Maintainer) {
			return Comment{}, errNotAuthor
		}
		err := query.New(tx.Queued()).DeleteComment(ctx, query.DeleteCommentParams{ID: id, Actor: by.ID})
		if err != nil {
			return Comment{}, err
		}
		if err := tx.Record(entity, id, old, nil); err != nil {
			return Comment{}, err
		}
		return Comment{}, s.Removed.Publish(ctx, tx, Removed{ProjectID: found.projectID, IssueID: old.IssueID, IDs: []string{id}})
	})
	switch {
	case errs.Is(err, errs.NotFound) && s.removedBefore(ctx, by, tx, id):
		return nil
	case err == nil && seen != nil && !seen.Did(live.Delete, entity, id):
		return live.ErrOtherMutation
	}
	return err
}

// change runs a mutation of one comment, for whoever may write in its project. It stays
// in that project as long as it is there.
func (s *Service) change(ctx context.Context, by account.Actor, tx, id string,
	fn func(tx *live.Tx, found entered) (Comment, error),
) (c Comment, seen *live.Change, err error) {
	before, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (entered, error) { return enter(ctx, c, by, id) })
	if err != nil {
		return Comment{}, nil, err
	}
	m := live.Mutation{Scopes: []string{project.Scope(before.projectID)}, Actor: by.ID, Tx: tx}
	return live.Write(ctx, s.log, m, func(tx *live.Tx) (Comment, error) {
		found, err := enter(ctx, tx, by, id)
		if err == nil {
			err = found.role.Require(project.Member)
		}
		if err != nil {
			return Comment{}, err
		}
		return fn(tx, found)
	})
}

// written records a comment as it is now; old is nil for a new one.
func (s *Service) written(ctx context.Context, tx *live.Tx, projectID string, old *Comment, c Comment) error {
	var before any
	if old != nil {
		before = *old
	}
	if err := tx.Record(entity, c.ID, before, c); err != nil {
		return err
	}
	return s.Written.Publish(ctx, tx, Written{ProjectID: projectID, Comment: c})
}

// goAlong says which comments are removed with their issue.
func (s *Service) goAlong(ctx context.Context, tx *live.Tx, gone issue.Removed) error {
	if !s.Removed.Heard() {
		return nil
	}
	ids, err := query.New(tx).ListIDs(ctx, gone.Issue.ID)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.Removed.Publish(ctx, tx, Removed{ProjectID: gone.ProjectID, IssueID: gone.Issue.ID, IDs: ids})
}

// checked refuses a body that is not kept.
func checked(body string) error {
	switch {
	case blank.Is(body):
		return errs.Field("body.body", "a comment needs a text")
	case utf8.RuneCountInString(body) > MaxBody:
		return errs.Field("body.body", "at most %d characters", MaxBody)
	}
	return nil
}

// Package issue keeps the issues of projects: what is to be done, its state, how
// urgent it is, whose it is and how much effort it takes.
//
// Who may see a project reads its issues; members and above write them. To
// everybody else an issue does not exist. Issues are numbered 1, 2, 3… in their
// project, and a number is never handed out twice.
//
// An issue stands in the column of its status at its rank, a fractional index. One
// that enters a column without a named place stands first, where it is seen;
// imported ones stand last, in their order. Moving to a place is tracker/board's,
// through Place.
//
// Every change is recorded in the scope project:<id>. Fields merge, the last writer
// of each wins; an edit that names a version is refused when the issue has another.
package issue

import (
	"cmp"
	"context"
	"embed"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/event"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/rank"
	"github.com/peisear/peisear/internal/tracker/issue/query"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// entity is what the change log calls an issue.
const entity = "issue"

// Priority says how urgent an issue is.
type Priority string

// The priorities, from the least urgent on.
const (
	Low    Priority = "low"
	Medium Priority = "medium"
	High   Priority = "high"
	Urgent Priority = "urgent"
)

func (p Priority) known() bool { return p == Low || p == Medium || p == High || p == Urgent }

// Header is an issue without its description: what lists, boards and snapshots hold.
type Header struct {
	ID         string    `json:"id" format:"uuid"`
	Key        string    `json:"key" doc:"the project's key and the number, like MESOS-12"`
	Number     int64     `json:"number"`
	Title      string    `json:"title"`
	StatusID   string    `json:"statusId" format:"uuid"`
	Priority   Priority  `json:"priority" enum:"low,medium,high,urgent"`
	AssigneeID *string   `json:"assigneeId" format:"uuid"`
	Effort     *float64  `json:"effort" doc:"points, in steps of 0.001; null: not estimated"`
	ParentID   *string   `json:"parentId" format:"uuid"`
	DueOn      *string   `json:"dueOn" format:"date"`
	Rank       string    `json:"rank" doc:"a fractional index: the order within the column, compared byte by byte"`
	AuthorID   string    `json:"authorId" format:"uuid"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Version    int64     `json:"version" doc:"grows by one with every change"`
}

// Issue is an issue in its API form, which is also what the change log records.
type Issue struct {
	Header
	Description string `json:"description" doc:"Markdown"`
}

// Edit changes a draft. It may run more than once.
type Edit func(*Draft)

// Written says that an issue was made or changed.
type Written struct {
	ProjectID string
	Before    *Issue // nil for a new one
	Issue     Issue
}

// Removed says that an issue is being removed, with what hangs on it: its rows are
// still there.
type Removed struct {
	ProjectID string
	Issue     Issue
}

// Service keeps the issues.
type Service struct {
	// Written and Removed are published in the transaction.
	Written *event.Topic[Written]
	Removed *event.Topic[Removed]

	db       *db.DB
	log      *live.Log
	projects *project.Service
	purgers  []func(ctx context.Context, tx *db.Tx, issueIDs []string, room int) (int, error)
}

// New returns the service on a database and its change log. Issues of a member who
// leaves a project are nobody's from then on.
func New(d *db.DB, log *live.Log, projects *project.Service) *Service {
	s := &Service{Written: new(event.Topic[Written]), Removed: new(event.Topic[Removed]), db: d, log: log, projects: projects}
	projects.Left.Subscribe(s.unassign)
	projects.OnPurge(s.purge)
	return s
}

// Create makes an issue. Without a status it gets the project's first open one.
// NotFound: there is no project that the actor may see. Forbidden: they are a
// viewer. Invalid: a field is beyond its limits or names something absent.
func (s *Service) Create(ctx context.Context, by account.Actor, tx, projectKey string, d Draft) (_ Issue, err error) {
	defer errs.Wrap(&err, "issue.Create(%s)", projectKey)
	projectKey = strings.ToUpper(projectKey)
	if _, err := s.projects.Find(ctx, by, projectKey); err != nil {
		return Issue{}, err
	}
	if d, err = d.checked(); err != nil {
		return Issue{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	i, seen, err := project.Write(ctx, s.projects, s.log, by, tx, projectKey, func(tx *live.Tx, projectID string) (Issue, error) {
		c, err := enterColumn(ctx, tx, by, projectKey, projectID, d)
		if err != nil {
			return Issue{}, err
		}
		at, err := rank.Between("", c.FirstRank)
		if err != nil {
			return Issue{}, err
		}
		d := d
		d.StatusID = c.StatusID
		if err := d.hasParent(ctx, query.New(tx), c.ID, ""); err != nil {
			return Issue{}, err
		}
		if err := takeNumbers(ctx, tx, by, c.ID, c.LastNumber+1); err != nil {
			return Issue{}, err
		}
		return s.insert(ctx, tx, by, place{c.ID, c.ProjectKey, c.LastNumber + 1, at}, id, d)
	})
	switch {
	case err != nil || seen == nil:
		return i, err
	case !seen.Did(live.Create, entity, ""):
		return Issue{}, live.ErrOtherMutation
	}
	return s.byID(ctx, by, projectKey, seen.ID)
}

// place is where a new issue stands.
type place struct {
	projectID, projectKey string
	number                int64
	rank                  string
}

// insert makes the row.
func (s *Service) insert(ctx context.Context, tx *live.Tx, by account.Actor, p place, id string, d Draft) (Issue, error) {
	row := d.onto(query.Issue{
		ID: id, ProjectID: p.projectID, Number: p.number, Rank: p.rank, AuthorID: by.ID,
		Version: 1, CreatedAt: tx.Micros(), UpdatedAt: tx.Micros(),
	})
	err := query.New(tx.Queued()).CreateIssue(ctx, query.CreateIssueParams{
		ID: id, Number: row.Number, Title: row.Title, TitleFolded: fold.Key(row.Title), Description: row.Description,
		StatusID: row.StatusID, Priority: row.Priority, AssigneeID: row.AssigneeID, Effort: row.Effort,
		ParentID: row.ParentID, DueOn: row.DueOn, Rank: row.Rank, Now: row.CreatedAt, ProjectID: row.ProjectID, Actor: by.ID,
	})
	if err != nil {
		return Issue{}, err
	}
	i := issue(row, p.projectKey)
	if err := tx.Record(entity, id, nil, i); err != nil {
		return Issue{}, err
	}
	return i, s.Written.Publish(ctx, tx, Written{ProjectID: p.projectID, Issue: i})
}

// takeNumbers keeps what was handed out, up to last.
func takeNumbers(ctx context.Context, tx *live.Tx, by account.Actor, projectID string, last int64) error {
	return query.New(tx.Queued()).TakeNumbers(ctx, query.TakeNumbersParams{Last: last, ProjectID: projectID, Actor: by.ID})
}

// Get returns one issue. NotFound: there is none that the actor may see.
func (s *Service) Get(ctx context.Context, by account.Actor, key Key) (_ Issue, err error) {
	defer errs.Wrap(&err, "issue.Get(%s)", key)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Issue, error) {
		row, err := enter(ctx, c, by, key, project.Viewer)
		return issue(row.Issue, row.ProjectKey), err
	})
}

// Update changes an issue. An edit that changes nothing leaves the version alone.
// NotFound, Forbidden, Invalid: as in Create. Conflict: version is not nil, and the
// issue has another; the error carries the issue as it is now.
func (s *Service) Update(ctx context.Context, by account.Actor, tx string, key Key, version *int64, edit Edit) (_ Issue, err error) {
	defer errs.Wrap(&err, "issue.Update(%s)", key)
	changed, err := s.change(ctx, by, tx, key, version, func(ctx context.Context, tx *live.Tx, row query.Issue) (query.Issue, []Ranked, error) {
		old := draftOf(row)
		d := old
		edit(&d)
		d, err := d.checked()
		if err != nil || d.equal(old) {
			return row, nil, err
		}
		if err := d.since(old).refers(ctx, tx, row.ProjectID, row.ID); err != nil {
			return row, nil, err
		}
		if d.StatusID != row.StatusID {
			if row.Rank, err = top(ctx, tx, row.ProjectID, d.StatusID); err != nil {
				return row, nil, err
			}
		}
		return d.onto(row), nil, nil
	})
	return changed.Issue, err
}

// change runs a mutation of one issue: alter returns the row as it shall be, and the new
// ranks of others.
func (s *Service) change(ctx context.Context, by account.Actor, tx string, key Key, version *int64,
	alter func(ctx context.Context, tx *live.Tx, row query.Issue) (query.Issue, []Ranked, error),
) (Placed, error) {
	changed, seen, err := project.Write(ctx, s.projects, s.log, by, tx, key.Project, func(tx *live.Tx, projectID string) (Placed, error) {
		found, err := enterIn(ctx, tx, by, key, projectID)
		if err != nil {
			return Placed{}, err
		}
		old := issue(found.Issue, found.ProjectKey)
		if version != nil && *version != old.Version {
			return Placed{}, errs.Stale(old)
		}
		row, others, err := alter(ctx, tx, found.Issue)
		if err != nil || row == found.Issue && len(others) == 0 {
			return Placed{Issue: old}, err
		}
		i, err := s.replace(ctx, tx, by, old, found.Issue, row)
		if err != nil {
			return Placed{}, err
		}
		made, err := s.rerank(ctx, tx, by, found, others)
		return Placed{i, made}, err
	})
	if err == nil && seen != nil {
		changed.Issue, err = s.again(ctx, by, key, seen)
	}
	return changed, noIssue(err)
}

// again answers a mutation that was sent again. Conflict: its id was used for a
// mutation of another issue.
func (s *Service) again(ctx context.Context, by account.Actor, key Key, seen *live.Change) (Issue, error) {
	i, err := s.Get(ctx, by, key)
	if err == nil && (seen.Entity != entity || seen.ID != i.ID) {
		err = live.ErrOtherMutation
	}
	return i, err
}

// replace writes the row as it shall be over the one that was read in the transaction.
func (s *Service) replace(ctx context.Context, tx *live.Tx, by account.Actor, old Issue, was, row query.Issue) (_ Issue, err error) {
	q := query.New(tx.Queued())
	moved := was
	if moved.StatusID, moved.Rank = row.StatusID, row.Rank; moved == row {
		err = q.PlaceIssue(ctx, query.PlaceIssueParams{
			StatusID: row.StatusID, Rank: row.Rank, Now: tx.Micros(), ID: row.ID, Version: was.Version, Actor: by.ID,
		})
	} else {
		err = q.UpdateIssue(ctx, query.UpdateIssueParams{
			Title: row.Title, TitleFolded: fold.Key(row.Title), Description: row.Description, StatusID: row.StatusID,
			Priority: row.Priority, AssigneeID: row.AssigneeID, Effort: row.Effort, ParentID: row.ParentID, DueOn: row.DueOn,
			Rank: row.Rank, Now: tx.Micros(), ID: row.ID, Version: was.Version, Actor: by.ID,
		})
	}
	if err != nil {
		return Issue{}, err
	}
	row.Version, row.UpdatedAt = was.Version+1, tx.Micros()
	i := old.with(row)
	if err := tx.Record(entity, i.ID, old, i); err != nil {
		return Issue{}, err
	}
	return i, s.Written.Publish(ctx, tx, Written{ProjectID: row.ProjectID, Before: &old, Issue: i})
}

// Delete removes an issue; its sub-issues stay and have no parent any more.
// NotFound, Forbidden: as in Update.
func (s *Service) Delete(ctx context.Context, by account.Actor, tx string, key Key) (err error) {
	defer errs.Wrap(&err, "issue.Delete(%s)", key)
	_, seen, err := project.Write(ctx, s.projects, s.log, by, tx, key.Project, func(tx *live.Tx, projectID string) (struct{}, error) {
		found, err := enterIn(ctx, tx, by, key, projectID)
		if err != nil {
			return struct{}{}, err
		}
		gone := Removed{ProjectID: projectID, Issue: issue(found.Issue, found.ProjectKey)}
		if err := s.Removed.Publish(ctx, tx, gone); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.remove(ctx, tx, by, found)
	})
	if err == nil && seen != nil { // what it began with may be another issue's
		if _, err := s.Get(ctx, by, key); !errs.Is(err, errs.NotFound) {
			return cmp.Or(err, live.ErrOtherMutation)
		}
	}
	return noIssue(err)
}

func (s *Service) remove(ctx context.Context, tx *live.Tx, by account.Actor, found query.EnterIssueRow) error {
	q := query.New(tx)
	children, err := q.ListChildren(ctx, found.Issue.ID)
	if err != nil {
		return err
	}
	// The database would clear the column by itself, but say so to nobody.
	for _, child := range children {
		orphan := child
		orphan.ParentID = nil
		if _, err := s.replace(ctx, tx, by, issue(child, found.ProjectKey), child, orphan); err != nil {
			return err
		}
	}
	row, err := q.DeleteIssue(ctx, query.DeleteIssueParams{ID: found.Issue.ID, Actor: by.ID})
	if err != nil {
		return err
	}
	return tx.Record(entity, row.ID, issue(row, found.ProjectKey), nil)
}

// unassign takes the issues of somebody who leaves a project from them. An heir who is
// a member gets them.
func (s *Service) unassign(ctx context.Context, tx *live.Tx, d project.Departure) error {
	q := query.New(tx)
	key, err := q.ProjectKey(ctx, d.ProjectID)
	if err != nil {
		return err
	}
	rows, err := q.ListAssigned(ctx, query.ListAssignedParams{ProjectID: d.ProjectID, UserID: d.UserID})
	if err != nil {
		return err
	}
	for _, row := range rows {
		now, err := q.Unassign(ctx, query.UnassignParams{ID: row.ID, Heir: d.HeirID, Now: tx.Micros()})
		if err != nil {
			return err
		}
		before, i := issue(row, key), issue(now, key)
		if err := tx.RecordIn(project.Scope(d.ProjectID), entity, row.ID, before, i); err != nil {
			return err
		}
		if err := s.Written.Publish(ctx, tx, Written{ProjectID: d.ProjectID, Before: &before, Issue: i}); err != nil {
			return err
		}
	}
	return nil
}

// Package project keeps projects, the people in them and the statuses of their
// issues.
//
// A project belongs to its members. To everybody else, an admin of the instance
// included, it does not exist: whatever they ask about it is NotFound; but admins may
// list its name, and take it over when no active user owns it. A member's role says
// what they may do in it, each role all that the one before may:
//
//	viewer      read
//	member      write issues
//	maintainer  change the project, its members and statuses
//	owner       delete it
//
// Nobody grants more than they have themselves, and the last owner stays.
//
// Changes are recorded in the scope project:<id>, and each user's memberships in
// their own scope too, so that a browser learns of a project it did not know.
//
// Other slices enter a project through Enter, which answers who may do what, and
// may read the tables project and project_member in their own statements. They
// learn of a member's leaving through the topic Left, and remove what they have of a
// deleted project when OnPurge says so.
package project

import (
	"context"
	"embed"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/event"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// Limits, in characters and in rows.
const (
	MaxName        = 120
	MaxDescription = 10_000
	MaxPage        = 200
)

// keyForm is what a project's key looks like: 2 to 10 capital letters and digits,
// a letter first.
const keyForm = `^[A-Z][A-Z0-9]{1,9}$`

// Row is a project in the form that the change log records.
type Row struct {
	ID          string    `json:"id" format:"uuid"`
	Key         string    `json:"key"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Version     int64     `json:"version" doc:"grows by one with every change"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

// Project is a project as one member sees it.
type Project struct {
	Row
	Role Role `json:"role" enum:"owner,maintainer,member,viewer" doc:"the role of who is asking"`
}

// Draft is what a user writes.
type Draft struct {
	Key         string
	Name        string
	Description string
}

// Edit is a change to a project. A nil field stays as it is. Version, where it is
// given, is the one that the user saw.
type Edit struct {
	Name        *string
	Description *string
	Version     *int64
}

// Departure says that somebody has left a project.
type Departure struct {
	ProjectID string
	UserID    string
	HeirID    string // who takes over their work if they are a member, "" for nobody
}

// Service keeps the projects.
type Service struct {
	// Left is published when a member has left or was removed, in that transaction.
	Left *event.Topic[Departure]

	db      *db.DB
	log     *live.Log
	key     *regexp.Regexp
	queue   *job.Queue // nil: another process purges
	purgers []func(ctx context.Context, projectID string) error
	found   found
	granted granted
}

// New returns the service on a database and its change log.
func New(d *db.DB, log *live.Log) *Service {
	s := &Service{Left: new(event.Topic[Departure]), db: d, log: log, key: regexp.MustCompile(keyForm)}
	log.OnRegrant(s.granted.drop)
	return s
}

// Scope is the change log's scope of a project.
func Scope(id string) string { return "project:" + id }

// Create makes a project with its first statuses, and the actor its owner.
// Invalid: a field is beyond its limits. Conflict: the key is taken.
func (s *Service) Create(ctx context.Context, by account.Actor, tx string, d Draft) (_ Project, err error) {
	defer errs.Wrap(&err, "project.Create(%s)", d.Key)
	if d, err = s.checked(d); err != nil {
		return Project{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	m := live.Mutation{Scopes: []string{by.Scope(), Scope(id)}, Actor: by.ID, Tx: tx}
	p, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (Project, error) { return create(ctx, tx, by, id, d) })
	switch {
	case errs.Is(err, errs.Conflict):
		return p, errs.Taken("body.key", "the key %s is taken", d.Key)
	case err != nil || seen == nil:
		return p, err
	case !seen.Did(live.Create, "membership", ""):
		return Project{}, live.ErrOtherMutation
	}
	return s.byID(ctx, by, seen.ID)
}

// asked are the fields that an edit of a project asks for, as they would be kept.
func (s *Service) asked(p Project, e Edit) map[string]any {
	fields := map[string]any{"name": nil, "description": nil}
	d, err := s.checked(e.apply(p))
	if err != nil {
		return fields
	}
	if e.Name != nil {
		fields["name"] = d.Name
	}
	if e.Description != nil {
		fields["description"] = d.Description
	}
	return fields
}

func create(ctx context.Context, tx *live.Tx, by account.Actor, id string, d Draft) (Project, error) {
	q := query.New(tx)
	row, err := q.CreateProject(ctx, query.CreateProjectParams{
		ID: id, ProjectKey: d.Key, Name: d.Name, Description: d.Description, Now: tx.Micros(),
	})
	if err != nil {
		return Project{}, err
	}
	if _, err := q.CreateOwner(ctx, query.CreateOwnerParams{ProjectID: id, UserID: by.ID, Now: tx.Micros()}); err != nil {
		return Project{}, err
	}
	p := Project{Row: projectRow(row), Role: Owner}
	if err := tx.Record("membership", id, nil, membership{ID: id, Role: Owner}); err != nil {
		return Project{}, err
	}
	if err := tx.RecordIn(Scope(id), "project", id, nil, p.Row); err != nil {
		return Project{}, err
	}
	if err := tx.RecordIn(Scope(id), live.Member, by.ID, nil, memberRow{ID: by.ID, Role: Owner}); err != nil {
		return Project{}, err
	}
	return p, createStatuses(ctx, tx, by, id)
}

// Get returns one project. NotFound: there is none that the actor may see.
func (s *Service) Get(ctx context.Context, by account.Actor, key string) (_ Project, err error) {
	defer errs.Wrap(&err, "project.Get(%s)", key)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Project, error) {
		return Enter(ctx, c, by, key, Viewer)
	})
}

func (s *Service) byID(ctx context.Context, by account.Actor, id string) (Project, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Project, error) { return enterByID(ctx, c, by, id) })
}

// List returns up to limit of the actor's projects, as far as their token reaches, in
// the order of their keys, and whether there are more: those whose key comes after the
// given one.
// Invalid: limit is not between 1 and MaxPage.
func (s *Service) List(ctx context.Context, by account.Actor, after string, limit int) (page []Project, more bool, err error) {
	defer errs.Wrap(&err, "project.List(%s, %d)", after, limit)
	if limit < 1 || limit > MaxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	page, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Project, error) {
		if by.Limited() {
			return within(ctx, c, by, after)
		}
		rows, err := query.New(c).ListProjects(ctx, query.ListProjectsParams{Actor: by.ID, After: after, N: int64(limit) + 1})
		all := make([]Project, 0, len(rows))
		for _, row := range rows {
			all = append(all, Project{Row: projectRow(row.Project), Role: Role(row.Role)})
		}
		return all, err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

// Update changes a project. Forbidden: the actor is no maintainer. NotFound: there
// is none that the actor may see. Invalid: as in Create. Conflict: the edit names a
// version and the project has another; the error carries the project as it is now.
func (s *Service) Update(ctx context.Context, by account.Actor, tx, key string, e Edit) (_ Project, err error) {
	defer errs.Wrap(&err, "project.Update(%s)", key)
	p, err := s.enter(ctx, by, key, Maintainer)
	if err != nil {
		return Project{}, err
	}
	changed, seen, err := live.Write(ctx, s.log, mutation(by, tx, p.ID), func(tx *live.Tx) (Project, error) {
		old, err := Enter(ctx, tx, by, key, Maintainer)
		if err != nil {
			return Project{}, err
		}
		if e.Version != nil && *e.Version != old.Version {
			return Project{}, errs.Stale(old)
		}
		d, err := s.checked(e.apply(old))
		if err != nil || d == (Draft{old.Key, old.Name, old.Description}) {
			return old, err
		}
		row, err := query.New(tx).UpdateProject(ctx, query.UpdateProjectParams{
			ID: old.ID, Name: d.Name, Description: d.Description, Now: tx.Micros(), Actor: by.ID,
		})
		if err != nil {
			return Project{}, err
		}
		p := Project{Row: projectRow(row), Role: old.Role}
		return p, tx.Record("project", p.ID, old.Row, p.Row)
	})
	switch {
	case err != nil || seen == nil:
		return changed, err
	case !seen.Did(live.Update, "project", p.ID) || !seen.Fits(s.asked(p, e)):
		return Project{}, live.ErrOtherMutation
	}
	return s.Get(ctx, by, key)
}

// Delete removes a project with everything in it: from then on it is there for nobody, and
// its key is free. Its rows go soon after (Purge). Forbidden: the actor is no owner.
// NotFound: there is none that the actor may see.
func (s *Service) Delete(ctx context.Context, by account.Actor, tx, key string) (err error) {
	defer errs.Wrap(&err, "project.Delete(%s)", key)
	p, err := s.enter(ctx, by, key, Owner)
	if err != nil {
		if errs.Is(err, errs.NotFound) && s.endedBefore(ctx, by, tx, key, true) {
			return nil
		}
		return err
	}
	members, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.AllMembersRow, error) {
		return query.New(c).AllMembers(ctx, p.ID)
	})
	if err != nil {
		return err
	}
	m := live.Mutation{Scopes: []string{by.Scope(), Scope(p.ID)}, Actor: by.ID, Tx: tx}
	for _, member := range members {
		if member.UserID != by.ID {
			m.Scopes = append(m.Scopes, account.Actor{ID: member.UserID}.Scope())
		}
	}
	_, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (struct{}, error) { return struct{}{}, s.remove(ctx, tx, by, p.ID) })
	if err == nil && seen != nil && !seen.Did(live.Delete, "membership", p.ID) {
		err = live.ErrOtherMutation
	}
	return err
}

// endedBefore reports whether the mutation is one that has ended the actor's membership of
// the project: they left or, where it is gone, removed it, and see nothing of it since.
func (s *Service) endedBefore(ctx context.Context, by account.Actor, tx, key string, gone bool) bool {
	if tx == "" {
		return false
	}
	m := live.Mutation{Scopes: []string{by.Scope()}, Actor: by.ID, Tx: tx}
	_, seen, err := live.Write(ctx, s.log, m, func(*live.Tx) (struct{}, error) { return struct{}{}, nil })
	if err != nil || seen == nil || !seen.Did(live.Delete, "membership", "") {
		return false
	}
	id, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (string, error) {
		return query.New(c).FindByKey(ctx, strings.ToUpper(key))
	})
	if errs.Is(err, errs.NotFound) { // whoever was there can have left before
		return true
	}
	return err == nil && !gone && id == seen.ID
}

func mutation(by account.Actor, tx, projectID string) live.Mutation {
	return live.Mutation{Scopes: []string{Scope(projectID)}, Actor: by.ID, Tx: tx}
}

func projectRow(row query.Project) Row {
	return Row{
		ID: row.ID, Key: row.ProjectKey, Name: row.Name, Description: row.Description, Version: row.Version,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(), UpdatedAt: time.UnixMicro(row.UpdatedAt).UTC(),
	}
}

func (e Edit) apply(p Project) Draft {
	d := Draft{Key: p.Key, Name: p.Name, Description: p.Description}
	if e.Name != nil {
		d.Name = *e.Name
	}
	if e.Description != nil {
		d.Description = *e.Description
	}
	return d
}

// checked returns the draft as it is kept.
func (s *Service) checked(d Draft) (Draft, error) {
	d.Name = blank.Trim(d.Name)
	switch {
	case !s.key.MatchString(d.Key):
		return d, errs.Field("body.key", "expected 2 to 10 capital letters and digits, beginning with a letter")
	case d.Name == "":
		return d, errs.Field("body.name", "a project needs a name")
	case utf8.RuneCountInString(d.Name) > MaxName:
		return d, errs.Field("body.name", "at most %d characters", MaxName)
	case utf8.RuneCountInString(d.Description) > MaxDescription:
		return d, errs.Field("body.description", "at most %d characters", MaxDescription)
	}
	return d, nil
}

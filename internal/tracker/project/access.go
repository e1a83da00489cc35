package project

import (
	"context"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// Role is what a member may do in a project.
type Role string

// The roles; each may do all that the one before may.
const (
	Viewer     Role = "viewer"
	Member     Role = "member"
	Maintainer Role = "maintainer"
	Owner      Role = "owner"
)

var (
	errNoProject = errs.New(errs.NotFound, "no such project")
	errReadOnly  = errs.New(errs.Forbidden, "your role in this project does not allow this")
)

// level orders the roles. An unknown one may nothing.
func (r Role) level() int {
	switch r {
	case Viewer:
		return 1
	case Member:
		return 2
	case Maintainer:
		return 3
	case Owner:
		return 4
	}
	return 0
}

// May reports whether the role is enough where need is asked for.
func (r Role) May(need Role) bool { return r.level() >= need.level() }

// Require returns Forbidden when the role is not enough.
func (r Role) Require(need Role) error {
	if !r.May(need) {
		return errReadOnly
	}
	return nil
}

// Enter returns the project with the key as the actor sees it. It runs on any
// connection, so that a write checks inside its own transaction.
// NotFound: there is none that the actor, and their token, may see. Forbidden: their
// role is below need.
func Enter(ctx context.Context, c db.Conn, by account.Actor, key string, need Role) (Project, error) {
	row, err := query.New(c).EnterByKey(ctx, query.EnterByKeyParams{ProjectKey: strings.ToUpper(key), Actor: by.ID})
	if err != nil {
		return Project{}, noProject(err)
	}
	if !by.May(Scope(row.Project.ID)) {
		return Project{}, errNoProject
	}
	p := Project{Row: projectRow(row.Project), Role: Role(row.Role)}
	return p, p.Role.Require(need)
}

// enterByID is Enter for a viewer by the project's id.
func enterByID(ctx context.Context, c db.Conn, by account.Actor, id string) (Project, error) {
	row, err := query.New(c).EnterByID(ctx, query.EnterByIDParams{ID: id, Actor: by.ID})
	if err == nil && !by.May(Scope(row.Project.ID)) {
		err = errNoProject
	}
	if err != nil {
		return Project{}, noProject(err)
	}
	return Project{Row: projectRow(row.Project), Role: Role(row.Role)}, nil
}

// within returns the projects that a limited token names and its user is in, those
// with keys after the given one, in their order. A token names few.
func within(ctx context.Context, c db.Conn, by account.Actor, after string) ([]Project, error) {
	all := []Project{}
	for _, scope := range by.Grant.LogScopes {
		id, ok := strings.CutPrefix(scope, Scope(""))
		if !ok {
			continue
		}
		p, err := enterByID(ctx, c, by, id)
		switch {
		case errs.Is(err, errs.NotFound):
		case err != nil:
			return nil, err
		case p.Key > after:
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Project) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// enter is Enter before a transaction: it finds the scope to lock.
func (s *Service) enter(ctx context.Context, by account.Actor, key string, need Role) (Project, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Project, error) { return Enter(ctx, c, by, key, need) })
}

// Find returns the id of the project with the key, for a write that must name its scope
// before it begins. It may come from memory, which asks nobody: so the write enters the
// project again, and when that finds none, or another one, FindAgain tells.
// NotFound: there is none that the actor, and their token, may see.
func (s *Service) Find(ctx context.Context, by account.Actor, key string) (id string, err error) {
	if id, ok := s.found.get(by.ID, key); ok && by.May(Scope(id)) {
		return id, nil
	}
	return s.FindAgain(ctx, by, key)
}

// FindAgain is Find that asks the database.
func (s *Service) FindAgain(ctx context.Context, by account.Actor, key string) (id string, err error) {
	p, err := s.enter(ctx, by, key, Viewer)
	if err != nil {
		s.found.drop(by.ID, key)
		return "", err
	}
	s.found.put(by.ID, key, p.ID)
	return p.ID, nil
}

// Write runs fn as a mutation of the project with the key, in the log. Which project that
// is, is known before the transaction; fn enters it again, by key, and returns NotFound
// when that finds another one.
func Write[T any](ctx context.Context, s *Service, log *live.Log, by account.Actor, tx, key string,
	fn func(tx *live.Tx, projectID string) (T, error),
) (v T, seen *live.Change, err error) {
	run := func(id string) (T, *live.Change, error) {
		return live.Write(ctx, log, mutation(by, tx, id), func(tx *live.Tx) (T, error) { return fn(tx, id) })
	}
	id, err := s.Find(ctx, by, key)
	if err != nil {
		return v, nil, err
	}
	v, seen, err = run(id)
	if !errs.Is(err, errs.NotFound) {
		return v, seen, err
	}
	now, gone := s.FindAgain(ctx, by, key)
	switch {
	case gone != nil:
		return v, nil, gone
	case now == id:
		return v, nil, err
	}
	return run(now)
}

// FirstOwner returns who has owned the project longest, for a program that acts
// beside the server. NotFound: there is no such project.
func (s *Service) FirstOwner(ctx context.Context, key string) (account.Actor, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (account.Actor, error) {
		id, err := query.New(c).FirstOwner(ctx, key)
		return account.Actor{ID: id, Role: account.User}, noProject(err)
	})
}

// FindUser returns the user with the e-mail address, for a program that acts beside
// the server. NotFound: there is none, or they are disabled.
func (s *Service) FindUser(ctx context.Context, email string) (account.Actor, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (account.Actor, error) {
		user, err := query.New(c).FindUser(ctx, account.Fold(email))
		return account.Actor{ID: user.ID, Role: account.User}, err
	})
}

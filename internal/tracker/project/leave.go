package project

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// Nameplate is what admins of the instance see of projects that are not theirs.
type Nameplate struct {
	ID   string `json:"id" format:"uuid"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// ownership is what the audit trail records, under the new owner's id, when a project
// gets an owner from outside.
type ownership struct {
	ProjectID  string `json:"projectId"`
	ProjectKey string `json:"projectKey"`
}

const ownershipEntity = "ownership"

// maxNamed bounds the projects that an error names.
const maxNamed = 20

// Leave ends the memberships of a user who is being deleted. The heir gets what no
// other active user owns, and with account.HandOver the issues too, where they are a
// member. Subscribe it to account's topic Leaving.
// Conflict: there is no heir, and a project would be left without an owner.
func (s *Service) Leave(ctx context.Context, tx *live.Tx, l account.Leave) error {
	q := query.New(tx)
	sole, err := q.ListSoleOwned(ctx, l.UserID)
	if err != nil {
		return err
	}
	if len(sole) > 0 && l.HeirID == "" {
		return errOwnsAlone(sole)
	}
	for _, p := range sole {
		if err := handOver(ctx, tx, l, p); err != nil {
			return err
		}
	}
	worker := ""
	if l.Work == account.HandOver {
		worker = l.HeirID
	}
	theirs, err := q.ListMemberships(ctx, l.UserID)
	if err != nil {
		return err
	}
	for _, m := range theirs {
		who := Person{UserID: l.UserID, Role: Role(m.Role)}
		if err := s.leave(ctx, tx, account.Actor{ID: l.UserID}, m.ProjectID, who, worker); err != nil {
			return err
		}
	}
	return nil
}

func errOwnsAlone(sole []query.ListSoleOwnedRow) error {
	keys := make([]string, 0, maxNamed)
	for _, p := range sole[:min(maxNamed, len(sole))] {
		keys = append(keys, p.ProjectKey)
	}
	more := ""
	if len(sole) > maxNamed {
		more = " and others"
	}
	return errs.Taken("body.heirId", "nobody else owns %s%s: say who takes over", strings.Join(keys, ", "), more)
}

// handOver makes the heir an owner, unless the project was deleted just now.
func handOver(ctx context.Context, tx *live.Tx, l account.Leave, p query.ListSoleOwnedRow) error {
	q := query.New(tx)
	if err := tx.Lock(Scope(p.ID)); err != nil {
		return err
	}
	old, err := formerly(ctx, tx, p.ID, l.HeirID)
	if err != nil {
		return err
	}
	_, err = q.HandOver(ctx, query.HandOverParams{Heir: l.HeirID, Now: tx.Micros(), ProjectID: p.ID, UserID: l.UserID})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return recordOwner(ctx, tx, p.ID, p.ProjectKey, l.HeirID, old)
}

// formerly returns a member as they are before a change, nil for a stranger.
func formerly(ctx context.Context, c db.Conn, projectID, userID string) (*Person, error) {
	old, err := member(ctx, c, projectID, userID)
	if errors.Is(err, errNoMember) {
		return nil, nil
	}
	return &old, err
}

// recordOwner also tells the admins: somebody outside of the project has decided it.
func recordOwner(ctx context.Context, tx *live.Tx, id, key, userID string, old *Person) error {
	if _, err := recordMember(ctx, tx, id, userID, old); err != nil {
		return err
	}
	return tx.RecordIn(account.AuditScope, ownershipEntity, userID, nil, ownership{id, key})
}

// Names returns the names of up to limit projects in the order of their keys, of all
// or of those that no active user owns, and whether there are more: those whose key
// comes after the given one.
// Forbidden: by is no admin. Invalid: limit is not between 1 and MaxPage.
func (s *Service) Names(ctx context.Context, by account.Actor, ownerless bool, after string, limit int) (page []Nameplate, more bool, err error) {
	defer errs.Wrap(&err, "project.Names(%s, %d)", after, limit)
	if limit < 1 || limit > MaxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	page, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Nameplate, error) {
		if err := account.MustBeAdmin(ctx, c, by); err != nil {
			return nil, err
		}
		if ownerless {
			rows, err := query.New(c).ListOwnerless(ctx, query.ListOwnerlessParams{After: after, N: int64(limit) + 1})
			return names(rows, func(r query.ListOwnerlessRow) Nameplate { return Nameplate{r.ID, r.ProjectKey, r.Name} }), err
		}
		rows, err := query.New(c).ListNames(ctx, query.ListNamesParams{After: after, N: int64(limit) + 1})
		return names(rows, func(r query.ListNamesRow) Nameplate { return Nameplate{r.ID, r.ProjectKey, r.Name} }), err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

func names[R any](rows []R, name func(R) Nameplate) []Nameplate {
	all := make([]Nameplate, 0, len(rows))
	for _, row := range rows {
		all = append(all, name(row))
	}
	return all
}

var errOwned = errs.New(errs.Conflict, "somebody owns this project: only they decide who else does")

// TakeOver makes an admin of the instance an owner of a project that no active user
// owns. The admins' audit trail tells of it.
// Forbidden: by is no admin. NotFound: there is no such project. Conflict: somebody
// active owns it.
func (s *Service) TakeOver(ctx context.Context, by account.Actor, tx, id string) (_ Project, err error) {
	defer errs.Wrap(&err, "project.TakeOver(%s)", id)
	m := account.Audit(by, tx)
	m.Scopes = append(m.Scopes, Scope(id), by.Scope())
	p, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (Project, error) {
		if err := account.MustBeAdmin(ctx, tx, by); err != nil {
			return Project{}, err
		}
		q := query.New(tx)
		row, err := q.GetProject(ctx, id)
		if err != nil {
			return Project{}, noProject(err)
		}
		old, err := formerly(ctx, tx, id, by.ID)
		if err != nil {
			return Project{}, err
		}
		_, err = q.TakeOver(ctx, query.TakeOverParams{Now: tx.Micros(), ProjectID: id, Actor: by.ID})
		if errors.Is(err, sql.ErrNoRows) {
			err = errOwned
		}
		if err != nil {
			return Project{}, err
		}
		return Project{Row: projectRow(row), Role: Owner}, recordOwner(ctx, tx, id, row.ProjectKey, by.ID, old)
	})
	if err == nil && seen != nil {
		if !seen.Did(live.Create, ownershipEntity, by.ID) || !seen.Fits(map[string]any{"projectId": id}) {
			return Project{}, live.ErrOtherMutation
		}
		return s.byID(ctx, by, id)
	}
	return p, err
}

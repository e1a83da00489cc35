package project

import (
	"context"
	"database/sql"
	"errors"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// Person is a member as others in the project see them.
type Person struct {
	UserID      string `json:"userId" format:"uuid"`
	Email       string `json:"email"`
	DisplayName string `json:"displayName"`
	Role        Role   `json:"role" enum:"owner,maintainer,member,viewer"`
}

// memberRow is a member in the project's scope; the id is the user's, by which the
// live stream knows whose access has changed. Names are in the scope org.
type memberRow struct {
	ID   string `json:"id" format:"uuid"`
	Role Role   `json:"role"`
}

// membership is the same in the user's own scope; the id is the project's.
type membership struct {
	ID   string `json:"id" format:"uuid"`
	Role Role   `json:"role"`
}

var (
	errNoMember  = errs.New(errs.NotFound, "no such member")
	errAbove     = errs.New(errs.Forbidden, "nobody may give or change a role above their own")
	errLastOwner = errs.New(errs.Conflict, "a project keeps at least one owner: make somebody else an owner first")
)

// Members returns up to limit members in the order of their ids, and whether there
// are more: those whose id comes after the given one.
// NotFound: there is no project that the actor may see. Invalid: limit is not
// between 1 and MaxPage.
func (s *Service) Members(ctx context.Context, by account.Actor, key, after string, limit int) (page []Person, more bool, err error) {
	defer errs.Wrap(&err, "project.Members(%s)", key)
	if limit < 1 || limit > MaxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	page, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Person, error) {
		p, err := Enter(ctx, c, by, key, Viewer)
		if err != nil {
			return nil, err
		}
		rows, err := query.New(c).ListMembers(ctx, query.ListMembersParams{ProjectID: p.ID, After: after, N: int64(limit) + 1})
		all := make([]Person, 0, len(rows))
		for _, row := range rows {
			all = append(all, Person{UserID: row.UserID, Email: row.Email, DisplayName: row.DisplayName, Role: Role(row.Role)})
		}
		return all, err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

// AddMember lets the user with the e-mail address into the project.
// NotFound, Forbidden: as in Enter, for a maintainer; also a role above the actor's.
// Invalid: nobody has an account with that address. Conflict: they are in already.
func (s *Service) AddMember(ctx context.Context, by account.Actor, tx, key, email string, role Role) (_ Person, err error) {
	defer errs.Wrap(&err, "project.AddMember(%s)", key)
	p, err := s.enter(ctx, by, key, Maintainer)
	if err != nil {
		return Person{}, err
	}
	if !p.Role.May(role) {
		return Person{}, errAbove
	}
	user, err := s.FindUser(ctx, email)
	switch {
	case errs.Is(err, errs.NotFound):
		return Person{}, errs.Field("body.email", "nobody has an account with this address: invite them first")
	case err != nil:
		return Person{}, err
	}
	m := mutation(by, tx, p.ID)
	m.Scopes = append(m.Scopes, user.Scope())
	person, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (Person, error) {
		p, err := Enter(ctx, tx, by, key, Maintainer)
		if err != nil {
			return Person{}, err
		}
		if !p.Role.May(role) {
			return Person{}, errAbove
		}
		_, err = query.New(tx).AddMember(ctx, query.AddMemberParams{
			UserID: user.ID, Role: string(role), Now: tx.Micros(), ProjectID: p.ID, Actor: by.ID,
		})
		if err != nil {
			return Person{}, err
		}
		return recordMember(ctx, tx, p.ID, user.ID, nil)
	})
	switch {
	case errs.Is(err, errs.Conflict):
		return Person{}, errs.Taken("body.email", "is a member already")
	case err != nil || seen == nil:
		return person, err
	case !seen.Did(live.Create, live.Member, user.ID):
		return Person{}, live.ErrOtherMutation
	}
	return s.member(ctx, p.ID, user.ID)
}

// SetRole gives a member another role. NotFound, Forbidden: as in AddMember; also
// when the member's role is above the actor's. Conflict: it is the last owner.
func (s *Service) SetRole(ctx context.Context, by account.Actor, tx, key, userID string, role Role) (_ Person, err error) {
	defer errs.Wrap(&err, "project.SetRole(%s, %s)", key, userID)
	p, err := s.enter(ctx, by, key, Maintainer)
	if err != nil {
		return Person{}, err
	}
	m := mutation(by, tx, p.ID)
	m.Scopes = append(m.Scopes, account.Actor{ID: userID}.Scope())
	person, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (Person, error) {
		p, err := Enter(ctx, tx, by, key, Maintainer)
		if err != nil {
			return Person{}, err
		}
		old, err := member(ctx, tx, p.ID, userID)
		if err != nil || old.Role == role {
			return old, err
		}
		if !p.Role.May(role) || !p.Role.May(old.Role) {
			return Person{}, errAbove
		}
		if err := keepsOwner(ctx, tx, p.ID, old); err != nil {
			return Person{}, err
		}
		_, err = query.New(tx).SetRole(ctx, query.SetRoleParams{Role: string(role), ProjectID: p.ID, UserID: userID, Actor: by.ID})
		if err != nil {
			return Person{}, err
		}
		return recordMember(ctx, tx, p.ID, userID, &old)
	})
	switch {
	case err != nil || seen == nil:
		return person, err
	case !seen.Did(live.Update, live.Member, userID) || !seen.Fits(map[string]any{"role": role}):
		return Person{}, live.ErrOtherMutation
	}
	return s.member(ctx, p.ID, userID)
}

// RemoveMember takes somebody out of the project; everybody may leave by themselves.
// NotFound, Forbidden: as in SetRole. Conflict: it is the last owner.
func (s *Service) RemoveMember(ctx context.Context, by account.Actor, tx, key, userID string) (err error) {
	defer errs.Wrap(&err, "project.RemoveMember(%s, %s)", key, userID)
	need := Maintainer
	if userID == by.ID {
		need = Viewer
	}
	p, err := s.enter(ctx, by, key, need)
	if err != nil {
		if errs.Is(err, errs.NotFound) && userID == by.ID && s.endedBefore(ctx, by, tx, key, false) {
			return nil
		}
		return err
	}
	m := mutation(by, tx, p.ID)
	m.Scopes = append(m.Scopes, account.Actor{ID: userID}.Scope())
	_, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (struct{}, error) {
		p, err := Enter(ctx, tx, by, key, need)
		if err != nil {
			return struct{}{}, err
		}
		old, err := member(ctx, tx, p.ID, userID)
		if err != nil {
			return struct{}{}, err
		}
		if !p.Role.May(old.Role) {
			return struct{}{}, errAbove
		}
		if err := keepsOwner(ctx, tx, p.ID, old); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.leave(ctx, tx, by, p.ID, old, "")
	})
	if err == nil && seen != nil && !seen.Did(live.Delete, live.Member, userID) {
		err = live.ErrOtherMutation
	}
	return err
}

// leave ends a membership; heirID is who takes over the work, "" for nobody.
func (s *Service) leave(ctx context.Context, tx *live.Tx, by account.Actor, projectID string, who Person, heirID string) error {
	_, err := query.New(tx).RemoveMember(ctx, query.RemoveMemberParams{ProjectID: projectID, UserID: who.UserID, Actor: by.ID})
	if err != nil {
		return err
	}
	if err := tx.RecordIn(Scope(projectID), live.Member, who.UserID, memberRow{who.UserID, who.Role}, nil); err != nil {
		return err
	}
	scope := account.Actor{ID: who.UserID}.Scope()
	if err := tx.RecordIn(scope, "membership", projectID, membership{projectID, who.Role}, nil); err != nil {
		return err
	}
	return s.Left.Publish(ctx, tx, Departure{ProjectID: projectID, UserID: who.UserID, HeirID: heirID})
}

// recordMember records a member who is new, or was old before.
func recordMember(ctx context.Context, tx *live.Tx, projectID, userID string, old *Person) (Person, error) {
	now, err := member(ctx, tx, projectID, userID)
	if err != nil {
		return Person{}, err
	}
	var oldRow, oldMembership any
	if old != nil {
		oldRow, oldMembership = memberRow{userID, old.Role}, membership{projectID, old.Role}
	}
	if err := tx.RecordIn(Scope(projectID), live.Member, userID, oldRow, memberRow{userID, now.Role}); err != nil {
		return Person{}, err
	}
	scope := account.Actor{ID: userID}.Scope()
	return now, tx.RecordIn(scope, "membership", projectID, oldMembership, membership{projectID, now.Role})
}

// keepsOwner returns Conflict when who is the only owner.
func keepsOwner(ctx context.Context, c db.Conn, projectID string, who Person) error {
	if who.Role != Owner {
		return nil
	}
	owners, err := query.New(c).CountOwners(ctx, projectID)
	if err == nil && owners == 1 {
		return errLastOwner
	}
	return err
}

func (s *Service) member(ctx context.Context, projectID, userID string) (Person, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Person, error) { return member(ctx, c, projectID, userID) })
}

func member(ctx context.Context, c db.Conn, projectID, userID string) (Person, error) {
	row, err := query.New(c).GetMember(ctx, query.GetMemberParams{ProjectID: projectID, UserID: userID})
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoMember
	}
	return Person{UserID: row.UserID, Email: row.Email, DisplayName: row.DisplayName, Role: Role(row.Role)}, err
}

// noProject says what was not found.
func noProject(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errNoProject
	}
	return err
}

package account

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Profile is what users see of themselves.
type Profile struct {
	ID          string `json:"id" format:"uuid"`
	Email       string `json:"email"`
	DisplayName string `json:"displayName"`
	Role        Role   `json:"role" enum:"user,admin"`
}

// Person is what everybody sees of a user.
type Person struct {
	ID          string `json:"id" format:"uuid"`
	DisplayName string `json:"displayName"`
}

// audited is what the scope "admin" records of a user.
type audited struct {
	Profile
	Disabled bool `json:"disabled"`
}

var (
	errTaken     = &errs.Error{Kind: errs.Conflict, Field: "body.email", Message: "there is an account with this e-mail address; sign in instead"}
	errLastAdmin = errs.New(errs.Conflict, "this is the only admin: make somebody else an admin first")
)

// Draft is a user to be.
type Draft struct {
	Email       string
	DisplayName string
	Password    string
	Role        Role
}

// checked returns the draft of a user with a password as it is kept.
func (d Draft) checked() (Draft, error) {
	d, err := d.named()
	if err == nil {
		err = checkPassword(d.Password)
	}
	return d, err
}

// named is checked for a user without a password.
func (d Draft) named() (Draft, error) {
	var emailErr, nameErr error
	d.Email, emailErr = checkedEmail(d.Email)
	d.DisplayName, nameErr = checkedName(d.DisplayName)
	if err := cmp.Or(emailErr, nameErr); err != nil {
		return d, err
	}
	if d.Role != User && d.Role != Admin {
		return d, errs.Field("body.role", "a role is user or admin")
	}
	return d, nil
}

// Get returns a user. NotFound: there is none.
func (s *Service) Get(ctx context.Context, id string) (p Profile, err error) {
	defer errs.Wrap(&err, "account.Get(%s)", id)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Profile, error) {
		u, err := query.New(c).GetUser(ctx, id)
		return profile(u), err
	})
}

// Find returns the user with an e-mail address. NotFound: there is none.
func (s *Service) Find(ctx context.Context, email string) (p Profile, err error) {
	defer errs.Wrap(&err, "account.Find")
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Profile, error) {
		u, err := query.New(c).GetUserByEmail(ctx, Fold(email))
		return profile(u), err
	})
}

// Create makes a user without an invite. Forbidden: by is no admin. Invalid: a
// field of the draft. Conflict: the e-mail address has an account. Unavailable: too
// many passwords are being hashed.
func (s *Service) Create(ctx context.Context, by Actor, d Draft) (p Profile, err error) {
	defer errs.Wrap(&err, "account.Create")
	if d, err = d.checked(); err != nil {
		return Profile{}, err
	}
	hash, err := s.hash(ctx, d.Password)
	if err != nil {
		return Profile{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	p, _, err = live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (Profile, error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return Profile{}, err
		}
		u, err := insert(ctx, tx, id, d, &hash)
		return profile(u), err
	})
	return p, err
}

// SetRole gives a user another role. Whatever the user was doing needs a new access
// token, at once. Forbidden: by is no admin. NotFound: there is no such user.
// Conflict: it would leave no admin.
func (s *Service) SetRole(ctx context.Context, by Actor, id string, role Role) (p Profile, err error) {
	defer errs.Wrap(&err, "account.SetRole(%s, %s)", id, role)
	if role != User && role != Admin {
		return Profile{}, errs.Field("body.role", "a role is user or admin")
	}
	return s.change(ctx, by, id, func(tx *live.Tx, old query.User) (query.User, error) {
		if Role(old.Role) == role {
			return old, nil
		}
		return query.New(tx).SetRole(ctx, query.SetRoleParams{ID: id, Role: string(role), Now: tx.Micros()})
	})
}

// SetDisabled lets a user in no more, or again. A disabled user is out at once, in
// all sessions. Errors are those of SetRole.
func (s *Service) SetDisabled(ctx context.Context, by Actor, id string, disabled bool) (p Profile, err error) {
	defer errs.Wrap(&err, "account.SetDisabled(%s, %t)", id, disabled)
	return s.change(ctx, by, id, func(tx *live.Tx, old query.User) (query.User, error) {
		if (old.DisabledAt != nil) == disabled {
			return old, nil
		}
		q := query.New(tx)
		if err := errors.Join(q.DeleteSessions(ctx, id), q.DeleteSignIns(ctx, id)); err != nil {
			return old, err
		}
		change := query.SetDisabledParams{ID: id, Now: tx.Micros()}
		if disabled {
			change.DisabledAt = &change.Now
		}
		return q.SetDisabled(ctx, change)
	})
}

// change changes what a user may do; set returns the row with a higher epoch, or as
// it was.
func (s *Service) change(ctx context.Context, by Actor, id string, set func(*live.Tx, query.User) (query.User, error)) (Profile, error) {
	p, _, err := live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (p Profile, err error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return p, err
		}
		q := query.New(tx)
		old, err := q.GetUser(ctx, id)
		if err != nil {
			return p, err
		}
		u, err := set(tx, old)
		if err != nil || u.Epoch == old.Epoch {
			return profile(u), err
		}
		if admins, err := q.CountAdmins(ctx); err != nil || admins == 0 {
			return p, errors.Join(err, errLastAdmin)
		}
		if err := s.revoke(ctx, tx.Tx, id, u.Epoch, ""); err != nil {
			return p, err
		}
		return profile(u), tx.RecordIn(adminScope, userEntity, id, auditedOf(old), auditedOf(u))
	})
	return p, err
}

// insert adds a user to the table and to the log; hash is nil for one without a
// password. Conflict: the e-mail address has an account.
func insert(ctx context.Context, tx *live.Tx, id string, d Draft, hash *string) (u query.User, err error) {
	q := query.New(tx)
	switch taken, err := isTaken(ctx, q, d.Email); {
	case err != nil:
		return u, err
	case taken:
		return u, errTaken
	}
	u, err = q.CreateUser(ctx, query.CreateUserParams{
		ID: id, Email: d.Email, EmailFolded: Fold(d.Email), DisplayName: d.DisplayName,
		Role: string(d.Role), PasswordHash: hash, Now: tx.Micros(),
	})
	if err != nil {
		return u, err
	}
	return u, errors.Join(
		tx.RecordIn(orgScope, personEntity, id, nil, Person{u.ID, u.DisplayName}),
		tx.RecordIn(adminScope, userEntity, id, nil, auditedOf(u)),
	)
}

// audit is a mutation whose home is the scope "admin". It names "org" too, so that
// all writers of this package lock both in one order.
func audit(by Actor, tx string) live.Mutation {
	return live.Mutation{Scopes: []string{adminScope, orgScope}, Actor: by.ID, Tx: tx}
}

// Audit is the mutation of a slice beside this one that changes what belongs to
// accounts: its home is the scope "admin", where admins see who did what.
func Audit(by Actor, tx string) live.Mutation { return audit(by, tx) }

// MustBeAdmin is for slices beside this one; inside a transaction its answer stays
// true. Forbidden: the actor is no admin.
func MustBeAdmin(ctx context.Context, c db.Conn, by Actor) error { return mustBeAdmin(ctx, c, by) }

// mustBeAdmin asks the database, not the token: within the transaction the answer
// stays true. Forbidden: the actor is no admin.
func mustBeAdmin(ctx context.Context, c db.Conn, by Actor) error {
	if by == Operator() {
		return nil
	}
	if !by.mayAdminister() {
		return errAdminToken
	}
	u, err := query.New(c).GetUser(ctx, by.ID)
	if err != nil && !noRow(err) {
		return err
	}
	if err != nil || Role(u.Role) != Admin || u.DisabledAt != nil {
		return errAdminOnly
	}
	return nil
}

func profile(u query.User) Profile {
	return Profile{ID: u.ID, Email: u.Email, DisplayName: u.DisplayName, Role: Role(u.Role)}
}

func auditedOf(u query.User) audited { return audited{profile(u), u.DisabledAt != nil} }

// people is the scope "org" in a snapshot.
func people(ctx context.Context, c db.Conn, _ string) (any, error) {
	rows, err := query.New(c).ListPeople(ctx)
	all := make([]Person, 0, len(rows))
	for _, row := range rows {
		all = append(all, Person(row))
	}
	return all, err
}

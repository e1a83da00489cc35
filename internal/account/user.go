package account

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
)

// Profile is what users see of themselves.
type Profile struct {
	ID          string `json:"id" format:"uuid"`
	Email       string `json:"email"`
	DisplayName string `json:"displayName"`
	Role        Role   `json:"role" enum:"user,admin"`
}

// Person is what everybody sees of a user. Somebody who was deleted has no name; what
// they wrote still points at them.
type Person struct {
	ID          string `json:"id" format:"uuid"`
	DisplayName string `json:"displayName"`
	Deleted     bool   `json:"deleted,omitzero" doc:"the account is no more, and the name with it"`
}

// Managed is what admins see of a user.
type Managed struct {
	Profile
	Disabled   bool       `json:"disabled"`
	Version    int64      `json:"version" doc:"grows by one with every change"`
	CreatedAt  time.Time  `json:"createdAt"`
	LastSeenAt *time.Time `json:"lastSeenAt" doc:"when a session was last begun or gone on with; null: never"`
}

// audited is what the scope "admin" records of a user.
type audited struct {
	Profile
	Disabled bool `json:"disabled"`
}

var (
	errNoUser    = errs.New(errs.NotFound, "no such user")
	errTaken     = &errs.Error{Kind: errs.Conflict, Field: "body.email", Message: "there is an account with this e-mail address; sign in instead"}
	errLastAdmin = errs.New(errs.Conflict, "this is the only admin: make somebody else an admin first")
)

// Draft is a user to be. Without a password they set one by a link.
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
		err = checkPassword(d.Password, d.Email, d.DisplayName)
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
		u, err := theUser(ctx, c, id)
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

// Create makes a user without an invite; the admin vouches for the address. Forbidden: by is no admin. Invalid: a
// field of the draft. Conflict: the e-mail address has an account. Unavailable: too
// many passwords are being hashed.
func (s *Service) Create(ctx context.Context, by Actor, d Draft) (p Profile, err error) {
	defer errs.Wrap(&err, "account.Create")
	var hash *string
	if d.Password == "" {
		d, err = d.named()
	} else if d, err = d.checked(); err == nil {
		hash, err = s.hashed(ctx, d.Password)
	}
	if err != nil {
		return Profile{}, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	p, _, err = live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (Profile, error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return Profile{}, err
		}
		u, err := insert(ctx, tx, id, d, hash, true)
		return profile(u), err
	})
	return p, err
}

func (s *Service) hashed(ctx context.Context, password string) (*string, error) {
	hash, err := s.hash(ctx, password)
	return &hash, err
}

// insert adds a user to the table and to the log; hash is nil for one without a
// password. proven: the address is theirs. Conflict: it has an account.
func insert(ctx context.Context, tx *live.Tx, id string, d Draft, hash *string, proven bool) (u query.User, err error) {
	q := query.New(tx)
	var since *int64
	if proven {
		since = new(tx.Micros())
	}
	switch taken, err := isTaken(ctx, q, d.Email); {
	case err != nil:
		return u, err
	case taken:
		return u, errTaken
	}
	u, err = q.CreateUser(ctx, query.CreateUserParams{
		ID: id, Email: d.Email, EmailFolded: Fold(d.Email), DisplayName: d.DisplayName,
		NameFolded: fold.Key(d.DisplayName), Role: string(d.Role), PasswordHash: hash, EmailProvenAt: since, Now: tx.Micros(),
	})
	if err != nil {
		return u, err
	}
	return u, errors.Join(
		tx.RecordIn(orgScope, personEntity, id, nil, personOf(u)),
		tx.RecordIn(adminScope, userEntity, id, nil, auditedOf(u)),
	)
}

// audit is a mutation whose home is the scope "admin". It names "org" too, so that
// all writers of this package lock both in one order, and the actor's own, which is
// gone when they were deleted meanwhile: then the mutation is NotFound.
func audit(by Actor, tx string) live.Mutation {
	m := live.Mutation{Scopes: []string{adminScope, orgScope}, Actor: by.ID, Tx: tx}
	if by.ID != "" && by.ID != operatorID {
		m.Scopes = append(m.Scopes, by.Scope())
	}
	return m
}

// Audit is the mutation of a slice beside this one that changes what belongs to
// accounts: its home is the scope "admin", where admins see who did what. What concerns
// a user, and is not done by them, is recorded under the user's id, so that it is found.
func Audit(by Actor, tx string) live.Mutation { return audit(by, tx) }

// MustBeThere is for slices beside this one that keep something of a user without
// recording it. Inside a transaction its answer stays true: the user's row is locked.
// Unauthorized: the user was disabled or deleted meanwhile.
func MustBeThere(ctx context.Context, tx *db.Tx, userID string) error {
	_, err := query.New(tx).LockActiveUser(ctx, userID)
	if noRow(err) {
		err = errEnded
	}
	return err
}

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

func personOf(u query.User) Person { return Person{u.ID, u.DisplayName, u.DeletedAt != nil} }

func managed(u query.User) Managed {
	return Managed{
		Profile: profile(u), Disabled: u.DisabledAt != nil, Version: u.Version,
		CreatedAt: time.UnixMicro(u.CreatedAt).UTC(), LastSeenAt: timeOf(u.SeenAt),
	}
}

func auditedOf(u query.User) audited { return audited{profile(u), u.DisabledAt != nil} }

// people is the scope "org" in a snapshot.
func people(ctx context.Context, c db.Conn, _ string) (any, error) {
	rows, err := query.New(c).ListPeople(ctx)
	all := make([]Person, 0, len(rows))
	for _, row := range rows {
		all = append(all, Person{row.ID, row.DisplayName, row.DeletedAt != nil})
	}
	return all, err
}

package account

import (
	"context"
	"errors"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
)

// Standing is what an admin decides about a user. A nil field stays as it is. Version,
// where it is given, is the one that the admin saw.
type Standing struct {
	Role     *Role
	Disabled *bool
	Version  *int64
}

// SetRole gives a user another role. Errors are those of Manage.
func (s *Service) SetRole(ctx context.Context, by Actor, id string, role Role) (Profile, error) {
	m, err := s.Manage(ctx, by, "", id, Standing{Role: &role})
	return m.Profile, err
}

// SetDisabled lets a user in no more, or again. Errors are those of Manage.
func (s *Service) SetDisabled(ctx context.Context, by Actor, id string, disabled bool) (Profile, error) {
	m, err := s.Manage(ctx, by, "", id, Standing{Disabled: &disabled})
	return m.Profile, err
}

// Manage changes what a user may do, at once: with another role whatever they were
// doing needs a new access token, and a disabled user is out, in all sessions. What
// they made for others to come in by ends with either: see letNobodyIn. Forbidden: by is
// no admin; or makes one, or enables one, by a program or (with the code confirm) without a
// fresh proof of who they are. NotFound: there is no such user. Invalid: the role is none. Conflict: it would leave no admin, or the
// standing names a version and the user has another; then the error carries the user
// as they are now.
func (s *Service) Manage(ctx context.Context, by Actor, tx, id string, to Standing) (m Managed, err error) {
	defer errs.Wrap(&err, "account.Manage(%s)", id)
	if to.Role != nil && *to.Role != User && *to.Role != Admin {
		return Managed{}, errs.Field("body.role", "a role is user or admin")
	}
	return s.changeUser(ctx, by, tx, id, to, func(tx *live.Tx, old query.User) (query.User, error) {
		if to.Version != nil && *to.Version != old.Version {
			return old, errs.Stale(managed(old))
		}
		change := query.SetStandingParams{ID: id, Role: old.Role, DisabledAt: old.DisabledAt, Now: tx.Micros()}
		if to.Role != nil {
			change.Role = string(*to.Role)
		}
		if to.Disabled != nil && *to.Disabled != (old.DisabledAt != nil) {
			if change.DisabledAt = nil; *to.Disabled {
				change.DisabledAt = &change.Now
			}
		}
		if change.Role == old.Role && change.DisabledAt == old.DisabledAt {
			return old, nil
		}
		return s.setStanding(ctx, tx, by, old, change)
	})
}

// setStanding changes a user, as the row was, who is another by the change. Forbidden: it
// would make an admin; see mayGiveAdmin.
func (s *Service) setStanding(ctx context.Context, tx *live.Tx, by Actor, old query.User, to query.SetStandingParams) (query.User, error) {
	if Role(to.Role) == Admin && (Role(old.Role) != Admin || to.DisabledAt == nil) {
		if err := s.mayGiveAdmin(ctx, tx, by); err != nil {
			return old, err
		}
	}
	return query.New(tx).SetStanding(ctx, to)
}

// SetPassword gives an active user another password and ends all their sessions, and API
// tokens, if they are to, for whoever cannot hand them a link: see ResetLink. Errors are those of Manage; also
// Invalid: the password, Conflict: the user is disabled, and Unavailable: too many
// passwords are being hashed.
func (s *Service) SetPassword(ctx context.Context, by Actor, id, password string, programs Programs) (err error) {
	defer errs.Wrap(&err, "account.SetPassword(%s)", id)
	u, err := s.user(ctx, id)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Email, u.DisplayName); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	_, _, err = live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (none struct{}, err error) {
		u, err := managing(ctx, tx, by, id)
		if err == nil && u.DisabledAt != nil {
			err = errDisabled
		}
		if err != nil {
			return none, err
		}
		return none, s.replacePassword(ctx, tx, u, renewal{hash: hash, programs: programs, event: passwordSet})
	})
	if err == nil {
		s.tell(ctx, s.passwordMail(u.Email, programs))
	}
	return err
}

// SignOutUser ends all sessions of a user, at once, and the sign-ins that await their
// second factor; and API tokens, if they are to. Forbidden: by is no admin. NotFound: there
// is no such user. Conflict: the mutation's id was used for another change, and sessions go
// on.
func (s *Service) SignOutUser(ctx context.Context, by Actor, tx, id string, programs Programs) (err error) {
	defer errs.Wrap(&err, "account.SignOutUser(%s)", id)
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		if _, err := managing(ctx, tx, by, id); err != nil {
			return none, err
		}
		return none, errors.Join(s.endPrograms(ctx, tx, id, programs), s.endAll(ctx, tx, id, ""))
	})
	if err == nil && seen != nil {
		err = s.ended(ctx, id, seen, func(query.Session) bool { return true })
	}
	return err
}

// managing returns a user whom an admin is about to change.
func managing(ctx context.Context, tx *live.Tx, by Actor, id string) (query.User, error) {
	if err := mustBeAdmin(ctx, tx, by); err != nil {
		return query.User{}, err
	}
	return theUser(ctx, tx, id)
}

// changeUser changes what a user may do; set returns the row with a higher epoch, or as
// it was. Conflict: the mutation's id was used for another change than to.
func (s *Service) changeUser(ctx context.Context, by Actor, tx, id string, to Standing,
	set func(*live.Tx, query.User) (query.User, error),
) (Managed, error) {
	m, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (m Managed, err error) {
		old, err := managing(ctx, tx, by, id)
		if err != nil {
			return m, err
		}
		u, err := set(tx, old)
		if err != nil || u.Epoch == old.Epoch {
			return managed(u), err
		}
		if err := keepsAdmin(ctx, tx, old); err != nil {
			return m, err
		}
		if err := tx.RecordIn(adminScope, userEntity, id, auditedOf(old), auditedOf(u)); err != nil {
			return m, err
		}
		switch {
		case old.DisabledAt == nil && u.DisabledAt != nil:
			err = shutOut(ctx, tx, id)
		case Role(old.Role) == Admin && Role(u.Role) != Admin:
			err = letNobodyIn(ctx, tx, id)
		}
		if err != nil {
			return m, err
		}
		return managed(u), s.revoke(ctx, tx.Tx, id, u.Epoch, "")
	})
	switch {
	case err != nil || seen == nil:
		return m, err
	case !seen.Did(live.Update, userEntity, id) || !seen.Fits(map[string]any{"role": to.Role, "disabled": to.Disabled}):
		return Managed{}, live.ErrOtherMutation
	}
	return s.ManagedUser(ctx, by, id)
}

// ManagedUser returns a user as admins see them. Forbidden: by is no admin. NotFound:
// there is no such user.
func (s *Service) ManagedUser(ctx context.Context, by Actor, id string) (m Managed, err error) {
	defer errs.Wrap(&err, "account.ManagedUser(%s)", id)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Managed, error) {
		if err := mustBeAdmin(ctx, c, by); err != nil {
			return Managed{}, err
		}
		u, err := theUser(ctx, c, id)
		return managed(u), err
	})
}

// theUser returns a user who was not deleted. NotFound: there is none.
func theUser(ctx context.Context, c db.Conn, id string) (query.User, error) {
	u, err := query.New(c).GetUser(ctx, id)
	if noRow(err) || err == nil && u.DeletedAt != nil {
		return u, errNoUser
	}
	return u, err
}

// stillThere returns a user who does something about their own account, as they are
// inside the transaction. Unauthorized: they were disabled or deleted meanwhile.
func stillThere(ctx context.Context, c db.Conn, id string) (query.User, error) {
	u, err := query.New(c).GetUser(ctx, id)
	if noRow(err) || err == nil && u.DisabledAt != nil {
		return u, errEnded
	}
	return u, err
}

// keepsAdmin returns Conflict when the user was the last who could manage users.
func keepsAdmin(ctx context.Context, c db.Conn, old query.User) error {
	if Role(old.Role) != Admin || old.DisabledAt != nil {
		return nil
	}
	admins, err := query.New(c).CountAdmins(ctx)
	if err == nil && admins == 0 {
		err = errLastAdmin
	}
	return err
}

// shutOut ends what a user holds open: sessions, links, and ways for others to come in.
// The user's row has been changed by then: everybody locks it before the sessions.
func shutOut(ctx context.Context, tx *live.Tx, userID string) error {
	q := query.New(tx)
	for _, end := range []func(context.Context, string) error{q.DeleteSessions, q.DeleteSignIns, q.DeleteResets} {
		if err := end(ctx, userID); err != nil {
			return err
		}
	}
	if err := dropEmailChange(ctx, tx, userID); err != nil {
		return err
	}
	return letNobodyIn(ctx, tx, userID)
}

// letNobodyIn ends what somebody has made as an admin to be used later: their open
// invites, and links that set others' passwords. One of their own friends among the
// former, or anybody's account by the latter, would be as good as the role they had.
func letNobodyIn(ctx context.Context, tx *live.Tx, userID string) error {
	q := query.New(tx)
	if err := q.DeleteResetsBy(ctx, &userID); err != nil {
		return err
	}
	open, err := q.ListOpenInvitesBy(ctx, userID)
	if err != nil {
		return err
	}
	for _, row := range open {
		if err := withdraw(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

// foldedAtOnce bounds the rows that one transaction completes.
const foldedAtOnce = 200

// FoldNames completes users from before their names were kept for searching.
func (s *Service) FoldNames(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "account.FoldNames")
	for {
		left, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.ListUnfoldedRow, error) {
			return query.New(c).ListUnfolded(ctx, foldedAtOnce)
		})
		if err != nil || len(left) == 0 {
			return err
		}
		_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
			for _, u := range left {
				params := query.SetNameFoldedParams{ID: u.ID, NameFolded: fold.Key(u.DisplayName)}
				if err := query.New(tx).SetNameFolded(ctx, params); err != nil {
					return none, err
				}
			}
			return none, nil
		})
		if err != nil || len(left) < foldedAtOnce {
			return err
		}
	}
}

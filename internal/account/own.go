package account

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
)

// Own is what users see of their own account, and nobody else of it.
type Own struct {
	Profile
	HasPassword    bool       `json:"hasPassword"`
	PendingEmail   *string    `json:"pendingEmail" doc:"the address that awaits its verification; null for none"`
	CreatedAt      time.Time  `json:"createdAt"`
	ConfirmedUntil *time.Time `json:"confirmedUntil" doc:"until when no proof of identity is asked for; null when the next such operation asks"`
}

// Own returns the actor's account. Unauthorized: the session has ended.
func (s *Service) Own(ctx context.Context, by Actor) (own Own, err error) {
	defer errs.Wrap(&err, "account.Own")
	until, err := s.ConfirmedUntil(ctx, by)
	if err != nil {
		return Own{}, err
	}
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Own, error) {
		q, now := query.New(c), s.now()
		u, err := q.GetUser(ctx, by.ID)
		if err != nil {
			return Own{}, err
		}
		own := Own{Profile: profile(u), HasPassword: u.PasswordHash != nil, CreatedAt: time.UnixMicro(u.CreatedAt).UTC()}
		if now.Before(until) {
			own.ConfirmedUntil = &until
		}
		change, err := q.GetEmailChange(ctx, query.GetEmailChangeParams{UserID: by.ID, Now: now.UnixMicro()})
		if err == nil {
			own.PendingEmail = &change.Email
		} else if !noRow(err) {
			return Own{}, err
		}
		return own, nil
	})
}

// Rename gives the actor another name, which everybody sees. Invalid: the name. Conflict:
// the mutation's id was used for another change.
func (s *Service) Rename(ctx context.Context, by Actor, tx, name string) (err error) {
	defer errs.Wrap(&err, "account.Rename")
	if name, err = checkedName(name); err != nil {
		return err
	}
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		q := query.New(tx)
		old, err := stillThere(ctx, tx, by.ID)
		if err != nil || old.DisplayName == name {
			return none, err
		}
		u, err := q.SetDisplayName(ctx, query.SetDisplayNameParams{ID: by.ID, DisplayName: name, NameFolded: fold.Key(name), Now: tx.Micros()})
		if err != nil {
			return none, err
		}
		if err := tx.RecordIn(orgScope, personEntity, u.ID, personOf(old), personOf(u)); err != nil {
			return none, err
		}
		return none, tx.RecordIn(adminScope, userEntity, u.ID, auditedOf(old), auditedOf(u))
	})
	if err == nil && seen != nil && (!seen.Did(live.Update, userEntity, by.ID) || !seen.Fits(map[string]any{"displayName": name, "role": nil, "disabled": nil, "email": nil})) {
		err = live.ErrOtherMutation
	}
	return err
}

// ConfirmPassword proves by password who the actor is, and returns until when that is
// good. Invalid: it is not the password, or there is none. RateLimited and Unavailable:
// as in Login, with which it shares the limits.
func (s *Service) ConfirmPassword(ctx context.Context, from Device, by Actor, password string) (until time.Time, err error) {
	defer errs.Wrap(&err, "account.ConfirmPassword")
	u, err := s.user(ctx, by.ID)
	if err != nil {
		return time.Time{}, err
	}
	renewed, err := s.verifyOwn(ctx, from, u, "body.password", password)
	if err != nil {
		return time.Time{}, err
	}
	return s.Confirm(ctx, by, unchanged(u, renewed))
}

// ChangePassword gives the actor another password, or the first. All other sessions
// end, and so does what else the old one began, and API tokens, if they are to: see Reset.
// Invalid: current is not the
// password, or the new one is none. Forbidden, with the code confirm: there is no
// current one, and the actor has to prove first who they are. Conflict: it was changed
// meanwhile. RateLimited and Unavailable: as in Login.
func (s *Service) ChangePassword(ctx context.Context, from Device, by Actor, current, password string, programs Programs) (err error) {
	defer errs.Wrap(&err, "account.ChangePassword")
	u, err := s.user(ctx, by.ID)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Email, u.DisplayName); err != nil {
		return err
	}
	if u.PasswordHash == nil {
		err = s.Confirmed(ctx, by)
	} else {
		_, err = s.verifyOwn(ctx, from, u, "body.current", current)
	}
	if err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	_, _, err = live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (none struct{}, err error) {
		return none, s.replacePassword(ctx, tx, u, renewal{hash, by.Session, programs, passwordChanged})
	})
	if errs.Is(err, errs.NotFound) {
		err = errs.New(errs.Conflict, "the password was changed meanwhile: sign in again")
	}
	if err == nil {
		s.tell(ctx, s.passwordMail(u.Email, programs))
	}
	return err
}

func (s *Service) user(ctx context.Context, id string) (query.User, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.User, error) { return query.New(c).GetUser(ctx, id) })
}

// verifyOwn checks the password of somebody who is signed in, as a login does. It
// returns the password's new hash as verify does. Invalid: it is not the password.
func (s *Service) verifyOwn(ctx context.Context, from Device, u query.User, field, password string) (renewed string, err error) {
	if u.PasswordHash == nil {
		return "", errs.Field(field, "this account has no password")
	}
	if err := checkLogin(u.Email, password); err != nil {
		return "", errs.Field(field, "%s", errs.Of(err).Message)
	}
	if err := s.mayTry(ctx, from, u.EmailFolded); err != nil {
		return "", err
	}
	renewed, err = s.verify(ctx, from.IP, u.EmailFolded, u, password)
	if errs.Is(err, errs.Unauthorized) {
		err = errs.Field(field, "this is not your password")
	}
	return renewed, err
}

package account

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail"
)

// How long a link sets a password. One that an admin makes is handed over by people,
// who sleep.
const (
	resetLifetime      = 30 * time.Minute
	adminResetLifetime = 24 * time.Hour
)

// maxLinkCode bounds the code of a link, in bytes.
const maxLinkCode = 64

var (
	errLink = errs.Field("body.code", "this link cannot be used: it is unknown, was used or is too old; ask for a new one")

	errDisabled = errs.New(errs.Conflict, "this account is disabled: enable it first")

	errNoMail = &errs.Error{
		Kind: errs.Unavailable, Code: mail.Code,
		Message: "this server sends no mail: ask an admin for a link that sets a new password",
	}
)

// passwordEvent is what the scope "admin" records of passwords.
type passwordEvent struct {
	Event string `json:"event"`
}

const (
	passwordAsked   = "mail asked for" // by somebody who was not signed in
	passwordLink    = "link made"
	passwordSet     = "set" // by an admin
	passwordReset   = "reset"
	passwordClaimed = "reset by the first proof of the address" // all from before has ended
	passwordChanged = "changed"
)

func recordPassword(tx *live.Tx, userID, event string) error {
	return tx.RecordIn(adminScope, passwordEntity, userID, nil, passwordEvent{event})
}

// Forgot sends a link that sets a new password to an address, if it has an active
// account. The answer is the same in any case, and so is the time it takes: the rest
// happens later. Invalid: this is no address. RateLimited: too many mails to it, or
// asked for from there. Unavailable: this server sends no mail, or has too many to send.
func (s *Service) Forgot(ctx context.Context, from Device, email string) (err error) {
	defer errs.Wrap(&err, "account.Forgot")
	if !s.settings.Mail.On() {
		return errNoMail
	}
	if email, err = checkedEmail(email); err != nil {
		return err
	}
	if err := s.limits.mail(Fold(email), network(from.IP).String(), s.now()); err != nil {
		return err
	}
	return s.post.later(func(ctx context.Context) {
		if err := s.sendReset(ctx, email); err != nil {
			s.logger.WarnContext(ctx, "a link for a new password was not sent", "error", err.Error())
		}
	})
}

func (s *Service) sendReset(ctx context.Context, email string) error {
	u, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.User, error) {
		return query.New(c).GetUserByEmail(ctx, Fold(email))
	})
	if errs.Is(err, errs.NotFound) || err == nil && u.DisabledAt != nil {
		return nil
	}
	if err != nil {
		return err
	}
	code := rand.Text()
	_, _, err = live.Write(ctx, s.log, audit(Actor{}, ""), func(tx *live.Tx) (none struct{}, err error) {
		if _, err := stillThere(ctx, tx, u.ID); err != nil {
			return none, err
		}
		return none, s.createReset(ctx, tx, Actor{}, u.ID, code, resetLifetime, passwordAsked)
	})
	if err != nil {
		return err
	}
	return s.settings.Mail.Send(ctx, s.resetMail(u.Email, s.resetURL(code)))
}

// createReset keeps a link. One that a user has made for another says so: it ends with
// what let them make it.
func (s *Service) createReset(ctx context.Context, tx *live.Tx, by Actor, userID, code string, lifetime time.Duration, event string) error {
	link := query.CreateResetParams{Token: hashToken(code), UserID: userID, ExpiresAt: s.now().Add(lifetime).UnixMicro(), Mailed: event == passwordAsked}
	if by.ID != "" && by != Operator() {
		link.MadeBy = &by.ID
	}
	return errors.Join(query.New(tx).CreateReset(ctx, link), recordPassword(tx, userID, event))
}

func (s *Service) resetURL(code string) string { return s.settings.PublicURL + "/reset#code=" + code }

// ResetLink makes a link that sets a user's new password, once, for an admin to hand
// over. It ends with the admin's role. Forbidden: by is no admin. NotFound: there is no such user. Conflict: the user
// is disabled.
func (s *Service) ResetLink(ctx context.Context, by Actor, userID string) (link string, expires time.Time, err error) {
	defer errs.Wrap(&err, "account.ResetLink(%s)", userID)
	code, expires := rand.Text(), s.now().Add(adminResetLifetime)
	_, _, err = live.Write(ctx, s.log, audit(by, ""), func(tx *live.Tx) (none struct{}, err error) {
		u, err := managing(ctx, tx, by, userID)
		if err == nil && u.DisabledAt != nil {
			err = errDisabled
		}
		if err != nil {
			return none, err
		}
		return none, s.createReset(ctx, tx, by, userID, code, adminResetLifetime, passwordLink)
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return s.resetURL(code), expires, nil
}

// CheckReset tells whether a link's code would set a password now, and whether it would be
// the first proof of the address: see Reset. Invalid: it would not. RateLimited: too many
// wrong codes came from this address.
func (s *Service) CheckReset(ctx context.Context, ip netip.Addr, code string) (first bool, err error) {
	defer errs.Wrap(&err, "account.CheckReset")
	link, err := s.resettable(ctx, ip, code)
	return err == nil && link.Mailed && link.User.EmailProvenAt == nil, err
}

// resettable returns a link by its code, with the user whose password it sets.
func (s *Service) resettable(ctx context.Context, ip netip.Addr, code string) (link query.GetResetRow, err error) {
	if err := s.limits.allow(ip, "", s.now()); err != nil {
		return link, err
	}
	if code = strings.TrimSpace(code); len(code) <= maxLinkCode {
		link, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.GetResetRow, error) {
			return query.New(c).GetReset(ctx, query.GetResetParams{Token: hashToken(code), Now: s.now().UnixMicro()})
		})
	}
	if errs.Is(err, errs.NotFound) || err == nil && link.User.ID == "" {
		s.limits.refused(ip, "", s.now())
		err = errLink
	}
	return link, err
}

// Reset sets the password of the user to whom a link belongs, which is used up by it.
// All their sessions end, and so does what else waits for them: sign-ins, other links,
// a change of the address; and API tokens, if they are to. Second factors stay, unless a
// mailed link is the first proof that the address is the user's: then linked identities,
// second factors and API tokens end in any case, because nobody knows who made them.
// Invalid: the password, or the link
// cannot be used. RateLimited: too many wrong codes came from this address.
// Unavailable: too many passwords are being hashed.
func (s *Service) Reset(ctx context.Context, ip netip.Addr, code, password string, programs Programs) (err error) {
	defer errs.Wrap(&err, "account.Reset")
	link, err := s.resettable(ctx, ip, code)
	if err != nil {
		return err
	}
	u := link.User
	if err := checkPassword(password, u.Email, u.DisplayName); err != nil {
		return err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return err
	}
	first, _, err := live.Write(ctx, s.log, audit(Actor{ID: u.ID}, ""), func(tx *live.Tx) (first bool, err error) {
		return s.useReset(ctx, tx, strings.TrimSpace(code), renewal{hash: hash, programs: programs, event: passwordReset})
	})
	if errs.Is(err, errs.NotFound) { // used or disabled meanwhile
		err = errLink
	}
	if err != nil {
		return err
	}
	if first {
		s.tell(ctx, s.claimedMail(u.Email))
	} else {
		s.tell(ctx, s.passwordMail(u.Email, programs))
	}
	return nil
}

// useReset uses a link up, and reports whether it was the first proof of the address.
// NotFound: it was used or its user disabled meanwhile.
func (s *Service) useReset(ctx context.Context, tx *live.Tx, code string, to renewal) (first bool, err error) {
	q := query.New(tx)
	link, err := q.UseReset(ctx, query.UseResetParams{Token: hashToken(code), Now: s.now().UnixMicro()})
	if err != nil {
		return false, err
	}
	u, err := q.GetUser(ctx, link.UserID)
	if err != nil {
		return false, err
	}
	if !link.Mailed || u.EmailProvenAt != nil {
		return false, s.replacePassword(ctx, tx, u, to)
	}
	to.programs, to.event = EndPrograms, passwordClaimed
	if err := s.replacePassword(ctx, tx, u, to); err != nil {
		return false, err
	}
	return true, s.claim(ctx, tx, u.ID)
}

// renewal is a new password, and what does not end with the old one.
type renewal struct {
	hash     string
	keep     string // a session; "" for none
	programs Programs
	event    string
}

// replacePassword gives a user, as the row was seen, another password. What the old one
// began ends: sessions but the one to keep, sign-ins, links, a change of the address.
// NotFound: the user is disabled, or the password was changed meanwhile.
func (s *Service) replacePassword(ctx context.Context, tx *live.Tx, seen query.User, to renewal) error {
	q, old := query.New(tx), ""
	if seen.PasswordHash != nil {
		old = *seen.PasswordHash
	}
	if _, err := q.SetPassword(ctx, query.SetPasswordParams{ID: seen.ID, PasswordHash: &to.hash, Seen: old, Now: tx.Micros()}); err != nil {
		return err
	}
	return errors.Join(
		q.DeleteResets(ctx, seen.ID),
		dropEmailChange(ctx, tx, seen.ID),
		s.endPrograms(ctx, tx, seen.ID, to.programs),
		s.endAll(ctx, tx, seen.ID, to.keep),
		recordPassword(tx, seen.ID, to.event),
	)
}

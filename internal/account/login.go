package account

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// errCredentials does not tell which of the two it is, nor whether there is such an
// account.
var errCredentials = errs.New(errs.Unauthorized, "no account has this e-mail address and password")

// Login signs a user in, or asks for a second factor: see SignIn. Unauthorized: no
// active account has this e-mail address and password. Invalid: a field is beyond its
// limits. RateLimited: too many refused attempts. Unavailable: too many passwords are
// being hashed.
//
// It takes as long and does as much for an address that has no account.
func (s *Service) Login(ctx context.Context, from Device, email, password string) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.Login")
	if err := checkLogin(email, password); err != nil {
		return SignedIn{}, err
	}
	folded := Fold(email)
	if err := s.mayTry(ctx, from, folded); err != nil {
		return SignedIn{}, err
	}
	if result, err = s.enter(ctx, from, folded, password); errors.Is(err, errOtherPassword) {
		result, err = s.enter(ctx, from, folded, password) // against the one that it is now
	}
	return result, err
}

// errOtherPassword says that the password is not the one any more that was compared.
var errOtherPassword = errs.New(errs.Unauthorized, "the password was changed meanwhile: sign in again")

// enter compares the password and begins a session, if it is still the same then: what
// a new password has ended does not begin again.
func (s *Service) enter(ctx context.Context, from Device, folded, password string) (SignedIn, error) {
	u, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.User, error) {
		return query.New(c).GetUserByEmail(ctx, folded)
	})
	if err != nil && !errs.Is(err, errs.NotFound) {
		return SignedIn{}, err
	}
	renewed, err := s.verify(ctx, from.IP, folded, u, password)
	if err != nil {
		return SignedIn{}, err
	}
	return s.SignIn(ctx, from, Proof{UserID: u.ID, Method: byPassword, Use: unchanged(u, renewed)})
}

// mayTry holds an attempt to guess an account's password to the limits, and to the
// pause after a refused one.
func (s *Service) mayTry(ctx context.Context, from Device, folded string) error {
	if err := s.limits.allow(from.IP, folded, s.now()); err != nil {
		return err
	}
	return s.settings.Clock.Sleep(ctx, s.limits.pause(folded, s.now()))
}

// checkLogin refuses what cannot be a login. A short password is merely a wrong one.
func checkLogin(email, password string) error {
	switch {
	case strings.TrimSpace(email) == "" || utf8.RuneCountInString(email) > MaxEmail || !plain(email):
		return errs.Field("body.email", "an e-mail address has 1 to %d characters", MaxEmail)
	case utf8.RuneCountInString(password) > MaxPassword:
		return errs.Field("body.password", "a password has at most %d characters", MaxPassword)
	}
	return nil
}

// verify hashes the password once, whoever u is, and counts a refusal while it still
// holds its place at the gate: so even many attempts at one time are counted before
// more of them come through. It returns the password's new hash when the old one
// has become too cheap.
func (s *Service) verify(ctx context.Context, ip netip.Addr, folded string, u query.User, password string) (renewed string, err error) {
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	if err := s.limits.allow(ip, folded, s.now()); err != nil {
		return "", err
	}
	kept := dummy(s.settings.Passwords)
	if u.PasswordHash != nil {
		if parsed, err := parsePHC(*u.PasswordHash); err == nil {
			kept = parsed
		} else {
			s.logger.ErrorContext(ctx, "a password hash is damaged; the user cannot sign in with it", "user", u.ID)
		}
	}
	if !kept.matches(password) || u.DisabledAt != nil {
		s.limits.refused(ip, folded, s.now())
		return "", errCredentials
	}
	if kept.weaker(s.settings.Passwords) {
		renewed = newPHC(password, s.settings.Passwords).String()
	}
	return renewed, nil
}

// byPassword is the method of sessions that a password began.
const byPassword = "password"

// unchanged refuses a password that was replaced since the row was read, and keeps the
// password's new hash, if there is one.
func unchanged(seen query.User, renewed string) func(ctx context.Context, tx *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		q := query.New(tx)
		u, err := q.GetUser(ctx, seen.ID)
		if err != nil {
			return err
		}
		if u.PasswordHash == nil || *u.PasswordHash != *seen.PasswordHash {
			return errOtherPassword
		}
		if renewed != "" {
			_, err = q.SetPasswordHash(ctx, query.SetPasswordHashParams{ID: u.ID, PasswordHash: &renewed, Seen: u.PasswordHash, Now: tx.Micros()})
		}
		return err
	}
}

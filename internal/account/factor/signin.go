package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

var (
	errCode     = errs.New(errs.Unauthorized, "this code is not right, or was used already: try another")
	errCounter  = errs.New(errs.Unauthorized, "this passkey was not accepted, because there seems to be a copy of it: use another way, and delete it")
	errNotAlone = errs.New(errs.Unauthorized, "this passkey does not recognise its owner, so it is asked for after the password only")
	errNoneFits = errs.New(errs.Conflict, "there is no passkey for this: use another way")
)

// SignInWithTOTP ends a sign-in with a code of the user's authenticator app.
// Unauthorized: the code is not right, or there is no such sign-in any more.
// RateLimited: too many codes were tried.
func (s *Service) SignInWithTOTP(ctx context.Context, from account.Device, token, code string) (result account.SignedIn, err error) {
	defer errs.Wrap(&err, "factor.SignInWithTOTP")
	userID, err := s.accounts.PendingUser(ctx, from, token)
	if err != nil {
		return result, err
	}
	return s.accounts.Complete(ctx, from, token, s.useTOTP(userID, code))
}

// SignInWithRecovery ends a sign-in with a recovery code, which is then used up. Errors
// are those of SignInWithTOTP.
func (s *Service) SignInWithRecovery(ctx context.Context, from account.Device, token, code string) (result account.SignedIn, err error) {
	defer errs.Wrap(&err, "factor.SignInWithRecovery")
	userID, err := s.accounts.PendingUser(ctx, from, token)
	if err != nil {
		return result, err
	}
	return s.accounts.CompleteRecorded(ctx, from, token, useRecovery(userID, code))
}

// StartSecond asks for one of the user's passkeys in a sign-in; a challenge before it is
// void. Unauthorized: there is no such sign-in. Conflict: the user has no passkey.
func (s *Service) StartSecond(ctx context.Context, from account.Device, token string) (c Challenge, err error) {
	defer errs.Wrap(&err, "factor.StartSecond")
	if s.rp == nil {
		return c, errNoPasskeys
	}
	userID, err := s.accounts.PendingUser(ctx, from, token)
	if err != nil {
		return c, err
	}
	return s.ask(ctx, userID, second(token), protocol.VerificationPreferred, anyPasskey)
}

// second is the ceremony of a sign-in: it has one at a time.
func second(token string) ceremony {
	sum := sha256.Sum256([]byte(token))
	hash := hex.EncodeToString(sum[:])
	return ceremony{forSecond, hash, hash}
}

// ask begins a ceremony with a user who is known, for those of their passkeys that fit.
// Conflict: none does.
func (s *Service) ask(ctx context.Context, userID string, c ceremony, verify protocol.UserVerificationRequirement, fits func(query.Passkey) bool) (Challenge, error) {
	h, err := s.holderOf(ctx, userID, fits)
	if errs.Is(err, errs.NotFound) || err == nil && len(h.rows) == 0 {
		err = errNoneFits
	}
	if err != nil {
		return Challenge{}, err
	}
	options, session, err := s.rp.BeginLogin(h, webauthn.WithUserVerification(verify))
	if err != nil {
		return Challenge{}, err
	}
	return Challenge{c.id, options.Response}, s.begin(ctx, c, session)
}

// SignInWithPasskey ends a sign-in with one of the user's passkeys. Unauthorized: the
// answer is not right, or came too late; Invalid: it is none.
func (s *Service) SignInWithPasskey(ctx context.Context, from account.Device, token string, credential []byte) (result account.SignedIn, err error) {
	defer errs.Wrap(&err, "factor.SignInWithPasskey")
	if s.rp == nil {
		return result, errNoPasskeys
	}
	userID, err := s.accounts.PendingUser(ctx, from, token)
	if err != nil {
		return result, err
	}
	p, err := s.answer(ctx, userID, second(token), credential)
	if errs.Is(err, errs.Unauthorized) {
		err = s.accounts.RefusedFactor(ctx, from, token, err)
	}
	if err != nil {
		return result, err
	}
	result, err = s.accounts.Complete(ctx, from, token, s.usePasskey(p, p.verified))
	return result, s.noted(ctx, p, err)
}

// answer ends a ceremony with a user who is known.
func (s *Service) answer(ctx context.Context, userID string, c ceremony, credential []byte) (p proof, err error) {
	parsed, err := parseAnswer(credential)
	if err != nil {
		return p, err
	}
	session, err := s.take(ctx, c)
	if err != nil {
		return p, err
	}
	h, err := s.holderOf(ctx, userID, anyPasskey)
	if err != nil {
		return p, err
	}
	return s.check(ctx, h, session, parsed)
}

// StartAlone asks for any passkey that recognises its owner. RateLimited, Unavailable:
// too many were asked for.
func (s *Service) StartAlone(ctx context.Context, from account.Device) (c Challenge, err error) {
	defer errs.Wrap(&err, "factor.StartAlone")
	if s.rp == nil {
		return c, errNoPasskeys
	}
	if err := s.accounts.Allow(from.IP, ""); err != nil {
		return c, err
	}
	options, session, err := s.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return c, err
	}
	c = Challenge{rand.Text(), options.Response}
	return c, s.begin(ctx, ceremony{forAlone, from.Network(), c.ID}, session)
}

// SignInAlone signs in whoever the passkey belongs to: it is both factors. Unauthorized:
// the answer is not right, came too late, or the passkey does not recognise its owner;
// Invalid: it is none. RateLimited: too many attempts were refused.
func (s *Service) SignInAlone(ctx context.Context, from account.Device, id string, credential []byte) (result account.SignedIn, err error) {
	defer errs.Wrap(&err, "factor.SignInAlone")
	if s.rp == nil {
		return result, errNoPasskeys
	}
	if err := s.accounts.Allow(from.IP, ""); err != nil {
		return result, err
	}
	parsed, err := parseAnswer(credential)
	if err != nil {
		return result, err
	}
	session, err := s.take(ctx, ceremony{forAlone, from.Network(), id})
	if err == nil {
		result, err = s.finishAlone(ctx, from, session, parsed)
	}
	if errs.Is(err, errs.Unauthorized) {
		s.accounts.Refused(from.IP, "")
	}
	return result, err
}

func (s *Service) finishAlone(ctx context.Context, from account.Device, session webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) (result account.SignedIn, err error) {
	var userID string
	var h holder
	var lookUp error
	_, _, err = s.rp.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		userID, h, lookUp = s.byHandle(ctx, handle)
		return h, lookUp
	}, session, answer)
	if lookUp != nil && !errs.Is(lookUp, errs.NotFound) {
		return result, lookUp
	}
	if err != nil {
		return result, s.refused(ctx, err)
	}
	p, err := proven(h, answer)
	if err == nil && !p.row.Verified {
		err = errNotAlone
	}
	if err != nil {
		return result, err
	}
	result, err = s.accounts.SignIn(ctx, from, account.Proof{
		UserID: userID, Method: byPasskey, Strong: true, Use: s.usePasskey(p, true),
	})
	if errs.Is(err, errs.Unauthorized) && !errors.Is(err, errCounter) {
		err = errPasskey // the account is disabled
	}
	return result, s.noted(ctx, p, err)
}

func (s *Service) byHandle(ctx context.Context, handle []byte) (userID string, h holder, err error) {
	userID, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (string, error) {
		return query.New(c).GetUserOfHandle(ctx, encoded(handle))
	})
	if err != nil {
		return "", h, err
	}
	h, err = s.holderOf(ctx, userID, anyPasskey)
	return userID, h, err
}

// usePasskey notes that a passkey was used. Its counter must have grown, unless it has
// none; verified: from now on its owner is known to be recognised. Unauthorized:
// errCounter.
func (s *Service) usePasskey(p proof, verified bool) func(ctx context.Context, tx *db.Tx) error {
	now := s.now().UnixMicro()
	return func(ctx context.Context, tx *db.Tx) error {
		n, err := query.New(tx).UsePasskey(ctx, query.UsePasskeyParams{
			ID: p.row.ID, UserID: p.row.UserID, SignCount: int64(p.count), BackedUp: p.backedUp, Verified: verified, Now: &now,
		})
		if err == nil && n == 0 {
			err = errCounter
		}
		return err
	}
}

// noted records a passkey whose counter went back, for admins to see, and returns why
// it was refused.
func (s *Service) noted(ctx context.Context, p proof, why error) error {
	if !errors.Is(why, errCounter) {
		return why
	}
	_, err := s.change(ctx, account.Actor{ID: p.row.UserID}, p.row.UserID, func(tx *live.Tx, _ owned) error {
		return query.New(tx).CountRegression(ctx, query.CountRegressionParams{ID: p.row.ID, UserID: p.row.UserID})
	})
	return errors.Join(why, err)
}

// ConfirmWithTOTP proves with a code of the app that it is the actor, and returns until
// when that is good. Invalid: the code is not right. RateLimited: too many were tried.
// Unauthorized: the session has ended.
func (s *Service) ConfirmWithTOTP(ctx context.Context, from account.Device, by account.Actor, code string) (until time.Time, err error) {
	defer errs.Wrap(&err, "factor.ConfirmWithTOTP")
	passed, err := s.accounts.Attempt(from.IP, guesses(by))
	if err != nil {
		return until, err
	}
	until, err = s.accounts.Confirm(ctx, by, s.useTOTP(by.ID, code))
	if err == nil {
		passed()
	}
	return until, inSession(err, "body.code")
}

// StartConfirm asks for one of the actor's passkeys that recognise their owner.
// Conflict: they have none.
func (s *Service) StartConfirm(ctx context.Context, by account.Actor) (c Challenge, err error) {
	defer errs.Wrap(&err, "factor.StartConfirm")
	if s.rp == nil {
		return c, errNoPasskeys
	}
	recognises := func(row query.Passkey) bool { return row.Verified }
	return s.ask(ctx, by.ID, ceremony{forConfirm, by.Session, rand.Text()}, protocol.VerificationRequired, recognises)
}

// ConfirmWithPasskey proves with a passkey that it is the actor, and returns until when
// that is good. Invalid: the answer is not right, or came too late. Unauthorized: the
// session has ended.
func (s *Service) ConfirmWithPasskey(ctx context.Context, by account.Actor, id string, credential []byte) (until time.Time, err error) {
	defer errs.Wrap(&err, "factor.ConfirmWithPasskey")
	if s.rp == nil {
		return until, errNoPasskeys
	}
	p, err := s.answer(ctx, by.ID, ceremony{forConfirm, by.Session, id}, credential)
	if err != nil {
		return until, inSession(err, "body.credential")
	}
	until, err = s.accounts.Confirm(ctx, by, s.usePasskey(p, false))
	return until, inSession(s.noted(ctx, p, err), "body.credential")
}

// inSession is what is wrong as somebody is told who has signed in: Unauthorized would
// mean to them that their session is over.
func inSession(err error, field string) error {
	for _, own := range []error{errCode, errPasskey, errTooLate, errCounter, errNotAlone} {
		if errors.Is(err, own) {
			return &errs.Error{Kind: errs.Invalid, Field: field, Message: errs.Of(own).Message, Cause: err}
		}
	}
	return err
}

// orRefused is the error of a statement, or why its outcome is not enough.
func orRefused(err, why error) error {
	if err == nil {
		err = why
	}
	return err
}

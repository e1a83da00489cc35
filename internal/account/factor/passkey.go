package factor

import (
	"context"
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Limits of a user's passkeys, and of a name in characters.
const (
	maxPasskeys  = 20
	maxName      = 60
	nameless     = "Passkey"
	handleLength = 32 // bytes
)

// Challenge is what a browser hands to an authenticator, and the name of it.
type Challenge struct {
	ID        string
	PublicKey any // as the browser's parse…OptionsFromJSON reads it
}

// StartPasskey begins to make a passkey, which FinishPasskey keeps. Forbidden, with the
// code confirm: the actor has not confirmed who they are. Conflict: they have as many as
// there may be. RateLimited: too many were begun. Unavailable: this server's address
// allows none.
func (s *Service) StartPasskey(ctx context.Context, by account.Actor) (c Challenge, err error) {
	defer errs.Wrap(&err, "factor.StartPasskey")
	if s.rp == nil {
		return c, errNoPasskeys
	}
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return c, err
	}
	user, err := s.accounts.Get(ctx, by.ID)
	if err != nil {
		return c, err
	}
	if err := s.addHandle(ctx, by.ID); err != nil {
		return c, err
	}
	h, err := s.holderOf(ctx, by.ID, anyPasskey)
	if err != nil {
		return c, err
	}
	if len(h.rows) >= maxPasskeys {
		return c, errManyPasskeys
	}
	h.name, h.displayName = user.Email, user.DisplayName
	options, session, err := s.rp.BeginRegistration(h,
		webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return c, err
	}
	c = Challenge{rand.Text(), options.Response}
	return c, s.begin(ctx, ceremony{forEnrolment, by.Session, c.ID}, session)
}

// anyPasskey fits all.
func anyPasskey(query.Passkey) bool { return true }

// addHandle gives a user the name by which authenticators know them, once.
func (s *Service) addHandle(ctx context.Context, userID string) error {
	raw := make([]byte, handleLength)
	rand.Read(raw) // never fails
	_, err := db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		if err := account.MustBeThere(ctx, tx, userID); err != nil {
			return none, err
		}
		return none, query.New(tx).AddHandle(ctx, query.AddHandleParams{UserID: userID, Handle: encoded(raw)})
	})
	return err
}

var errManyPasskeys = errs.New(errs.Conflict, "there can be %d passkeys: delete one that is not used first", maxPasskeys)

// FinishPasskey keeps the passkey that an authenticator has made for the challenge, and
// returns the recovery codes too when it is the actor's first factor. A name of "" gets
// a plain one. Invalid: the name, or what the browser has sent. Conflict: the passkey is
// known already, or there are as many as there may be.
func (s *Service) FinishPasskey(ctx context.Context, by account.Actor, id, name string, credential []byte) (p Passkey, codes []string, err error) {
	defer errs.Wrap(&err, "factor.FinishPasskey")
	if s.rp == nil {
		return p, nil, errNoPasskeys
	}
	if name, err = checkedName(name); err != nil {
		return p, nil, err
	}
	made, err := s.made(ctx, by, id, credential)
	if err != nil {
		return p, nil, inSession(err, "body.credential")
	}
	add := s.rowOf(made)
	add.ID, add.UserID, add.Name = uuid.Must(uuid.NewV7()).String(), by.ID, name
	codes, err = s.change(ctx, by, by.ID, func(tx *live.Tx, old owned) error {
		q := query.New(tx)
		switch known, err := q.CountCredential(ctx, add.CredentialID); {
		case err != nil:
			return err
		case known > 0:
			return errs.Taken("body.credential", "this passkey is in use already")
		case len(old.passkeys) >= maxPasskeys:
			return errManyPasskeys
		}
		return q.AddPasskey(ctx, add)
	})
	err = s.notify(ctx, by.ID, account.PasskeyAdded, err)
	return Passkey{ID: add.ID, Name: name, CreatedAt: timeOf(add.Now), Synced: add.BackedUp}, codes, err
}

// made returns the credential that answers the actor's challenge. Unauthorized: it does
// not, or was too late. Invalid: it is none.
func (s *Service) made(ctx context.Context, by account.Actor, id string, answer []byte) (*webauthn.Credential, error) {
	if len(answer) > maxCredential {
		return nil, errAnswer
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, errAnswer
	}
	session, err := s.take(ctx, ceremony{forEnrolment, by.Session, id})
	if err != nil {
		return nil, err
	}
	h, err := s.holderOf(ctx, by.ID, anyPasskey)
	if err != nil {
		return nil, err
	}
	made, err := s.rp.CreateCredential(h, session, parsed)
	if err != nil {
		return nil, s.refused(ctx, err)
	}
	return made, nil
}

// rowOf is what is kept of a new passkey. Of who made it we ask for no attestation, and
// keep none.
func (s *Service) rowOf(c *webauthn.Credential) query.AddPasskeyParams {
	transports := make([]string, 0, len(c.Transport))
	for _, transport := range c.Transport {
		transports = append(transports, string(transport))
	}
	discoverable := c.Flags.BackupEligible // what is synced can be found; some browsers do not say
	if c.Extensions.RK != nil {
		discoverable = *c.Extensions.RK
	}
	return query.AddPasskeyParams{
		CredentialID: encoded(c.ID), PublicKey: encoded(c.PublicKey), SignCount: int64(c.Authenticator.SignCount),
		Transports:     strings.Join(transports, " "),
		BackupEligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState,
		Verified: c.Flags.UserVerified, Discoverable: discoverable, Now: s.now().UnixMicro(),
	}
}

// RenamePasskey calls one of the actor's passkeys otherwise. NotFound: there is none
// with this id. Invalid: the name.
func (s *Service) RenamePasskey(ctx context.Context, by account.Actor, id, name string) (p Passkey, err error) {
	defer errs.Wrap(&err, "factor.RenamePasskey(%s)", id)
	if name, err = checkedName(name); err != nil {
		return p, err
	}
	_, err = s.change(ctx, by, by.ID, func(tx *live.Tx, _ owned) error {
		n, err := query.New(tx).RenamePasskey(ctx, query.RenamePasskeyParams{ID: id, UserID: by.ID, Name: name})
		return orNoPasskey(n, err)
	})
	if err != nil {
		return p, err
	}
	all, err := s.Get(ctx, by)
	for _, one := range all.Passkeys {
		if one.ID == id {
			return one, err
		}
	}
	return p, orNoPasskey(0, err)
}

// RemovePasskey takes one of the actor's passkeys. Forbidden, with the code confirm: the
// actor has not confirmed who they are. NotFound: there is none with this id. Conflict,
// with the code last_way: they could not sign in any more.
func (s *Service) RemovePasskey(ctx context.Context, by account.Actor, id string) (err error) {
	defer errs.Wrap(&err, "factor.RemovePasskey(%s)", id)
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return err
	}
	_, err = s.change(ctx, by, by.ID, func(tx *live.Tx, _ owned) error {
		n, err := query.New(tx).DeletePasskey(ctx, query.DeletePasskeyParams{ID: id, UserID: by.ID})
		if err := orNoPasskey(n, err); err != nil {
			return err
		}
		return s.accounts.KeepsAWayIn(ctx, tx, by.ID)
	})
	return s.notify(ctx, by.ID, account.PasskeyRemoved, err)
}

func orNoPasskey(n int64, err error) error {
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, "there is no such passkey")
	}
	return err
}

// signsInAlone is the way to sign in that this package adds.
func signsInAlone(ctx context.Context, c db.Conn, userID string) (bool, error) {
	n, err := query.New(c).CountWays(ctx, userID)
	return n > 0, err
}

func checkedName(name string) (string, error) {
	name = blank.Trim(name)
	switch {
	case name == "":
		return nameless, nil
	case utf8.RuneCountInString(name) > maxName:
		return "", errs.Field("body.name", "a name has at most %d characters", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", errs.Field("body.name", "a name has no control characters")
	}
	return name, nil
}

func passkey(row query.Passkey) Passkey {
	p := Passkey{ID: row.ID, Name: row.Name, CreatedAt: timeOf(row.CreatedAt), Synced: row.BackedUp}
	if row.UsedAt != nil {
		p.UsedAt = new(timeOf(*row.UsedAt))
	}
	return p
}

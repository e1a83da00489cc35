package factor

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// appName is how authenticators and apps call us.
const appName = "Peisear"

// A challenge must be answered within its lifetime. The bounds keep strangers, who may
// ask for challenges too, from filling the table.
const (
	ceremonyLifetime = 5 * time.Minute
	maxOpen          = 20     // for one session or sign-in
	maxOpenNetwork   = 200    // for sign-ins by passkey alone from one network
	maxOpenAnonymous = 20_000 // for those from everywhere
	maxCredential    = 64 << 10
)

// What a challenge is for.
const (
	forEnrolment = "enrol"
	forSecond    = "second"
	forAlone     = "alone"
	forConfirm   = "confirm"
)

var (
	errNoPasskeys = errs.New(errs.Unavailable, "passkeys need a name: ask the operator to set PUBLIC_BASE_URL to the https address by which people reach this server, which is no number")
	errPasskey    = errs.New(errs.Unauthorized, "this passkey was not accepted: try again, or use another way")
	errTooLate    = errs.New(errs.Unauthorized, "this took too long or was answered before: try again")
	errAnswer     = errs.Field("body.credential", "this is not the answer of a passkey")
)

// relyingParty is what we are to authenticators. They know us by the name of the host,
// and nothing else; a number, or no address at all, gives nil.
func relyingParty(publicURL string) (host string, rp *webauthn.WebAuthn) {
	u, err := url.Parse(strings.ToLower(publicURL))
	if err != nil || u.Host == "" {
		return "", nil
	}
	rp, err = webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: appName, RPOrigins: []string{origin(u)},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		},
		// Browsers and password managers add what nobody asked for; nothing here reads it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		rp = nil
	}
	return u.Hostname(), rp
}

// origin is the address as browsers write it.
func origin(u *url.URL) string {
	standard := map[string]string{"https": "443", "http": "80"}
	if u.Port() == standard[u.Scheme] {
		return u.Scheme + "://" + u.Hostname()
	}
	return u.Scheme + "://" + u.Host
}

// holder is a user as the protocol's library sees them.
type holder struct {
	handle            []byte
	name, displayName string
	rows              []query.Passkey
}

// WebAuthnID and the methods after it are what the library asks a user for.
func (h holder) WebAuthnID() []byte { return h.handle }

// WebAuthnName tells accounts of one person apart.
func (h holder) WebAuthnName() string { return h.name }

// WebAuthnDisplayName is how the person is called.
func (h holder) WebAuthnDisplayName() string { return h.displayName }

// WebAuthnCredentials are the user's passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, 0, len(h.rows))
	for _, row := range h.rows {
		all = append(all, credential(row))
	}
	return all
}

// credential is a row as the library sees it. What is not base64 would be our mistake,
// and fits no passkey.
func credential(row query.Passkey) webauthn.Credential {
	c := webauthn.Credential{
		ID: decoded(row.CredentialID), PublicKey: decoded(row.PublicKey), AttestationFormat: "none",
		Flags:         webauthn.CredentialFlags{UserVerified: row.Verified, BackupEligible: row.BackupEligible, BackupState: row.BackedUp},
		Authenticator: webauthn.Authenticator{SignCount: uint32(row.SignCount)},
	}
	for transport := range strings.FieldsSeq(row.Transports) {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(transport))
	}
	return c
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func decoded(text string) []byte {
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	return raw
}

// holderOf returns a user with those passkeys that fit. NotFound: they never had any.
func (s *Service) holderOf(ctx context.Context, userID string, fits func(query.Passkey) bool) (h holder, err error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (h holder, err error) {
		q := query.New(c)
		handle, err := q.GetHandle(ctx, userID)
		if err != nil {
			return h, err
		}
		h.handle = decoded(handle)
		rows, err := q.ListPasskeys(ctx, userID)
		for _, row := range rows {
			if fits(row) {
				h.rows = append(h.rows, row)
			}
		}
		return h, err
	})
}

// ceremony says what a challenge is for, and who asked.
type ceremony struct {
	purpose string
	asker   string // as in the table
	id      string
}

// begin keeps a challenge until it is answered. RateLimited, Unavailable: too many are
// open.
func (s *Service) begin(ctx context.Context, c ceremony, session *webauthn.SessionData) error {
	data, err := json.Marshal(session)
	if err != nil {
		return err
	}
	if err := s.mayBegin(ctx, c); err != nil {
		return err
	}
	now := s.now()
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (struct{}, error) {
		q := query.New(tx)
		return struct{}{}, errors.Join(q.PurgeCeremonies(ctx, now.UnixMicro()), q.SetCeremony(ctx, query.SetCeremonyParams{
			ID: c.id, Purpose: c.purpose, Asker: c.asker, Data: string(data), ExpiresAt: now.Add(ceremonyLifetime).UnixMicro(),
		}))
	})
	return err
}

func (s *Service) mayBegin(ctx context.Context, c ceremony) error {
	type open struct{ asker, anonymous int64 }
	n, err := db.Read(ctx, s.db, func(ctx context.Context, conn db.Conn) (n open, err error) {
		q := query.New(conn)
		if c.purpose == forAlone {
			if n.anonymous, err = q.CountAnonymousCeremonies(ctx); err != nil {
				return n, err
			}
		}
		n.asker, err = q.CountCeremonies(ctx, query.CountCeremoniesParams{Purpose: c.purpose, Asker: c.asker})
		return n, err
	})
	most := int64(maxOpen)
	if c.purpose == forAlone {
		most = maxOpenNetwork
	}
	switch {
	case err != nil:
		return err
	case n.asker >= most:
		return errs.Later(errs.RateLimited, ceremonyLifetime, "too many attempts; try again later")
	case n.anonymous >= maxOpenAnonymous:
		return errs.Later(errs.Unavailable, ceremonyLifetime, "too many people are signing in with a passkey right now; try again in a moment, or use another way")
	}
	return nil
}

// take returns the challenge that was given out, to nobody else and never again.
// Unauthorized: errTooLate.
func (s *Service) take(ctx context.Context, c ceremony) (session webauthn.SessionData, err error) {
	data, err := db.Write(ctx, s.db, func(tx *db.Tx) (string, error) {
		return query.New(tx).TakeCeremony(ctx, query.TakeCeremonyParams{ID: c.id, Purpose: c.purpose, Asker: c.asker, Now: s.now().UnixMicro()})
	})
	if errs.Is(err, errs.NotFound) {
		err = errTooLate
	}
	if err == nil {
		err = json.Unmarshal([]byte(data), &session)
	}
	return session, err
}

// parseAnswer reads what a browser has of a passkey that signs in. Invalid: errAnswer.
func parseAnswer(credential []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(credential) > maxCredential {
		return nil, errAnswer
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(credential)
	if err != nil {
		return nil, errAnswer
	}
	return parsed, nil
}

// proof is an answer that is right: what to keep of it.
type proof struct {
	row      query.Passkey
	count    uint32
	backedUp bool
	verified bool // a person was recognised this time
}

// check returns what a user's answer proves. Unauthorized: errPasskey.
func (s *Service) check(ctx context.Context, h holder, session webauthn.SessionData, answer *protocol.ParsedCredentialAssertionData) (p proof, err error) {
	if _, err := s.rp.ValidateLogin(h, session, answer); err != nil {
		return p, s.refused(ctx, err)
	}
	return proven(h, answer)
}

// proven picks the passkey that an answer, found right before, is of.
func proven(h holder, answer *protocol.ParsedCredentialAssertionData) (p proof, err error) {
	id := encoded(answer.RawID)
	for _, row := range h.rows {
		if row.CredentialID == id {
			data := answer.Response.AuthenticatorData
			return proof{row, data.Counter, data.Flags.HasBackupState(), data.Flags.HasUserVerified()}, nil
		}
	}
	return p, errPasskey
}

// refused logs why an answer was not right. People are told no more than that: a wrong
// PUBLIC_BASE_URL shows here.
func (s *Service) refused(ctx context.Context, err error) error {
	why := err.Error()
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		why = cmp.Or(e.DevInfo, e.Details)
	}
	s.logger.InfoContext(ctx, "a passkey was refused", "why", why)
	return errPasskey
}

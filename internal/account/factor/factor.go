// Package factor keeps what users prove themselves with beside their password: an
// authenticator app (TOTP), passkeys, and the recovery codes for the day when both are
// out of reach.
//
// Whoever has an app or a passkey is asked for it after the password or the provider.
// A passkey that recognises its owner, by finger, face or PIN, also signs in alone: it
// is two factors in one. Recovery codes come with the first factor, work once each, and
// go with the last.
//
// Nobody can guess in peace: a code is looked at only after account has counted the
// try, for the sign-in and for the user. A code of the app works once; a challenge is
// answered once, within five minutes, by whom it was given to, for what it was given
// for; a passkey whose counter goes back is refused and noted.
//
// What a user has is recorded as one entity, factor, in the scope "admin", without
// secrets; its id is the user's. Seeds are sealed, recovery codes are hashes.
//
// totp.go, recovery.go and passkey.go are the factors; ceremony.go is the protocol that
// browsers speak; signin.go gives factors, in sign-ins and to confirm who it is.
package factor

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"log/slog"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// What is recorded where: all factors of one user are one entity.
const scope, entity = "admin", "factor"

// The ways to give a second factor, as the API names them.
const (
	byTOTP     = "totp"
	byPasskey  = "passkey"
	byRecovery = "recovery"
)

// Factors is what a user has set up.
type Factors struct {
	TOTP              TOTP      `json:"totp"`
	Passkeys          []Passkey `json:"passkeys" nullable:"false"`
	RecoveryCodesLeft int64     `json:"recoveryCodesLeft"`
}

// TOTP is a user's authenticator app.
type TOTP struct {
	Enabled   bool       `json:"enabled"`
	CreatedAt *time.Time `json:"createdAt"`
}

// Passkey is a passkey or a security key.
type Passkey struct {
	ID        string     `json:"id" format:"uuid"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"createdAt"`
	UsedAt    *time.Time `json:"usedAt" doc:"null: never"`
	Synced    bool       `json:"synced" doc:"its owner has it on other devices too"`
}

// Settings is what an operator decides. All fields are required.
type Settings struct {
	PublicURL string        // scheme and host of the app, without a slash at the end
	Secret    secret.Master // seals the seeds
	Now       func() time.Time
}

// Service keeps the factors.
type Service struct {
	db       *db.DB
	log      *live.Log
	accounts *account.Service
	logger   *slog.Logger
	settings Settings
	host     string             // of the app
	rp       *webauthn.WebAuthn // nil: no passkeys at this address
}

// New returns the service and makes sign-ins of accounts ask for the factors.
func New(d *db.DB, log *live.Log, accounts *account.Service, logger *slog.Logger, settings Settings) *Service {
	s := &Service{db: d, log: log, accounts: accounts, logger: logger, settings: settings}
	s.host, s.rp = relyingParty(settings.PublicURL)
	accounts.RequireFactors(methods)
	accounts.AddWay(signsInAlone)
	return s
}

// now is the time as the database keeps it.
func (s *Service) now() time.Time { return s.settings.Now().UTC().Truncate(time.Microsecond) }

// Get returns what the actor has set up.
func (s *Service) Get(ctx context.Context, by account.Actor) (_ Factors, err error) {
	defer errs.Wrap(&err, "factor.Get")
	all, err := db.Snapshot(ctx, s.db, func(ctx context.Context, c db.Conn) (owned, error) { return load(ctx, c, by.ID) })
	return all.factors(), err
}

// Kinds returns which factors users have, totp and passkey, for those who have some.
func Kinds(ctx context.Context, c db.Conn, userIDs []string) (map[string][]string, error) {
	kinds := make(map[string][]string, len(userIDs))
	if len(userIDs) == 0 {
		return kinds, nil
	}
	first, last := userIDs[0], userIDs[0]
	wanted := make(map[string]bool, len(userIDs))
	for _, id := range userIDs {
		first, last, wanted[id] = min(first, id), max(last, id), true
	}
	q := query.New(c)
	apps, err := q.UsersWithTOTP(ctx, query.UsersWithTOTPParams{First: first, Last: last})
	if err != nil {
		return nil, err
	}
	keys, err := q.UsersWithPasskeys(ctx, query.UsersWithPasskeysParams{First: first, Last: last})
	if err != nil {
		return nil, err
	}
	for _, of := range []struct {
		kind string
		ids  []string
	}{{byTOTP, apps}, {byPasskey, keys}} {
		for _, id := range of.ids {
			if wanted[id] {
				kinds[id] = append(kinds[id], of.kind)
			}
		}
	}
	return kinds, nil
}

// Reset takes all factors from a user who has lost them; their sessions go on. It may
// leave an account without a way in: then a link to set a password is next.
// Forbidden: by is no admin, or has not confirmed who they are (code confirm).
// NotFound: the user has none.
func (s *Service) Reset(ctx context.Context, by account.Actor, userID string) (err error) {
	defer errs.Wrap(&err, "factor.Reset(%s)", userID)
	if by != account.Operator() {
		if err := s.accounts.Confirmed(ctx, by); err != nil {
			return err
		}
	}
	_, err = s.change(ctx, by, userID, func(tx *live.Tx, old owned) error {
		if err := account.MustBeAdmin(ctx, tx, by); err != nil {
			return err
		}
		if !old.some() {
			return errs.New(errs.NotFound, "this user has no second factor")
		}
		q := query.New(tx)
		_, err := q.DeleteTOTP(ctx, userID)
		return errors.Join(err, q.DeletePasskeys(ctx, userID))
	})
	return s.notify(ctx, userID, account.FactorsReset, err)
}

// notify tells a user what has changed, if it has.
func (s *Service) notify(ctx context.Context, userID string, n account.Notice, err error) error {
	if err == nil {
		s.accounts.Notify(ctx, userID, n)
	}
	return err
}

// Erase removes all that is kept of a user who is being deleted. It takes part in that
// transaction.
func Erase(ctx context.Context, tx *live.Tx, userID string) error {
	old, err := load(ctx, tx, userID)
	if err != nil {
		return err
	}
	tx.Forget(entity, userID, "name") // of passkeys, in the user's words
	return remove(ctx, tx, userID, old)
}

// Release takes all factors from a user whose address somebody has proven to be theirs,
// the first time: nobody knows whose factors those are. It takes part in that transaction.
func Release(ctx context.Context, tx *live.Tx, userID string) error {
	old, err := load(ctx, tx, userID)
	if err != nil {
		return err
	}
	return remove(ctx, tx, userID, old)
}

// remove deletes what a user has, drafts too, and records it.
func remove(ctx context.Context, tx *live.Tx, userID string, old owned) error {
	q := query.New(tx)
	_, err := q.DeleteTOTP(ctx, userID)
	err = errors.Join(err, q.DeleteDraftOf(ctx, userID), q.DeletePasskeys(ctx, userID), q.DeleteHandle(ctx, userID), q.DeleteRecoveryCodes(ctx, userID))
	if err != nil || !old.some() {
		return err
	}
	return tx.RecordIn(scope, entity, userID, old.audited(), nil)
}

// SetUp returns the kinds of factors that users have set up, for those of ids who have
// any: for admins.
func SetUp(ctx context.Context, c db.Conn, ids []string) (map[string][]string, error) {
	s := new(db.Statement)
	s.Add("SELECT user_id, 'totp' AS kind FROM totp WHERE ")
	s.In("user_id", ids)
	s.Add(" UNION SELECT user_id, 'passkey' FROM passkey WHERE ")
	s.In("user_id", ids)
	s.Add(" ORDER BY user_id, kind")
	return s.Groups(ctx, c)
}

// owned is all that a user has.
type owned struct {
	totp     *query.Totp
	passkeys []query.Passkey
	codes    query.CountRecoveryCodesRow
}

func load(ctx context.Context, c db.Conn, userID string) (o owned, err error) {
	q := query.New(c)
	totp, err := q.GetTOTP(ctx, userID)
	switch {
	case err == nil:
		o.totp = &totp
	case !noRow(err):
		return o, err
	}
	if o.passkeys, err = q.ListPasskeys(ctx, userID); err != nil {
		return o, err
	}
	o.codes, err = q.CountRecoveryCodes(ctx, userID)
	return o, err
}

// some reports whether there is a factor. Codes alone are none.
func (o owned) some() bool { return o.totp != nil || len(o.passkeys) > 0 }

// methods is what sign-ins ask for. It is never empty where there is a factor, whatever
// became of the codes.
func (o owned) methods() (all []string) {
	if o.totp != nil {
		all = append(all, byTOTP)
	}
	if len(o.passkeys) > 0 {
		all = append(all, byPasskey)
	}
	if o.some() && o.codes.N > 0 {
		all = append(all, byRecovery)
	}
	return all
}

func methods(ctx context.Context, c db.Conn, userID string) ([]string, error) {
	o, err := load(ctx, c, userID)
	return o.methods(), err
}

func (o owned) factors() Factors {
	f := Factors{Passkeys: make([]Passkey, 0, len(o.passkeys)), RecoveryCodesLeft: o.codes.N}
	if o.totp != nil {
		f.TOTP = TOTP{Enabled: true, CreatedAt: new(timeOf(o.totp.CreatedAt))}
	}
	for _, row := range o.passkeys {
		f.Passkeys = append(f.Passkeys, passkey(row))
	}
	return f
}

// audited is what the scope "admin" records of a user's factors.
type audited struct {
	TOTP            *time.Time       `json:"totp"` // since when
	Passkeys        []auditedPasskey `json:"passkeys"`
	RecoveryCodes   int64            `json:"recoveryCodes"`
	RecoveryCodesAt *time.Time       `json:"recoveryCodesAt"`
}

type auditedPasskey struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	CreatedAt   time.Time `json:"createdAt"`
	Regressions int64     `json:"regressions"`
}

// audited is nil where there is nothing, which the log takes for absent.
func (o owned) audited() any {
	if !o.some() {
		return nil
	}
	a := audited{Passkeys: make([]auditedPasskey, 0, len(o.passkeys)), RecoveryCodes: o.codes.N}
	if o.totp != nil {
		a.TOTP = new(timeOf(o.totp.CreatedAt))
	}
	if o.codes.N > 0 {
		a.RecoveryCodesAt = new(timeOf(o.codes.MadeAt))
	}
	for _, row := range o.passkeys {
		a.Passkeys = append(a.Passkeys, auditedPasskey{row.ID, row.Name, timeOf(row.CreatedAt), row.Regressions})
	}
	return a
}

// change runs fn on what a user has, keeps the recovery codes in step and records how
// all differs afterwards. It returns the codes when fn has made the first factor.
func (s *Service) change(ctx context.Context, by account.Actor, userID string, fn func(tx *live.Tx, old owned) error) ([]string, error) {
	fresh, hashes := newCodes()
	given, _, err := live.Write(ctx, s.log, account.Audit(by, ""), func(tx *live.Tx) (given bool, err error) {
		old, err := load(ctx, tx, userID)
		if err != nil {
			return false, err
		}
		if err := fn(tx, old); err != nil {
			return false, err
		}
		now, err := load(ctx, tx, userID)
		if err != nil {
			return false, err
		}
		switch {
		case !now.some():
			err = query.New(tx).DeleteRecoveryCodes(ctx, userID)
		case !old.some():
			given, err = true, s.replaceCodes(ctx, tx, userID, hashes)
		}
		return given, errors.Join(err, record(ctx, tx, userID, old))
	})
	if err != nil || !given {
		return nil, err
	}
	return fresh, nil
}

// record notes in the log how what the user has differs from before.
func record(ctx context.Context, tx *live.Tx, userID string, old owned) error {
	now, err := load(ctx, tx, userID)
	if err != nil || !old.some() && !now.some() {
		return err
	}
	return tx.Record(entity, userID, old.audited(), now.audited())
}

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// noRow reports whether a statement found nothing.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

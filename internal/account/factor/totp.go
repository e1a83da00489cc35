package factor

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
)

// Codes are those of RFC 6238 as every app makes them: SHA-1, six digits. A code of the
// step before or after the clock's counts too.
const (
	period     = 30 * time.Second
	skew       = 1
	sealedSeed = "totp"
)

// draftLifetime is how long an app that nobody has confirmed is remembered.
const draftLifetime = 15 * time.Minute

// Enrolment is what an authenticator app needs to know. It is shown this once.
type Enrolment struct {
	Secret string // base32, to type
	URI    string // otpauth://…
	QR     string // the URI as an image, a data: URI
}

// StartTOTP makes the seed of a new authenticator app, which counts once FinishTOTP has
// seen a code of it. Until then one that is there goes on.
// Forbidden, with the code confirm: the actor has not confirmed who they are.
func (s *Service) StartTOTP(ctx context.Context, by account.Actor) (e Enrolment, err error) {
	defer errs.Wrap(&err, "factor.StartTOTP")
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return e, err
	}
	user, err := s.accounts.Get(ctx, by.ID)
	if err != nil {
		return e, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: s.issuer(), AccountName: user.Email})
	if err != nil {
		return e, err
	}
	if e.QR, err = qrCode(key.URL()); err != nil {
		return e, err
	}
	e.Secret, e.URI = key.Secret(), key.URL()
	sealed, now := s.settings.Secret.Seal(sealedSeed, by.ID, []byte(e.Secret)), s.now()
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		if err := account.MustBeThere(ctx, tx, by.ID); err != nil {
			return none, err
		}
		q := query.New(tx)
		if err := q.DeleteDrafts(ctx, now.UnixMicro()); err != nil {
			return none, err
		}
		return none, q.SetDraft(ctx, query.SetDraftParams{UserID: by.ID, Seed: sealed, ExpiresAt: now.Add(draftLifetime).UnixMicro()})
	})
	return e, err
}

// issuer is how apps call us. Some people have accounts on several servers.
func (s *Service) issuer() string {
	if s.host == "" {
		return appName
	}
	return appName + " (" + s.host + ")"
}

// FinishTOTP makes the app that StartTOTP has begun the actor's, instead of one that
// was there, and returns the recovery codes when it is their first factor. Invalid: the
// code is not right. Conflict: nothing was begun, or too long ago. RateLimited: too many
// codes were tried.
func (s *Service) FinishTOTP(ctx context.Context, from account.Device, by account.Actor, code string) (codes []string, err error) {
	defer errs.Wrap(&err, "factor.FinishTOTP")
	passed, err := s.accounts.Attempt(from.IP, guesses(by))
	if err != nil {
		return nil, err
	}
	now := s.now()
	sealed, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (string, error) {
		return query.New(c).GetDraft(ctx, query.GetDraftParams{UserID: by.ID, Now: now.UnixMicro()})
	})
	if errs.Is(err, errs.NotFound) {
		err = errNoDraft
	}
	if err != nil {
		return nil, err
	}
	step, err := s.match(by.ID, sealed, code, now)
	if err != nil {
		return nil, inSession(err, "body.code")
	}
	passed()
	codes, err = s.change(ctx, by, by.ID, func(tx *live.Tx, _ owned) error {
		q := query.New(tx)
		if n, err := q.DeleteDraft(ctx, query.DeleteDraftParams{UserID: by.ID, Seed: sealed}); err != nil || n == 0 {
			return orRefused(err, errNoDraft)
		}
		return q.SetTOTP(ctx, query.SetTOTPParams{UserID: by.ID, Seed: sealed, Step: step, Now: now.UnixMicro()})
	})
	return codes, s.notify(ctx, by.ID, account.AppAdded, err)
}

var errNoDraft = errs.New(errs.Conflict, "this took too long: begin again with a new code to scan")

// guesses is what codes that the actor tries in a session are limited under.
func guesses(by account.Actor) string { return "totp:" + by.ID }

// RemoveTOTP takes the actor's authenticator app. Forbidden, with the code confirm: the
// actor has not confirmed who they are. NotFound: there is none.
func (s *Service) RemoveTOTP(ctx context.Context, by account.Actor) (err error) {
	defer errs.Wrap(&err, "factor.RemoveTOTP")
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return err
	}
	_, err = s.change(ctx, by, by.ID, func(tx *live.Tx, _ owned) error {
		n, err := query.New(tx).DeleteTOTP(ctx, by.ID)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "no authenticator app is set up")
		}
		return err
	})
	return s.notify(ctx, by.ID, account.AppRemoved, err)
}

// match returns the step that a code is of. Unauthorized: it is of none near now.
// Unavailable: the seed was sealed with a secret that is lost.
func (s *Service) match(userID, sealed, code string, now time.Time) (step int64, err error) {
	seed, err := s.settings.Secret.Open(sealedSeed, userID, sealed)
	if err != nil {
		return 0, errs.From(err, errs.Unavailable, "this server cannot check the codes of your app any more: use another way, or ask an admin to reset your second factor")
	}
	code = strings.Join(strings.FieldsFunc(code, separates), "")
	if len(code) != otp.DigitsSix.Length() {
		return 0, errCode
	}
	current := now.Unix() / int64(period/time.Second)
	for step := current - skew; step <= current+skew; step++ {
		right, err := hotp.ValidateCustom(code, uint64(step), string(seed), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if right || err != nil {
			return step, err
		}
	}
	return 0, errCode
}

// useTOTP accepts a code of a user's app: that code, and any before it, is then used. It
// looks at the code inside the transaction, because the try is counted before that; it
// takes microseconds. Unauthorized: the code is not right, or was used.
func (s *Service) useTOTP(userID, code string) func(ctx context.Context, tx *db.Tx) error {
	now := s.now()
	return func(ctx context.Context, tx *db.Tx) error {
		q := query.New(tx)
		row, err := q.GetTOTP(ctx, userID)
		if noRow(err) {
			return errCode
		}
		if err != nil {
			return err
		}
		step, err := s.match(userID, row.Seed, code, now)
		if err != nil {
			return err
		}
		n, err := q.AcceptStep(ctx, query.AcceptStepParams{UserID: userID, CreatedAt: row.CreatedAt, Step: step})
		if err == nil && n == 0 {
			err = errCode
		}
		return err
	}
}

// resealAtOnce bounds the rows of one transaction of Reseal.
const resealAtOnce = 200

// Reseal seals the seeds anew that are not under the current secret, and returns how
// many there were. What somebody is just setting up they begin again.
func Reseal(ctx context.Context, d *db.DB, m secret.Master) (n int, err error) {
	defer errs.Wrap(&err, "factor.Reseal")
	_, err = db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) {
		return struct{}{}, query.New(tx).DeleteDrafts(ctx, math.MaxInt64)
	})
	if err != nil {
		return 0, err
	}
	for after := ""; ; {
		rows, err := db.Read(ctx, d, func(ctx context.Context, c db.Conn) ([]query.ListSeedsRow, error) {
			return query.New(c).ListSeeds(ctx, query.ListSeedsParams{After: after, N: resealAtOnce})
		})
		if err != nil || len(rows) == 0 {
			return n, err
		}
		changed, err := resealSome(ctx, d, m, rows)
		if n += changed; err != nil {
			return n, err
		}
		after = rows[len(rows)-1].UserID
	}
}

func resealSome(ctx context.Context, d *db.DB, m secret.Master, rows []query.ListSeedsRow) (int, error) {
	var all []query.ReplaceSeedParams
	for _, row := range rows {
		seed, changed, err := m.Reseal(sealedSeed, row.UserID, row.Seed)
		if err != nil {
			return 0, fmt.Errorf("the authenticator app of user %s: %w", row.UserID, err)
		}
		if changed {
			all = append(all, query.ReplaceSeedParams{UserID: row.UserID, Old: row.Seed, Seed: seed})
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	return db.Write(ctx, d, func(tx *db.Tx) (n int, err error) {
		q := query.New(tx)
		for _, one := range all {
			changed, err := q.ReplaceSeed(ctx, one)
			if err != nil {
				return 0, err
			}
			n += int(changed)
		}
		return n, nil
	})
}

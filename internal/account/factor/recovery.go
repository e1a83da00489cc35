package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor/query"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// A recovery code is so long that its plain hash gives nothing away: 5 bits a letter.
const (
	recoveryCodes  = 10
	recoveryLength = 24
	recoveryGroup  = 4
)

// NewRecoveryCodes replaces the actor's recovery codes and returns the new ones, which
// are shown this once. Forbidden, with the code confirm: the actor has not confirmed who
// they are. Conflict: there is no factor that they could stand in for.
func (s *Service) NewRecoveryCodes(ctx context.Context, by account.Actor) (codes []string, err error) {
	defer errs.Wrap(&err, "factor.NewRecoveryCodes")
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return nil, err
	}
	codes, hashes := newCodes()
	_, err = s.change(ctx, by, by.ID, func(tx *live.Tx, old owned) error {
		if !old.some() {
			return errs.New(errs.Conflict, "recovery codes come with the first second factor: set up an authenticator app or a passkey")
		}
		return s.replaceCodes(ctx, tx, by.ID, hashes)
	})
	return codes, s.notify(ctx, by.ID, account.CodesRenewed, err)
}

// newCodes returns codes as people read them, abcd-efgh-…, and as they are kept.
func newCodes() (codes, hashes []string) {
	for range recoveryCodes {
		letters := []byte(strings.ToLower(rand.Text()[:recoveryLength]))
		var groups []string
		for group := range slices.Chunk(letters, recoveryGroup) {
			groups = append(groups, string(group))
		}
		code := strings.Join(groups, "-")
		codes, hashes = append(codes, code), append(hashes, hashRecovery(code))
	}
	return codes, hashes
}

func (s *Service) replaceCodes(ctx context.Context, tx *live.Tx, userID string, hashes []string) error {
	q := query.New(tx)
	if err := q.DeleteRecoveryCodes(ctx, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		add := query.AddRecoveryCodeParams{UserID: userID, Hash: hash, Now: s.now().UnixMicro()}
		if err := q.AddRecoveryCode(ctx, add); err != nil {
			return err
		}
	}
	return nil
}

// hashRecovery is how a code is kept, however it is typed.
func hashRecovery(code string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(strings.FieldsFunc(code, separates), ""))))
	return hex.EncodeToString(sum[:])
}

// separates reports whether a character only helps people to read a code.
func separates(r rune) bool { return r == ' ' || r == '-' }

// useRecovery takes a code from a user. Unauthorized: it is none of theirs.
func useRecovery(userID, code string) func(ctx context.Context, tx *live.Tx) error {
	hash := hashRecovery(code)
	return func(ctx context.Context, tx *live.Tx) error {
		old, err := load(ctx, tx, userID)
		if err != nil {
			return err
		}
		if n, err := query.New(tx).UseRecoveryCode(ctx, query.UseRecoveryCodeParams{UserID: userID, Hash: hash}); err != nil || n == 0 {
			return orRefused(err, errCode)
		}
		return record(ctx, tx, userID, old)
	}
}

package account

import (
	"context"
	"errors"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/secret"
)

// checkPurpose and checkValue are what is sealed to know COOKIE_SECRET again.
const checkPurpose, checkValue = "check", "peisear"

var errOtherSecret = errors.New("COOKIE_SECRET (in local mode the file cookie-secret in the data folder) is not the one that this database was used with: " +
	"set it back, or put the former one into COOKIE_SECRET_OLD and run peisear keys reseal; if it is lost, peisear keys reseal --lost goes on without what was sealed with it")

// CheckSecret makes sure that what is sealed in the database can be opened, before
// anything is written with another secret. stale: only a former secret opens it. The
// error says what the operator can do.
func (s *Service) CheckSecret(ctx context.Context) (stale bool, err error) {
	sealed, err := s.sealedCheck(ctx)
	if errs.Is(err, errs.NotFound) {
		if err := s.createCheck(ctx); err != nil {
			return false, err
		}
		sealed, err = s.sealedCheck(ctx) // another process may have been faster, with another secret
	}
	if err != nil {
		return false, err
	}
	_, stale, err = s.settings.Secret.Reseal(checkPurpose, "", sealed)
	if errors.Is(err, secret.ErrSealed) {
		err = errOtherSecret
	}
	return stale, err
}

func (s *Service) sealedCheck(ctx context.Context) (string, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (string, error) { return query.New(c).GetSealedCheck(ctx) })
}

func (s *Service) createCheck(ctx context.Context) error {
	sealed := s.settings.Secret.Seal(checkPurpose, "", []byte(checkValue))
	_, err := db.Write(ctx, s.db, func(tx *db.Tx) (struct{}, error) {
		return struct{}{}, query.New(tx).CreateSealedCheck(ctx, sealed)
	})
	return err
}

// resealCheck notes that all is sealed under the current secret: it comes last.
func resealCheck(ctx context.Context, d *db.DB, m secret.Master) (n int, err error) {
	changed, err := db.Write(ctx, d, func(tx *db.Tx) (changed bool, err error) {
		q := query.New(tx)
		sealed, err := q.GetSealedCheck(ctx)
		if noRow(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		sealed, changed, err = m.Reseal(checkPurpose, "", sealed)
		if err != nil || !changed {
			return false, err
		}
		return true, q.SetSealedCheck(ctx, sealed)
	})
	if errors.Is(err, secret.ErrSealed) {
		err = errOtherSecret
	}
	if changed {
		n = 1
	}
	return n, err
}

// GiveUpSecret lets the program go on with a secret that does not open what is in the
// database. What is sealed stays closed, until it is entered anew.
func GiveUpSecret(ctx context.Context, d *db.DB, m secret.Master) error {
	sealed := m.Seal(checkPurpose, "", []byte(checkValue))
	_, err := db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) { return struct{}{}, query.New(tx).SetSealedCheck(ctx, sealed) })
	return err
}

package account

import (
	"context"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// adopt completes the rows that were written by hand: it replaces their codes by
// hashes, and fills in what was left out.
func (s *Service) adopt(ctx context.Context) error {
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.InviteCode, error) {
		return query.New(c).ListPlainInvites(ctx)
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	doubles, _, err := live.Write(ctx, s.log, audit(Operator(), ""), func(tx *live.Tx) (doubles []string, err error) {
		for _, row := range rows {
			double, err := s.adoptOne(ctx, tx, row.Code)
			if err != nil {
				return nil, err
			}
			if double {
				doubles = append(doubles, row.Code)
			}
		}
		return doubles, nil
	})
	if err != nil || len(doubles) == 0 {
		return err
	}
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		for _, code := range doubles {
			if err := query.New(tx).DeletePlainInvite(ctx, code); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	return err
}

// adoptOne reports a code that was given out before: written again, it is not
// revived.
func (s *Service) adoptOne(ctx context.Context, tx *live.Tx, code string) (double bool, err error) {
	q := query.New(tx)
	hash := code
	if !strings.HasPrefix(code, hashed) {
		hash = hashCode(strings.TrimSpace(code))
		if _, err := q.GetInviteByCode(ctx, hash); !noRow(err) {
			return err == nil, err
		}
	}
	id := uuid.Must(uuid.NewV7()).String()
	row, err := q.AdoptInvite(ctx, query.AdoptInviteParams{Code: code, Hash: hash, ID: &id, Now: s.now().UnixMicro()})
	if noRow(err) {
		return false, nil // another process was faster
	}
	if err != nil {
		return false, err
	}
	return false, tx.Record(inviteEntity, id, nil, invite(row))
}

// InitialInvite makes the invite of the first admin where there is no admin yet,
// and returns the link to use it with. It is "" when there is an admin, or when the
// invite was used or withdrawn: it is never revived. Called again, it makes nothing
// and returns the same link. It also takes over invites that were written by hand.
func (s *Service) InitialInvite(ctx context.Context) (link string, err error) {
	defer errs.Wrap(&err, "account.InitialInvite")
	if err := s.adopt(ctx); err != nil {
		return "", err
	}
	code := strings.TrimSpace(s.settings.InitialInviteCode)
	if code == "" {
		code = strings.ToLower(base32.StdEncoding.EncodeToString(s.settings.Secret.Key("initial invite")[:15]))
	}
	id := uuid.Must(uuid.NewV7()).String()
	open, _, err := live.Write(ctx, s.log, audit(Operator(), ""), func(tx *live.Tx) (open bool, err error) {
		q := query.New(tx)
		if admins, err := q.CountAdmins(ctx); err != nil || admins > 0 {
			return false, err
		}
		row, err := q.GetInviteByCode(ctx, hashCode(code))
		if !noRow(err) {
			return err == nil && row.UsedAt == nil && row.RevokedAt == nil, err
		}
		return true, s.createInitial(ctx, tx, id, hashCode(code))
	})
	if err != nil || !open {
		return "", err
	}
	return s.SignUpURL(code), nil
}

// createInitial also removes the unused one of another secret: whoever saw that link
// must not come in.
func (s *Service) createInitial(ctx context.Context, tx *live.Tx, id, hash string) error {
	q := query.New(tx)
	stale, err := q.DeleteStaleInitialInvites(ctx, hash)
	if err != nil {
		return err
	}
	for _, row := range stale {
		if err := tx.Record(inviteEntity, *row.ID, invite(row), nil); err != nil {
			return err
		}
	}
	row, err := q.CreateInitialInvite(ctx, query.CreateInitialInviteParams{Code: hash, ID: &id, Now: s.now().UnixMicro()})
	if err != nil {
		return err
	}
	return tx.Record(inviteEntity, id, nil, invite(row))
}

package account

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Revoke withdraws an invite; one that is withdrawn stays so. Forbidden: by is no
// admin. NotFound: there is no such invite. Conflict: it was used, or the mutation's id
// was, for another change.
func (s *Service) Revoke(ctx context.Context, by Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "account.Revoke(%s)", id)
	_, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return none, err
		}
		old, err := query.New(tx).GetInvite(ctx, &id)
		if err != nil || old.RevokedAt != nil {
			return none, err
		}
		return none, withdraw(ctx, tx, old)
	})
	if err == nil && seen != nil && (!seen.Did(live.Update, inviteEntity, id) || !gave(seen, "revokedAt")) {
		err = live.ErrOtherMutation
	}
	return err
}

// gave reports whether a change of an invite gave a field a value: each of the things
// that can happen to one has a time of its own.
func gave(seen *live.Change, field string) bool {
	return !seen.Fits(map[string]any{field: nil})
}

// withdraw revokes an invite. Conflict: it was used.
func withdraw(ctx context.Context, tx *live.Tx, old query.InviteCode) error {
	row, err := query.New(tx).RevokeInvite(ctx, query.RevokeInviteParams{ID: old.ID, Now: new(tx.Micros())})
	if noRow(err) {
		return errInviteUsed
	}
	if err != nil {
		return err
	}
	return tx.RecordIn(adminScope, inviteEntity, *old.ID, invite(old), invite(row))
}

// Renew gives an open invite another code: the one before is of no use any more. It is
// returned once, as by Invite. The invite ends at expiresAt, or with nil when it did
// before. Forbidden: as by Invite. NotFound: there is no such invite. Conflict: it
// was used or withdrawn. Invalid: the time, or it has expired and none is given.
func (s *Service) Renew(ctx context.Context, by Actor, tx, id string, expiresAt *time.Time) (i Invite, code string, err error) {
	defer errs.Wrap(&err, "account.Renew(%s)", id)
	code = rand.Text()
	expiry, err := s.checkedExpiry(expiresAt)
	if err != nil {
		return Invite{}, "", err
	}
	i, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (Invite, error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return Invite{}, err
		}
		q := query.New(tx)
		old, err := q.GetInvite(ctx, &id)
		if err != nil {
			return Invite{}, err
		}
		if Role(old.Role) == Admin {
			if err := s.mayGiveAdmin(ctx, tx, by); err != nil {
				return Invite{}, err
			}
		}
		change := query.RenewInviteParams{Code: hashCode(code), Now: new(tx.Micros()), ExpiresAt: expiry, ID: &id}
		if err := s.renewable(old, expiry); err != nil {
			return Invite{}, err
		}
		if expiry == nil {
			change.ExpiresAt = old.ExpiresAt
		}
		row, err := q.RenewInvite(ctx, change)
		if err != nil {
			return Invite{}, err
		}
		return invite(row), tx.Record(inviteEntity, id, invite(old), invite(row))
	})
	if err == nil && seen != nil {
		if code = ""; !seen.Did(live.Update, inviteEntity, id) || !gave(seen, "renewedAt") {
			return Invite{}, "", live.ErrOtherMutation
		}
		i, err = s.invite(ctx, id)
	}
	return i, code, err
}

func (s *Service) renewable(old query.InviteCode, expiry *int64) error {
	switch {
	case old.UsedAt != nil:
		return errInviteUsed
	case old.RevokedAt != nil:
		return errs.New(errs.Conflict, "this invite has been withdrawn")
	case expiry == nil && old.ExpiresAt != nil && *old.ExpiresAt <= s.now().UnixMicro():
		return errs.Field("body.expiresAt", "the invite has expired: say until when the new link is good")
	}
	return nil
}

package account

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// ConfirmLifetime is how long a proof of identity is good for what needs a fresh one.
const ConfirmLifetime = 5 * time.Minute

// errConfirm asks for a proof; a client knows it by its code, asks the user and comes
// again.
var errConfirm = &errs.Error{
	Kind: errs.Forbidden, Code: "confirm",
	Message: "confirm first that it is you: your last sign-in is more than five minutes ago",
}

// Confirmed returns nil when the actor has proved who they are within the last
// ConfirmLifetime, in this session. Forbidden, with the code confirm: they have not.
func (s *Service) Confirmed(ctx context.Context, by Actor) (err error) {
	defer errs.Wrap(&err, "account.Confirmed")
	until, err := s.ConfirmedUntil(ctx, by)
	if err == nil && !s.now().Before(until) {
		err = errConfirm
	}
	return err
}

// mayGiveAdmin is for what makes somebody an admin, now or later: it outlives whatever the
// actor came with. Forbidden: by a program, or (with the code confirm) without a fresh
// proof.
func (s *Service) mayGiveAdmin(ctx context.Context, c db.Conn, by Actor) error {
	switch {
	case by == Operator():
		return nil
	case by.Session == "":
		return errSessionOnly
	}
	row, err := query.New(c).GetSession(ctx, by.Session)
	switch {
	case noRow(err), err == nil && row.UserID != by.ID:
		return errEnded
	case err == nil && !s.now().Before(time.UnixMicro(row.ConfirmedAt).Add(ConfirmLifetime)):
		return errConfirm
	}
	return err
}

// ConfirmedUntil is when the actor's last proof of identity is too old. Unauthorized:
// the session has ended.
func (s *Service) ConfirmedUntil(ctx context.Context, by Actor) (time.Time, error) {
	row, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.Session, error) {
		return query.New(c).GetSession(ctx, by.Session)
	})
	if errs.Is(err, errs.NotFound) || err == nil && row.UserID != by.ID {
		return time.Time{}, errEnded
	}
	return time.UnixMicro(row.ConfirmedAt).UTC().Add(ConfirmLifetime), err
}

// Confirm notes that the actor has proved now who they are, and returns until when
// that is good. use takes part in the transaction, as in Proof; it may be nil.
// Unauthorized: the session has ended.
func (s *Service) Confirm(ctx context.Context, by Actor, use func(ctx context.Context, tx *db.Tx) error) (until time.Time, err error) {
	defer errs.Wrap(&err, "account.Confirm")
	now := s.now()
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		if use != nil {
			if err := use(ctx, tx); err != nil {
				return none, err
			}
		}
		n, err := query.New(tx).ConfirmSession(ctx, query.ConfirmSessionParams{ID: by.Session, UserID: by.ID, Now: now.UnixMicro()})
		if err == nil && n == 0 {
			err = errEnded
		}
		return none, err
	})
	return now.Add(ConfirmLifetime), err
}

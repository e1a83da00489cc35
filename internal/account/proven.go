package account

import (
	"context"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// An address is proven once it is known to be its user's: an admin or the operator vouched
// for it, an invite for it or another link came there by mail, or a provider has verified
// it. Until then it is somebody's word. Where anybody may sign up, that may be a stranger
// who waits for the owner: so the first proof by a mail ends what was there before.

// Claim says that somebody has proven by mail that a user's address is theirs, which was
// only said before.
type Claim struct{ UserID string }

// proves reports whether who uses an invite has proven their address by it: its link was
// sent there, or it is the operator's own.
func proves(row query.InviteCode) bool {
	return row.Initial || invite(row).Email != nil && row.MailedAt != nil
}

// noteMailed keeps that the link of an invite was sent to its address.
func (s *Service) noteMailed(ctx context.Context, code string) error {
	_, err := db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		change := query.SetInviteMailedParams{Code: hashCode(code), Now: new(tx.Micros())}
		return none, query.New(tx).SetInviteMailed(ctx, change)
	})
	return err
}

// claim notes the first proof of a user's address, and ends what was there before.
func (s *Service) claim(ctx context.Context, tx *live.Tx, userID string) error {
	if err := query.New(tx).ProveEmail(ctx, query.ProveEmailParams{ID: userID, Now: new(tx.Micros())}); err != nil {
		return err
	}
	return s.Claimed.Publish(ctx, tx, Claim{userID})
}

// Prove notes that an address is the user's if they have it: a provider that they have just
// signed in with has verified it. It takes part in the transaction that links the two.
func (s *Service) Prove(ctx context.Context, tx *live.Tx, userID, email string) (err error) {
	defer errs.Wrap(&err, "account.Prove(%s)", userID)
	u, err := query.New(tx).GetUser(ctx, userID)
	if err != nil || Fold(email) != u.EmailFolded {
		return err
	}
	return query.New(tx).ProveEmail(ctx, query.ProveEmailParams{ID: userID, Now: new(tx.Micros())})
}

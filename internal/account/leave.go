package account

import (
	"cmp"
	"context"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Work says what becomes of what a deleted user was to do.
type Work string

// It is nobody's any more, or somebody else's.
const (
	Unassign Work = "unassign"
	HandOver Work = "hand_over"
)

// Deletion says what a deleted user leaves to whom.
type Deletion struct {
	Work   Work
	HeirID string // who takes over what nobody else can; "" for nobody. HandOver needs one
}

// Leave says that a user is being deleted.
type Leave struct {
	UserID string
	Deletion
}

// Reach returns the scopes that a user's deletion may write to, so that they are locked
// in the order of all writers. One that is missing is locked when it is met.
type Reach func(ctx context.Context, userID string) ([]string, error)

// ReachOf tells how far a user's deletion reaches. It is called while the program is
// put together.
func (s *Service) ReachOf(r Reach) { s.reach = r }

// Delete removes a user for good, and everything personal: e-mail address, name,
// password, sessions, notes, and whatever else other slices keep of them, in the change
// log too. A row without a name stays, because what they wrote for others points at it.
// The address is free again.
// Forbidden: by is no admin. NotFound: there is no such user. Invalid: the work, or the
// heir, who is another active user. Conflict: it would leave no admin, or something
// without anybody to look after it, which the error names; or the mutation's id was used
// for another change.
func (s *Service) Delete(ctx context.Context, by Actor, tx, id string, d Deletion) (err error) {
	defer errs.Wrap(&err, "account.Delete(%s)", id)
	switch {
	case d.Work != Unassign && d.Work != HandOver:
		return errs.Field("body.work", "expected %s or %s", Unassign, HandOver)
	case d.Work == HandOver && d.HeirID == "", d.HeirID == id:
		return errHeir
	}
	if err := s.adopt(ctx); err != nil {
		return err
	}
	m := audit(by, tx)
	if m.Scopes, err = s.reached(ctx, m.Scopes, id, d.HeirID); err != nil {
		return err
	}
	_, seen, err := live.Write(ctx, s.log, m, func(tx *live.Tx) (none struct{}, err error) {
		if _, err := managing(ctx, tx, by, id); err != nil {
			return none, err
		}
		// Locked first: what MustBeThere has let through is there by then, to be removed.
		old, err := query.New(tx).LockUser(ctx, id)
		if err != nil {
			return none, err
		}
		if err := heir(ctx, tx, d.HeirID); err != nil {
			return none, err
		}
		if err := s.Leaving.Publish(ctx, tx, Leave{id, d}); err != nil {
			return none, err
		}
		return none, s.bury(ctx, tx, old)
	})
	if err == nil && seen != nil { // what it began with may be any slice's
		if u, err := s.user(ctx, id); err != nil || u.DeletedAt == nil {
			return cmp.Or(err, live.ErrOtherMutation)
		}
	}
	return err
}

var errHeir = errs.Field("body.heirId", "expected another active user")

// heir checks who inherits; nobody is fine.
func heir(ctx context.Context, c db.Conn, id string) error {
	if id == "" {
		return nil
	}
	u, err := query.New(c).GetUser(ctx, id)
	if noRow(err) || err == nil && u.DisabledAt != nil {
		return errHeir
	}
	return err
}

// reached adds the scopes that the deletion of a user touches.
func (s *Service) reached(ctx context.Context, scopes []string, id, heirID string) ([]string, error) {
	scopes = append(scopes, Actor{ID: id}.Scope())
	if heirID != "" {
		scopes = append(scopes, Actor{ID: heirID}.Scope())
	}
	if s.reach == nil {
		return scopes, nil
	}
	more, err := s.reach(ctx, id)
	return append(scopes, more...), err
}

// tomb stands for the address of a deleted user: it is nobody's, and there is only one.
func tomb(id string) string { return "deleted:" + id }

// bury removes what this package keeps of a user, and says so.
func (s *Service) bury(ctx context.Context, tx *live.Tx, old query.User) error {
	u, err := query.New(tx).BuryUser(ctx, query.BuryUserParams{ID: old.ID, EmailFolded: tomb(old.ID), Now: new(tx.Micros())})
	if err != nil {
		return err
	}
	if err := keepsAdmin(ctx, tx, old); err != nil {
		return err
	}
	if err := tx.RecordIn(adminScope, userEntity, u.ID, auditedOf(old), nil); err != nil {
		return err
	}
	if err := tx.RecordIn(orgScope, personEntity, u.ID, personOf(old), personOf(u)); err != nil {
		return err
	}
	if err := shutOut(ctx, tx, u.ID); err != nil {
		return err
	}
	if err := forgetInvites(ctx, tx, old); err != nil {
		return err
	}
	tx.Forget(userEntity, u.ID, "email", "displayName")
	tx.Forget(emailEntity, u.ID, "email")
	tx.Forget(personEntity, u.ID, "displayName")
	if err := tx.EndScope(Actor{ID: u.ID}.Scope()); err != nil {
		return err
	}
	return s.revoke(ctx, tx.Tx, u.ID, u.Epoch, "")
}

// forgetInvites removes the user's addresses, former ones too, from the invites that carry
// them: those that they used, and those that somebody else made for them. One that is open
// still is withdrawn, for without the address anybody could use it.
func forgetInvites(ctx context.Context, tx *live.Tx, u query.User) error {
	q := query.New(tx)
	all, err := q.ListAddressed(ctx)
	if err != nil {
		return err
	}
	former, err := formerly(ctx, tx, u)
	if err != nil {
		return err
	}
	for _, row := range all {
		theirs := row.UsedBy != nil && *row.UsedBy == u.ID
		address := Fold(*row.Email)
		if row.ID == nil || !theirs && address != u.EmailFolded && (row.UsedBy != nil || !former[address]) {
			continue
		}
		if row.UsedAt == nil && row.RevokedAt == nil {
			if err := withdraw(ctx, tx, row); err != nil {
				return err
			}
		}
		if err := q.ForgetAddress(ctx, row.ID); err != nil {
			return err
		}
		tx.Forget(inviteEntity, *row.ID, "email")
	}
	return nil
}

// formerly returns the addresses that a user had before, but those that are somebody
// else's by now.
func formerly(ctx context.Context, tx *live.Tx, u query.User) (map[string]bool, error) {
	held, err := tx.Held(userEntity, u.ID, "email")
	if err != nil {
		return nil, err
	}
	former := map[string]bool{}
	for _, email := range held {
		taken, err := isTaken(ctx, query.New(tx), email)
		if err != nil {
			return nil, err
		}
		former[Fold(email)] = !taken
	}
	return former, nil
}

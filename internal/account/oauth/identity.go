package oauth

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth/query"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// maxIdentities bounds the identities of one user.
const maxIdentities = 20

// Identity is who a user is somewhere else, as they see it.
type Identity struct {
	ID        string      `json:"id" format:"uuid"`
	Provider  provider.ID `json:"provider"`
	Name      string      `json:"name" doc:"as the provider told it last"`
	Email     string      `json:"email" doc:"as the provider told it last; it says nothing about who may sign in"`
	CreatedAt time.Time   `json:"createdAt"`
	UsedAt    time.Time   `json:"usedAt"`
}

// audited is what the scope "admin" records of an identity: what somebody is called
// elsewhere is theirs.
type audited struct {
	UserID   string `json:"userId"`
	Provider string `json:"provider"`
	Issuer   string `json:"issuer"`
}

func auditedOf(row query.Identity) audited { return audited{row.UserID, row.Provider, row.Issuer} }

// Identities returns the actor's, oldest first.
func (s *Service) Identities(ctx context.Context, by account.Actor) (all []Identity, err error) {
	defer errs.Wrap(&err, "oauth.Identities")
	rows, err := s.identities(ctx, by.ID)
	all = make([]Identity, 0, len(rows))
	for _, row := range rows {
		all = append(all, identity(row))
	}
	return all, err
}

func (s *Service) identities(ctx context.Context, userID string) ([]query.Identity, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.Identity, error) {
		return query.New(c).ListIdentities(ctx, userID)
	})
}

// Unlink takes an identity from the actor. Forbidden, with the code confirm: the actor
// has not just proved who they are. NotFound: it is not theirs. Conflict, with the code
// last_way: they could not sign in any more; without it: the mutation's id was used for
// another change.
func (s *Service) Unlink(ctx context.Context, by account.Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "oauth.Unlink(%s)", id)
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return err
	}
	_, seen, err := live.Write(ctx, s.log, account.Audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		row, err := query.New(tx).DeleteIdentity(ctx, query.DeleteIdentityParams{ID: id, UserID: by.ID})
		if err != nil {
			return none, err
		}
		if err := s.accounts.KeepsAWayIn(ctx, tx, by.ID); err != nil {
			return none, err
		}
		return none, tx.Record(identityEntity, id, auditedOf(row), nil)
	})
	switch {
	case err != nil:
		return err
	case seen == nil:
		s.accounts.Notify(ctx, by.ID, account.IdentityUnlinked)
	case !seen.Did(live.Delete, identityEntity, id):
		return live.ErrOtherMutation
	}
	return nil
}

// Erase removes all that is kept of a user who is being deleted, or whose address somebody
// has proven to be theirs, the first time: nobody knows whose identities those are. It takes
// part in that transaction.
func Erase(ctx context.Context, tx *live.Tx, userID string) error {
	q := query.New(tx)
	rows, err := q.ListIdentities(ctx, userID)
	if err != nil {
		return err
	}
	if err := errors.Join(q.DeleteAttemptsOf(ctx, &userID), q.DeleteIdentitiesOf(ctx, userID)); err != nil {
		return err
	}
	for _, row := range rows {
		if err := tx.RecordIn(auditScope, identityEntity, row.ID, auditedOf(row), nil); err != nil {
			return err
		}
	}
	return nil
}

// ProvidersOf returns the providers that users are linked to, each once, for those of
// ids who are linked to any: for admins.
func ProvidersOf(ctx context.Context, c db.Conn, ids []string) (map[string][]string, error) {
	s := new(db.Statement)
	s.Add("SELECT DISTINCT user_id, provider FROM identity WHERE ")
	s.In("user_id", ids)
	s.Add(" ORDER BY user_id, provider")
	return s.Groups(ctx, c)
}

// mayConfirm lets only those go to a provider who are somebody there. Conflict: they
// are not.
func (s *Service) mayConfirm(ctx context.Context, by account.Actor, id provider.ID) error {
	rows, err := s.identities(ctx, by.ID)
	has := slices.ContainsFunc(rows, func(row query.Identity) bool { return row.Provider == string(id) })
	if err == nil && known(id) && !has {
		err = errs.New(errs.Conflict, "you do not sign in with this provider: confirm in another way")
	}
	return err
}

// way reports whether a user has an identity that a provider of today would vouch for:
// an identity of one that is not set up any more, or has another address, tenant or a secret
// that cannot be opened, lets nobody in.
func (s *Service) way(ctx context.Context, c db.Conn, userID string) (bool, error) {
	rows, err := query.New(c).ListIdentities(ctx, userID)
	if err != nil {
		return false, err
	}
	entered, err := query.New(c).ListSettings(ctx)
	if err != nil {
		return false, err
	}
	usable, _ := s.unsealed(entered)
	for _, row := range rows {
		if set, ok := usable[provider.ID(row.Provider)]; ok && set.Vouches(row.Issuer) {
			return true, nil
		}
	}
	return false, nil
}

func identity(row query.Identity) Identity {
	return Identity{
		ID: row.ID, Provider: provider.ID(row.Provider), Name: row.Name, Email: row.Email,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(), UsedAt: time.UnixMicro(row.UsedAt).UTC(),
	}
}

// noRow reports whether a statement found nothing.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

package project

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// grant is what an invite may promise. Others' grants are left to others.
type grant struct {
	Project string `json:"project"` // its id
	Role    Role   `json:"role"`
}

var errMayNotGive = errs.Field("body.grants", "you may only give roles up to your own, in projects that you maintain")

// Vet decides whether an invite may promise a role in a project: the operator gives
// any, everybody else what they could give now. Register it with account.VetGrants.
func (s *Service) Vet(ctx context.Context, c db.Conn, by account.Actor, text json.RawMessage) (known bool, err error) {
	var g grant
	if err := json.Unmarshal(text, &g); err != nil || g.Project == "" {
		return false, nil //nolint:nilerr // another slice's grant
	}
	if g.Role.level() == 0 {
		return true, errs.Field("body.grants", "a role is owner, maintainer, member or viewer")
	}
	sender := by.ID
	if by == account.Operator() {
		sender = ""
	}
	may, err := mayGive(ctx, query.New(c), sender, g)
	if err == nil && !may {
		err = errMayNotGive
	}
	return true, err
}

// Promise turns KEY:role, as an operator writes it, into grants of an invite.
// Invalid: it is not of that form. NotFound: there is no such project.
func (s *Service) Promise(ctx context.Context, promises []string) (grants []any, err error) {
	defer errs.Wrap(&err, "project.Promise")
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (all []any, err error) {
		for _, text := range promises {
			key, role, _ := strings.Cut(text, ":")
			if Role(role).level() == 0 {
				return nil, errs.New(errs.Invalid, "%s: expected KEY:role, the role owner, maintainer, member or viewer", text)
			}
			row, err := query.New(c).FindProject(ctx, strings.ToUpper(key))
			if errors.Is(err, sql.ErrNoRows) {
				err = errs.New(errs.NotFound, "there is no project %s", key)
			}
			if err != nil {
				return nil, err
			}
			all = append(all, grant{row.ID, Role(role)})
		}
		return all, nil
	})
}

// Join turns what an accepted invite promises into memberships: as far as who sent
// it may still give them. Subscribe it to account's topic Accepted.
func (s *Service) Join(ctx context.Context, tx *live.Tx, a account.Acceptance) error {
	var grants []grant
	if err := json.Unmarshal(a.Grants, &grants); err != nil {
		return nil //nolint:nilerr // another slice's grants
	}
	q := query.New(tx)
	for _, g := range grants {
		allowed, err := mayBring(ctx, q, a, g)
		if err != nil {
			return err
		}
		if !allowed {
			continue
		}
		// Whoever deletes the project has its scope, too: they come before, or after all.
		if err := tx.Lock(Scope(g.Project)); err != nil {
			return err
		}
		switch err := bring(ctx, tx, a, g); {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return err
		}
		if _, err := recordMember(ctx, tx, g.Project, a.UserID, nil); err != nil {
			return err
		}
	}
	return nil
}

func bring(ctx context.Context, tx *live.Tx, a account.Acceptance, g grant) (err error) {
	q := query.New(tx)
	if a.InvitedBy == "" {
		_, err = q.AddByOperator(ctx, query.AddByOperatorParams{
			UserID: a.UserID, Role: string(g.Role), Now: tx.Micros(), ProjectID: g.Project, Actor: account.Operator().ID,
		})
		return err
	}
	_, err = q.AddMember(ctx, query.AddMemberParams{
		UserID: a.UserID, Role: string(g.Role), Now: tx.Micros(), ProjectID: g.Project, Actor: a.InvitedBy,
	})
	return err
}

// mayBring reports whether who sent the invite may still give what it promises, and
// the new user does not have it by an earlier line of the same promise.
func mayBring(ctx context.Context, q *query.Queries, a account.Acceptance, g grant) (bool, error) {
	if may, err := mayGive(ctx, q, a.InvitedBy, g); err != nil || !may {
		return false, err
	}
	_, err := q.GetMember(ctx, query.GetMemberParams{ProjectID: g.Project, UserID: a.UserID})
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// mayGive reports whether the sender, "" for the operator, may give the role now.
func mayGive(ctx context.Context, q *query.Queries, sender string, g grant) (bool, error) {
	role := Owner
	var err error
	if sender == "" {
		_, err = q.GetProject(ctx, g.Project)
	} else {
		var m query.GetMemberRow
		m, err = q.GetMember(ctx, query.GetMemberParams{ProjectID: g.Project, UserID: sender})
		role = Role(m.Role)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return role.May(Maintainer) && role.May(g.Role) && g.Role.level() > 0, err
}

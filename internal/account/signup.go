package account

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// SignUp is who wants to come in, and with which invite.
type SignUp struct {
	Code        string // "" where registration is open
	Email       string
	Password    string
	DisplayName string
}

// joined is a user in a session, or one who lacks a second factor.
type joined struct {
	user    query.User
	session query.Session
	methods []string // second factors to choose from
}

// arrival is a checked sign-up.
type arrival struct {
	code       string
	draft      Draft // without a password where a provider vouches
	unverified bool  // the address is somebody's word only, which a provider could verify
	vouched    bool  // a provider has verified it
	from       Device
	method     string
	proven     func(ctx context.Context, tx *live.Tx, userID string) error
}

// SignUp makes a user of an invite, which is used up by it, and signs the user in.
// Invalid: a field, or the code cannot be used. Conflict: the e-mail address has an
// account. RateLimited: too many refused attempts came from this address.
// Unavailable: too many passwords are being hashed.
func (s *Service) SignUp(ctx context.Context, from Device, in SignUp) (result SignedIn, err error) {
	defer errs.Wrap(&err, "account.SignUp")
	d, err := Draft{in.Email, in.DisplayName, in.Password, User}.checked()
	if err != nil {
		return SignedIn{}, err
	}
	if err := s.limits.allow(from.IP, "", s.now()); err != nil {
		return SignedIn{}, err
	}
	j, err := s.join(ctx, arrival{code: strings.TrimSpace(in.Code), draft: d, from: from, method: byPassword})
	if errors.Is(err, errUnusable) || errors.Is(err, errTaken) {
		s.limits.refused(from.IP, "", s.now())
	}
	if err != nil {
		return SignedIn{}, err
	}
	return s.signedIn(j.user, j.session)
}

// join looks first whether the sign-up can succeed, so that only then the password
// is hashed, and then does it.
func (s *Service) join(ctx context.Context, e arrival) (j joined, err error) {
	if err := s.mayJoin(ctx, e); err != nil {
		return j, err
	}
	if e.code == "" {
		undo, err := s.limits.signUp(e.from.IP, s.now())
		if err != nil {
			return j, err
		}
		defer func() {
			if j.user.ID == "" {
				undo()
			}
		}()
	}
	var hash *string
	if e.draft.Password != "" {
		made, err := s.hash(ctx, e.draft.Password)
		if err != nil {
			return j, err
		}
		hash = &made
	}
	id, start := uuid.Must(uuid.NewV7()).String(), s.newSession(e.from, e.method)
	start.UserID = id
	j, _, err = live.Write(ctx, s.log, audit(Actor{ID: id}, ""), func(tx *live.Tx) (j joined, err error) {
		d, row, err := s.use(ctx, tx, e.code, e.draft)
		if err != nil {
			return j, err
		}
		if _, err := insert(ctx, tx, id, d, hash, e.vouched || row != nil && proves(*row)); err != nil {
			return j, err
		}
		if e.proven != nil {
			if err := e.proven(ctx, tx, id); err != nil {
				return j, err
			}
		}
		if j, err = s.begin(ctx, tx.Tx, e.from, start); err != nil || row == nil {
			return j, err
		}
		return j, s.accepted(ctx, tx, *row, id)
	})
	return j, err
}

func (s *Service) mayJoin(ctx context.Context, e arrival) error {
	if e.code != "" || s.Registration() != OpenRegistration {
		row, err := s.usable(ctx, e.code)
		if err != nil {
			return err
		}
		if !meant(row, e.draft.Email) || e.unverified && invite(row).Email != nil {
			return errUnusable
		}
	}
	taken, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (bool, error) {
		return isTaken(ctx, query.New(c), e.draft.Email)
	})
	if err == nil && taken {
		err = errTaken
	}
	return err
}

func isTaken(ctx context.Context, q *query.Queries, email string) (bool, error) {
	_, err := q.GetUserByEmail(ctx, Fold(email))
	if noRow(err) {
		return false, nil
	}
	return err == nil, err
}

// meant reports whether the invite is for the address, or for any.
func meant(row query.InviteCode, email string) bool {
	i := invite(row)
	return i.Email == nil || Fold(*i.Email) == Fold(email)
}

// use consumes the invite by one conditional UPDATE: of all who try, one finds it
// unused. The draft gets its role. Without a code nothing is used. The user's row
// comes later in the transaction, so used_by is filled in by accepted.
func (s *Service) use(ctx context.Context, tx *live.Tx, code string, d Draft) (Draft, *query.InviteCode, error) {
	if code == "" {
		return d, nil, s.mustBeOpen(ctx, tx)
	}
	row, err := query.New(tx).UseInvite(ctx, query.UseInviteParams{Code: hashCode(code), Now: new(s.now().UnixMicro())})
	if noRow(err) {
		return d, nil, errUnusable
	}
	d.Role = Role(row.Role)
	return d, &row, err
}

// accepted says who has used the invite, to the log and to those who subscribed.
func (s *Service) accepted(ctx context.Context, tx *live.Tx, row query.InviteCode, userID string) error {
	before := row
	before.UsedAt = nil
	after, err := query.New(tx).SetInviteUser(ctx, query.SetInviteUserParams{Code: row.Code, UsedBy: &userID})
	if err != nil {
		return err
	}
	if err := tx.Record(inviteEntity, *row.ID, invite(before), invite(after)); err != nil {
		return err
	}
	a := Acceptance{UserID: userID, InviteID: *row.ID, Grants: json.RawMessage(row.Grants)}
	if row.CreatedBy != nil {
		a.InvitedBy = *row.CreatedBy
	}
	return s.Accepted.Publish(ctx, tx, a)
}

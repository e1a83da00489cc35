package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// hashed begins what is kept of a code: nobody who reads the table can use it. What
// a user types never begins so.
const hashed = "sha256:"

const (
	maxGrants = 16 << 10 // bytes of JSON
	maxPage   = 200
	lastID    = "ffffffff-ffff-ffff-ffff-ffffffffffff" // sorts after every id
)

// errUnusable is the one answer to every code that does not work, whatever the
// reason.
var errUnusable = errs.Field("body.code", "this invite cannot be used: it is unknown, used, expired, withdrawn or for another e-mail address; ask for a new one")

var errInviteUsed = errs.New(errs.Conflict, "this invite has been used")

// Invite lets one person sign up. Its code is shown once, when it is made.
type Invite struct {
	ID        string     `json:"id" format:"uuid"`
	Email     *string    `json:"email" doc:"only this address may use it; null for any"`
	Role      Role       `json:"role" enum:"user,admin"`
	Grants    any        `json:"grants" doc:"what the new user gets beyond the account, as other parts of the app read it"`
	CreatedBy *string    `json:"createdBy" doc:"null when the operator made it"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt"`
	UsedBy    *string    `json:"usedBy"`
	UsedAt    *time.Time `json:"usedAt"`
	RevokedAt *time.Time `json:"revokedAt"`
	RenewedAt *time.Time `json:"renewedAt" doc:"when its link was last replaced by a new one"`
}

// InviteState says whether an invite can be used.
type InviteState string

// The states of an invite.
const (
	InviteOpen    InviteState = "open"
	InviteUsed    InviteState = "used"
	InviteRevoked InviteState = "revoked"
	InviteExpired InviteState = "expired"
)

// State is the invite's at a time.
func (i Invite) State(now time.Time) InviteState {
	switch {
	case i.UsedAt != nil:
		return InviteUsed
	case i.RevokedAt != nil:
		return InviteRevoked
	case i.ExpiresAt != nil && !now.Before(*i.ExpiresAt):
		return InviteExpired
	}
	return InviteOpen
}

// InviteDraft is an invite to be.
type InviteDraft struct {
	Email     *string
	Role      Role
	ExpiresAt *time.Time // nil for never
	Grants    any        // opaque here
}

// Acceptance says that an invite has made a user.
type Acceptance struct {
	UserID    string
	InviteID  string
	InvitedBy string          // "" when an operator did
	Grants    json.RawMessage // null when there are none
}

// Invite makes an invite and returns its code, which cannot be had again: for a
// mutation sent again the code is "". Forbidden: by is no admin; or invites one, by a
// program or (with the code confirm) without a fresh proof. Invalid: a field of the draft. Conflict: the mutation's id was used for another change.
func (s *Service) Invite(ctx context.Context, by Actor, tx string, d InviteDraft) (i Invite, code string, err error) {
	defer errs.Wrap(&err, "account.Invite")
	id, code := uuid.Must(uuid.NewV7()).String(), rand.Text()
	params, err := s.checkedInvite(d)
	if err != nil {
		return Invite{}, "", err
	}
	params.ID, params.Code = &id, hashCode(code)
	if by != Operator() {
		params.CreatedBy = &by.ID
	}
	i, seen, err := live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (Invite, error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return Invite{}, err
		}
		if d.Role == Admin {
			if err := s.mayGiveAdmin(ctx, tx, by); err != nil {
				return Invite{}, err
			}
		}
		if err := s.vet(ctx, tx, by, params.Grants); err != nil {
			return Invite{}, err
		}
		row, err := query.New(tx).CreateInvite(ctx, params)
		if err != nil {
			return Invite{}, err
		}
		i := invite(row)
		return i, tx.Record(inviteEntity, id, nil, i)
	})
	switch {
	case err != nil || seen == nil:
		return i, code, err
	case !seen.Did(live.Create, inviteEntity, ""):
		return Invite{}, "", live.ErrOtherMutation
	}
	i, err = s.invite(ctx, seen.ID)
	return i, "", err
}

// maxInviteYears bounds how far in the future an invite may expire.
const maxInviteYears = 10

func (s *Service) checkedInvite(d InviteDraft) (p query.CreateInviteParams, err error) {
	p = query.CreateInviteParams{Role: string(d.Role), Now: s.now().UnixMicro()}
	if d.Role != User && d.Role != Admin {
		return p, errs.Field("body.role", "a role is user or admin")
	}
	if d.Email != nil {
		email, err := checkedEmail(*d.Email)
		if err != nil {
			return p, err
		}
		p.Email = &email
	}
	if p.ExpiresAt, err = s.checkedExpiry(d.ExpiresAt); err != nil {
		return p, err
	}
	grants, err := json.Marshal(d.Grants)
	if err != nil || len(grants) > maxGrants {
		return p, errs.Field("body.grants", "at most %d bytes of JSON", maxGrants)
	}
	p.Grants = string(grants)
	return p, nil
}

func (s *Service) checkedExpiry(at *time.Time) (*int64, error) {
	switch {
	case at == nil:
		return nil, nil
	case at.UnixMicro() <= s.now().UnixMicro():
		return nil, errs.Field("body.expiresAt", "expected a time to come")
	case at.After(s.now().AddDate(maxInviteYears, 0, 0)):
		return nil, errs.Field("body.expiresAt", "at most %d years from now", maxInviteYears)
	}
	return new(at.UnixMicro()), nil
}

// Vet decides about one of the grants of an invite that is being made. known reports
// whether the slice understands it; Invalid, naming body.grants: it does, and by may
// not give this.
type Vet func(ctx context.Context, c db.Conn, by Actor, grant json.RawMessage) (known bool, err error)

// VetGrants adds a slice that turns grants into something. It is called while the
// program is put together; where nobody does, grants may be anything.
func (s *Service) VetGrants(v Vet) { s.vets = append(s.vets, v) }

func (s *Service) vet(ctx context.Context, c db.Conn, by Actor, grants string) error {
	if len(s.vets) == 0 {
		return nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(grants), &all); err != nil {
		return errs.Field("body.grants", "expected a list")
	}
	for i, grant := range all {
		known := false
		for _, vet := range s.vets {
			understood, err := vet(ctx, c, by, grant)
			if err != nil {
				return err
			}
			known = known || understood
		}
		if !known {
			return errs.Field("body.grants", "nothing here understands grant %d of the list", i+1)
		}
	}
	return nil
}

// SignUpURL is where a code is used.
func (s *Service) SignUpURL(code string) string {
	return s.settings.PublicURL + "/signup?code=" + url.QueryEscape(code)
}

// Invites returns up to limit invites, newest first: those before the invite with
// the id before, or from the newest when before is "". more: there are older ones.
// Forbidden: by is no admin. Invalid: the limit is not between 1 and 200.
func (s *Service) Invites(ctx context.Context, by Actor, before string, limit int) (all []Invite, more bool, err error) {
	defer errs.Wrap(&err, "account.Invites(%s, %d)", before, limit)
	if limit < 1 || limit > maxPage {
		return nil, false, errs.Field("query.limit", "expected a number from 1 to %d", maxPage)
	}
	if before == "" {
		before = lastID
	}
	if err := s.adopt(ctx); err != nil {
		return nil, false, err
	}
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.InviteCode, error) {
		if err := mustBeAdmin(ctx, c, by); err != nil {
			return nil, err
		}
		return query.New(c).ListInvites(ctx, query.ListInvitesParams{Before: before, N: int64(limit) + 1})
	})
	more = len(rows) > limit
	all = make([]Invite, 0, limit)
	for _, row := range rows[:min(limit, len(rows))] {
		all = append(all, invite(row))
	}
	return all, more, err
}

func (s *Service) invite(ctx context.Context, id string) (Invite, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Invite, error) {
		row, err := query.New(c).GetInvite(ctx, &id)
		return invite(row), err
	})
}

// CheckInvite returns what a code gives, without using it. Invalid: it cannot be
// used. RateLimited: too many wrong codes came from this address.
func (s *Service) CheckInvite(ctx context.Context, ip netip.Addr, code string) (i Invite, err error) {
	defer errs.Wrap(&err, "account.CheckInvite")
	if err := s.limits.allow(ip, "", s.now()); err != nil {
		return Invite{}, err
	}
	row, err := s.usable(ctx, code)
	if errors.Is(err, errUnusable) {
		s.limits.refused(ip, "", s.now())
	}
	return invite(row), err
}

// usable returns the invite of a code that would be accepted now. Invalid: errUnusable.
func (s *Service) usable(ctx context.Context, code string) (row query.InviteCode, err error) {
	code = strings.TrimSpace(code)
	if code == "" || strings.HasPrefix(code, hashed) || utf8.RuneCountInString(code) > maxCode || !plain(code) {
		return row, errUnusable
	}
	row, err = s.byCode(ctx, hashCode(code))
	if errs.Is(err, errs.NotFound) {
		if _, err = s.byCode(ctx, code); err == nil { // written by hand
			err = s.adopt(ctx)
		}
		if err == nil {
			row, err = s.byCode(ctx, hashCode(code))
		}
	}
	now := s.now().UnixMicro()
	if errs.Is(err, errs.NotFound) || err == nil &&
		(row.UsedAt != nil || row.RevokedAt != nil || row.ExpiresAt != nil && *row.ExpiresAt <= now) {
		return query.InviteCode{}, errUnusable
	}
	return row, err
}

func (s *Service) byCode(ctx context.Context, code string) (query.InviteCode, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.InviteCode, error) {
		return query.New(c).GetInviteByCode(ctx, code)
	})
}

func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hashed + hex.EncodeToString(sum[:])
}

func invite(row query.InviteCode) Invite {
	i := Invite{
		Email: row.Email, Role: Role(row.Role), CreatedBy: row.CreatedBy, UsedBy: row.UsedBy,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(),
		ExpiresAt: timeOf(row.ExpiresAt), UsedAt: timeOf(row.UsedAt), RevokedAt: timeOf(row.RevokedAt),
		RenewedAt: timeOf(row.RenewedAt),
	}
	if row.ID != nil {
		i.ID = *row.ID
	}
	if row.Email != nil && strings.TrimSpace(*row.Email) == "" {
		i.Email = nil // written by hand
	}
	_ = json.Unmarshal([]byte(row.Grants), &i.Grants) // what is written by hand may be anything
	return i
}

func timeOf(micros *int64) *time.Time {
	if micros == nil {
		return nil
	}
	return new(time.UnixMicro(*micros).UTC())
}

// noRow reports whether a statement found nothing.
func noRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
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
// mutation sent again the code is "". Forbidden: by is no admin. Invalid: a field of
// the draft.
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
		row, err := query.New(tx).CreateInvite(ctx, params)
		if err != nil {
			return Invite{}, err
		}
		i := invite(row)
		return i, tx.Record(inviteEntity, id, nil, i)
	})
	if err == nil && seen != nil {
		i, err = s.invite(ctx, seen.ID)
		code = ""
	}
	return i, code, err
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
	if d.ExpiresAt != nil {
		if d.ExpiresAt.UnixMicro() <= p.Now {
			return p, errs.Field("body.expiresAt", "expected a time to come")
		}
		if d.ExpiresAt.After(s.now().AddDate(maxInviteYears, 0, 0)) {
			return p, errs.Field("body.expiresAt", "at most %d years from now", maxInviteYears)
		}
		p.ExpiresAt = new(d.ExpiresAt.UnixMicro())
	}
	grants, err := json.Marshal(d.Grants)
	if err != nil || len(grants) > maxGrants {
		return p, errs.Field("body.grants", "at most %d bytes of JSON", maxGrants)
	}
	p.Grants = string(grants)
	return p, nil
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

// Revoke withdraws an invite; one that is withdrawn stays so. Forbidden: by is no
// admin. NotFound: there is no such invite. Conflict: it was used.
func (s *Service) Revoke(ctx context.Context, by Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "account.Revoke(%s)", id)
	_, _, err = live.Write(ctx, s.log, audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		if err := mustBeAdmin(ctx, tx, by); err != nil {
			return none, err
		}
		q := query.New(tx)
		old, err := q.GetInvite(ctx, &id)
		if err != nil || old.RevokedAt != nil {
			return none, err
		}
		row, err := q.RevokeInvite(ctx, query.RevokeInviteParams{ID: &id, Now: new(s.now().UnixMicro())})
		if noRow(err) {
			return none, errs.New(errs.Conflict, "this invite has been used")
		}
		if err != nil {
			return none, err
		}
		return none, tx.Record(inviteEntity, id, invite(old), invite(row))
	})
	return err
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

func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hashed + hex.EncodeToString(sum[:])
}

func invite(row query.InviteCode) Invite {
	i := Invite{
		Email: row.Email, Role: Role(row.Role), CreatedBy: row.CreatedBy, UsedBy: row.UsedBy,
		CreatedAt: time.UnixMicro(row.CreatedAt).UTC(),
		ExpiresAt: timeOf(row.ExpiresAt), UsedAt: timeOf(row.UsedAt), RevokedAt: timeOf(row.RevokedAt),
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

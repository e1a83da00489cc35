// Package apitoken lets programs act for users, by tokens that the users make and end.
//
// A token says how much a program may do: read, write what its user may write, or what
// an admin may, as long as the user is one. It may be limited to some scopes of the
// change log, which are plain text here: the program then sees and changes nothing
// outside of them. It may expire. What it may not do in any case is change how its user
// signs in; a token makes no tokens.
//
// The token is shown once, when it is made, and kept as a hash. Package account asks
// this one whose token it is (account.AcceptBearer), remembers the answer as long as an
// access token lives, and enforces what the token may do. A token stops at once when it
// is withdrawn, has expired, or its user is disabled or gone; a changed role is obeyed
// at once. A user who is enabled again has their tokens back. A new password and a sign-out
// everywhere end them where somebody says so: see account.Programs.
//
// Who made and withdrew which token is recorded in the scope "admin", without the
// token. When a token was last used is not: it is written down once a minute at most,
// after the request.
package apitoken

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// Where the change log records tokens, and what it calls them.
const (
	auditScope = "admin"
	entity     = "token"
)

var (
	errUnknown = errs.New(errs.Unauthorized, "this API token is not valid: it was mistyped or withdrawn, has expired, or its user cannot sign in")
	errTooMany = errs.New(errs.Conflict, "an account has at most %d API tokens: withdraw one that is not needed", MaxTokens)
)

// Token is a token in its API form, without the token itself.
type Token struct {
	ID        string        `json:"id" format:"uuid"`
	Name      string        `json:"name"`
	Scope     account.Scope `json:"scope" enum:"read,write,admin"`
	LogScopes []string      `json:"logScopes" nullable:"false" doc:"the scopes of the change log that it is limited to; empty for no limit"`
	Hint      string        `json:"hint" doc:"its last four characters"`
	CreatedAt time.Time     `json:"createdAt"`
	ExpiresAt *time.Time    `json:"expiresAt" doc:"null for never"`
	UsedAt    *time.Time    `json:"usedAt" doc:"to the minute; null for never"`
}

// recorded is a token as the log records it: whose it is, and not when it was used.
type recorded struct {
	UserID    string        `json:"userId"`
	Name      string        `json:"name"`
	Scope     account.Scope `json:"scope"`
	LogScopes []string      `json:"logScopes"`
	Hint      string        `json:"hint"`
	ExpiresAt *time.Time    `json:"expiresAt"`
}

// Service keeps the tokens.
type Service struct {
	accounts *account.Service
	db       *db.DB
	log      *live.Log
	logger   *slog.Logger
	now      func() time.Time
	uses     *uses
}

// New returns the service, whose tokens accounts accepts from now on. It does no I/O.
func New(d *db.DB, log *live.Log, accounts *account.Service, logger *slog.Logger, now func() time.Time) *Service {
	s := &Service{accounts: accounts, db: d, log: log, logger: logger, now: now, uses: newUses()}
	accounts.AcceptBearer(account.Bearer{Prefix: prefix, Find: s.find, Used: s.used, End: s.endAll})
	return s
}

// Create makes a token and returns it with its secret, which cannot be had again: for a
// mutation sent again the secret is "". Forbidden: the actor has not confirmed lately
// who they are (code confirm), or wants the scope admin and is no admin. Invalid: a
// field of the draft. Conflict: they have MaxTokens already.
func (s *Service) Create(ctx context.Context, by account.Actor, tx string, d Draft) (_ Token, secret string, err error) {
	defer errs.Wrap(&err, "apitoken.Create")
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return Token{}, "", err
	}
	params, err := d.checked(s.now())
	if err != nil {
		return Token{}, "", err
	}
	secret = newSecret()
	params.ID, params.UserID = uuid.Must(uuid.NewV7()).String(), by.ID
	params.Hash, params.Hint = hashOf(secret), hintOf(secret)
	t, seen, err := live.Write(ctx, s.log, account.Audit(by, tx), func(tx *live.Tx) (Token, error) {
		if d.Scope == account.ScopeAdmin {
			if err := account.MustBeAdmin(ctx, tx, by); err != nil {
				return Token{}, err
			}
		}
		q := query.New(tx)
		switch n, err := q.CountTokens(ctx, by.ID); {
		case err != nil:
			return Token{}, err
		case n >= MaxTokens:
			return Token{}, errTooMany
		}
		row, err := q.CreateToken(ctx, params)
		if err != nil {
			return Token{}, err
		}
		return token(row), tx.Record(entity, row.ID, nil, recordedOf(row))
	})
	switch {
	case err != nil:
		return Token{}, "", err
	case seen == nil:
		s.accounts.Notify(ctx, by.ID, account.TokenMade)
		return t, secret, nil
	case !seen.Did(live.Create, entity, ""):
		return Token{}, "", live.ErrOtherMutation
	}
	t, err = s.get(ctx, by, seen.ID)
	return t, "", err
}

// List returns the actor's tokens, newest first.
func (s *Service) List(ctx context.Context, by account.Actor) (all []Token, err error) {
	defer errs.Wrap(&err, "apitoken.List")
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Token, error) {
		rows, err := query.New(c).ListTokens(ctx, by.ID)
		all := make([]Token, 0, len(rows))
		for _, row := range rows {
			all = append(all, token(row))
		}
		return all, err
	})
}

// Revoke ends a token of the actor's, and the streams that it has opened: on this node
// before it returns, everywhere within a second. NotFound: they have none with the id.
// Conflict: the mutation's id was used for another change, so nothing has ended.
func (s *Service) Revoke(ctx context.Context, by account.Actor, tx, id string) (err error) {
	defer errs.Wrap(&err, "apitoken.Revoke(%s)", id)
	_, seen, err := live.Write(ctx, s.log, account.Audit(by, tx), func(tx *live.Tx) (none struct{}, err error) {
		row, err := query.New(tx).DeleteToken(ctx, query.DeleteTokenParams{ID: id, UserID: by.ID})
		if err != nil {
			return none, err
		}
		if err := s.accounts.EndToken(ctx, tx.Tx, by.ID, id); err != nil {
			return none, err
		}
		return none, tx.Record(entity, id, recordedOf(row), nil)
	})
	switch {
	case err != nil:
		return err
	case seen == nil:
		s.accounts.Notify(ctx, by.ID, account.TokenWithdrawn)
	case !seen.Did(live.Delete, entity, id):
		return live.ErrOtherMutation
	}
	return nil
}

// endAll ends all tokens of a user; see account.Bearer.
func (s *Service) endAll(ctx context.Context, tx *live.Tx, userID string) error {
	rows, err := query.New(tx).DeleteTokensOf(ctx, userID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.accounts.EndToken(ctx, tx.Tx, userID, row.ID); err != nil {
			return err
		}
		if err := tx.RecordIn(auditScope, entity, row.ID, recordedOf(row), nil); err != nil {
			return err
		}
	}
	return nil
}

// Erase removes all that is kept of a user who is being deleted. It takes part in that
// transaction, which ends what the user's tokens have opened.
func Erase(ctx context.Context, tx *live.Tx, userID string) error {
	rows, err := query.New(tx).DeleteTokensOf(ctx, userID)
	if err != nil {
		return err
	}
	tx.ForgetActs(entity, userID, "name") // in the user's words
	for _, row := range rows {
		row.Name = ""
		if err := tx.RecordIn(auditScope, entity, row.ID, recordedOf(row), nil); err != nil {
			return err
		}
	}
	return nil
}

// find returns whose token it is; see account.Bearer.
func (s *Service) find(ctx context.Context, secret string) (id account.Identity, err error) {
	defer errs.Wrap(&err, "apitoken.find")
	if !wellFormed(secret) {
		return id, errUnknown
	}
	row, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (query.FindTokenRow, error) {
		return query.New(c).FindToken(ctx, hashOf(secret))
	})
	t := row.ApiToken
	switch {
	case errs.Is(err, errs.NotFound), err == nil && t.ExpiresAt != nil && *t.ExpiresAt <= s.now().UnixMicro():
		return id, errUnknown
	case err != nil:
		return id, err
	}
	grant := &account.Grant{ID: t.ID, Scope: account.Scope(t.Scope), LogScopes: logScopes(t)}
	id = account.Identity{Actor: account.Actor{ID: t.UserID, Role: account.Role(row.Role), Grant: grant}, Epoch: row.Epoch}
	if expires := timeOf(t.ExpiresAt); expires != nil {
		id.Expires = *expires
	}
	return id, nil
}

func (s *Service) get(ctx context.Context, by account.Actor, id string) (Token, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Token, error) {
		row, err := query.New(c).GetToken(ctx, query.GetTokenParams{ID: id, UserID: by.ID})
		return token(row), err
	})
}

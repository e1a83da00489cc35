package account

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// Scope is how much a program may do that acts for a user.
type Scope string

// The scopes; each may do all that the one before may. None of them changes how the
// user signs in: see HandleOwn.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
	ScopeAdmin Scope = "admin" // what an admin may, as long as the user is one
)

// Grant is what a user has allowed a program to do for them.
type Grant struct {
	ID        string // of the token
	Scope     Scope
	LogScopes []string // of the change log, and nothing outside of them; nil for no limit
}

var (
	errReadOnly   = errs.New(errs.Forbidden, "this API token may only read: make one with the scope write")
	errLimited    = errs.New(errs.Forbidden, "this API token is limited to some scopes, and this lies outside of them")
	errAdminToken = errs.New(errs.Forbidden, "only an admin may do this, by an API token with the scope admin")
)

// May reports whether the actor is let into a scope of the change log as far as their
// token is concerned. Whether the user is, is another question.
func (a Actor) May(scope string) bool {
	return !a.Limited() || slices.Contains(a.Grant.LogScopes, scope)
}

// Limited reports whether a token limits the actor to scopes of the change log.
func (a Actor) Limited() bool { return a.Grant != nil && a.Grant.LogScopes != nil }

// mayAdminister reports whether the actor may do what an admin may, as far as their
// token is concerned.
func (a Actor) mayAdminister() bool { return a.Grant == nil || a.Grant.Scope == ScopeAdmin }

// maySend reports whether the actor may make a request with the method. No GET changes
// anything.
func (a Actor) maySend(method string) bool {
	return a.Grant == nil || a.Grant.Scope != ScopeRead || method == http.MethodGet || method == http.MethodHead
}

// credential is the id of what the actor came with, and with which their streams end.
func (a Actor) credential() string {
	if a.Grant != nil {
		return a.Grant.ID
	}
	return a.Session
}

// Bearer is a kind of bearer tokens besides the access token.
type Bearer struct {
	Prefix string // how such a token begins; no access token does

	// Find returns whose token it is, as the database says now, with a Grant, the user's
	// role and epoch, and when the token expires (the zero time for never). Unauthorized:
	// it is nobody's.
	Find func(ctx context.Context, token string) (Identity, error)

	// Used is told of every request with such a token. It does not block.
	Used func(by Actor)

	// End removes all such tokens of a user. It takes part in the transaction, which calls
	// EndToken for each and records what was there.
	End func(ctx context.Context, tx *live.Tx, userID string) error
}

// Programs says what becomes of the tokens by which programs act for a user, when the
// password is another or the user signs out everywhere.
type Programs bool

// They go on: the user knows who has them. They end: nobody can tell who does.
const (
	KeepPrograms Programs = false
	EndPrograms  Programs = true
)

// endPrograms ends the tokens of a user, if they are to end.
func (s *Service) endPrograms(ctx context.Context, tx *live.Tx, userID string, p Programs) error {
	if p == KeepPrograms {
		return nil
	}
	for _, kind := range s.bearers.kinds {
		if err := kind.End(ctx, tx, userID); err != nil {
			return err
		}
	}
	return nil
}

// AcceptBearer lets a kind of tokens in. It is called while the program is put
// together.
func (s *Service) AcceptBearer(b Bearer) { s.bearers.kinds = append(s.bearers.kinds, b) }

// bearers remembers whose the tokens of other kinds are, so that the next request with
// one costs a hash.
type bearers struct {
	kinds []Bearer

	mu    sync.Mutex
	known *lru[[sha256.Size]byte, Identity]
}

func newBearers() *bearers {
	return &bearers{known: newLRU[[sha256.Size]byte, Identity](maxVerified)}
}

// of returns the token's kind, nil for an access token.
func (b *bearers) of(token string) *Bearer {
	for i := range b.kinds {
		if strings.HasPrefix(token, b.kinds[i].Prefix) {
			return &b.kinds[i]
		}
	}
	return nil
}

func (b *bearers) get(sum [sha256.Size]byte) (Identity, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known.get(sum)
}

func (b *bearers) put(sum [sha256.Size]byte, id Identity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known.put(sum, id)
}

// present is identify for another kind of tokens. What the database has said is
// believed as long as an access token would be: until that time has passed, the
// token has ended, or something about its user has changed. Then it is asked again.
func (s *Service) present(ctx context.Context, b *Bearer, token string) (Identity, error) {
	sum := sha256.Sum256([]byte(token))
	id, ok := s.bearers.get(sum)
	if now := s.now(); !ok || !now.Before(id.Expires) || !s.revoked.fresh(now) || s.revoked.ended(id) {
		found, err := b.Find(ctx, token)
		if err != nil {
			return Identity{}, unlessUnauthorized(err)
		}
		until := now.Add(s.settings.AccessTTL)
		if found.Expires.IsZero() || found.Expires.After(until) {
			found.Expires = until
		}
		id = found.bounded()
		s.bearers.put(sum, id)
	}
	b.Used(id.Actor)
	return id, nil
}

// unlessUnauthorized says of every other error that nobody can tell now.
func unlessUnauthorized(err error) error {
	if errs.Is(err, errs.Unauthorized) {
		return err
	}
	return errs.From(err, errs.Unavailable, errs.Of(errUnsure).Message)
}

// bounded is what remains of an identity within its grant: a token for less than
// administration acts as a user, and one for administration writes, no more, when
// its user is no admin.
func (id Identity) bounded() Identity {
	grant := *id.Grant
	if grant.Scope == ScopeAdmin && id.Role != Admin {
		grant.Scope = ScopeWrite
	}
	if grant.Scope != ScopeAdmin {
		id.Role = User
	}
	id.Grant = &grant
	return id
}

// EndToken ends a token of another kind, with its streams: for everybody with the
// transaction, and on this node at once after it. Its owner removes it in the same
// transaction.
func (s *Service) EndToken(ctx context.Context, tx *db.Tx, userID, tokenID string) error {
	return s.revoke(ctx, tx, userID, 0, tokenID)
}

// Package account knows who is asking: users and their roles, the invites that let
// new ones in, and the sessions in which they are signed in.
//
// A browser signs in with a password and gets two things: an access token, a JWT
// that lives for minutes and goes with every request in the Authorization header,
// and a refresh token in a cookie that only this package's paths receive. Each
// refresh replaces both. What a token says (who, which session, which role) holds
// without asking the database; what ends early (a sign-out, a changed role, a
// disabled account) is remembered in memory and shared between processes by the
// table revocation, which Run reads when it is told, and twice a second.
//
// Other slices see five things: the Actor, which the middleware Authenticate finds
// and Handle passes to the operation; the topic Accepted, published in the
// transaction in which an invite makes a user; the topic Leaving, published in the one
// in which a user is deleted; the topic Claimed, in the one in which an address is proven by
// its owner; and the table users, which they may read.
//
// Every user is a person of the change log's scope "org". Invites, and what happens
// to users, are recorded in the scope "admin", without secrets.
//
// A new feature of this package begins in the file of its subject: invite.go,
// signup.go (newcomer.go for those whom a provider vouches for), login.go, signin.go
// (sessions begin, second factors), former.go (the one before ends), confirm.go (a fresh proof of identity), session.go
// (refresh, sign-out), sessions.go (the list of them), own.go (name and password),
// reset.go (a forgotten one), proven.go (whose an address is), email.go (another address),
// post.go and notice.go (mails), user.go,
// list.go, manage.go (roles, disabling), leave.go (deletion), setting.go, initial.go
// (the first admin), token.go (JWT), bearer.go (tokens of other kinds, and what they may
// do), revoked.go, password.go, limit.go. The operations are in http.go and, on the own
// account, http_own.go; those of admins on users are account/admin's.
package account

import (
	"context"
	"embed"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/event"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail"
	"github.com/peisear/peisear/internal/base/place"
	"github.com/peisear/peisear/internal/base/secret"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// The scopes of the change log that this package writes to, and its entities there.
const (
	orgScope   = "org"
	adminScope = "admin"

	personEntity   = "person"
	userEntity     = "user"
	inviteEntity   = "invite"
	sessionEntity  = "session"
	passwordEntity = "password"
	emailEntity    = "email"

	programEntity = "token" // of account/apitoken
)

// AuditScope is where slices record what admins shall see: who did what to accounts,
// and what admins decide.
const AuditScope = adminScope

// Lifetimes that an operator cannot change.
const (
	sessionLifetime = 30 * 24 * time.Hour // whatever is done in it
	attemptWindow   = 10 * time.Second    // in which a lost refresh may be asked for again
)

// Clock is the time, and a way to let some of it pass.
type Clock struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// SystemClock is the clock on the wall.
func SystemClock() Clock { return Clock{Now: time.Now, Sleep: sleep} }

// Settings is what an operator decides about accounts. All fields are required,
// except where said.
type Settings struct {
	PublicURL         string         // scheme and host of the app, without a slash at the end
	Secret            secret.Master  // refresh tokens and the first invite derive from it
	Keys              secret.KeyPair // access tokens are signed with it
	AccessTTL         time.Duration  // of an access token
	RefreshTTL        time.Duration  // a session that is not used for so long is over
	SecureCookie      bool           // over plain http too
	Registration      Registration   // "" leaves it to the admins
	InitialInviteCode string         // of the first admin; made up when ""
	Passwords         Argon2
	Clock             Clock
	Mail              *mail.Sender  // nil: this server sends no mail
	Places            *place.Places // of IP addresses; nil: none is known
}

// Service keeps users, invites and sessions.
type Service struct {
	// Accepted is published when an invite has made a user, in that transaction.
	Accepted *event.Topic[Acceptance]

	// Leaving is published when a user is being deleted, in that transaction: each
	// slice lets go of what is theirs, because the user's row stays.
	Leaving *event.Topic[Leave]

	// Claimed is published when somebody proves by mail that an address is theirs, the first
	// time, in that transaction: each slice ends the ways in that were there before. Sessions
	// and API tokens have ended by then.
	Claimed *event.Topic[Claim]

	db       *db.DB
	log      *live.Log
	hub      *live.Hub
	logger   *slog.Logger
	settings Settings
	tokens   *Tokens
	bearers  *bearers
	revoked  *revocations
	gate     *gate
	limits   *limits
	macKeys  [][]byte // of refresh tokens
	post     post
	factors  Factors     // nil: no second factors
	ways     []Way       // to sign in, besides the password
	offer    Offer       // nil: no providers
	vets     []Vet       // of what invites promise
	reach    Reach       // nil: nothing beyond this package
	open     atomic.Bool // registration, as it was last read
}

// New returns the service. It does no I/O: InitialInvite and Run come once the
// schema is up to date.
func New(d *db.DB, log *live.Log, hub *live.Hub, logger *slog.Logger, s Settings) *Service {
	service := &Service{
		Accepted: new(event.Topic[Acceptance]),
		Leaving:  new(event.Topic[Leave]),
		Claimed:  new(event.Topic[Claim]),
		db:       d,
		log:      log,
		hub:      hub,
		logger:   logger,
		settings: s,
		tokens:   NewTokens(s.Keys, s.PublicURL, s.AccessTTL, s.Clock.Now),
		bearers:  newBearers(),
		revoked:  newRevocations(s.AccessTTL),
		gate:     newGate(),
		limits:   newLimits(),
		macKeys:  macKeys(s.Secret),
		post:     newPost(),
	}
	log.OnTold(Subject, service.revoked.hear)
	return service
}

// now is the time as the database keeps it.
func (s *Service) now() time.Time { return s.settings.Clock.Now().UTC().Truncate(time.Microsecond) }

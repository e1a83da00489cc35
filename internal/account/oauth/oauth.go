// Package oauth lets people sign in, sign up and prove who they are with an account
// that they have somewhere else. The protocols are package provider's; here is what
// they mean for our users.
//
// A journey has two halves. Begin keeps an attempt, which belongs to one browser, and
// sends the browser to the provider; Finish takes the attempt back, once, asks the
// provider who came, and does what the attempt was for:
//
//	login    begins a session for the user of the identity; an unknown identity is
//	         nobody, and no user is made of it
//	signup   makes a user of an invite, and keeps the identity
//	link     gives an identity to whoever is signed in
//	confirm  proves anew that it is still them
//
// An identity is the issuer's word for somebody: issuer and subject, never an e-mail
// address. Which providers there are, the environment says, or else what an admin has
// entered (setting.go); the environment wins. Both take effect at once, on other nodes
// within a second or two.
//
// Identities that come and go, and what admins enter, are recorded in the scope
// "admin", without secrets.
package oauth

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
)

// Migrations creates the slice's tables.
//
//go:embed migrations
var Migrations embed.FS

// What admins see in the change log: the scope, and this package's entities there.
const (
	auditScope     = "admin"
	identityEntity = "identity"
	providerEntity = "provider"
)

// Settings is what an operator decides. All fields are required.
type Settings struct {
	PublicURL    string              // scheme and host of the app, without a slash at the end
	Secret       secret.Master       // seals attempts and what admins enter
	SecureCookie bool                // over plain http too
	Environment  []provider.Settings // one of each; those that are not given may have a URL
	Now          func() time.Time
}

// Service keeps attempts, identities and what admins enter of providers.
type Service struct {
	db       *db.DB
	log      *live.Log
	accounts *account.Service
	logger   *slog.Logger
	settings Settings
	catalog  *catalog
	macKey   []byte // of the cookie
}

// New returns the service, and makes identities a way to sign in. It does no I/O.
func New(d *db.DB, log *live.Log, accounts *account.Service, logger *slog.Logger, s Settings) *Service {
	service := &Service{
		db: d, log: log, accounts: accounts, logger: logger, settings: s,
		catalog: newCatalog(), macKey: s.Secret.Key("oauth browser"),
	}
	accounts.AddWay(service.way)
	accounts.OfferProviders(service.Offered)
	log.OnTold(subject, service.catalog.forget)
	return service
}

// now is the time as the database keeps it.
func (s *Service) now() time.Time { return s.settings.Now().UTC().Truncate(time.Microsecond) }

// Redirect is the address that browsers come back to, one for each provider: an answer
// of one cannot be taken for another's.
func (s *Service) Redirect(id provider.ID) string {
	return s.settings.PublicURL + "/api/auth/" + string(id) + "/callback"
}

// The codes that the page shows a text for, besides those of package provider.
const (
	codeUnknown      = "unknown_identity" // there is no user of this identity
	codeExpired      = "expired"          // the attempt is over, or of another browser
	codeDisabled     = "disabled"         // the user is
	codeNoEmail      = "no_email"         // the provider tells none
	codeUnverified   = "email_unverified" // the invite is for this address, and the provider does not vouch for it
	codeOtherEmail   = "email_mismatch"   // the invite is for another address
	codeEmailTaken   = "email_taken"      // another user has it
	codeInvite       = "invite_unusable"  // or missing
	codeTaken        = "identity_taken"   // the identity is another user's, or has one already
	codeTooMany      = "too_many"         // identities
	codeOther        = "other_identity"   // of another user than the one who confirms
	codeSessionEnded = "session_ended"    // meanwhile
	codeRateLimited  = "rate_limited"
	codeBusy         = "busy" // we are, or our database is
	codeInternal     = "internal"
	codeUnconfigured = "not_configured"
	codeNoProvider   = "unknown_provider"
)

// coded is an error with a code for the page.
func coded(kind errs.Kind, code, message string) error {
	return &errs.Error{Kind: kind, Code: code, Message: message}
}

// codeOf is what the page is told of an error.
func codeOf(err error) string {
	e := errs.Of(err)
	switch {
	case e.Code != "":
		return e.Code
	case e.Kind == errs.RateLimited:
		return codeRateLimited
	case e.Kind == errs.Unavailable:
		return codeBusy
	}
	return codeInternal
}

// report puts into the log what an operator should see.
func (s *Service) report(ctx context.Context, id provider.ID, err error) {
	switch codeOf(err) {
	case codeInternal, codeBusy:
		s.logger.ErrorContext(ctx, "a sign-in ended with an error", "provider", string(id), "error", err.Error())
	case provider.Misconfigured, provider.Silent, provider.Unproven:
		s.logger.WarnContext(ctx, "a provider did not give what a sign-in needs", "provider", string(id), "error", err.Error())
	}
}

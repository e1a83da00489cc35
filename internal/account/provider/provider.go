// Package provider speaks with the places where people have an account already:
// Google, GitHub, Microsoft, Apple, and whatever speaks OpenID Connect. It knows
// their protocols and nothing of ours: no database, no users, no cookies.
//
//	p := provider.New(settings, "https://tracker.example.org/api/auth/google/callback", time.Now)
//	a := provider.NewAttempt(false, time.Now())
//	address, err := p.Begin(ctx, a)          // the browser goes there …
//	who, err := p.Finish(ctx, a, answer)     // … and comes back with an answer
//
// Whoever calls keeps the attempt meanwhile, gives it to one browser and takes it
// back once. Who somebody is, is Issuer and Subject together; an e-mail address is
// what the provider says about them, and EmailVerified whether it may be believed.
//
// What all have in common is in openid.go (discovery.go and keys.go find a provider's
// endpoints and keys), what one does its own way in quirks.go, apple.go, microsoft.go
// and github.go. check.go looks for what is wrong with a set-up.
package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/peisear/peisear/internal/base/errs"
)

// ID names a provider in addresses, settings and the database.
type ID string

// The providers.
const (
	Google    ID = "google"
	GitHub    ID = "github"
	Microsoft ID = "microsoft"
	Apple     ID = "apple"
	OpenID    ID = "oidc" // any other that speaks OpenID Connect
)

// All returns the providers in the order in which they are offered.
func All() []ID { return []ID{Google, GitHub, Microsoft, Apple, OpenID} }

// The codes of the errors that Begin and Finish return.
const (
	Denied        = "denied"        // the person, or the provider for them, said no
	Silent        = "unavailable"   // the provider does not answer, or says that it cannot
	Misconfigured = "misconfigured" // the provider does not know us as we are registered
	Unproven      = "invalid"       // the answer is not what the provider would say to this attempt
	NotFresh      = "not_fresh"     // the person did not sign in anew
)

// Attempt is one journey of a browser to the provider and back.
type Attempt struct {
	State    string    `json:"state,omitempty"` // comes back in the answer
	Nonce    string    `json:"nonce"`           // comes back inside the id_token
	Verifier string    `json:"verifier"`        // of PKCE; goes with the code
	Confirm  bool      `json:"confirm"`         // the person has to sign in anew
	Begun    time.Time `json:"begun"`
}

// NewAttempt makes an attempt that nobody can guess.
func NewAttempt(confirm bool, now time.Time) Attempt {
	return Attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Confirm: confirm, Begun: now}
}

// Answer is what the browser brings back.
type Answer struct {
	Code        string `json:"code,omitempty"`
	Issuer      string `json:"iss,omitempty"`               // RFC 9207
	Error       string `json:"error,omitempty"`             // a word of the protocol's
	Description string `json:"error_description,omitempty"` // for the log; anybody may have written it
	User        string `json:"user,omitempty"`              // Apple's, JSON, at the first time only
}

// Identity is who somebody is at a provider.
type Identity struct {
	Issuer        string
	Subject       string
	Email         string // "" when the provider does not tell
	EmailVerified bool   // the provider has made sure that the address is theirs
	Name          string // "" when the provider does not tell
}

// protocol is what Provider does in two ways: openid and github.
type protocol interface {
	begin(ctx context.Context, a Attempt) (string, error)
	finish(ctx context.Context, a Attempt, in Answer) (Identity, error)
	issued(ctx context.Context, issuer string) error // checks the answer's issuer
}

// Provider is one configured provider, safe for concurrent use. It keeps what it has
// learned about the other side.
type Provider struct {
	settings Settings
	protocol protocol
}

// patience bounds what one answer may cost, with all requests that it takes.
const patience = 20 * time.Second

// New returns the provider of complete settings; browsers come back to redirect. It
// does no I/O: a provider that is down is asked when it is needed.
func New(s Settings, redirect string, now func() time.Time) *Provider {
	p := &Provider{settings: s}
	if s.ID == GitHub {
		p.protocol = newGitHub(s, redirect, newClient())
	} else {
		p.protocol = newOpenID(s, redirect, newClient(), now)
	}
	return p
}

// Settings are what the provider was made of.
func (p *Provider) Settings() Settings { return p.settings }

// Begin returns the address at the provider to which the browser goes. Unavailable,
// with the code Silent: the provider is needed to know that, and does not answer.
func (p *Provider) Begin(ctx context.Context, a Attempt) (address string, err error) {
	defer errs.Wrap(&err, "provider.Begin(%s)", p.settings.ID)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.protocol.begin(ctx, a)
}

// Finish returns who has come back with the answer. The error has one of the codes
// above: Forbidden for Denied and NotFresh, Unavailable for Silent and Misconfigured,
// Unauthorized for Unproven.
func (p *Provider) Finish(ctx context.Context, a Attempt, in Answer) (who Identity, err error) {
	defer errs.Wrap(&err, "provider.Finish(%s)", p.settings.ID)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.protocol.issued(ctx, in.Issuer); err != nil {
		return Identity{}, err
	}
	switch {
	case in.Error != "":
		return Identity{}, p.settings.refusal(in.Error, in.Description)
	case in.Code == "":
		return Identity{}, p.settings.unproven(errors.New("the answer has no code"))
	}
	who, err = p.protocol.finish(ctx, a, in)
	if err == nil && (!keepable(who.Subject) || !keepable(who.Issuer)) {
		err = p.settings.unproven(errors.New("the subject or the issuer is no text to keep"))
	}
	return who, err
}

// refusal is what a provider says instead of giving a code.
func (s Settings) refusal(word, description string) error {
	cause := said{word, description}
	switch word {
	case "server_error", "temporarily_unavailable":
		return s.silent(cause)
	case "unauthorized_client", "invalid_client", "invalid_scope", "invalid_request", "invalid_request_object",
		"unsupported_response_type", "redirect_uri_mismatch", "application_suspended":
		return s.misconfigured(cause)
	}
	return &errs.Error{Kind: errs.Forbidden, Code: Denied, Message: "the sign-in at " + s.Title() + " was not completed", Cause: cause}
}

func (s Settings) silent(cause error) error {
	return &errs.Error{Kind: errs.Unavailable, Code: Silent, Message: s.Title() + " does not answer; try again in a moment", Cause: cause}
}

func (s Settings) misconfigured(cause error) error {
	return &errs.Error{Kind: errs.Unavailable, Code: Misconfigured, Message: s.Title() + " does not accept this app as it is set up; tell an admin", Cause: cause}
}

func (s Settings) unproven(cause error) error {
	return &errs.Error{Kind: errs.Unauthorized, Code: Unproven, Message: "the answer of " + s.Title() + " does not prove who you are; begin again", Cause: cause}
}

func (s Settings) notFresh(cause error) error {
	return &errs.Error{Kind: errs.Forbidden, Code: NotFresh, Message: s.Title() + " does not say that you have signed in just now", Cause: cause}
}

// exchange turns a code into tokens. The error is the provider's word, put in ours.
func (s Settings) exchange(ctx context.Context, client *http.Client, c oauth2.Config, code, verifier string) (*oauth2.Token, error) {
	token, err := c.Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), code, oauth2.VerifierOption(verifier))
	if err == nil {
		return token, nil
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return nil, s.silent(err)
	}
	// The error's own text repeats the answer's body, which may hold anything.
	cause := said{refused.ErrorCode, refused.ErrorDescription}
	status := refused.Response.StatusCode
	switch refused.ErrorCode {
	case "invalid_grant", "bad_verification_code":
		return nil, s.unproven(cause)
	case "", "server_error", "temporarily_unavailable", "slow_down":
		if refused.ErrorCode == "" && (status == http.StatusUnauthorized || status == http.StatusForbidden) {
			return nil, s.misconfigured(cause)
		}
		return nil, s.silent(errors.Join(cause, errors.New("status "+refused.Response.Status)))
	}
	return nil, s.misconfigured(cause)
}

package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Grade says what a finding asks for.
type Grade string

// The grades.
const (
	Fine  Grade = "ok"
	Note  Grade = "note"  // may be as it should; worth knowing
	Wrong Grade = "wrong" // nobody signs in before it is changed
)

// Finding is one thing that Check has looked at.
type Finding struct {
	Grade Grade
	About string // one word
	Text  string // what is so, and what to change
}

// Report is what Check has found.
type Report struct {
	Title    string
	Place    string // where the provider is
	Redirect string // the address to register there
	Findings []Finding
}

// Wrong reports whether something has to change.
func (r Report) Wrong() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Grade == Wrong })
}

// Check looks at everything that can be looked at without a person: what the provider
// publishes, its clock, its keys, and whether it knows us. Settings may be incomplete:
// without a client id only the provider itself is looked at. The request for which
// it needs the client's secret names a code that no provider has given.
func Check(ctx context.Context, s Settings, redirect string, now func() time.Time) Report {
	c := &check{settings: s, redirect: redirect, now: now, client: newClient()}
	c.report = Report{Title: s.Title(), Redirect: redirect}
	c.complete()
	c.ownAddress()
	if s.ID == GitHub {
		c.github(ctx)
	} else {
		c.openid(ctx)
	}
	return c.report
}

type check struct {
	settings Settings
	redirect string
	now      func() time.Time
	client   *http.Client
	report   Report
}

func (c *check) say(g Grade, about, format string, args ...any) {
	c.report.Findings = append(c.report.Findings, Finding{g, about, fmt.Sprintf(format, args...)})
}

// complete looks at the settings, leaving out what a check of a mere issuer has not.
func (c *check) complete() {
	for _, p := range c.settings.Problems() {
		if c.settings.ClientID != "" && c.settings.Secret != "" || c.settings.Get(p.Field) != "" {
			c.say(Wrong, "settings", "%s %s", p.Field, p.Message)
		}
	}
}

// ownAddress looks at the address that browsers come back to.
func (c *check) ownAddress() {
	u, err := url.Parse(c.redirect)
	switch {
	case err != nil || u.Host == "":
		c.say(Wrong, "address", "PUBLIC_BASE_URL is not an address that a browser could come back to")
	case onThisMachine(u.Hostname()):
		c.say(Note, "address", "PUBLIC_BASE_URL is this machine: good for a try; others cannot come back to it")
	case u.Scheme != "https":
		c.say(Note, "address", "PUBLIC_BASE_URL is not https: Google, Microsoft and Apple refuse such a redirect address")
	default:
		c.say(Fine, "address", "PUBLIC_BASE_URL is https")
	}
}

func (c *check) openid(ctx context.Context) {
	q := quirksOf(c.settings)
	c.report.Place = q.issuer
	if err := checkBase(q.issuer); err != nil {
		c.say(Wrong, "issuer", "%q %v", q.issuer, err)
		return
	}
	m, header, err := discover(ctx, c.client, q.issuer, q.genuine)
	c.clock(header)
	if m == nil {
		c.say(Wrong, "discovery", "%s", explain(wellKnown(q.issuer), err))
		return
	}
	c.say(Fine, "discovery", "%s answers", wellKnown(q.issuer))
	c.issuer(q, m)
	if err := m.usable(Local(q.issuer)); err != nil {
		c.say(Wrong, "endpoints", "the provider publishes what cannot be used: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	c.say(Fine, "endpoints", "sign-ins go to %s", m.Authorization)
	c.keys(ctx, m)
	c.abilities(m)
	c.claims(q, m)
	o := newOpenID(c.settings, c.redirect, c.client, c.now)
	c.redirectKnown(ctx, o, m)
	c.secretKnown(ctx, o, m)
}

func (c *check) issuer(q quirks, m *metadata) {
	switch {
	case q.genuine(m.Issuer):
		c.say(Fine, "issuer", "it calls itself %s", m.Issuer)
	case c.settings.ID == OpenID:
		c.say(Wrong, "issuer", "it calls itself %.200q: set OIDC_ISSUER to exactly that, with or without a slash at the end as it has it", m.Issuer)
	default:
		c.say(Wrong, "issuer", "it calls itself %.200q, which is not %s", m.Issuer, c.settings.Title())
	}
}

// clock compares ours with the provider's: tokens are good for minutes.
func (c *check) clock(header http.Header) {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	off := c.now().Sub(theirs)
	about := off.Abs().Round(10 * time.Second)
	switch {
	case off > clockSkew:
		c.say(Wrong, "clock", "this machine's clock is %s ahead of the provider's: let it follow a time server (NTP)", about)
	case off < -clockSkew:
		c.say(Wrong, "clock", "this machine's clock is %s behind the provider's: let it follow a time server (NTP)", about)
	default:
		c.say(Fine, "clock", "this machine's and the provider's agree")
	}
}

func (c *check) keys(ctx context.Context, m *metadata) {
	keys, err := fetchKeys(ctx, c.client, m.JWKS)
	switch algs := m.signatures(); {
	case err != nil:
		c.say(Wrong, "keys", "%s", explain(m.JWKS, err))
	case len(algs) == 0:
		c.say(Wrong, "keys", "tokens are signed by %s only: turn on RS256 or ES256 for this app", strings.Join(m.Algorithms, ", "))
	default:
		c.say(Fine, "keys", "%d that can sign, by %s", len(keys), strings.Join(algs, ", "))
	}
}

// abilities looks at what a sign-in needs the provider to be able to do.
func (c *check) abilities(m *metadata) {
	lacks := func(all []string, wanted ...string) bool {
		return len(all) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(all, w) })
	}
	if lacks(m.ResponseTypes, "code") {
		c.say(Wrong, "flow", "the authorization code flow (response type code) is off: turn it on for this app")
	}
	if m.NeedsPushed {
		c.say(Wrong, "flow", "it takes pushed authorization requests only: turn that off for this app")
	}
	if lacks(m.ClientAuth, "client_secret_basic", "client_secret_post") {
		c.say(Wrong, "flow", "clients prove themselves by %s only: turn on client_secret_basic or client_secret_post", strings.Join(m.ClientAuth, ", "))
	}
	switch {
	case slices.Contains(m.Challenges, "S256"):
		c.say(Fine, "flow", "authorization code with PKCE (S256)")
	case len(m.Challenges) > 0:
		c.say(Wrong, "flow", "PKCE is by %s only: turn on S256", strings.Join(m.Challenges, ", "))
	default:
		c.say(Note, "flow", "it does not say whether it knows PKCE; it is used all the same")
	}
}

// claims looks at what the provider would tell about people.
func (c *check) claims(q quirks, m *metadata) {
	for _, scope := range q.scopes {
		if len(m.Scopes) > 0 && !slices.Contains(m.Scopes, scope) {
			c.say(Note, "claims", "it does not list the scope %s%s", scope, consequence(scope))
		}
	}
	if c.settings.ID != OpenID || len(m.Claims) == 0 {
		return // the others list what they please, and tell all the same
	}
	for _, claim := range []string{"email", "email_verified"} {
		if !slices.Contains(m.Claims, claim) {
			c.say(Note, "claims", "it does not list the claim %s%s", claim, consequence(claim))
		}
	}
}

// consequence is what follows when a provider does not tell something.
func consequence(untold string) string {
	switch untold {
	case "openid":
		return ": is it a provider of OpenID Connect?"
	case "email":
		return ": without an e-mail address nobody can sign up"
	case "email_verified":
		return ": without it, invites for one address cannot be used with it"
	}
	return ""
}

// redirectKnown asks for a sign-in that must not show anything to anybody. A provider
// that knows the address sends the browser there, with word that nobody is signed in.
func (c *check) redirectKnown(ctx context.Context, o *openid, m *metadata) {
	if c.settings.ClientID == "" {
		c.say(Note, "client", "give --client-id to learn whether the provider knows this app and its redirect address")
		return
	}
	if c.settings.ID == Apple {
		return // it shows a page, whatever one asks
	}
	config, err := o.config(m, "")
	if err != nil {
		return // said by abilities
	}
	options := append(o.options(NewAttempt(false, c.now())), oauth2.SetAuthURLParam("prompt", "none"))
	_, err = get(ctx, c.client, config.AuthCodeURL("doctor", options...), nil, new(struct{}))
	answer, ok := errors.AsType[*statusError](err)
	switch back, _ := url.Parse(answerLocation(answer)); {
	case ok && strings.HasPrefix(answer.elsewhere, c.redirect):
		word := back.Query().Get("error")
		if word == "" || strings.HasSuffix(word, "_required") {
			c.say(Fine, "redirect", "the provider knows the app and this redirect address")
			return
		}
		c.say(Wrong, "redirect", "the provider knows the redirect address, and says %q to a sign-in", word)
	case ok && answer.status >= 400 && answer.status < 500:
		c.say(Wrong, "redirect", "the provider refuses the sign-in (status %d): is the client id right, and is exactly this redirect address registered? %s", answer.status, c.redirect)
	default:
		c.say(Note, "redirect", "the provider does not tell machines whether it knows the redirect address: compare it")
	}
}

func answerLocation(answer *statusError) string {
	if answer == nil {
		return ""
	}
	return answer.elsewhere
}

// secretKnown exchanges a code that nobody has given: a provider that refuses the code
// has accepted the client.
func (c *check) secretKnown(ctx context.Context, o *openid, m *metadata) {
	if c.settings.ClientID == "" || c.settings.Secret == "" {
		return
	}
	secret, err := o.quirks.secret(m.Issuer, c.now())
	if err != nil {
		return // said by complete
	}
	config, err := o.config(m, secret)
	if err != nil {
		return // said by abilities
	}
	_, err = c.settings.exchange(ctx, c.client, config, "peisear-doctor", oauth2.GenerateVerifier())
	c.secret(err)
}

func (c *check) secret(err error) {
	word, _ := errors.AsType[said](err)
	switch word.word {
	case "invalid_grant", "bad_verification_code":
		c.say(Fine, "secret", "the provider has nothing against the client id and secret")
	case "invalid_client", "unauthorized_client", "incorrect_client_credentials":
		c.say(Wrong, "secret", "the provider does not accept the client id and secret: copy both anew (%s)", word)
	case "redirect_uri_mismatch":
		c.say(Wrong, "redirect", "register exactly this redirect address: %s", c.redirect)
	default:
		c.say(Note, "secret", "whether the provider accepts the client id and secret is not clear: %v", err)
	}
}

// github looks at what can be seen of GitHub: it publishes nothing for machines.
func (c *check) github(ctx context.Context) {
	g := newGitHub(c.settings, c.redirect, c.client)
	c.report.Place = g.base
	header, err := get(ctx, c.client, g.api+"/meta", nil, new(struct{}))
	c.clock(header)
	if err != nil {
		c.say(Wrong, "api", "%s", explain(g.api+"/meta", err))
		return
	}
	c.say(Fine, "api", "%s answers", g.api)
	if c.settings.ClientID != "" && c.settings.Secret != "" {
		_, err := c.settings.exchange(ctx, c.client, g.config, "peisear-doctor", oauth2.GenerateVerifier())
		c.secret(err)
	}
	c.say(Note, "redirect", "GitHub does not tell machines whether it knows the redirect address: compare it")
}

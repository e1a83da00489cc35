package provider

import (
	"net/mail"
	"strings"
	"time"
)

// quirks is what an OpenID Connect provider does its own way.
type quirks struct {
	issuer  string                    // where the metadata is
	genuine func(claimed string) bool // may it call itself so?

	scopes  []string
	always  map[string]string // parameters of every authorization request
	confirm map[string]string // those that ask for a new sign-in

	tellsWhen    bool // answers such a request with auth_time; whoever does not is not believed
	secretInBody bool // wants the client's secret in the body, whatever its metadata says
	userInfo     bool // may say there what the id_token lacks
	tenants      bool // has an issuer for each tenant

	secret   func(issuer string, now time.Time) (string, error)
	identity func(got claims, in Answer) Identity
}

// The addresses of the well-known ones, where settings have no other.
const (
	googleURL    = "https://accounts.google.com"
	microsoftURL = "https://login.microsoftonline.com"
	appleURL     = "https://appleid.apple.com"
	githubURL    = "https://github.com"
)

func quirksOf(s Settings) quirks {
	q := quirks{
		issuer: s.Issuer,
		scopes: []string{"openid", "email", "profile"},
		// prompt asks; max_age also obliges the provider to say when it was, which a
		// browser that drops both cannot forge.
		confirm: map[string]string{"prompt": "login", "max_age": "0"}, tellsWhen: true,
		userInfo: true,
		secret:   func(string, time.Time) (string, error) { return s.Secret, nil },
		identity: identityOf,
	}
	switch s.ID {
	case Google:
		google(s, &q)
	case Microsoft:
		microsoft(s, &q)
	case Apple:
		apple(s, &q)
	case GitHub, OpenID:
	}
	if q.genuine == nil {
		q.genuine = func(claimed string) bool { return claimed == q.issuer }
	}
	return q
}

// google knows no prompt=login; it tells when somebody signed in to apps that it has
// verified and that have session age claims enabled.
func google(s Settings, q *quirks) {
	q.issuer = placeOf(s, googleURL)
	q.tellsWhen = false
	q.confirm = map[string]string{
		"prompt": "select_account",
		"claims": `{"id_token":{"auth_time":{"essential":true}}}`,
	}
}

// placeOf is where a well-known provider is.
func placeOf(s Settings, standard string) string {
	if s.URL != "" {
		return strings.TrimRight(s.URL, "/")
	}
	return standard
}

// identityOf is the ordinary way to read claims.
func identityOf(got claims, _ Answer) Identity {
	who := Identity{Issuer: got.Issuer, Subject: got.Subject, Email: got.Email, EmailVerified: bool(got.Verified), Name: got.name()}
	if who.Name == "" && !isAddress(got.Preferred) {
		who.Name = got.Preferred
	}
	return who
}

func isAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/errs"
)

// set returns a change of a token's claims; nil removes one.
func set(name string, value any) func(map[string]any) {
	return func(claims map[string]any) {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
}

// TestTokensThatProveNothing: each has one thing wrong, and is signed rightly.
func TestTokensThatProveNothing(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	for name, change := range map[string]func(map[string]any){
		"another issuer":         set("iss", "https://evil.example"),
		"no issuer":              set("iss", nil),
		"another app":            set("aud", "another-client"),
		"no audience":            set("aud", nil),
		"several, given to none": func(c map[string]any) { c["aud"] = []string{providertest.ClientID, "x"}; delete(c, "azp") },
		"given to another":       set("azp", "another-client"),
		"expired":                set("exp", time.Now().Add(-time.Second).Unix()),
		"without an end":         set("exp", nil),
		"not yet":                set("nbf", time.Now().Add(hour).Unix()),
		"another attempt":        set("nonce", "another"),
		"no attempt":             set("nonce", nil),
		"another access token":   set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"nobody":                 set("sub", ""),
		"no subject":             set("sub", nil),
		"a subject with NUL":     set("sub", "a\x00b"),
		"a subject without end":  set("sub", strings.Repeat("x", 2000)),
		"a subject that is none": set("sub", 7),
	} {
		s := providertest.New(t, provider.Google, redirect)
		p := provider.New(s.Settings(), redirect, time.Now)
		s.Claims(change)
		_, err := meet(t, p, false)
		wantCode(t, name, err, errs.Unauthorized, provider.Unproven)
	}
}

// TestVerifiedIsTrueAndNothingElse, also as the string that some write.
func TestVerifiedIsTrueAndNothingElse(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.OpenID, redirect)
	s.Claims(set("email_verified", "true"))
	p := provider.New(s.Settings(), redirect, time.Now)
	who, err := meet(t, p, false)
	if err != nil || !who.EmailVerified {
		t.Errorf("a boolean in quotes: %+v, %v", who, err)
	}
	for _, no := range []any{"false", "1", 1, nil, "TRUE", []string{"true"}} {
		s.Claims(set("email_verified", no))
		if who, err := meet(t, p, false); err != nil || who.EmailVerified {
			t.Errorf("%v counts as verified: %v", no, err)
		}
	}
}

// TestKeysAreFetchedAgain when a token names one that is not known, and then only.
func TestKeysAreFetchedAgain(t *testing.T) {
	t.Parallel()
	const keys = "/oauth2/v3/certs"
	s := providertest.New(t, provider.Google, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	for i, change := range []func(){func() {}, func() { s.RotateKeys(true) }, func() { s.RotateKeys(false) }} {
		change()
		for range 3 {
			if _, err := meet(t, p, false); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Fetched(keys); n != i+1 {
			t.Errorf("fetched %d times, want %d", n, i+1)
		}
	}
	s.NoKeys()
	_, err := meet(t, p, false)
	wantCode(t, "a key that is published nowhere", err, errs.Unauthorized, provider.Unproven)
}

// TestSignaturesOfOtherKinds: what the provider does not say it uses, and what is none.
func TestSignaturesOfOtherKinds(t *testing.T) {
	t.Parallel()
	for name, algs := range map[string][]string{
		"another algorithm": {"ES256"}, "a shared secret": {"HS256"}, "no signature": {"none"},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		s.Metadata(func(m map[string]any) { m["id_token_signing_alg_values_supported"] = algs })
		_, err := meet(t, provider.New(s.Settings(), redirect, time.Now), false)
		wantCode(t, name, err, errs.Unauthorized, provider.Unproven)
	}
	s := providertest.New(t, provider.OpenID, redirect)
	s.Metadata(set("id_token_signing_alg_values_supported", nil))
	if _, err := meet(t, provider.New(s.Settings(), redirect, time.Now), false); err != nil {
		t.Errorf("RS256 needs no word: %v", err)
	}
}

func TestMetadataOfAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(map[string]any)
		code   string
	}{
		"another issuer":           {set("issuer", "https://evil.example"), provider.Misconfigured},
		"a slash more":             {func(m map[string]any) { m["issuer"] = fmt.Sprint(m["issuer"], "/") }, provider.Misconfigured},
		"no issuer":                {set("issuer", nil), provider.Misconfigured},
		"a token endpoint on http": {set("token_endpoint", "http://evil.example/token"), provider.Silent},
		"keys in a file":           {set("jwks_uri", "file:///etc/passwd"), provider.Silent},
		"keys on http elsewhere":   {set("jwks_uri", "http://127.0.0.1.example/"), provider.Silent},
		"userinfo on http":         {set("userinfo_endpoint", "http://evil.example/"), provider.Silent},
		"no authorization":         {set("authorization_endpoint", nil), provider.Silent},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		s.Metadata(c.change)
		_, err := provider.New(s.Settings(), redirect, time.Now).Begin(t.Context(), provider.NewAttempt(false, time.Now()))
		wantCode(t, name, err, errs.Unavailable, c.code)
	}
}

// TestClientAuthentication: the secret goes the way that the provider takes.
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		methods any
		code    string
	}{
		"not said": {nil, ""}, "header": {[]string{"client_secret_basic"}, ""}, "body": {[]string{"client_secret_post"}, ""},
		"keys": {[]string{"private_key_jwt"}, provider.Misconfigured},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		s.Metadata(set("token_endpoint_auth_methods_supported", c.methods))
		p := provider.New(s.Settings(), redirect, time.Now)
		if c.code != "" {
			_, err := p.Begin(t.Context(), provider.NewAttempt(false, time.Now()))
			wantCode(t, name, err, errs.Unavailable, c.code)
		} else if _, err := meet(t, p, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUserInfo completes the id_token, and is about the same person.
func TestUserInfo(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.OpenID, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	s.Claims(func(c map[string]any) {
		if c["iss"] == nil {
			c["sub"] = "somebody else"
		}
	})
	_, err := meet(t, p, false)
	wantCode(t, "about another", err, errs.Unauthorized, provider.Unproven)
	s.Claims(nil)
	s.Metadata(set("userinfo_endpoint", nil))
	if who, err := meet(t, provider.New(s.Settings(), redirect, time.Now), false); err != nil || who.Email != "" || who.EmailVerified {
		t.Errorf("%+v, %v", who, err)
	}
}

// TestConfirmingTakesANewSignIn: by the provider's word, where it gives one.
func TestConfirmingTakesANewSignIn(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-3 * time.Minute).Unix()
	for _, id := range []provider.ID{provider.Google, provider.Microsoft, provider.Apple, provider.OpenID} {
		s := providertest.New(t, id, redirect)
		p := provider.New(s.Settings(), redirect, time.Now)
		s.Claims(func(c map[string]any) {
			if c["iss"] != nil {
				c["auth_time"] = old
			}
		})
		if _, err := meet(t, p, false); err != nil {
			t.Errorf("%s: a plain sign-in: %v", id, err)
		}
		_, err := meet(t, p, true)
		wantCode(t, string(id)+": signed in before", err, errs.Forbidden, provider.NotFresh)
		s.Claims(set("auth_time", nil))
		if _, err = meet(t, p, true); id == provider.OpenID {
			wantCode(t, "no word", err, errs.Forbidden, provider.NotFresh)
		} else if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		s.Claims(set("auth_time", "yesterday"))
		if _, err := meet(t, p, true); err == nil {
			t.Errorf("%s: a time that is none", id)
		}
	}
}

func TestMicrosoftTenants(t *testing.T) {
	t.Parallel()
	const mine, other = "9122040d-6c67-4c5b-b112-36a304b66dad", "11111111-2222-3333-4444-555555555555"
	s := providertest.New(t, provider.Microsoft, redirect)
	at := func(tenant string) *provider.Provider {
		settings := s.Settings()
		settings.Tenant = tenant
		return provider.New(settings, redirect, time.Now)
	}
	for _, tenant := range []string{"", "common", "organizations", mine, strings.ToUpper(mine)} {
		if tenant == strings.ToUpper(mine) {
			s.Metadata(set("issuer", s.URL+"/"+mine+"/v2.0"))
		}
		who, err := meet(t, at(tenant), false)
		if err != nil || who.Issuer != s.URL+"/"+mine+"/v2.0" || who.EmailVerified {
			t.Errorf("%q: %+v, %v", tenant, who, err)
		}
	}
	s.Metadata(nil)
	refuse := func(name string, p *provider.Provider, change func(map[string]any)) {
		t.Helper()
		s.Claims(change)
		_, err := meet(t, p, false)
		s.Claims(nil)
		wantCode(t, name, err, errs.Unauthorized, provider.Unproven)
	}
	refuse("another tenant's", at(mine), func(c map[string]any) { c["iss"], c["tid"] = s.URL+"/"+other+"/v2.0", other })
	refuse("issuer and tenant differ", at(""), set("tid", other))
	refuse("another place", at(""), set("iss", "https://evil.example/"+mine+"/v2.0"))
	refuse("no tenant", at(""), set("tid", nil))
	refuse("a tenant that is a path", at(""), func(c map[string]any) { c["iss"], c["tid"] = s.URL+"/x/y/v2.0", "x/y" })
	s.KeyOwner(s.URL + "/" + other + "/v2.0")
	refuse("signed with a key for others", at(""), func(map[string]any) {})
	s.KeyOwner(s.URL + "/" + mine + "/v2.0")
	if _, err := meet(t, at(""), false); err != nil {
		t.Error(err)
	}
	s.Metadata(set("issuer", s.URL+"/{tenantid}/v2.0"))
	_, err := at(mine).Begin(t.Context(), provider.NewAttempt(false, time.Now()))
	wantCode(t, "one tenant is asked, any is offered", err, errs.Unavailable, provider.Misconfigured)
}

func TestMicrosoftAddress(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.Microsoft, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	s.Claims(set("email", nil))
	if who, err := meet(t, p, false); err != nil || who.Email != "ann@example.org" || who.EmailVerified {
		t.Errorf("%+v, %v", who, err)
	}
	s.Claims(func(c map[string]any) { delete(c, "email"); c["preferred_username"] = "+49 123 456" })
	if who, err := meet(t, p, false); err != nil || who.Email != "" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestApple(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.Apple, redirect)
	settings := s.Settings()
	for name, change := range map[string]func(*provider.Settings){
		"another team": func(s *provider.Settings) { s.TeamID = "OTHER" },
		"another key":  func(s *provider.Settings) { s.KeyID = "OTHER" },
		"another app":  func(s *provider.Settings) { s.ClientID = "other" },
	} {
		changed := settings
		change(&changed)
		a := provider.NewAttempt(false, time.Now())
		answer := journey(t, provider.New(settings, redirect, time.Now), a)
		_, err := provider.New(changed, redirect, time.Now).Finish(t.Context(), a, answer)
		wantCode(t, name, err, errs.Unavailable, provider.Misconfigured)
	}
	// A name is what the browser says: it may be anything, and harms nobody.
	p := provider.New(settings, redirect, time.Now)
	for _, user := range []string{"", "{}", "null", "[", `{"name":7}`, `{"name":{"firstName":"<b>"}}`} {
		a := provider.NewAttempt(false, time.Now())
		answer := journey(t, p, a)
		answer.User = user
		if who, err := p.Finish(t.Context(), a, answer); err != nil || who.Email != "ann@example.org" {
			t.Errorf("%s: %+v, %v", user, who, err)
		}
	}
	late := new(clock)
	late.pass(-10 * time.Minute)
	_, err := meet(t, provider.New(settings, redirect, late.now), false)
	wantCode(t, "our clock is late", err, errs.Unavailable, provider.Misconfigured)
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.GitHub, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	s.SignIn(providertest.Person{Subject: "1", Email: "ann@example.org"})
	who, err := meet(t, p, false)
	if err != nil || who.Email != "" || who.EmailVerified || who.Name != "ann-example" {
		t.Errorf("an address that is not verified: %+v, %v", who, err)
	}
	s.SignIn(providertest.Person{Subject: "1"})
	if who, err := meet(t, p, false); err != nil || who.Email != "" {
		t.Errorf("no right to ask: %+v, %v", who, err)
	}
	s.SignIn(providertest.Person{Subject: "0", Email: "ann@example.org"})
	_, err = meet(t, p, false)
	wantCode(t, "an account without a number", err, errs.Unauthorized, provider.Unproven)

	// It says no with status 200.
	a := provider.NewAttempt(false, time.Now())
	_, err = p.Finish(t.Context(), a, provider.Answer{Code: "guessed"})
	wantCode(t, "a guessed code", err, errs.Unauthorized, provider.Unproven)
	settings := s.Settings()
	settings.Secret = "wrong"
	_, err = provider.New(settings, redirect, time.Now).Finish(t.Context(), a, provider.Answer{Code: "x"})
	wantCode(t, "a wrong secret", err, errs.Unavailable, provider.Misconfigured)
	if _, err := p.Finish(t.Context(), a, provider.Answer{Code: "x", Issuer: s.URL + "/login/oauth"}); errs.Of(err).Code != provider.Unproven {
		t.Errorf("its other name: %v", err)
	}
	s.Down(true)
	_, err = p.Finish(t.Context(), a, provider.Answer{Code: "x"})
	wantCode(t, "down", err, errs.Unavailable, provider.Silent)
}

// TestAnotherVerifier: a code that was stolen is worth nothing without it.
func TestAnotherVerifier(t *testing.T) {
	t.Parallel()
	for _, id := range provider.All() {
		s := providertest.New(t, id, redirect)
		p := provider.New(s.Settings(), redirect, time.Now)
		a := provider.NewAttempt(false, time.Now())
		answer := journey(t, p, a)
		a.Verifier = provider.NewAttempt(false, time.Now()).Verifier
		_, err := p.Finish(t.Context(), a, answer)
		wantCode(t, string(id), err, errs.Unauthorized, provider.Unproven)
	}
}

package provider_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const redirect = "http://localhost:3000/api/auth/x/callback"

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// isBack stops a browser before it asks the app.
func isBack(u *url.URL) bool { return strings.HasPrefix(u.String(), redirect) }

// journey sends a browser to the provider and returns what it brings back.
func journey(t *testing.T, p *provider.Provider, a provider.Attempt) provider.Answer {
	t.Helper()
	address, err := p.Begin(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	b := providertest.NewBrowser(t)
	b.Visit(address, isBack)
	form := b.At.Query()
	if p.Settings().ID == provider.Apple {
		if isBack(b.At) || b.Status != http.StatusOK {
			t.Fatalf("no form to post: %d at %s: %s", b.Status, b.At, b.Text)
		}
		form = posted(t, b)
	}
	if form.Get("state") != a.State {
		t.Fatalf("came back to %s with another state", b.At)
	}
	return provider.Answer{Code: form.Get("code"), Issuer: form.Get("iss"), Error: form.Get("error"), User: form.Get("user")}
}

// posted is what the form on the page would send.
func posted(t *testing.T, b *providertest.Browser) (form url.Values) {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
	}))
	defer app.Close()
	b.Text = strings.Replace(b.Text, redirect, app.URL, 1)
	b.Submit(nil, nil)
	return form
}

// meet makes a whole journey.
func meet(t *testing.T, p *provider.Provider, confirm bool) (provider.Identity, error) {
	t.Helper()
	a := provider.NewAttempt(confirm, time.Now())
	return p.Finish(t.Context(), a, journey(t, p, a))
}

func wantCode(t *testing.T, what string, err error, kind errs.Kind, code string) {
	t.Helper()
	if e := errs.Of(err); err == nil || e.Kind != kind || e.Code != code {
		t.Errorf("%s: got %v", what, err)
	}
}

func TestEachProviderTellsWhoItIs(t *testing.T) {
	t.Parallel()
	const tenant = "9122040d-6c67-4c5b-b112-36a304b66dad"
	for id, want := range map[provider.ID]provider.Identity{
		provider.Google:    {Subject: "110169484474386276334", Email: "ann@example.org", EmailVerified: true, Name: "Ann Example"},
		provider.GitHub:    {Subject: "583231", Email: "ann@example.org", EmailVerified: true, Name: "Ann Example"},
		provider.Microsoft: {Issuer: "/" + tenant + "/v2.0", Subject: "110169484474386276334", Email: "ann@example.org", Name: "Ann Example"},
		provider.Apple:     {Subject: "110169484474386276334", Email: "ann@example.org", EmailVerified: true, Name: "Ann Example"},
		provider.OpenID:    {Subject: "110169484474386276334", Email: "ann@example.org", EmailVerified: true, Name: "Ann Example"},
	} {
		s := providertest.New(t, id, redirect)
		want.Issuer = s.URL + want.Issuer
		p := provider.New(s.Settings(), redirect, time.Now)
		for _, confirm := range []bool{false, true} {
			got, err := meet(t, p, confirm)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", id, err, diff)
			}
			if id == provider.Apple {
				want.Name = "" // it is told once
			}
		}
	}
}

// TestZitadel is a sign-in with a provider that others have written.
func TestZitadel(t *testing.T) {
	t.Parallel()
	settings := providertest.Zitadel(t, redirect)
	p := provider.New(settings, redirect, time.Now)
	signIn := func(a provider.Attempt) provider.Answer {
		address, err := p.Begin(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		b := providertest.NewBrowser(t)
		b.Visit(address, isBack)
		b.Submit(map[string]string{"username": "test-user2", "password": "verysecure"}, isBack)
		return provider.Answer{Code: b.At.Query().Get("code"), Issuer: b.At.Query().Get("iss")}
	}
	for _, confirm := range []bool{false, true} {
		a := provider.NewAttempt(confirm, time.Now())
		answer := signIn(a)
		got, err := p.Finish(t.Context(), a, answer)
		want := provider.Identity{Issuer: settings.Issuer, Subject: "id2", Email: "test-user2@zitadel.ch", EmailVerified: true, Name: "Test User2"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		_, err = p.Finish(t.Context(), a, answer)
		wantCode(t, "a code twice", err, errs.Unauthorized, provider.Unproven)
	}
	_, err := p.Finish(t.Context(), provider.NewAttempt(false, time.Now()), provider.Answer{Code: "guessed"})
	wantCode(t, "a guessed code", err, errs.Unauthorized, provider.Unproven)
	settings.Secret = "wrong"
	a := provider.NewAttempt(false, time.Now())
	_, err = provider.New(settings, redirect, time.Now).Finish(t.Context(), a, signIn(a))
	wantCode(t, "a wrong secret", err, errs.Unavailable, provider.Misconfigured)
}

// TestAuthorizationRequest is what the browser carries to the provider.
func TestAuthorizationRequest(t *testing.T) {
	t.Parallel()
	const usual = "openid email profile"
	scopes := map[provider.ID]string{
		provider.Google: usual, provider.Microsoft: usual, provider.OpenID: usual, provider.Apple: "openid name email", provider.GitHub: "read:user user:email",
	}
	for id, confirms := range map[provider.ID]map[string]string{
		provider.Google:    {"prompt": "select_account", "claims": `{"id_token":{"auth_time":{"essential":true}}}`},
		provider.GitHub:    {"prompt": "select_account"},
		provider.Microsoft: {"prompt": "login"},
		provider.Apple:     {},
		provider.OpenID:    {"prompt": "login", "max_age": "0"},
	} {
		s := providertest.New(t, id, redirect)
		p := provider.New(s.Settings(), redirect, time.Now)
		for _, confirm := range []bool{false, true} {
			a := provider.NewAttempt(confirm, time.Now())
			address, err := p.Begin(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			q := wantRequest(t, address, a)
			if scope := q.Get("scope"); scope != scopes[id] {
				t.Errorf("%s: asks for %s", id, scope)
			}
			if (id != provider.GitHub) != (q.Get("nonce") == a.Nonce) || (id == provider.Apple) != (q.Get("response_mode") == "form_post") {
				t.Errorf("%s: %s", id, address)
			}
			for _, name := range []string{"prompt", "max_age", "claims"} {
				if want := confirms[name]; confirm && q.Get(name) != want || !confirm && q.Has(name) {
					t.Errorf("%s: %s is %q, confirm %t", id, name, q.Get(name), confirm)
				}
			}
		}
	}
}

// wantRequest is what all have in common.
func wantRequest(t *testing.T, address string, a provider.Attempt) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"client_id": providertest.ClientID, "redirect_uri": redirect, "response_type": "code",
		"state": a.State, "code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q: %s", name, q.Get(name), address)
		}
	}
	if len(q.Get("code_challenge")) != 43 || strings.Contains(address, a.Verifier) || strings.Contains(address, "s3cret") {
		t.Error(address)
	}
	return q
}

func TestAnswersOtherThanACode(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.Google, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	for word, want := range map[string]struct {
		kind errs.Kind
		code string
	}{
		"access_denied":             {errs.Forbidden, provider.Denied},
		"user_cancelled_authorize":  {errs.Forbidden, provider.Denied}, // Apple's
		"<script>alert(1)</script>": {errs.Forbidden, provider.Denied},
		"server_error":              {errs.Unavailable, provider.Silent},
		"temporarily_unavailable":   {errs.Unavailable, provider.Silent},
		"redirect_uri_mismatch":     {errs.Unavailable, provider.Misconfigured}, // GitHub's
		"application_suspended":     {errs.Unavailable, provider.Misconfigured}, // GitHub's
		"unauthorized_client":       {errs.Unavailable, provider.Misconfigured},
		"invalid_scope":             {errs.Unavailable, provider.Misconfigured},
		"":                          {errs.Unauthorized, provider.Unproven},
	} {
		_, err := p.Finish(t.Context(), provider.NewAttempt(false, time.Now()), provider.Answer{Error: word, Description: strings.Repeat("x\n", 1000)})
		wantCode(t, word, err, want.kind, want.code)
		if text := err.Error(); len(text) > 700 || strings.Contains(text, "\n") || strings.Contains(errs.Of(err).Message, word) && word != "" {
			t.Errorf("%s: %q", word, text)
		}
	}
}

// TestIssuerOfTheAnswer: an answer of one provider is not taken for another's.
func TestIssuerOfTheAnswer(t *testing.T) {
	t.Parallel()
	for _, id := range provider.All() {
		s := providertest.New(t, id, redirect)
		p := provider.New(s.Settings(), redirect, time.Now)
		a := provider.NewAttempt(false, time.Now())
		answer := journey(t, p, a)
		answer.Issuer = "https://evil.example"
		_, err := p.Finish(t.Context(), a, answer)
		wantCode(t, string(id), err, errs.Unauthorized, provider.Unproven)
		answer.Error = "access_denied"
		_, err = p.Finish(t.Context(), a, answer)
		wantCode(t, string(id)+" with an error", err, errs.Unauthorized, provider.Unproven)
	}
	s := providertest.New(t, provider.OpenID, redirect)
	s.Metadata(func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true })
	p := provider.New(s.Settings(), redirect, time.Now)
	_, err := meet(t, p, false)
	wantCode(t, "missing where promised", err, errs.Unauthorized, provider.Unproven)
	s.Answer(func(v url.Values) { v.Set("iss", s.URL) })
	if _, err := meet(t, p, false); err != nil {
		t.Error(err)
	}
}

// TestADownProviderHeals: it is asked again soon, and not at every request.
func TestADownProviderHeals(t *testing.T) {
	t.Parallel()
	s, c := providertest.New(t, provider.Google, redirect), new(clock)
	s.Down(true)
	p := provider.New(s.Settings(), redirect, c.now)
	a := provider.NewAttempt(false, time.Now())
	for range 10 {
		_, err := p.Begin(t.Context(), a)
		wantCode(t, "down", err, errs.Unavailable, provider.Silent)
	}
	const published = "/.well-known/openid-configuration"
	if n := s.Fetched(published); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.Down(false)
	c.pass(5 * time.Second)
	if _, err := p.Begin(t.Context(), a); err != nil {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := p.Begin(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.Fetched(published); n != 2 {
		t.Errorf("asked %d times", n)
	}
	s.Down(true)
	c.pass(2 * time.Hour)
	if _, err := p.Begin(t.Context(), a); err != nil {
		t.Errorf("what is known is forgotten: %v", err)
	}
	if n := s.Fetched(published); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// TestGivingUpSaysNothingAboutTheProvider: one who leaves does not spoil it for others.
func TestGivingUpSaysNothingAboutTheProvider(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.Google, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.Begin(gone, provider.NewAttempt(false, time.Now())); err == nil {
		t.Error("answered to nobody")
	}
	if _, err := p.Begin(t.Context(), provider.NewAttempt(false, time.Now())); err != nil {
		t.Error(err)
	}
}

// TestTokenEndpointThatIsNone: what a broken or hostile one may answer.
func TestTokenEndpointThatIsNone(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("followed, with our secret")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"a page":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no id_token":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"access_token":"x"}`)) },
		"server error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"without end": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"access_token":"`))
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<16))); err != nil {
					return
				}
			}
		},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		evil := httptest.NewServer(answer)
		t.Cleanup(evil.Close)
		s.Metadata(func(m map[string]any) { m["token_endpoint"] = evil.URL })
		_, err := meet(t, provider.New(s.Settings(), redirect, time.Now), false)
		if code := errs.Of(err).Code; code != provider.Silent && (name != "no id_token" || code != provider.Unproven) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "xxxx") {
			t.Errorf("%s: the log gets the answer: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	good := map[provider.ID]provider.Settings{}
	for _, id := range provider.All() {
		good[id] = providertest.New(t, id, redirect).Settings()
		if all := good[id].Problems(); len(all) > 0 {
			t.Errorf("%s: %v", id, all)
		}
	}
	rsa := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEPZQMzWnyEq7HqxXTrOgSFvUpSwJ+MbCBrSRXGz4a7F\n-----END PRIVATE KEY-----\n"
	for name, c := range map[string]struct {
		id    provider.ID
		field provider.Field
		value string
	}{
		"no client":               {provider.Google, provider.ClientID, ""},
		"no secret":               {provider.GitHub, provider.Secret, ""},
		"two lines":               {provider.Google, provider.Secret, "a\nb"},
		"long":                    {provider.Google, provider.ClientID, strings.Repeat("x", 9000)},
		"no text":                 {provider.Google, provider.ClientID, "\xff"},
		"a tenant with a path":    {provider.Microsoft, provider.Tenant, "common/../x"},
		"no team":                 {provider.Apple, provider.TeamID, ""},
		"no key id":               {provider.Apple, provider.KeyID, ""},
		"a key that is none":      {provider.Apple, provider.Secret, "secret"},
		"a key of another kind":   {provider.Apple, provider.Secret, rsa},
		"no issuer":               {provider.OpenID, provider.Issuer, ""},
		"an issuer by http":       {provider.OpenID, provider.Issuer, "http://id.example.org"},
		"an issuer with a query":  {provider.OpenID, provider.Issuer, "https://id.example.org?x=1"},
		"an issuer with a user":   {provider.OpenID, provider.Issuer, "https://a:b@id.example.org"},
		"an issuer that is none":  {provider.OpenID, provider.Issuer, "id.example.org"},
		"another kind of issuer":  {provider.OpenID, provider.Issuer, "file:///etc/passwd"},
		"a name that is too long": {provider.OpenID, provider.Name, strings.Repeat("ü", 41)},
		"another's setting":       {provider.Google, provider.Tenant, "common"},
		"an address of an issuer": {provider.OpenID, provider.URL, "https://id.example.org"},
		"an address by http":      {provider.GitHub, provider.URL, "http://github.example.org"},
	} {
		s := good[c.id]
		s.Set(c.field, c.value)
		if all := s.Problems(); len(all) != 1 || all[0].Field != c.field || strings.Contains(all[0].Message, "PRIVATE") {
			t.Errorf("%s: %v", name, all)
		}
	}
	if all := (provider.Settings{ID: provider.Apple, URL: "https://x.example"}).Problems(); len(all) != 4 {
		t.Errorf("all at once: %v", all)
	}
	if (provider.Settings{ID: provider.Apple, URL: "https://x.example"}).Given() || !(provider.Settings{Tenant: "x"}).Given() {
		t.Error("an address alone is a set-up, or a tenant is none")
	}
}

// TestWellKnownPlaces: without an address of their own, everybody's.
func TestWellKnownPlaces(t *testing.T) {
	t.Parallel()
	p := provider.New(provider.Settings{ID: provider.GitHub, ClientID: "c", Secret: "s"}, redirect, time.Now)
	address, err := p.Begin(t.Context(), provider.NewAttempt(false, time.Now()))
	if err != nil || !strings.HasPrefix(address, "https://github.com/login/oauth/authorize?") {
		t.Errorf("%s, %v", address, err)
	}
}

func FuzzAnswer(f *testing.F) {
	s := providertest.New(f, provider.OpenID, redirect)
	p := provider.New(s.Settings(), redirect, time.Now)
	f.Add(`{"code":"x","iss":"","error":"","user":"{}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in provider.Answer
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		if who, err := p.Finish(t.Context(), provider.NewAttempt(false, time.Now()), in); err == nil {
			t.Errorf("%+v is %+v", in, who)
		}
	})
}

package provider_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
)

// text is a report as one text.
func text(r provider.Report) string {
	var all strings.Builder
	for _, f := range r.Findings {
		all.WriteString(string(f.Grade) + " " + f.About + ": " + f.Text + "\n")
	}
	return all.String()
}

// TestCheckOfWhatIsRight finds nothing to change.
func TestCheckOfWhatIsRight(t *testing.T) {
	t.Parallel()
	all := []provider.Settings{providertest.Zitadel(t, redirect)}
	for _, id := range provider.All() {
		all = append(all, providertest.New(t, id, redirect).Settings())
	}
	for _, s := range all {
		r := provider.Check(t.Context(), s, redirect, time.Now)
		if r.Wrong() || r.Redirect != redirect || !strings.HasPrefix(r.Place, "http://127.0.0.1:") {
			t.Errorf("%s: %s", s.ID, text(r))
		}
		wants := []string{"ok clock", "ok secret"}
		if s.ID != provider.GitHub {
			wants = append(wants, "ok discovery", "ok issuer", "ok keys: 1 that can sign, by RS256")
		}
		if s.ID == provider.OpenID {
			wants = append(wants, "ok redirect: the provider knows the app and this redirect address")
		}
		for _, want := range wants {
			if !strings.Contains(text(r), want) {
				t.Errorf("%s lacks %q: %s", s.ID, want, text(r))
			}
		}
	}
	s := all[0]
	s.ClientID, s.Secret = "", ""
	if r := provider.Check(t.Context(), s, redirect, time.Now); r.Wrong() || !strings.Contains(text(r), "--client-id") {
		t.Errorf("a mere issuer: %s", text(r))
	}
	s.ClientID = providertest.ClientID
	if r := provider.Check(t.Context(), s, redirect, time.Now); r.Wrong() || !strings.Contains(text(r), "ok redirect") || strings.Contains(text(r), "secret:") {
		t.Errorf("an issuer and a client: %s", text(r))
	}
}

// TestCheckOfWhatIsWrong says what to change.
func TestCheckOfWhatIsWrong(t *testing.T) {
	t.Parallel()
	remove := func(name string) func(*providertest.Server) {
		return func(s *providertest.Server) { s.Metadata(set(name, nil)) }
	}
	publish := func(name string, value any) func(*providertest.Server) {
		return func(s *providertest.Server) { s.Metadata(set(name, value)) }
	}
	for name, c := range map[string]struct {
		spoil func(*providertest.Server)
		enter func(*provider.Settings)
		says  []string
	}{
		"another issuer":     {publish("issuer", "https://id.example.org/"), nil, []string{`wrong issuer: it calls itself "https://id.example.org/"`, "OIDC_ISSUER"}},
		"a slash too many":   {nil, func(s *provider.Settings) { s.Issuer += "/" }, []string{"wrong issuer", "with or without a slash"}},
		"no keys":            {(*providertest.Server).NoKeys, nil, []string{"wrong keys", "no key that can sign"}},
		"a clock ahead":      {func(s *providertest.Server) { s.ClockOff(-10 * time.Minute) }, nil, []string{"wrong clock: this machine's clock is 10m0s ahead", "NTP"}},
		"a clock behind":     {func(s *providertest.Server) { s.ClockOff(10 * time.Minute) }, nil, []string{"wrong clock: this machine's clock is 10m0s behind"}},
		"down":               {func(s *providertest.Server) { s.Down(true) }, nil, []string{"wrong discovery", "status 503"}},
		"nothing there":      {nil, func(s *provider.Settings) { s.Issuer += "/elsewhere" }, []string{"wrong discovery", "there is nothing at"}},
		"no such name":       {nil, func(s *provider.Settings) { s.Issuer = "https://id.invalid" }, []string{"wrong discovery"}},
		"plain http":         {nil, func(s *provider.Settings) { s.Issuer = "http://id.example.org" }, []string{"wrong issuer", "https"}},
		"no TLS there":       {nil, func(s *provider.Settings) { s.Issuer = strings.Replace(s.Issuer, "http:", "https:", 1) }, []string{"wrong discovery", "speaks plain http"}},
		"nobody listens":     {nil, func(s *provider.Settings) { s.Issuer = "http://127.0.0.1:1" }, []string{"wrong discovery", "refused"}},
		"no token endpoint":  {remove("token_endpoint"), nil, []string{"wrong endpoints", "token_endpoint"}},
		"no code flow":       {publish("response_types_supported", []string{"id_token"}), nil, []string{"wrong flow", "authorization code flow"}},
		"PKCE in plain":      {publish("code_challenge_methods_supported", []string{"plain"}), nil, []string{"wrong flow", "S256"}},
		"PKCE not said":      {remove("code_challenge_methods_supported"), nil, []string{"note flow"}},
		"keys for clients":   {publish("token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), nil, []string{"wrong flow", "client_secret_basic"}},
		"pushed requests":    {publish("require_pushed_authorization_requests", true), nil, []string{"wrong flow", "pushed"}},
		"shared signatures":  {publish("id_token_signing_alg_values_supported", []string{"HS256"}), nil, []string{"wrong keys", "HS256 only"}},
		"no e-mail":          {publish("claims_supported", []string{"sub"}), nil, []string{"note claims: it does not list the claim email:"}},
		"no scopes":          {publish("scopes_supported", []string{"openid"}), nil, []string{"note claims: it does not list the scope email:"}},
		"another address":    {func(s *providertest.Server) { s.Redirect = "https://elsewhere.example/" }, nil, []string{"wrong redirect", redirect}},
		"another client":     {nil, func(s *provider.Settings) { s.ClientID = "x" }, []string{"wrong redirect: the provider refuses", "wrong secret"}},
		"another secret":     {nil, func(s *provider.Settings) { s.Secret = "x" }, []string{"ok redirect", "wrong secret", "copy both anew"}},
		"not for this scope": {func(s *providertest.Server) { s.Answer(func(v url.Values) { v.Set("error", "invalid_scope") }) }, nil, []string{`wrong redirect: the provider knows the redirect address, and says "invalid_scope"`}},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		settings := s.Settings()
		if c.enter != nil {
			c.enter(&settings)
		}
		if c.spoil != nil {
			c.spoil(s)
		}
		r := provider.Check(t.Context(), settings, redirect, time.Now)
		if got := text(r); r.Wrong() != strings.Contains(strings.Join(c.says, ""), "wrong") {
			t.Errorf("%s: %s", name, got)
		}
		for _, want := range c.says {
			if !strings.Contains(text(r), want) {
				t.Errorf("%s lacks %q: %s", name, want, text(r))
			}
		}
	}
}

// TestCheckOfWhatIsNoProvider: pages, redirects, half a document.
func TestCheckOfWhatIsNoProvider(t *testing.T) {
	t.Parallel()
	for says, answer := range map[string]http.HandlerFunc{
		"is not JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"points to https://id.example.org/new": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://id.example.org/new", http.StatusMovedPermanently)
		},
		"wrong issuer: it calls itself \"\"": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
	} {
		other := httptest.NewServer(answer)
		t.Cleanup(other.Close)
		r := provider.Check(t.Context(), provider.Settings{ID: provider.OpenID, Issuer: other.URL}, redirect, time.Now)
		if !r.Wrong() || !strings.Contains(text(r), says) {
			t.Errorf("%s: %s", says, text(r))
		}
	}
	other := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	r := provider.Check(t.Context(), provider.Settings{ID: provider.OpenID, Issuer: other.URL}, redirect, time.Now)
	if !strings.Contains(text(r), "does not trust") {
		t.Error(text(r))
	}
}

func TestCheckOfOurAddress(t *testing.T) {
	t.Parallel()
	s := providertest.New(t, provider.GitHub, redirect)
	for address, want := range map[string]string{
		"https://tracker.example.org/api/auth/github/callback": "ok address",
		"http://tracker.lan/api/auth/github/callback":          "note address: PUBLIC_BASE_URL is not https",
		"http://localhost:3000/api/auth/github/callback":       "note address: PUBLIC_BASE_URL is this machine",
		"/api/auth/github/callback":                            "wrong address",
	} {
		if got := text(provider.Check(t.Context(), s.Settings(), address, time.Now)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", address, got)
		}
	}
	settings := s.Settings()
	settings.Secret = "wrong"
	if r := provider.Check(t.Context(), settings, redirect, time.Now); !r.Wrong() || !strings.Contains(text(r), "incorrect_client_credentials") {
		t.Error(text(r))
	}
	settings.ClientID = ""
	if r := provider.Check(t.Context(), settings, redirect, time.Now); strings.Contains(text(r), "secret:") {
		t.Error(text(r))
	}
}

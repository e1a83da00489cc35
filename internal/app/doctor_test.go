package app_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// doctor runs the command and returns its status and all that it has written.
func doctor(t *testing.T, env map[string]string, args ...string) (status int, text string) {
	t.Helper()
	all := map[string]string{"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "none.db"), "PUBLIC_BASE_URL": "http://localhost:3000"}
	maps.Copy(all, env)
	var out bytes.Buffer
	status = app.Main(t.Context(), append([]string{"doctor", "oidc"}, args...), func(name string) string { return all[name] }, &out, &out)
	return status, out.String()
}

func TestDoctorOfAnIssuer(t *testing.T) {
	t.Parallel()
	const redirect = "http://localhost:3000/api/auth/oidc/callback"
	good := providertest.Zitadel(t, redirect)
	server := func(change func(*providertest.Server)) string {
		s := providertest.New(t, provider.OpenID, redirect)
		change(s)
		return s.URL
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(page.Close)
	for name, c := range map[string]struct {
		args   []string
		status int
		says   []string
	}{
		"all is well":      {[]string{"--issuer", good.Issuer, "--client-id", good.ClientID}, 0, []string{"\n  " + redirect + "\n", "ok     discovery", "ok     clock", "ok     keys", "ok     redirect"}},
		"without a client": {[]string{"--issuer", good.Issuer}, 0, []string{"note   client", "--client-id"}},
		"another client":   {[]string{"--issuer", good.Issuer, "--client-id", "x"}, 1, []string{"wrong  redirect", redirect, "peisear: something has to change"}},
		"wrong issuer": {[]string{"--issuer", server(func(s *providertest.Server) {
			s.Metadata(func(m map[string]any) { m["issuer"] = "https://other.example" })
		})}, 1, []string{"wrong  issuer", "https://other.example"}},
		"no keys":        {[]string{"--issuer", server((*providertest.Server).NoKeys)}, 1, []string{"wrong  keys"}},
		"clock":          {[]string{"--issuer", server(func(s *providertest.Server) { s.ClockOff(10 * time.Minute) })}, 1, []string{"wrong  clock", "10m0s behind"}},
		"an error":       {[]string{"--issuer", server(func(s *providertest.Server) { s.Down(true) })}, 1, []string{"wrong  discovery", "status 503"}},
		"not JSON":       {[]string{"--issuer", page.URL}, 1, []string{"wrong  discovery", "not JSON"}},
		"nobody there":   {[]string{"--issuer", "http://127.0.0.1:1"}, 1, []string{"wrong  discovery", "refused"}},
		"no address":     {[]string{"--issuer", "id.example.org"}, 1, []string{"wrong  issuer", "https"}},
		"a client alone": {[]string{"--client-id", "x"}, 1, []string{"--issuer"}},
	} {
		status, text := doctor(t, nil, c.args...)
		if status != c.status {
			t.Errorf("%s: status %d: %s", name, status, text)
		}
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q: %s", name, want, text)
			}
		}
	}
	// Settings that are not there yet do not stand in the way of looking at a provider.
	env := map[string]string{"PUBLIC_BASE_URL": "https://tracker.example.org", "OIDC_ISSUER": good.Issuer}
	if status, text := doctor(t, env, "--issuer", good.Issuer); status != 0 || !strings.Contains(text, "https://tracker.example.org/api/auth/oidc/callback") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := doctor(t, env); status != 1 || !strings.Contains(text, "OIDC_CLIENT_ID: is missing") || !strings.Contains(text, "COOKIE_SECRET") {
		t.Errorf("%d %s", status, text)
	}
}

// TestDoctorOfWhatIsSetUp looks at the environment's and at what admins have entered.
func TestDoctorOfWhatIsSetUp(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		if status, text := doctor(t, nil); status != 0 || !strings.Contains(text, "No provider is set up") {
			t.Errorf("%d %s", status, text)
		}
		google := providertest.New(t, provider.Google, "http://localhost:3000/api/auth/google/callback")
		github := providertest.New(t, provider.GitHub, "http://localhost:3000/api/auth/github/callback")
		env := map[string]string{
			"DATABASE_URL": database, "DATA_DIR": t.TempDir(),
			"GOOGLE_CLIENT_ID": providertest.ClientID, "GOOGLE_CLIENT_SECRET": providertest.ClientSecret, "GOOGLE_BASE_URL": google.URL,
		}
		a := open(t, database, env)
		admin, _ := signUp(t, a)
		body := fmt.Sprintf(`{"clientId":%q,"clientSecret":%q,"url":%q}`, providertest.ClientID, "wrong", github.URL)
		if status, text := basetest.Do(t, a.Handler, http.MethodPut, "/api/admin/providers/github", admin, body); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		status, text := doctor(t, env)
		for _, want := range []string{"Google, " + google.URL, "http://localhost:3000/api/auth/google/callback", "GitHub, " + github.URL, "wrong  secret", "incorrect_client_credentials"} {
			if !strings.Contains(text, want) {
				t.Errorf("lacks %q: %s", want, text)
			}
		}
		if status != 1 || strings.Count(text, "  wrong  ") != 1 || strings.Contains(text, providertest.ClientSecret) {
			t.Errorf("%d %s", status, text)
		}
		if status, _ := basetest.Do(t, a.Handler, http.MethodDelete, "/api/admin/providers/github", admin, ""); status != http.StatusNoContent {
			t.Error(status)
		}
		if status, text := doctor(t, env); status != 0 || strings.Contains(text, "GitHub") {
			t.Errorf("%d %s", status, text)
		}
	})
}

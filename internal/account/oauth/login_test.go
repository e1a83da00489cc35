package oauth_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
)

// TestOnlyWhatIsSetUpIsOffered, and everything else says so.
func TestOnlyWhatIsSetUpIsOffered(t *testing.T) {
	each(t, []provider.ID{provider.OpenID, provider.GitHub}, func(t *testing.T, w *world) {
		_, ann := w.signUp(t, "ann", account.User)
		header := map[string]string{"Authorization": "Bearer " + ann.AccessToken}
		all := []basetest.Scenario{
			{Name: "options", Path: "/api/auth/options", Status: 200, Has: []string{`"providers":[{"id":"github","name":"GitHub"},{"id":"oidc","name":"Example ID"}]`}},
		}
		for id, status := range map[string]int{"google": 503, "microsoft": 503, "apple": 503, "facebook": 404, "x%2Fy": 404} {
			for _, path := range []string{"/start", "/signup/start?code=x", "/callback?state=x&code=y"} {
				all = append(all, basetest.Scenario{Name: id + path, Path: "/api/auth/" + id + path, Status: status, Has: []string{`"detail"`}, HasNot: []string{"sql"}})
			}
			all = append(all, basetest.Scenario{Name: id + " link", Method: "POST", Path: "/api/auth/" + id + "/link", Header: header, Status: status})
		}
		all = append(all,
			basetest.Scenario{Name: "says which", Path: "/api/auth/google/start", Status: 503, Has: []string{"Google is not set up here", `"code":"not_configured"`}},
			basetest.Scenario{Name: "start", Path: "/api/auth/github/start", Status: 303},
			basetest.Scenario{Name: "start with everything wrong", Path: "/api/auth/github/start?then=" + strings.Repeat("x", 5000), Status: 303},
			basetest.Scenario{Name: "callback without anything", Path: "/api/auth/github/callback", Status: 303},
			basetest.Scenario{Name: "callback with too much", Path: "/api/auth/github/callback?state=" + strings.Repeat("x", 100_000), Status: 303},
			basetest.Scenario{Name: "link as a stranger", Method: "POST", Path: "/api/auth/github/link", Status: 401},
			basetest.Scenario{Name: "confirm as a stranger", Method: "POST", Path: "/api/auth/github/confirm", Body: `{"then":"/"}`, Status: 401},
			basetest.Scenario{Name: "link from another site", Method: "POST", Path: "/api/auth/github/link", Header: map[string]string{"Sec-Fetch-Site": "cross-site"}, Status: 403},
			basetest.Scenario{Name: "identities of a stranger", Path: "/api/account/identities", Status: 401},
			basetest.Scenario{Name: "confirm without one", Method: "POST", Path: "/api/auth/github/confirm", Header: header, Body: `{"then":"/"}`, Status: 409},
			basetest.Scenario{Name: "confirm and go elsewhere", Method: "POST", Path: "/api/auth/github/confirm", Header: header, Body: `{"then":"//evil.example"}`, Status: 422, Has: []string{"body.then"}},
			basetest.Scenario{Name: "no identity", Method: "DELETE", Path: "/api/account/identities/01900000-0000-7000-8000-000000000000", Header: header, Status: 404},
			basetest.Scenario{Name: "no id", Method: "DELETE", Path: "/api/account/identities/7", Header: header, Status: 422},
		)
		basetest.RunScenarios(t, w.handler, all)
		if text := w.lines.String(); text != "" {
			t.Errorf("strangers write into the log: %s", text)
		}
	})
}

// TestProgramsChangeNoWayIn: a token without a session is not enough.
func TestProgramsChangeNoWayIn(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		_, ann := w.signUp(t, "ann", account.Admin)
		program := account.Actor{ID: ann.User.ID, Role: account.Admin}
		h := w.as(t, program)
		basetest.RunScenarios(t, h, []basetest.Scenario{
			{Name: "link", Method: "POST", Path: "/api/auth/google/link", Status: 403},
			{Name: "confirm", Method: "POST", Path: "/api/auth/google/confirm", Body: `{"then":"/"}`, Status: 403},
			{Name: "identities", Path: "/api/account/identities", Status: 403},
			{Name: "unlink", Method: "DELETE", Path: "/api/account/identities/01900000-0000-7000-8000-000000000000", Status: 403},
			{Name: "set up", Method: "PUT", Path: "/api/admin/providers/github", Body: `{"clientId":"x","clientSecret":"y"}`, Status: 403},
			{Name: "look", Path: "/api/admin/providers", Status: 200},
		})
	})
}

func TestSecondFactor(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		who := w.known(t)
		w.accounts.RequireFactors(func(_ context.Context, _ db.Conn, userID string) ([]string, error) {
			return map[string][]string{who.ID: {"totp", "passkey"}}[userID], nil
		})
		for then, ending := range map[string]string{"/": "", "/projects?a=1": "&then=%2Fprojects%3Fa%3D1"} {
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/google/start?then="+url.QueryEscape(then))
			fragment := b.At.Fragment
			if raw := b.At.EscapedFragment(); b.At.Path != "/login" || b.At.RawQuery != "" || !strings.HasPrefix(raw, "factor=") || !strings.HasSuffix(raw, "&methods=totp,passkey"+ending) {
				t.Errorf("at %s", b.At)
			}
			if _, ok := w.refreshed(t, b); ok {
				t.Error("signed in with one factor")
			}
			token, _, _ := strings.Cut(strings.TrimPrefix(fragment, "factor="), "&")
			if userID, err := w.accounts.PendingUser(t.Context(), home(), token); err != nil || userID != who.ID {
				t.Errorf("%q, %v", userID, err)
			}
		}
	})
}

// TestTheFormerSessionEnds when somebody signs in by a provider in the same browser, though
// its cookie stays away on the way back. Confirming goes on with the session.
func TestTheFormerSessionEnds(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.known(t)
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/start")
		first, _ := w.refreshed(t, b)
		w.journey(t, b, w.begin(t, b, first, provider.Google, "confirm", `{"then":"/settings"}`))
		wantAt(t, "confirm", b, "/settings")
		if n := w.count(t, "session", "id = $1", sessionOf(first)); n != 1 {
			t.Error("confirming has ended the session")
		}
		w.journey(t, b, "/api/auth/google/start")
		second, ok := w.refreshed(t, b)
		if !ok || second.User != first.User || sessionOf(second) == sessionOf(first) {
			t.Fatalf("%+v", second)
		}
		if n := w.count(t, "session", "id = $1", sessionOf(first)); n != 0 {
			t.Error("the former session is still there")
		}
		if n := w.count(t, "session", "id = $1", sessionOf(second)); n != 1 {
			t.Error("the new session is not there")
		}
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "7", Email: "bob@example.org", Verified: true, Name: "Bob"})
		w.journey(t, b, "/api/auth/google/signup/start?code="+w.invite(t, ""))
		if third, ok := w.refreshed(t, b); !ok || third.User.ID == first.User.ID {
			t.Errorf("%+v", third)
		}
		if n := w.count(t, "session", "id = $1", sessionOf(second)); n != 0 {
			t.Error("the session before the sign-up is still there")
		}
	})
}

func TestDisabledUsersStayOut(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		who := w.known(t)
		w.signUp(t, "admin", account.Admin)
		if _, err := w.accounts.SetDisabled(t.Context(), account.Operator(), who.ID, true); err != nil {
			t.Fatal(err)
		}
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/start?then=/projects")
		wantAt(t, "disabled", b, "/login?error=disabled&provider=google&then=%2Fprojects")
		if _, ok := w.refreshed(t, b); ok {
			t.Error("signed in")
		}
	})
}

// TestIdentityIsNotTheAddress: another address is the same person, the same address
// another.
func TestIdentityIsNotTheAddress(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		who := w.known(t)
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "110169484474386276334", Email: "new@example.org", Verified: true, Name: "Ann New"})
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/start")
		s, ok := w.refreshed(t, b)
		if !ok || s.User != who {
			t.Errorf("%+v", s)
		}
		if _, text := b.Call("GET", w.url+"/api/account/identities", s.AccessToken, ""); !strings.Contains(text, `"name":"Ann New","email":"new@example.org"`) {
			t.Error(text)
		}
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "1", Email: "ann@example.org", Verified: true})
		other := providertest.NewBrowser(t)
		w.journey(t, other, "/api/auth/google/start")
		wantAt(t, "the same address", other, "/signup?error=unknown_identity&provider=google")
	})
}

func TestWhatProvidersSay(t *testing.T) {
	each(t, []provider.ID{provider.OpenID}, func(t *testing.T, w *world) {
		id := w.providers[provider.OpenID]
		for name, c := range map[string]struct {
			answer func(url.Values)
			claims func(map[string]any)
			want   string
			logged string
		}{
			"denied":            {answer: func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") }, want: "denied"},
			"trouble":           {answer: func(v url.Values) { v.Del("code"); v.Set("error", "server_error") }, want: "unavailable", logged: "server_error"},
			"not this app":      {answer: func(v url.Values) { v.Del("code"); v.Set("error", "unauthorized_client") }, want: "misconfigured", logged: "unauthorized_client"},
			"markup":            {answer: func(v url.Values) { v.Del("code"); v.Set("error", "<script>\n") }, want: "denied"},
			"nothing":           {answer: func(v url.Values) { v.Del("code") }, want: "invalid", logged: "no code"},
			"another's":         {answer: func(v url.Values) { v.Set("iss", "https://evil.example") }, want: "invalid", logged: "evil.example"},
			"a code of its own": {answer: func(v url.Values) { v.Set("code", "guessed") }, want: "invalid", logged: "invalid_grant"},
			"another audience":  {claims: func(c map[string]any) { c["aud"] = "x" }, want: "invalid", logged: "audience"},
		} {
			before := len(w.lines.String())
			id.Answer(c.answer)
			id.Claims(c.claims)
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/oidc/start")
			wantAt(t, name, b, "/login?error="+c.want+"&provider=oidc")
			if text := w.lines.String()[before:]; !strings.Contains(text, c.logged) || c.logged == "" && text != "" || strings.Contains(text, "ERROR") {
				t.Errorf("%s: logged %q", name, text)
			}
		}
		id.Answer(nil)
		id.Claims(nil)
		b := providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/oidc/start", isCallback)
		id.Down(true)
		w.journey(t, b, b.At.String())
		wantAt(t, "down on the way back", b, "/login?error=unavailable&provider=oidc")
		if text := w.lines.String(); strings.Contains(text, "s3cret") || strings.Contains(text, "id_token=") {
			t.Error(text)
		}
	})
}

// TestADownProviderDoesNotStopAnything: the app starts, says so, and heals.
func TestADownProviderDoesNotStopAnything(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		google := w.providers[provider.Google]
		google.Down(true)
		b := providertest.NewBrowser(t)
		code := w.invite(t, "")
		w.journey(t, b, "/api/auth/google/start?then=/a")
		wantAt(t, "down", b, "/login?error=unavailable&provider=google&then=%2Fa")
		w.journey(t, b, "/api/auth/google/signup/start?code="+code)
		wantAt(t, "down", b, "/signup?code="+code+"&error=unavailable&provider=google")
		if n := w.count(t, "oauth_attempt", "1 = 1"); n != 0 {
			t.Errorf("%d attempts", n)
		}
		google.Down(false)
		w.clock.pass(5 * time.Second)
		w.journey(t, b, "/api/auth/google/signup/start?code="+code)
		wantAt(t, "up again", b, "/")
	})
}

// TestTheCookie is for the way back only, and over https for https only.
func TestTheCookie(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		environment := func(w *world) []provider.Settings {
			return []provider.Settings{{ID: provider.GitHub, ClientID: "x", Secret: "y"}}
		}
		plain := newWorld(t, d, environment)
		secure := newWorld(t, d, environment, func(_ *account.Settings, o *oauth.Settings) { o.SecureCookie = true })
		for name, c := range map[string]struct {
			w      *world
			tls    bool
			name   string
			secure bool
		}{
			"plain": {plain, false, "peisear_attempt", false}, "over TLS": {plain, true, "__Secure-peisear_attempt", true},
			"public https": {secure, false, "__Secure-peisear_attempt", true},
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/auth/github/start", nil)
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			answer := httptest.NewRecorder()
			c.w.handler.ServeHTTP(answer, r)
			cookies := answer.Result().Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%s: %v", name, cookies)
			}
			got := cookies[0]
			if got.Name != c.name || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode ||
				got.Path != "/api/auth" || got.Domain != "" || got.MaxAge != 600 {
				t.Errorf("%s: %v", name, got)
			}
		}
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

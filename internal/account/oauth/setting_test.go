package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// entered is what an admin sends to set a server up.
func entered(s provider.Settings, more map[string]string) string {
	body := map[string]string{"clientId": s.ClientID, "clientSecret": s.Secret}
	for f, value := range map[provider.Field]string{provider.Tenant: s.Tenant, provider.TeamID: s.TeamID, provider.KeyID: s.KeyID, provider.Issuer: s.Issuer, provider.Name: s.Name, provider.URL: s.URL} {
		if value != "" {
			body[string(f)] = value
		}
	}
	for name, value := range more {
		if body[name] = value; value == "" {
			delete(body, name)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// enter starts a server and sets it up in the app.
func (w *world) enter(t *testing.T, b *providertest.Browser, admin session, id provider.ID) {
	t.Helper()
	w.providers[id] = providertest.New(t, id, w.Redirect(id))
	status, text := b.Call(http.MethodPut, w.url+"/api/admin/providers/"+string(id), admin.AccessToken, entered(w.providers[id].Settings(), nil))
	if status != http.StatusOK || !strings.Contains(text, `"configured":true`) || !strings.Contains(text, `"source":"app"`) {
		t.Fatalf("%s: %d %s", id, status, text)
	}
}

func (w *world) options(t *testing.T) string {
	t.Helper()
	_, text := basetest.Do(t, w.handler, http.MethodGet, "/api/auth/options", nil, "")
	return text
}

// TestWhatAnAdminEntersCounts at once, for all providers; and what is removed is gone.
func TestWhatAnAdminEntersCounts(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		for _, id := range provider.All() {
			w.enter(t, b, admin, id)
			if !strings.Contains(w.options(t), `"id":"`+string(id)+`"`) {
				t.Errorf("%s: not offered: %s", id, w.options(t))
			}
			w.journey(t, b, w.begin(t, b, admin, id, "link", ""))
			wantAt(t, string(id), b, "/settings/security?linked="+string(id))
		}
		_, list := b.Call(http.MethodGet, w.url+"/api/admin/providers", admin.AccessToken, "")
		for _, where := range []string{w.logged(t), w.rows(t, "provider_setting"), w.lines.String(), list} {
			if strings.Contains(where, "s3cret") || strings.Contains(where, "PRIVATE KEY") {
				t.Errorf("shows a secret: %s", where)
			}
		}
		if strings.Count(list, `"source":"app"`) != 5 ||
			!strings.Contains(list, `"extra":{"keyId":"KEY1234567","teamId":"TEAM123456"`) || !strings.Contains(list, `"redirectUrl":"`+w.url+`/api/auth/google/callback"`) {
			t.Error(list)
		}
		for _, id := range provider.All() {
			if status, text := b.Call(http.MethodDelete, w.url+"/api/admin/providers/"+string(id), admin.AccessToken, ""); status != http.StatusNoContent {
				t.Errorf("%s: %d %s", id, status, text)
			}
			if status, _ := basetest.Do(t, w.handler, "GET", "/api/auth/"+string(id)+"/start", nil, ""); status != http.StatusServiceUnavailable {
				t.Errorf("%s: still there: %d", id, status)
			}
		}
		if log := w.logged(t); strings.Count(log, "create provider") != 5 || strings.Count(log, "delete provider") != 5 {
			t.Error(log)
		}
	})
}

// TestOtherNodesFollow within a second.
func TestOtherNodesFollow(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		other := newWorld(t, w.db, func(*world) []provider.Settings { return nil })
		b, admin := w.signUp(t, "admin", account.Admin)
		if text := other.options(t); !strings.Contains(text, `"providers":[]`) {
			t.Error(text)
		}
		w.enter(t, b, admin, provider.Google)
		other.clock.pass(time.Second)
		if text := other.options(t); !strings.Contains(text, `"id":"google"`) {
			t.Errorf("a second later: %s", text)
		}
	})
}

// TestTheSameSettingsStay: what is known of a provider outlives another look at the
// table.
func TestTheSameSettingsStay(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		w.enter(t, b, admin, provider.Google)
		for range 5 {
			w.clock.pass(2 * time.Second)
			b.Visit(w.url+"/api/auth/google/start", isCallback)
		}
		if n := w.providers[provider.Google].Fetched("/.well-known/openid-configuration"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestTheEnvironmentWins(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		before := w.logged(t)
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			status, text := b.Call(method, w.url+"/api/admin/providers/google", admin.AccessToken, map[string]string{http.MethodPut: `{"clientId":"x","clientSecret":"y"}`}[method])
			if status != http.StatusConflict || !strings.Contains(text, "environment") {
				t.Errorf("%s: %d %s", method, status, text)
			}
		}
		if w.logged(t) != before {
			t.Error("changed")
		}
		// Entered before the operator set it up: the environment's counts, and is shown.
		w.exec(t, "INSERT INTO provider_setting (provider, client_id, secret, extra, version, updated_at) VALUES ('google', 'other', 'x', '{}', 1, 1)")
		w.clock.pass(time.Minute)
		w.known(t)
		_, list := b.Call(http.MethodGet, w.url+"/api/admin/providers", admin.AccessToken, "")
		if !strings.Contains(list, `"source":"environment","clientId":"`+providertest.ClientID) || strings.Contains(list, "other") || strings.Contains(list, "s3cret") {
			t.Error(list)
		}
	})
}

func TestOnlyAdminsSetProvidersUp(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, ann := w.signUp(t, "ann", account.User)
		_, admin := w.signUp(t, "admin", account.Admin)
		before := w.logged(t)
		const path, body = "/api/admin/providers/google", `{"clientId":"x","clientSecret":"y"}`
		for name, token := range map[string]string{"a stranger": "", "a user": ann.AccessToken} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				address := map[bool]string{true: "/api/admin/providers", false: path}[method == "GET"]
				want := map[bool]int{true: 401, false: 403}[token == ""]
				if status, text := b.Call(method, w.url+address, token, map[string]string{"PUT": body}[method]); status != want {
					t.Errorf("%s %s: %d %s", name, method, status, text)
				}
			}
		}
		// A role that was taken away counts at once, whatever the token says.
		if _, err := w.Configured(t.Context(), account.Actor{ID: ann.User.ID, Role: account.Admin}); err == nil {
			t.Error("a user who claims to be an admin")
		}
		if _, err := w.Configure(t.Context(), account.Actor{ID: ann.User.ID, Role: account.Admin, Session: sessionOf(ann)}, "", provider.Settings{ID: provider.Google, ClientID: "x", Secret: "y"}); err == nil {
			t.Error("a user who claims to be an admin")
		}
		w.clock.pass(5 * time.Minute)
		for _, method := range []string{"PUT", "DELETE"} {
			if status, text := b.Call(method, w.url+path, admin.AccessToken, map[string]string{"PUT": body}[method]); status != 403 || !strings.Contains(text, `"code":"confirm"`) {
				t.Errorf("%s without a fresh proof: %d %s", method, status, text)
			}
		}
		if w.logged(t) != before || w.count(t, "provider_setting", "1 = 1") != 0 {
			t.Error("changed")
		}
	})
}

func TestSettingsThatCannotBe(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		for name, c := range map[string]struct{ id, body, field string }{
			"no secret":          {"google", `{"clientId":"x"}`, "body.clientSecret"},
			"no client":          {"google", `{"clientId":"","clientSecret":"y"}`, "body.clientId"},
			"nothing":            {"google", `{}`, "clientId"},
			"another's":          {"google", `{"clientId":"x","clientSecret":"y","tenant":"common"}`, "body.tenant"},
			"unknown":            {"google", `{"clientId":"x","clientSecret":"y","scope":"z"}`, "scope"},
			"no key":             {"apple", `{"clientId":"x","clientSecret":"y","teamId":"t","keyId":"k"}`, "body.clientSecret"},
			"no team":            {"apple", `{"clientId":"x","clientSecret":"y"}`, "body.teamId"},
			"an issuer by http":  {"oidc", `{"clientId":"x","clientSecret":"y","issuer":"http://id.example.org"}`, "body.issuer"},
			"an address by http": {"github", `{"clientId":"x","clientSecret":"y","url":"http://github.example.org"}`, "body.url"},
			"a line break":       {"google", `{"clientId":"x\ny","clientSecret":"y"}`, "body.clientId"},
			"too long":           {"google", `{"clientId":"` + strings.Repeat("x", 9000) + `","clientSecret":"y"}`, "body.clientId"},
		} {
			status, text := b.Call(http.MethodPut, w.url+"/api/admin/providers/"+c.id, admin.AccessToken, c.body)
			if status != http.StatusUnprocessableEntity || !strings.Contains(text, c.field) {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
		public := newWorld(t, w.db, func(*world) []provider.Settings { return nil }, func(_ *account.Settings, o *oauth.Settings) { o.PublicURL = "https://tracker.example.org" })
		for id, set := range map[string]provider.Settings{
			"oidc": {ID: provider.OpenID, ClientID: "x", Secret: "y", Issuer: "http://localhost:9200"}, "github": {ID: provider.GitHub, ClientID: "x", Secret: "y", URL: "https://127.0.0.1"},
		} {
			if _, err := public.Configure(t.Context(), actorOf(admin), "", set); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s on the server itself: %v", id, err)
			}
		}
		for _, method := range []string{"PUT", "DELETE"} {
			if status, _ := b.Call(method, w.url+"/api/admin/providers/facebook", admin.AccessToken, map[string]string{"PUT": `{"clientId":"x"}`}[method]); status != http.StatusNotFound {
				t.Errorf("%s of an unknown one: %d", method, status)
			}
		}
		if status, _ := b.Call("DELETE", w.url+"/api/admin/providers/google", admin.AccessToken, ""); status != http.StatusNotFound {
			t.Errorf("nothing to remove: %d", status)
		}
	})
}

// TestASecretStaysWhereItWasEnteredFor: it need not be entered again, unless it would
// go elsewhere.
func TestASecretStaysWhereItWasEnteredFor(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		w.enter(t, b, admin, provider.OpenID)
		put := func(more map[string]string) (int, string) {
			t.Helper()
			more["clientSecret"] = ""
			return b.Call(http.MethodPut, w.url+"/api/admin/providers/oidc", admin.AccessToken, entered(w.providers[provider.OpenID].Settings(), more))
		}
		if status, text := put(map[string]string{"name": "Another name"}); status != http.StatusOK || !strings.Contains(text, "Another name") {
			t.Errorf("another name: %d %s", status, text)
		}
		w.journey(t, b, w.begin(t, b, admin, provider.OpenID, "link", ""))
		wantAt(t, "with the old secret", b, "/settings/security?linked=oidc")
		for name, more := range map[string]map[string]string{
			"another issuer": {"issuer": "https://evil.example"}, "another client": {"clientId": "x"},
		} {
			if status, text := put(more); status != http.StatusUnprocessableEntity || !strings.Contains(text, "body.clientSecret") {
				t.Errorf("%s: %d %s", name, status, text)
			}
		}
		// Entered again it is another version, which the log tells, and no more.
		same := entered(w.providers[provider.OpenID].Settings(), map[string]string{"name": "Another name"})
		if status, text := b.Call(http.MethodPut, w.url+"/api/admin/providers/oidc", admin.AccessToken, same); status != http.StatusOK {
			t.Errorf("%d %s", status, text)
		}
		if log := w.logged(t); !strings.Contains(log, `update provider oidc {"version":3} {"version":2} by `+admin.User.ID) {
			t.Error(log)
		}
	})
}

// TestASecretThatCannotBeOpened: the provider is not offered, and an admin sees it.
func TestASecretThatCannotBeOpened(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		b, admin := w.signUp(t, "admin", account.Admin)
		w.enter(t, b, admin, provider.Google)
		other := newWorld(t, w.db, func(*world) []provider.Settings { return nil }, func(_ *account.Settings, o *oauth.Settings) { o.Secret = master(t, "x") })
		for range 3 {
			other.clock.pass(2 * time.Second)
			if text := other.options(t); !strings.Contains(text, `"providers":[]`) {
				t.Error(text)
			}
		}
		if text := other.lines.String(); strings.Count(text, "cannot be opened") != 1 {
			t.Errorf("said once: %s", text)
		}
		all, err := other.Configured(t.Context(), account.Operator())
		if err != nil || all[0].Configured || all[0].Source == nil || *all[0].Source != "app" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestReseal(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, func(*world) []provider.Settings { return nil })
		b, admin := w.signUp(t, "admin", account.Admin)
		w.enter(t, b, admin, provider.Google)
		w.enter(t, b, admin, provider.GitHub)
		reseal := oauth.Feature(w.Service).Reseal
		if n, err := reseal(t.Context(), d, master(t, "x")); err == nil || n != 0 {
			t.Errorf("with a secret that opens nothing: %d, %v", n, err)
		}
		if n, err := reseal(t.Context(), d, master(t, "s")); err != nil || n != 0 {
			t.Errorf("with the same: %d, %v", n, err)
		}
		replaced := master(t, "x", "s")
		for _, want := range []int{2, 0} {
			if n, err := reseal(t.Context(), d, replaced); err != nil || n != want {
				t.Errorf("%d, %v, want %d", n, err, want)
			}
		}
		other := newWorld(t, d, func(*world) []provider.Settings { return nil }, func(_ *account.Settings, o *oauth.Settings) { o.Secret = master(t, "x") })
		if text := other.options(t); strings.Count(text, `"id"`) != 2 {
			t.Error(text)
		}
		if strings.Contains(fmt.Sprint(w.logged(t)), "update provider") {
			t.Error("sealing anew is no change")
		}
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

// TestTheDatabaseIsAway: what was known is good enough.
func TestTheDatabaseIsAway(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, address string) {
		d, err := db.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), live.Migrations, account.Migrations, oauth.Migrations); err != nil {
			t.Fatal(err)
		}
		known := newWorld(t, d, func(*world) []provider.Settings {
			return []provider.Settings{{ID: provider.GitHub, ClientID: "x", Secret: "y"}}
		})
		unknown := newWorld(t, d, func(*world) []provider.Settings { return nil })
		known.options(t)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		known.clock.pass(time.Minute)
		if text := known.options(t); !strings.Contains(text, `"id":"github"`) {
			t.Error(text)
		}
		if status, text := basetest.Do(t, unknown.handler, "GET", "/api/auth/options", nil, ""); status < 500 || strings.Contains(text, "sql") {
			t.Errorf("%d %s", status, text)
		}
	})
}

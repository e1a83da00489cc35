package account_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
)

type signedInBody struct {
	AccessToken string          `json:"accessToken"`
	ExpiresIn   int             `json:"expiresIn"`
	User        account.Profile `json:"user"`
}

func body(fields map[string]any) string {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestFromInviteToLogout is the way of a user through all operations.
func TestFromInviteToLogout(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		code := inviteOverHTTP(t, n)
		joined := n.send(t, http.MethodPost, "/api/auth/signup/password", nil,
			body(map[string]any{"code": code, "email": "ann@example.org", "password": password, "displayName": "Ann"}))
		first := decode[signedInBody](t, joined)
		if joined.StatusCode != http.StatusCreated || first.ExpiresIn != 900 || first.User.DisplayName != "Ann" {
			t.Fatalf("%d %+v", joined.StatusCode, first)
		}
		me := n.send(t, http.MethodGet, "/api/auth/me", bearer(first.AccessToken), "")
		if got := decode[account.Profile](t, me); got != first.User || got.Role != account.User || got.Email != "ann@example.org" {
			t.Errorf("me is %+v", got)
		}
		again := n.send(t, http.MethodPost, "/api/auth/refresh", cookieHeader(t, joined), `{"attempt":"a1"}`)
		second := decode[signedInBody](t, again)
		if again.StatusCode != http.StatusOK || second.User != first.User || cookie(t, again).Value == cookie(t, joined).Value {
			t.Errorf("%d %+v", again.StatusCode, second)
		}
		out := n.send(t, http.MethodPost, "/api/auth/logout", cookieHeader(t, again), "")
		if out.StatusCode != http.StatusNoContent || cookie(t, out).Value != "" || cookie(t, out).MaxAge != -1 {
			t.Errorf("%d %v", out.StatusCode, cookie(t, out))
		}
		long := strings.Repeat("x", 5000)
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "refresh with a long cookie", Method: "POST", Path: "/api/auth/refresh", Header: map[string]string{"Cookie": "peisear_refresh=" + long}, Status: 401, Has: []string{"sign in again"}},
			{Name: "refresh with a long cookie beside", Method: "POST", Path: "/api/auth/refresh", Header: map[string]string{"Cookie": "__Secure-peisear_refresh=" + long}, Status: 401},
			{Name: "refresh with bytes", Method: "POST", Path: "/api/auth/refresh", Header: map[string]string{"Cookie": "peisear_refresh=\xff"}, Status: 401},
			{Name: "logout with a long cookie", Method: "POST", Path: "/api/auth/logout", Header: map[string]string{"Cookie": "peisear_refresh=" + long}, Status: 204},
			{Name: "me after logout", Path: "/api/auth/me", Header: bearer(second.AccessToken), Status: 401},
			{Name: "refresh after logout", Method: "POST", Path: "/api/auth/refresh", Header: cookieHeader(t, again), Status: 401},
			{Name: "logout without a session", Method: "POST", Path: "/api/auth/logout", Status: 204},
			{Name: "login", Method: "POST", Path: "/api/auth/login", Body: `{"email":"ann@example.org","password":"correct horse"}`, Status: 200, Has: []string{`"accessToken"`, `"expiresIn":900`, `"displayName":"Ann"`}, HasNot: []string{"argon2", "password"}},
		})
	})
}

// inviteOverHTTP makes an invite for Ann and returns its code.
func inviteOverHTTP(t *testing.T, n *node) (code string) {
	t.Helper()
	admin := n.signUp(t, "admin", account.Admin)
	made := n.send(t, http.MethodPost, "/api/invites", bearer(admin.AccessToken),
		`{"email":"Ann@example.org","role":"user","expiresAt":"`+time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)+`","grants":[{"project":"x","role":"member"}]}`)
	invite := decode[map[string]any](t, made)
	code, _ = invite["code"].(string)
	if made.StatusCode != http.StatusCreated || invite["url"] != publicURL+"/signup?code="+code || invite["usedAt"] != nil {
		t.Fatalf("%d %v", made.StatusCode, invite)
	}
	basetest.RunScenarios(t, n.http, []basetest.Scenario{
		{Name: "check", Method: "POST", Path: "/api/auth/signup/invite/check", Body: body(map[string]any{"code": code}), Status: 200, Has: []string{`"valid":true`, `"email":"Ann@example.org"`, `"role":"user"`}},
		{Name: "list", Path: "/api/invites", Header: bearer(admin.AccessToken), Status: 200, Has: []string{`"email":"Ann@example.org"`, `"grants":[{`, `"nextCursor":null`}, HasNot: []string{code, "sha256"}},
	})
	return code
}

func cookie(t *testing.T, answer *http.Response) *http.Cookie {
	t.Helper()
	all := answer.Cookies()
	if len(all) != 1 {
		t.Fatalf("cookies %v", answer.Header["Set-Cookie"])
	}
	return all[0]
}

func cookieHeader(t *testing.T, answer *http.Response) map[string]string {
	t.Helper()
	c := cookie(t, answer)
	return map[string]string{"Cookie": c.Name + "=" + c.Value}
}

func TestRefreshCookie(t *testing.T) {
	const login = `{"email":"ann@example.org","password":"correct horse"}`
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		secureNode := newNode(t, n.db, func(s *account.Settings) { s.SecureCookie = true })
		overTLS := request(t, http.MethodPost, "/api/auth/login", nil, login)
		overTLS.TLS = &tls.ConnectionState{}
		for name, c := range map[string]struct {
			node    *node
			request *http.Request
			name    string
			secure  bool
		}{
			"plain":         {n, request(t, http.MethodPost, "/api/auth/login", nil, login), "peisear_refresh", false},
			"over TLS":      {n, overTLS, "__Secure-peisear_refresh", true},
			"public https":  {secureNode, request(t, http.MethodPost, "/api/auth/login", nil, login), "__Secure-peisear_refresh", true},
			"claimed https": {n, request(t, http.MethodPost, "/api/auth/login", map[string]string{"X-Forwarded-Proto": "https"}, login), "peisear_refresh", false},
		} {
			w := httptest.NewRecorder()
			c.node.http.ServeHTTP(w, c.request)
			got := cookie(t, w.Result())
			if got.Name != c.name || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteStrictMode ||
				got.Path != "/api/auth" || got.Domain != "" || got.MaxAge < 604_790 || got.MaxAge > 604_800 {
				t.Errorf("%s: %v", name, got)
			}
		}
		w := httptest.NewRecorder()
		secureNode.http.ServeHTTP(w, request(t, http.MethodPost, "/api/auth/login", nil, login))
		value := cookie(t, w.Result()).Value
		plain := secureNode.send(t, http.MethodPost, "/api/auth/refresh", map[string]string{"Cookie": "peisear_refresh=" + value}, "")
		if plain.StatusCode != http.StatusUnauthorized {
			t.Errorf("the plain name counts over https: %d", plain.StatusCode)
		}
		right := secureNode.send(t, http.MethodPost, "/api/auth/refresh", map[string]string{"Cookie": "__Secure-peisear_refresh=" + value}, "{}")
		if right.StatusCode != http.StatusOK {
			t.Errorf("status %d", right.StatusCode)
		}
	})
}

func TestWhoMayDoWhat(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		user, admin := bearer(n.signUp(t, "ann", account.User).AccessToken), bearer(n.signUp(t, "admin", account.Admin).AccessToken)
		const id = "/api/invites/01900000-0000-7000-8000-000000000000"
		var all []basetest.Scenario
		for _, c := range []struct {
			method, path, body           string
			stranger, user, admin, stale int
		}{
			{"POST", "/api/invites", `{}`, 401, 403, 201, 401},
			{"GET", "/api/invites", ``, 401, 403, 200, 401},
			{"DELETE", id, ``, 401, 403, 404, 401},
			{"POST", id + "/renew", ``, 401, 403, 404, 401},
			{"GET", "/api/auth/me", ``, 401, 200, 200, 401},
			{"GET", "/api/public", ``, 204, 204, 204, 204},
			{"GET", "/api/auth/jwks.json", ``, 200, 200, 200, 200},
			{"GET", "/api/auth/options", ``, 200, 200, 200, 200},
			{"POST", "/api/auth/refresh", ``, 401, 401, 401, 401},
			{"POST", "/api/auth/signup/invite/check", `{"code":"x"}`, 422, 422, 422, 422},
		} {
			for who, with := range map[string]struct {
				header map[string]string
				status int
			}{"stranger": {nil, c.stranger}, "user": {user, c.user}, "admin": {admin, c.admin}, "bad token": {bearer("x"), c.stale}} {
				all = append(all, basetest.Scenario{Name: c.method + " " + c.path + " " + who, Method: c.method, Path: c.path, Header: with.header, Body: c.body, Status: with.status})
			}
		}
		basetest.RunScenarios(t, n.http, all)
	})
}

// TestOptions: a page learns before anybody signs in whether it must ask for an invite.
func TestOptions(t *testing.T) {
	for _, registration := range []account.Registration{account.InviteRegistration, account.OpenRegistration} {
		t.Run(string(registration), func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				basetest.RunScenarios(t, n.http, []basetest.Scenario{
					{Name: "options", Path: "/api/auth/options", Status: 200, Has: []string{`"registration":"` + string(registration) + `"`, `"providers":[]`}},
				})
			}, func(s *account.Settings) { s.Registration = registration })
		})
	}
}

func TestHTTPBadInput(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		admin := bearer(n.signUp(t, "admin", account.Admin).AccessToken)
		code := n.invite(t, account.InviteDraft{})
		const check, signUp, login, refresh, invites = "/api/auth/signup/invite/check", "/api/auth/signup/password", "/api/auth/login", "/api/auth/refresh", "/api/invites"
		form := func(field string, value any) string {
			all := map[string]any{"code": code, "email": "ann@example.org", "password": password, "displayName": "Ann"}
			if all[field] = value; value == nil {
				delete(all, field)
			}
			return body(all)
		}
		post := func(path, name, text, field string) basetest.Scenario {
			return basetest.Scenario{
				Name: path + " " + name, Method: "POST", Path: path, Header: admin, Body: text, Status: 422,
				Has: []string{field}, HasNot: []string{"sql", "SQL", "constraint", "goroutine"},
			}
		}
		with := func(s basetest.Scenario, status int) basetest.Scenario {
			s.Status = status
			return s
		}
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			post(check, "nothing", `{}`, "code"),
			post(check, "wrong type", `{"code":7}`, "body.code"),
			post(check, "long", body(map[string]any{"code": strings.Repeat("x", 201)}), "body.code"),
			post(check, "unknown field", `{"code":"x","email":"y"}`, "email"),
			with(post(check, "not JSON", `{"code":`, ""), 400),
			post(signUp, "no e-mail", form("email", nil), "email"),
			post(signUp, "no @", form("email", "ann"), "body.email"),
			post(signUp, "a name too", form("email", "Ann <ann@example.org>"), "body.email"),
			post(signUp, "two addresses", form("email", "a@example.org, b@example.org"), "body.email"),
			post(signUp, "a line break", form("email", "ann@example.org\r\nBcc: x@example.org"), "body.email"),
			post(signUp, "long e-mail", form("email", strings.Repeat("a", 243)+"@example.org"), "body.email"),
			post(signUp, "e-mail is a list", form("email", []string{"a@example.org"}), "body.email"),
			post(signUp, "7 characters", form("password", "1234567"), "body.password"),
			post(signUp, "129 characters", form("password", strings.Repeat("x", 129)), "body.password"),
			post(signUp, "no name", form("displayName", ""), "body.displayName"),
			post(signUp, "blank name", form("displayName", "   "), "body.displayName"),
			post(signUp, "name that shows nothing", form("displayName", "\u200b\u2060\u3164"), "a name is needed"),
			post(signUp, "long name", form("displayName", strings.Repeat("ü", 101)), "body.displayName"),
			post(signUp, "name with a bell", form("displayName", "A\an"), "body.displayName"),
			post(signUp, "role", form("role", "admin"), "role"),
			post(signUp, "no code", form("code", nil), "body.code"),
			with(post(signUp, "NUL in the name", form("displayName", "A\x00n"), "displayName"), 400),
			with(post(signUp, "taken", form("email", "ADMIN@example.org"), "body.email"), 409),
			post(login, "nothing", `{}`, "email"),
			post(login, "long password", body(map[string]any{"email": "ann@example.org", "password": strings.Repeat("x", 129)}), "body.password"),
			post(login, "long e-mail", body(map[string]any{"email": strings.Repeat("x", 255), "password": "x"}), "body.email"),
			post(login, "null", `{"email":null,"password":"x"}`, "body.email"),
			post(refresh, "long attempt", body(map[string]any{"attempt": strings.Repeat("x", 65)}), "body.attempt"),
			post(invites, "role", `{"role":"owner"}`, "body.role"),
			post(invites, "e-mail", `{"email":"x"}`, "body.email"),
			post(invites, "past", `{"expiresAt":"2001-01-01T00:00:00Z"}`, "body.expiresAt"),
			post(invites, "no time", `{"expiresAt":"tomorrow"}`, "body.expiresAt"),
			post(invites, "grants", body(map[string]any{"grants": strings.Repeat("x", 20_000)}), "body.grants"),
			{Name: "limit", Path: invites + "?limit=201", Header: admin, Status: 422, Has: []string{"limit"}},
			{Name: "cursor", Path: invites + "?cursor=x", Header: admin, Status: 422, Has: []string{"query.cursor"}},
			{Name: "cursor with U+0000", Path: invites + "?cursor=%00", Header: admin, Status: 422, Has: []string{"query.cursor"}},
			{Name: "cursor not UTF-8", Path: invites + "?cursor=%ff", Header: admin, Status: 422, Has: []string{"query.cursor"}},
			{Name: "id", Method: "DELETE", Path: invites + "/7", Header: admin, Status: 422, Has: []string{"id"}},
			{Name: "from another site", Method: "POST", Path: login, Header: map[string]string{"Sec-Fetch-Site": "cross-site"}, Body: `{}`, Status: 403},
		})
		if users, invites := n.count(t, "users", "1 = 1"), n.count(t, "invite_codes", "1 = 1"); users != 1 || invites != 2 {
			t.Errorf("%d users, %d invites", users, invites)
		}
		if strings.Contains(n.lines.String(), "level=ERROR") {
			t.Errorf("logged %s", n.lines)
		}
		for _, good := range []string{form("password", strings.Repeat("ü", 128)), form("email", "x")} {
			answer := n.send(t, http.MethodPost, signUp, nil, good)
			if want := map[bool]int{true: 201, false: 422}[strings.Contains(good, "üü")]; answer.StatusCode != want {
				t.Errorf("%s: %d", good, answer.StatusCode)
			}
		}
	})
}

func TestRetryAfterIsSaid(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		wrong := `{"email":"ann@example.org","password":"wrong password"}`
		for range 10 {
			n.send(t, http.MethodPost, "/api/auth/login", nil, wrong)
		}
		answer := n.send(t, http.MethodPost, "/api/auth/login", nil, wrong)
		if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	})
}

// TestRolesNeedNoQuery closes the database: an operation for admins still knows
// who is one.
func TestRolesNeedNoQuery(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), live.Migrations, account.Migrations); err != nil {
			t.Fatal(err)
		}
		n := newNode(t, d)
		user, admin := n.signUp(t, "ann", account.User), n.signUp(t, "admin", account.Admin)
		if err := n.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Get(t.Context(), user.User.ID); err == nil {
			t.Fatal("the database still answers")
		}
		for want, s := range map[int]account.SignedIn{http.StatusForbidden: user, http.StatusTeapot: admin} {
			if got := n.roleOf(t, s); got != want {
				t.Errorf("%s: %d", s.User.Role, got)
			}
		}
	})
}

// roleOf asks an operation for admins that touches nothing: 418 for who may.
func (n *node) roleOf(t *testing.T, s account.SignedIn) int {
	t.Helper()
	answer := n.send(t, http.MethodGet, "/api/admins", bearer(s.AccessToken), "")
	return answer.StatusCode
}

package apitoken_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/basetest"
)

func with(header map[string]string, name, value string) map[string]string {
	header = maps.Clone(header)
	header[name] = value
	return header
}

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		_, access := n.signIn(t, "ann", account.User)
		ann := bearer(access)
		path := "/api/account/tokens"
		status, answer := basetest.Do(t, n.http, "POST", path, ann, `{"name":"build","scope":"write","logScopes":["project:7"]}`)
		made := decode[struct{ ID, Token string }](t, answer)
		if status != http.StatusCreated || len(made.Token) != 40 {
			t.Fatal(status, answer)
		}
		_, bobs := n.signIn(t, "bob", account.User)
		in := func(d time.Duration) string { return n.clock.Now().Add(d).UTC().Format(time.RFC3339Nano) }
		resend := with(ann, "Idempotency-Key", "k1")
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "list", Path: path, Header: ann, Status: 200, HasNot: []string{made.Token}, Has: []string{
				`"id":"` + made.ID + `","name":"build","scope":"write","logScopes":["project:7"],"hint":"` + made.Token[36:] + `"`,
				`"expiresAt":null,"usedAt":null`,
			}},
			{Name: "list another's", Path: path, Header: bearer(bobs), Status: 200, Has: []string{`{"items":[]}`}},
			{Name: "list as a stranger", Path: path, Status: 401},
			{Name: "no name", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read"}`, Status: 422, Has: []string{"name"}},
			{Name: "name that shows nothing", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"\u200b\u2060\u3164"}`, Status: 422, Has: []string{"body.name"}},
			{Name: "long name", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"` + strings.Repeat("x", 101) + `"}`, Status: 422, Has: []string{"body.name"}},
			{Name: "unknown scope", Method: "POST", Path: path, Header: ann, Body: `{"scope":"all","name":"x"}`, Status: 422, Has: []string{"body.scope"}},
			{Name: "unknown field", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"x","userId":"1"}`, Status: 422},
			{Name: "bad log scope", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"x","logScopes":["a b"]}`, Status: 422, Has: []string{"body.logScopes"}},
			{Name: "for admins", Method: "POST", Path: path, Header: ann, Body: `{"scope":"admin","name":"x"}`, Status: 403, Has: []string{"only an admin"}},
			{Name: "over already", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"x","expiresAt":"` + in(-time.Hour) + `"}`, Status: 422, Has: []string{"body.expiresAt"}},
			{Name: "no limits", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"x","expiresAt":null,"logScopes":null}`, Status: 201, Has: []string{`"logScopes":[]`, `"expiresAt":null`, `"token":"psr_`}},
			{Name: "expires", Method: "POST", Path: path, Header: resend, Body: `{"scope":"read","name":"x","expiresAt":"` + in(time.Hour) + `"}`, Status: 201, Has: []string{`"token":"psr_`}},
			{Name: "sent again", Method: "POST", Path: path, Header: resend, Body: `{"scope":"read","name":"x","expiresAt":"` + in(time.Hour) + `"}`, Status: 201, Has: []string{`"token":""`}},
			{Name: "withdraw another's", Method: "DELETE", Path: path + "/" + made.ID, Header: bearer(bobs), Status: 404},
			{Name: "withdraw nothing", Method: "DELETE", Path: path + "/7", Header: ann, Status: 422},
			{Name: "withdraw", Method: "DELETE", Path: path + "/" + made.ID, Header: ann, Status: 204},
			{Name: "withdraw again", Method: "DELETE", Path: path + "/" + made.ID, Header: ann, Status: 404},
			{Name: "use it then", Path: "/api/auth/me", Header: bearer(made.Token), Status: 401, Has: []string{"API token"}},
		})
		n.clock.pass(account.ConfirmLifetime)
		n.catchUp(t)
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "not confirmed", Method: "POST", Path: path, Header: ann, Body: `{"scope":"read","name":"x"}`, Status: 403, Has: []string{`"code":"confirm"`}},
			{Name: "list without", Path: path, Header: ann, Status: 200},
		})
	})
}

// TestATokenDoesNotTouchTokens nor anything else that is for sessions.
func TestATokenDoesNotTouchTokens(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		root := n.signUp(t, "root", account.Admin)
		for _, scope := range []account.Scope{account.ScopeRead, account.ScopeWrite, account.ScopeAdmin} {
			made, secret := n.make(t, root, apitoken.Draft{Scope: scope})
			header := bearer(secret)
			basetest.RunScenarios(t, n.http, []basetest.Scenario{
				{Name: "list", Path: "/api/account/tokens", Header: header, Status: 403, Has: []string{"signed in"}},
				{Name: "make", Method: "POST", Path: "/api/account/tokens", Header: header, Body: `{"scope":"read","name":"x"}`, Status: 403},
				{Name: "withdraw", Method: "DELETE", Path: "/api/account/tokens/" + made.ID, Header: header, Status: 403},
				{Name: "me", Path: "/api/auth/me", Header: header, Status: 200, Has: []string{"root@example.org"}},
			})
		}
		if rows := n.count(t, "api_token", "1 = 1"); rows != 3 {
			t.Errorf("%d tokens", rows)
		}
	})
}

// TestScopes: what each kind of token may ask for, in a table.
func TestScopes(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		root := n.signUp(t, "root", account.Admin)
		tokens := map[string]string{}
		for name, d := range map[string]apitoken.Draft{
			"read":  {Scope: account.ScopeRead},
			"write": {Scope: account.ScopeWrite},
			"admin": {Scope: account.ScopeAdmin},
			"mine":  {Scope: account.ScopeWrite, LogScopes: []string{root.Scope()}},
			"other": {Scope: account.ScopeWrite, LogScopes: []string{"project:7"}},
		} {
			_, tokens[name] = n.make(t, root, d)
		}
		for _, row := range []struct {
			request string
			want    map[string]int
		}{
			{"GET /api/auth/me", map[string]int{"read": 200, "write": 200, "admin": 200, "mine": 200, "other": 200}},
			{"HEAD /api/auth/me", map[string]int{"read": 200, "write": 200}},
			{"GET /api/test/mine", map[string]int{"read": 204, "write": 204, "admin": 204, "mine": 204, "other": 403}},
			{"POST /api/test/change", map[string]int{"read": 403, "write": 204, "admin": 204, "mine": 403, "other": 403}},
			{"GET /api/test/admins", map[string]int{"read": 403, "write": 403, "admin": 204, "mine": 403, "other": 403}},
			{"GET /api/invites", map[string]int{"read": 403, "write": 403, "admin": 200, "mine": 403, "other": 403}},
			{"POST /api/auth/logout", map[string]int{"read": 403, "write": 204}},
			{"POST /api/nowhere", map[string]int{"read": 403, "write": 404}},
			{"GET /api/public-nowhere", map[string]int{"read": 404}},
		} {
			method, path, _ := strings.Cut(row.request, " ")
			for name, want := range row.want {
				if got := n.status(t, method, path, tokens[name]); got != want {
					t.Errorf("%s with %s: %d, not %d", row.request, name, got, want)
				}
			}
		}
		basetest.RunScenarios(t, n.http, []basetest.Scenario{ // each is told what would help
			{Name: "change", Method: "POST", Path: "/api/test/change", Header: bearer(tokens["read"]), Status: 403, Has: []string{"may only read"}},
			{Name: "administer", Path: "/api/test/admins", Header: bearer(tokens["write"]), Status: 403, Has: []string{"scope admin"}},
			{Name: "go outside", Path: "/api/test/mine", Header: bearer(tokens["other"]), Status: 403, Has: []string{"limited"}},
		})
	})
}

package apitoken_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/basetest"
)

const password = "correct horse"

// resetCode is the code of a link that sets ann's password.
func (n *node) resetCode(t *testing.T, userID string) string {
	t.Helper()
	link, _, err := n.accounts.ResetLink(t.Context(), account.Operator(), userID)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(link, "code=")
	return code
}

// TestTokensAndPasswords: with a new password and with a sign-out everywhere API tokens
// end where somebody says so, from the next request on and on other nodes too.
func TestTokensAndPasswords(t *testing.T) {
	from := account.Device{IP: netip.MustParseAddr("192.0.2.1")}
	for name, renew := range map[string]func(t *testing.T, n *node, ann account.Actor, p account.Programs) error{
		"changed": func(t *testing.T, n *node, ann account.Actor, p account.Programs) error {
			return n.accounts.ChangePassword(t.Context(), from, ann, password, "another horse", p)
		},
		"reset": func(t *testing.T, n *node, ann account.Actor, p account.Programs) error {
			return n.accounts.Reset(t.Context(), from.IP, n.resetCode(t, ann.ID), "another horse", p)
		},
		"set": func(t *testing.T, n *node, ann account.Actor, p account.Programs) error {
			return n.accounts.SetPassword(t.Context(), account.Operator(), ann.ID, "another horse", p)
		},
		"signed out": func(t *testing.T, n *node, ann account.Actor, p account.Programs) error {
			return n.accounts.EndSessions(t.Context(), ann, "", false, p)
		},
		"signed out by an admin": func(t *testing.T, n *node, ann account.Actor, p account.Programs) error {
			return n.accounts.SignOutUser(t.Context(), account.Operator(), "", ann.ID, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
				_, one := n.make(t, ann, apitoken.Draft{Name: "one"})
				_, two := n.make(t, ann, apitoken.Draft{Name: "two"})
				_, bystander := n.make(t, bob, apitoken.Draft{})
				other := newNode(t, n.db)
				other.want(t, "before", one, http.StatusOK)
				if err := renew(t, n, n.again(t, "ann", password), account.KeepPrograms); err != nil {
					t.Fatal(err)
				}
				n.want(t, "kept", one, http.StatusOK)
				if name != "signed out" && name != "signed out by an admin" { // it is another one by now
					if err := n.accounts.SetPassword(t.Context(), account.Operator(), ann.ID, password, account.KeepPrograms); err != nil {
						t.Fatal(err)
					}
				}
				if err := renew(t, n, n.again(t, "ann", password), account.EndPrograms); err != nil {
					t.Fatal(err)
				}
				other.catchUp(t)
				for _, node := range []*node{n, other} {
					node.want(t, "ended", one, http.StatusUnauthorized)
					node.want(t, "ended", two, http.StatusUnauthorized)
					node.want(t, "bystander", bystander, http.StatusOK)
				}
				if rows := n.count(t, "change", `entity = 'token' AND op = 'delete' AND prior LIKE '%"name":"one"%'`); rows != 1 {
					t.Errorf("%d entries of the audit trail", rows)
				}
			})
		})
	}
}

// again signs a user in who has an account.
func (n *node) again(t *testing.T, name, secret string) account.Actor {
	t.Helper()
	s, err := n.accounts.Login(t.Context(), account.Device{IP: netip.MustParseAddr("192.0.2.1")}, name+"@example.org", secret)
	if err != nil {
		t.Fatal(err)
	}
	by, err := n.actor(t, s.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// TestTokensAndPasswordsOverHTTP: who knows the password keeps the tokens, and who has
// forgotten it does not, unless they say otherwise.
func TestTokensAndPasswordsOverHTTP(t *testing.T) {
	type call struct{ method, path, body string }
	change := func(more string) func(*testing.T, *node, string) call {
		return func(*testing.T, *node, string) call {
			return call{http.MethodPost, "/api/account/password", `{"current":"correct horse","password":"another horse"` + more + `}`}
		}
	}
	reset := func(more string) func(*testing.T, *node, string) call {
		return func(t *testing.T, n *node, userID string) call {
			return call{http.MethodPost, "/api/auth/password/reset", `{"code":"` + n.resetCode(t, userID) + `","password":"another horse"` + more + `}`}
		}
	}
	signOut := func(query string) func(*testing.T, *node, string) call {
		return func(*testing.T, *node, string) call {
			return call{http.MethodDelete, "/api/account/sessions" + query, ""}
		}
	}
	for name, c := range map[string]struct {
		call func(t *testing.T, n *node, userID string) call
		want int
	}{
		"change":              {change(""), http.StatusOK},
		"change, keep":        {change(`,"endTokens":false`), http.StatusOK},
		"change, end":         {change(`,"endTokens":true`), http.StatusUnauthorized},
		"reset":               {reset(""), http.StatusUnauthorized},
		"reset, null":         {reset(`,"endTokens":null`), http.StatusUnauthorized},
		"reset, keep":         {reset(`,"endTokens":false`), http.StatusOK},
		"reset, end":          {reset(`,"endTokens":true`), http.StatusUnauthorized},
		"sign out":            {signOut(""), http.StatusOK},
		"sign out, but here":  {signOut("?keep=current&endTokens=true"), http.StatusUnauthorized},
		"sign out everywhere": {signOut("?endTokens=true"), http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				ann, access := n.signIn(t, "ann", account.User)
				_, token := n.make(t, ann, apitoken.Draft{})
				n.want(t, "before", token, http.StatusOK)
				request := c.call(t, n, ann.ID)
				if status, text := basetest.Do(t, n.http, request.method, request.path, bearer(access), request.body); status != http.StatusNoContent {
					t.Fatalf("%d %s", status, text)
				}
				n.want(t, "after", token, c.want)
			})
		})
	}
}

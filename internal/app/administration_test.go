package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// TestWhoAdministers calls every operation for admins as all who are none, an admin's
// own programs among them: only one that was made for administration may look, and none
// deletes anybody or changes how people sign in.
func TestWhoAdministers(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		ada, bob, _ := lived(t, a)
		do(t, a, ada, http.MethodPatch, "/api/admin/users/"+idOf(t, a, bob), `{"role":"user"}`, http.StatusOK)
		var in struct{ AccessToken string }
		into(t, do(t, a, nil, http.MethodPost, "/api/auth/login", `{"email":"gone@example.org","password":"correct horse"}`, http.StatusOK), &in)
		bob = map[string]string{"Authorization": "Bearer " + in.AccessToken}
		program := func(body string) map[string]string {
			t.Helper()
			var made struct{ Token string }
			into(t, do(t, a, ada, http.MethodPost, "/api/account/tokens", body, http.StatusCreated), &made)
			return map[string]string{"Authorization": "Bearer " + made.Token}
		}
		nobodys := map[string]map[string]string{
			"a user": bob, "a program that reads": program(`{"name":"r","scope":"read"}`), "a program that writes": program(`{"name":"w","scope":"write"}`),
			"a program for one scope": program(`{"name":"l","scope":"write","logScopes":["user:` + idOf(t, a, ada) + `"]}`),
		}
		all := administration(t)
		for _, s := range all {
			for who, header := range nobodys {
				s.Header, s.Status = header, http.StatusForbidden
				check(t, a, who, s)
			}
			s.Header, s.Status = nil, http.StatusUnauthorized
			check(t, a, "a stranger", s)
		}
		admins := program(`{"name":"a","scope":"admin"}`)
		for _, s := range all {
			s.Header, s.Status = admins, http.StatusOK
			if s.Method == http.MethodGet {
				check(t, a, "a program for admins", s)
			}
		}
		do(t, a, admins, http.MethodDelete, "/api/admin/users/"+nobody, `{"work":"unassign"}`, http.StatusForbidden)
	})
}

const nobody = "01900000-0000-7000-8000-000000000000"

// administration is every operation for admins, with a body that would pass.
func administration(t *testing.T) (all []basetest.Scenario) {
	t.Helper()
	document, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	into(t, string(document), &doc)
	bodies := map[string]string{
		"user.update": `{}`, "user.delete": `{"work":"unassign"}`, "setting.update": `{"registration":"invite"}`,
		"mail.test": `{"email":"x@example.org"}`, "invite.create": `{}`, "invite.renew": `{}`,
	}
	for path, methods := range doc.Paths {
		if !strings.HasPrefix(path, "/api/admin/") && !strings.HasPrefix(path, "/api/invites") {
			continue
		}
		for method, op := range methods {
			if strings.HasPrefix(op.OperationID, "provider.") {
				continue // those of identity providers: package oauth tries them
			}
			all = append(all, basetest.Scenario{
				Name: op.OperationID, Method: strings.ToUpper(method), Path: strings.ReplaceAll(path, "{id}", nobody), Body: bodies[op.OperationID],
			})
		}
	}
	if len(all) < 16 {
		t.Errorf("only %d operations", len(all))
	}
	return all
}

func check(t *testing.T, a *app.App, who string, s basetest.Scenario) {
	t.Helper()
	if status, answer := basetest.Do(t, a.Handler, s.Method, s.Path, s.Header, s.Body); status != s.Status {
		t.Errorf("%s as %s: %d %s, want %d", s.Name, who, status, answer, s.Status)
	}
}

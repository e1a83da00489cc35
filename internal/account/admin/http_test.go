package admin_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
	"github.com/peisear/peisear/internal/base/web"
)

const nobody = "01900000-0000-7000-8000-000000000000"

// TestWhoMayDoWhat takes the routes from the API itself, so that none is forgotten.
func TestWhoMayDoWhat(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		api := web.New(slog.New(slog.DiscardHandler), nil)
		admin.Feature(w.Service).Routes(api)
		document, err := api.Document()
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Paths map[string]map[string]struct{ OperationID string }
		}
		if err := json.Unmarshal(document, &doc); err != nil {
			t.Fatal(err)
		}
		bodies := map[string]string{
			"user.update": `{}`, "user.delete": `{"work":"unassign"}`, "setting.update": `{"registration":"invite"}`, "mail.test": `{"email":"x@example.org"}`,
		}
		forAdmins := map[string]int{
			"user.list": 200, "user.update": 404, "user.signOut": 404, "user.resetLink": 404, "user.delete": 404,
			"audit.list": 200, "audit.export": 200, "setting.get": 200, "setting.update": 200, "mail.test": 503,
		}
		program := func(role account.Role) map[string]string {
			return accounttest.Sign(t, account.Actor{ID: w.ada.User.ID, Role: role})
		}
		asProgram := api.Handler(accounttest.Authenticate) // tokens that are no session's
		seen := 0
		for path, methods := range doc.Paths {
			for method, op := range methods {
				seen++
				s := basetest.Scenario{Method: strings.ToUpper(method), Path: strings.ReplaceAll(path, "{id}", nobody), Body: bodies[op.OperationID]}
				as := func(who string, header map[string]string, status int) basetest.Scenario {
					s.Name, s.Header, s.Status = op.OperationID+" as "+who, header, status
					return s
				}
				admins := forAdmins[op.OperationID]
				basetest.RunScenarios(t, w.http, []basetest.Scenario{
					as("a stranger", nil, 401), as("a bad token", map[string]string{"Authorization": "Bearer x"}, 401),
					as("a user", headers(w.bob), 403), as("an admin", headers(w.ada), admins),
				})
				if op.OperationID == "user.delete" || op.OperationID == "user.resetLink" {
					admins = 403 // no program deletes anybody, or gets into their account
				}
				basetest.RunScenarios(t, asProgram, []basetest.Scenario{
					as("a program that may write", program(account.User), 403), as("a program for admins", program(account.Admin), admins),
				})
			}
		}
		if seen != len(forAdmins) {
			t.Errorf("%d operations", seen)
		}
	})
}

func headers(s account.SignedIn) map[string]string { return as(s) }

func TestHTTPBadInput(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		bob, ada := "/api/admin/users/"+w.bob.User.ID, as(w.ada)
		bad := func(method, path, body string, has ...string) basetest.Scenario {
			return basetest.Scenario{
				Name: method + " " + path + " " + body, Method: method, Path: path, Header: ada, Body: body, Status: 422,
				Has: has, HasNot: []string{"sql", "SQL", "goroutine"},
			}
		}
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			bad("GET", "/api/admin/users?limit=0", ``, "limit"),
			bad("GET", "/api/admin/users?limit=201", ``, "limit"),
			bad("GET", "/api/admin/users?status=gone", ``, "status"),
			bad("GET", "/api/admin/users?cursor=%3F", ``, "query.cursor"),
			bad("GET", "/api/admin/users?q="+strings.Repeat("x", 255), ``, "q"),
			bad("PATCH", "/api/admin/users/7", `{}`, "id"),
			bad("PATCH", bob, `{"role":"owner"}`, "body.role"),
			bad("PATCH", bob, `{"disabled":"yes"}`, "body.disabled"),
			bad("PATCH", bob, `{"email":"x@example.org"}`, "email"),
			bad("DELETE", bob, `{}`, "work"),
			bad("DELETE", bob, `{"work":"keep"}`, "body.work"),
			bad("DELETE", bob, `{"work":"hand_over"}`, "body.heirId"),
			bad("DELETE", bob, `{"work":"hand_over","heirId":"x"}`, "body.heirId"),
			bad("DELETE", bob, `{"work":"hand_over","heirId":"`+w.bob.User.ID+`"}`, "body.heirId"),
			bad("DELETE", bob, `{"work":"unassign","heirId":"`+nobody+`"}`, "body.heirId"),
			bad("GET", "/api/admin/audit?limit=201", ``, "limit"),
			bad("GET", "/api/admin/audit?cursor=x", ``, "query.cursor"),
			bad("GET", "/api/admin/audit?from=yesterday", ``, "from"),
			bad("GET", "/api/admin/audit.csv?to=1", ``, "to"),
			bad("PATCH", "/api/admin/settings", `{}`, "registration"),
			bad("PATCH", "/api/admin/settings", `{"registration":"maybe"}`, "body.registration"),
			{Name: "a stale version", Method: "PATCH", Path: bob, Header: ada, Body: `{"disabled":true,"version":7}`, Status: 409, Has: []string{`"current":{`, `"version":1`}},
			{Name: "NUL", Path: "/api/admin/users?q=%00", Header: ada, Status: 422, HasNot: []string{"SQL"}},
			{Name: "not UTF-8", Path: "/api/admin/users?q=%ff", Header: ada, Status: 422, HasNot: []string{"SQL"}},
			{Name: "NUL in the trail", Path: "/api/admin/audit?actor=%00", Header: ada, Status: 422, HasNot: []string{"SQL"}},
			{Name: "from another site", Method: "DELETE", Path: bob, Header: map[string]string{"Authorization": ada["Authorization"], "Sec-Fetch-Site": "cross-site"}, Body: `{"work":"unassign"}`, Status: 403},
		})
	})
}

func TestMail(t *testing.T) {
	server := mailtest.Start(t, mailtest.Refuse("gone@example.org"))
	each(t, func(t *testing.T, w world) {
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "test", Method: "POST", Path: "/api/admin/mail/test", Header: as(w.ada), Body: `{"email":"ada@example.org"}`, Status: 204},
			{Name: "no address", Method: "POST", Path: "/api/admin/mail/test", Header: as(w.ada), Body: `{"email":"ada"}`, Status: 422, Has: []string{"body.email"}},
			{Name: "refused", Method: "POST", Path: "/api/admin/mail/test", Header: as(w.ada), Body: `{"email":"gone@example.org"}`, Status: 503, Has: []string{`"code":"mail"`, "refuses the address"}},
		})
	}, func(s *account.Settings) { s.Mail = server.Sender(t) })
}

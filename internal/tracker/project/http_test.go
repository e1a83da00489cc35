package project_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/project"
)

const mesos = "/api/projects/MESOS"

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		owner, viewer, resend := as(t, w.owner, nil), as(t, w.viewer, nil), as(t, w.owner, map[string]string{"Idempotency-Key": "k1"})
		basetest.RunScenarios(t, handler(w), []basetest.Scenario{
			{Name: "create", Method: "POST", Path: "/api/projects", Header: resend, Body: `{"key":"XD","name":"Spring XD"}`, Status: 201, Has: []string{`"key":"XD"`, `"name":"Spring XD"`, `"description":""`, `"role":"owner"`, `"version":1`, `"createdAt":"`, `"updatedAt":"`, `"id":"`}, HasNot: []string{"$schema"}},
			{Name: "create sent again", Method: "POST", Path: "/api/projects", Header: resend, Body: `{"key":"XD","name":"Spring XD"}`, Status: 201, Has: []string{`"key":"XD"`, `"role":"owner"`}},
			{Name: "create with a key that is taken", Method: "POST", Path: "/api/projects", Header: viewer, Body: `{"key":"XD","name":"n"}`, Status: 409, Has: []string{`"location":"body.key"`, "XD is taken"}},
			{Name: "list", Path: "/api/projects", Header: owner, Status: 200, Has: []string{`"key":"MESOS"`, `"key":"XD"`, `"nextCursor":null`}},
			{Name: "first page", Path: "/api/projects?limit=1", Header: owner, Status: 200, Has: []string{`"key":"MESOS"`, `"nextCursor":"MESOS"`}, HasNot: []string{"XD"}},
			{Name: "next page", Path: "/api/projects?limit=1&cursor=MESOS", Header: owner, Status: 200, Has: []string{`"key":"XD"`, `"nextCursor":null`}},
			{Name: "get", Path: "/api/projects/mesos", Header: viewer, Status: 200, Has: []string{`"key":"MESOS"`, `"role":"viewer"`}},
			{Name: "change", Method: "PATCH", Path: mesos, Header: owner, Body: `{"description":"text","version":1}`, Status: 200, Has: []string{`"version":2`, `"description":"text"`, `"name":"Project MESOS"`}},
			{Name: "clear", Method: "PATCH", Path: "/api/projects/XD", Header: owner, Body: `{"description":"x"}`, Status: 200, Has: []string{`"description":"x"`}},
			{Name: "clear", Method: "PATCH", Path: "/api/projects/XD", Header: owner, Body: `{"description":null}`, Status: 200, Has: []string{`"description":""`, `"name":"Spring XD"`}},
			{Name: "change a stale one", Method: "PATCH", Path: mesos, Header: owner, Body: `{"name":"x","version":1}`, Status: 409, Has: []string{`"current":{`, `"version":2`, `"description":"text"`}},
			{Name: "change as a viewer", Method: "PATCH", Path: mesos, Header: viewer, Body: `{"name":"x"}`, Status: 403},
			{Name: "statuses", Path: mesos + "/statuses", Header: viewer, Status: 200, Has: []string{`{"items":[{"id":"`, `"name":"Open","category":"open","color":"gray","rank":"a0"`, `"in_progress"`, `"done"`}},
			{Name: "members", Path: mesos + "/members?limit=1", Header: viewer, Status: 200, Has: []string{`"userId":"` + w.owner.ID, `"email":"owner@example.org"`, `"displayName":"owner"`, `"role":"owner"`, `"nextCursor":"` + w.owner.ID}},
			{Name: "add a member", Method: "POST", Path: mesos + "/members", Header: owner, Body: `{"email":"stranger@example.org","role":"member"}`, Status: 201, Has: []string{w.stranger.ID, `"role":"member"`}},
			{Name: "add somebody unknown", Method: "POST", Path: mesos + "/members", Header: owner, Body: `{"email":"nobody@example.org","role":"member"}`, Status: 422, Has: []string{"body.email", "invite them"}},
			{Name: "add somebody as a viewer", Method: "POST", Path: mesos + "/members", Header: viewer, Body: `{"email":"nobody@example.org","role":"viewer"}`, Status: 403},
			{Name: "change a role", Method: "PATCH", Path: mesos + "/members/" + w.stranger.ID, Header: owner, Body: `{"role":"maintainer"}`, Status: 200, Has: []string{`"role":"maintainer"`}},
			{Name: "the last owner steps down", Method: "PATCH", Path: mesos + "/members/" + w.owner.ID, Header: owner, Body: `{"role":"member"}`, Status: 409, Has: []string{"at least one owner"}},
			{Name: "remove a member", Method: "DELETE", Path: mesos + "/members/" + w.stranger.ID, Header: owner, Status: 204},
			{Name: "remove them again", Method: "DELETE", Path: mesos + "/members/" + w.stranger.ID, Header: owner, Status: 404},
			{Name: "leave", Method: "DELETE", Path: mesos + "/members/" + w.viewer.ID, Header: viewer, Status: 204},
			{Name: "delete as a maintainer", Method: "DELETE", Path: mesos, Header: as(t, w.maintainer, nil), Status: 403},
			{Name: "sync", Path: "/api/sync/project:" + w.p.ID, Header: owner, Status: 200, Has: []string{`"project":[{`, `"status":[{`, `"member":[{`}},
			{Name: "delete", Method: "DELETE", Path: mesos, Header: as(t, w.owner, map[string]string{"Idempotency-Key": "k2"}), Status: 204},
			{Name: "delete sent again", Method: "DELETE", Path: mesos, Header: as(t, w.owner, map[string]string{"Idempotency-Key": "k2"}), Status: 204},
			{Name: "delete once more", Method: "DELETE", Path: mesos, Header: owner, Status: 404},
		})
	})
}

// TestEveryRouteAsAStranger takes the routes from the API itself, so that none is
// forgotten.
func TestEveryRouteAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		api := newAPI(w)
		stranger, bodies := as(t, w.stranger, nil), map[string]string{
			"project.update": `{"name":"x"}`, "member.add": `{"email":"stranger@example.org","role":"viewer"}`, "member.update": `{"role":"viewer"}`,
		}
		path := strings.NewReplacer("{key}", "MESOS", "{userId}", w.viewer.ID, "{id}", w.p.ID, "{scope}", "project:"+w.p.ID)
		var scenarios []basetest.Scenario
		for route, methods := range routes(t, api) {
			for method, op := range methods {
				s := basetest.Scenario{
					Name: op.OperationID, Method: strings.ToUpper(method), Path: path.Replace(route), Header: stranger,
					Body: bodies[op.OperationID], Status: 404, HasNot: []string{"Project MESOS", w.p.ID, "viewer@example.org"},
				}
				if !strings.Contains(route, "{") {
					continue
				}
				if strings.HasPrefix(route, "/api/admin/") { // says whom it is for, and nothing about the project
					s.Status = 403
				}
				scenarios = append(scenarios, s)
				s.Header, s.Name, s.Status = nil, s.Name+" without a token", 401
				scenarios = append(scenarios, s)
			}
		}
		if len(scenarios) != 2*10 {
			t.Errorf("%d scenarios", len(scenarios))
		}
		h := api.Handler(accounttest.Authenticate)
		basetest.RunScenarios(t, h, scenarios)
		basetest.RunScenarios(t, h, []basetest.Scenario{
			{Name: "list", Path: "/api/projects", Header: stranger, Status: 200, Has: []string{`{"items":[],"nextCursor":null}`}},
			{Name: "delta", Path: "/api/sync/project:" + w.p.ID + "?since=0", Header: stranger, Status: 404},
			{Name: "another's own scope", Path: "/api/sync/" + w.viewer.Scope(), Header: stranger, Status: 404},
		})
	})
}

type operationDoc struct {
	OperationID string `json:"operationId"`
}

func routes(t *testing.T, api *web.API) map[string]map[string]operationDoc {
	t.Helper()
	text, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]operationDoc `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Paths
}

func TestHTTPBadInput(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		owner := as(t, w.owner, nil)
		bad := func(name, method, path, body, has string) basetest.Scenario {
			return basetest.Scenario{
				Name: name, Method: method, Path: path, Header: owner, Body: body, Status: 422, Has: []string{has},
				HasNot: []string{"sql", "SQL", "constraint", "goroutine"},
			}
		}
		status := func(s basetest.Scenario, status int) basetest.Scenario { s.Status = status; return s }
		const all, members = "/api/projects", mesos + "/members"
		one := members + "/" + w.viewer.ID
		long := strings.Repeat
		basetest.RunScenarios(t, handler(w), []basetest.Scenario{
			status(bad("not JSON", "POST", all, `{"key":`, ""), 400),
			status(bad("too large", "POST", all, `{"key":"XD","name":"n","description":"`+long("x", web.MaxBody)+`"}`, ""), 413),
			bad("nothing", "POST", all, `{}`, "key"),
			bad("a list", "POST", all, `[]`, "body"),
			bad("key", "POST", all, `{"key":"xd","name":"n"}`, "body.key"),
			bad("no name", "POST", all, `{"key":"XD","name":""}`, "body.name"),
			bad("blank name", "POST", all, `{"key":"XD","name":" "}`, "body.name"),
			bad("long name", "POST", all, `{"key":"XD","name":"`+long("x", 121)+`"}`, "body.name"),
			bad("long description", "POST", all, `{"key":"XD","name":"n","description":"`+long("x", 10_001)+`"}`, "body.description"),
			bad("wrong type", "POST", all, `{"key":"XD","name":7}`, "body.name"),
			bad("unknown field", "POST", all, `{"key":"XD","name":"n","owner":"x"}`, "owner"),
			status(bad("U+0000", "POST", all, `{"key":"XD","name":"a\u0000b"}`, "body.name: must not contain"), 400),
			bad("limit", "GET", all+"?limit=201", "", "limit"),
			bad("cursor", "GET", all+"?cursor=x", "", "query.cursor"),
			bad("cursor with U+0000", "GET", all+"?cursor=A%00", "", "query.cursor"),
			bad("cursor not UTF-8", "GET", all+"?cursor=A%ff", "", "query.cursor"),
			bad("name to null", "PATCH", mesos, `{"name":null}`, "body.name"),
			bad("name that shows nothing", "POST", all, `{"key":"XD","name":"\u200b\u2060\u3164"}`, "a project needs a name"),
			bad("name blank", "PATCH", mesos, `{"name":" "}`, "body.name"),
			bad("key to another", "PATCH", mesos, `{"key":"XD"}`, "key"),
			bad("version of a wrong type", "PATCH", mesos, `{"name":"n","version":"1"}`, "body.version"),
			bad("long key", "GET", all+"/"+long("X", 21), "", "key"),
			status(bad("no such key", "GET", all+"/NONE", "", "no such project"), 404),
			bad("members' limit", "GET", members+"?limit=0", "", "limit"),
			bad("members' cursor", "GET", members+"?cursor=x", "", "query.cursor"),
			bad("members' cursor with U+0000", "GET", members+"?cursor=%00", "", "query.cursor"),
			bad("no e-mail", "POST", members, `{"email":"","role":"viewer"}`, "body.email"),
			bad("unknown role", "POST", members, `{"email":"stranger@example.org","role":"chief"}`, "body.role"),
			bad("no role", "POST", members, `{"email":"stranger@example.org"}`, "role"),
			bad("unknown role of a member", "PATCH", one, `{"role":"chief"}`, "body.role"),
			bad("no uuid", "PATCH", members+"/7", `{"role":"viewer"}`, "userId"),
			status(bad("nobody", "PATCH", members+"/"+uuid.NewString(), `{"role":"viewer"}`, "no such member"), 404),
			status(bad("nobody to remove", "DELETE", members+"/"+uuid.NewString(), "", "no such member"), 404),
			bad("long new description", "PATCH", mesos, `{"description":"`+long("x", 10_001)+`"}`, "body.description"),
		})
		if p, err := w.Get(t.Context(), w.owner, "MESOS"); err != nil || p != w.p {
			t.Errorf("%+v, %v", p, err)
		}
		if page, _, err := w.List(t.Context(), w.owner, "", project.MaxPage); err != nil || len(page) != 1 {
			t.Errorf("%v, %v", page, err)
		}
	})
}

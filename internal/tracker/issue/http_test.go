package issue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/issue"
)

const (
	all = "/api/projects/MESOS/issues"
	one = "/api/issues/MESOS-1"
)

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		member, viewer := as(t, w.member, nil), as(t, w.viewer, nil)
		resend, again := as(t, w.member, map[string]string{"Idempotency-Key": "k1"}), as(t, w.member, map[string]string{"Idempotency-Key": "k2"})
		full := `{"title":"one","description":"text","statusId":"` + w.doing + `","priority":"high","assigneeId":"` + w.viewer.ID + `","effort":0.5,"dueOn":"2026-12-31"}`
		basetest.RunScenarios(t, newAPI(w).Handler(accounttest.Authenticate), []basetest.Scenario{
			{Name: "create", Method: "POST", Path: all, Header: resend, Body: full, Status: 201, Has: []string{`"key":"MESOS-1"`, `"number":1`, `"title":"one"`, `"description":"text"`, `"statusId":"` + w.doing, `"priority":"high"`, `"assigneeId":"` + w.viewer.ID, `"effort":0.5,`, `"parentId":null`, `"dueOn":"2026-12-31"`, `"rank":"a0"`, `"authorId":"` + w.member.ID, `"createdAt":"`, `"version":1`}, HasNot: []string{"$schema"}},
			{Name: "create sent again", Method: "POST", Path: all, Header: resend, Body: full, Status: 201, Has: []string{`"key":"MESOS-1"`}},
			{Name: "create with the least", Method: "POST", Path: all, Header: member, Body: `{"title":"two"}`, Status: 201, Has: []string{`"key":"MESOS-2"`, `"description":""`, `"priority":"medium"`, `"assigneeId":null`, `"effort":null`, `"statusId":"` + w.open}},
			{Name: "create with nulls", Method: "POST", Path: all, Header: member, Body: `{"title":"three","assigneeId":null,"effort":null,"parentId":null,"dueOn":null}`, Status: 201, Has: []string{`"key":"MESOS-3"`, `"effort":null`}},
			{Name: "create as a viewer", Method: "POST", Path: all, Header: viewer, Body: `{"title":"x"}`, Status: 403},
			{Name: "get", Path: "/api/issues/mesos-1", Header: viewer, Status: 200, Has: []string{`"title":"one"`, `"description":"text"`, `"version":1`}},
			{Name: "no effort at all", Method: "PATCH", Path: one, Header: member, Body: `{"effort":0}`, Status: 200, Has: []string{`"effort":0,`, `"version":2`}},
			{Name: "much effort", Method: "PATCH", Path: one, Header: member, Body: `{"effort":40}`, Status: 200, Has: []string{`"effort":40,`}},
			{Name: "what is absent stays", Method: "PATCH", Path: one, Header: member, Body: `{"title":"new"}`, Status: 200, Has: []string{`"title":"new"`, `"description":"text"`, `"effort":40,`, `"assigneeId":"` + w.viewer.ID, `"dueOn":"2026-12-31"`, `"priority":"high"`, `"statusId":"` + w.doing}},
			{Name: "nothing", Method: "PATCH", Path: one, Header: member, Body: `{}`, Status: 200, Has: []string{`"version":4`}},
			{Name: "null clears", Method: "PATCH", Path: one, Header: member, Body: `{"effort":null,"assigneeId":null,"dueOn":null,"description":null}`, Status: 200, Has: []string{`"effort":null`, `"assigneeId":null`, `"dueOn":null`, `"description":""`, `"title":"new"`, `"version":5`}},
			{Name: "stale", Method: "PATCH", Path: one, Header: member, Body: `{"description":"mine","version":4}`, Status: 409, Has: []string{`"current":{`, `"version":5`, `"title":"new"`}},
			{Name: "current", Method: "PATCH", Path: one, Header: member, Body: `{"description":"mine","version":5}`, Status: 200, Has: []string{`"description":"mine"`}},
			{Name: "change as a viewer", Method: "PATCH", Path: one, Header: viewer, Body: `{"title":"x"}`, Status: 403},
			{Name: "delete as a viewer", Method: "DELETE", Path: one, Header: viewer, Status: 403},
			{Name: "first page", Path: all + "?limit=2", Header: viewer, Status: 200, Has: []string{`{"items":[{"id":"`, `"MESOS-3"`, `"MESOS-2"`, `"nextCursor":"`}, HasNot: []string{"MESOS-1"}},
			{Name: "filters", Path: all + "?status=open," + w.doing + "&assignee=none,me&priority=high,low&q=new&sort=-title", Header: viewer, Status: 200, Has: []string{`"MESOS-1"`, `"nextCursor":null`}, HasNot: []string{"MESOS-2"}},
			{Name: "filters that find nothing", Path: all + "?status=done", Header: viewer, Status: 200, Has: []string{`{"items":[],"nextCursor":null}`}},
			{Name: "delete", Method: "DELETE", Path: one, Header: again, Status: 204},
			{Name: "delete sent again", Method: "DELETE", Path: one, Header: again, Status: 204},
			{Name: "delete once more", Method: "DELETE", Path: one, Header: member, Status: 404, Has: []string{"no such issue"}},
			{Name: "get what was deleted", Path: one, Header: viewer, Status: 404, Has: []string{"no such issue"}},
		})
	})
}

// TestLongCursor: a title that grows when it is folded, as far as one can, does not end
// the list.
func TestLongCursor(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for range 2 {
			create(t, w, issue.Draft{Title: strings.Repeat("\ufdfa", 200)}) // 18 characters each
		}
		h, viewer := newAPI(w).Handler(accounttest.Authenticate), as(t, w.viewer, nil)
		var page struct{ NextCursor string }
		_, answer := basetest.Do(t, h, "GET", all+"?limit=1&sort=title", viewer, "")
		if err := json.Unmarshal([]byte(answer), &page); err != nil || page.NextCursor == "" {
			t.Fatalf("%s, %v", answer, err)
		}
		status, answer := basetest.Do(t, h, "GET", all+"?limit=1&sort=title&cursor="+page.NextCursor, viewer, "")
		if status != 200 || !strings.Contains(answer, `"MESOS-2"`) || !strings.Contains(answer, `"nextCursor":null`) {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// TestEveryRouteAsAStranger takes the routes from the API itself, so that none is
// forgotten.
func TestEveryRouteAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, issue.Draft{Title: "secret"})
		api := newAPI(w)
		stranger, bodies := as(t, w.stranger, nil), map[string]string{"issue.create": `{"title":"x"}`, "issue.update": `{"title":"x"}`}
		path := strings.NewReplacer("/projects/{key}", "/projects/MESOS", "/issues/{key}", "/issues/MESOS-1")
		var scenarios []basetest.Scenario
		for route, methods := range routes(t, api) {
			for method, op := range methods {
				s := basetest.Scenario{
					Name: op.OperationID, Method: strings.ToUpper(method), Path: path.Replace(route), Header: stranger,
					Body: bodies[op.OperationID], Status: 404, HasNot: []string{"secret", w.p.ID},
				}
				scenarios = append(scenarios, s)
				s.Header, s.Name, s.Status = nil, s.Name+" without a token", 401
				scenarios = append(scenarios, s)
			}
		}
		if len(scenarios) != 2*5 {
			t.Errorf("%d scenarios", len(scenarios))
		}
		basetest.RunScenarios(t, api.Handler(accounttest.Authenticate), scenarios)
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

// badFields are values that no issue takes, and the field that the answer names.
func badFields(w world) map[string]string {
	return map[string]string{
		`"title":""`: "body.title", `"title":"  "`: "body.title", `"title":7`: "body.title", `"title":null`: "body.title", `"title":"\u200b\u3164"`: "an issue needs a title",
		`"title":"` + strings.Repeat("x", 201) + `"`:           "body.title",
		`"description":"` + strings.Repeat("x", 100_001) + `"`: "body.description",
		`"description":[]`:                        "body.description",
		`"priority":"x"`:                          "body.priority",
		`"priority":1`:                            "body.priority",
		`"statusId":"x"`:                          "body.statusId",
		`"statusId":""`:                           "body.statusId",
		`"effort":-1`:                             "body.effort",
		`"effort":1e9`:                            "body.effort",
		`"effort":0.0001`:                         "body.effort",
		`"effort":"3"`:                            "body.effort",
		`"dueOn":"tomorrow"`:                      "body.dueOn",
		`"dueOn":"2026-02-30"`:                    "body.dueOn",
		`"dueOn":20261231`:                        "body.dueOn",
		`"assigneeId":"x"`:                        "body.assigneeId",
		`"assigneeId":7`:                          "body.assigneeId",
		`"parentId":"x"`:                          "body.parentId",
		`"rank":"a0"`:                             "rank",
		`"number":7`:                              "number",
		`"key":"MESOS-9"`:                         "key",
		`"authorId":"` + w.owner.ID + `"`:         "authorId",
		`"statusId":"` + uuid.NewString() + `"`:   "body.statusId",
		`"statusId":"` + w.elsewhere + `"`:        "body.statusId",
		`"assigneeId":"` + uuid.NewString() + `"`: "body.assigneeId",
		`"assigneeId":"` + w.stranger.ID + `"`:    "body.assigneeId",
		`"parentId":"` + uuid.NewString() + `"`:   "body.parentId",
	}
}

func TestHTTPBadInput(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, issue.Draft{Title: "one"})
		member := as(t, w.member, nil)
		bad := func(name, method, path, body, has string) basetest.Scenario {
			return basetest.Scenario{
				Name: name, Method: method, Path: path, Header: member, Body: body, Status: 422, Has: []string{has},
				HasNot: []string{"sql", "SQL", "constraint", "goroutine"},
			}
		}
		status := func(s basetest.Scenario, status int) basetest.Scenario { s.Status = status; return s }
		longKey := bad("long mutation id", "POST", all, `{"title":"x"}`, "Idempotency-Key")
		longKey.Header = as(t, w.member, map[string]string{"Idempotency-Key": strings.Repeat("k", 65)})
		scenarios := []basetest.Scenario{
			longKey,
			status(bad("not JSON", "POST", all, `{"title":`, ""), 400),
			status(bad("not UTF-8", "POST", all, "{\"title\":\"\xff\"}", "UTF-8"), 400),
			status(bad("U+0000", "PATCH", one, `{"title":"a\u0000"}`, "U+0000"), 400),
			status(bad("too large", "POST", all, `{"title":"x","description":"`+strings.Repeat("x", web.MaxBody)+`"}`, ""), 413),
			bad("nothing", "POST", all, `{}`, "title"),
			bad("a list", "PATCH", one, `[]`, "body"),
			bad("version", "PATCH", one, `{"title":"x","version":"1"}`, "body.version"),
			bad("its own parent", "PATCH", one, `{"parentId":"`+get(t, w, issue.Issue{Header: issue.Header{Key: "MESOS-1"}}).ID+`"}`, "body.parentId"),
			bad("limit 0", "GET", all+"?limit=0", "", "limit"),
			bad("limit 201", "GET", all+"?limit=201", "", "limit"),
			bad("limit x", "GET", all+"?limit=x", "", "limit"),
			bad("cursor", "GET", all+"?cursor=x", "", "query.cursor"),
			bad("sort", "GET", all+"?sort=effort", "", "query.sort"),
			bad("status", "GET", all+"?status=closed", "", "query.status"),
			bad("assignee", "GET", all+"?assignee=ann", "", "query.assignee"),
			bad("priority", "GET", all+"?priority=x", "", "query.priority"),
			bad("long q", "GET", all+"?q="+strings.Repeat("x", 201), "", "query.q"),
			bad("q with U+0000", "GET", all+"?q=a%00b", "", "query.q"),
			bad("q not UTF-8", "GET", all+"?q=a%ffb", "", "query.q"),
			status(bad("no key", "GET", "/api/issues/7", "", "no such issue"), 404),
			status(bad("an id", "GET", "/api/issues/"+uuid.NewString(), "", "no such issue"), 404),
			status(bad("number 0", "GET", "/api/issues/MESOS-0", "", "no such issue"), 404),
			status(bad("unknown number", "PATCH", "/api/issues/MESOS-99", `{"title":"x"}`, "no such issue"), 404),
			status(bad("unknown project", "POST", "/api/projects/NONE/issues", `{"title":"x"}`, "no such project"), 404),
			bad("long key", "GET", "/api/issues/"+strings.Repeat("X", 41), "", "key"),
		}
		for field, location := range badFields(w) {
			name := field[:min(len(field), 30)]
			scenarios = append(scenarios, bad("change "+name, "PATCH", one, "{"+field+"}", location))
			if body := `{"title":"x",` + field + "}"; !strings.HasPrefix(field, `"title"`) {
				scenarios = append(scenarios, bad("create "+name, "POST", all, body, location))
			} else {
				scenarios = append(scenarios, bad("create "+name, "POST", all, "{"+field+"}", location))
			}
		}
		for _, field := range []string{"priority", "statusId"} {
			scenarios = append(scenarios, bad(field+" cleared", "PATCH", one, `{"`+field+`":null}`, "body."+field))
		}
		before := head(t, w)
		basetest.RunScenarios(t, newAPI(w).Handler(accounttest.Authenticate), scenarios)
		if head(t, w) != before || count(t, w, "SELECT COUNT(*) FROM issue") != 1 {
			t.Error("something was changed")
		}
	})
}

// TestInjection puts texts that would break out of SQL or HTML into every field that
// takes text: each comes back as it was.
func TestInjection(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		member := as(t, w.member, nil)
		h := newAPI(w).Handler(accounttest.Authenticate)
		for _, text := range []string{
			`'; DROP TABLE issue; --`, `' OR '1'='1`, `\'; SELECT 1 --`, `$1`, `?1`, `:name @name`, `%s%d%n`, `{{.}}`, "${jndi:x}",
			`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "a\u202eb\u2028c", "\U0001F600 👩‍👩‍👧", "line\nbreak\ttab",
		} {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			status, answer := basetest.Do(t, h, "POST", all, member, `{"title":`+string(quoted)+`,"description":`+string(quoted)+`}`)
			var i issue.Issue
			if err := json.Unmarshal([]byte(answer), &i); err != nil || status != 201 || i.Title != text || i.Description != text {
				t.Errorf("%q: %d %s %v", text, status, answer, err)
			}
			page, err := w.List(t.Context(), w.viewer, "MESOS", issue.Filter{Text: text, Limit: 5})
			if err != nil || len(page.Items) == 0 || page.Items[0].Title != text {
				t.Errorf("searched for %q: %v, %v", text, page, err)
			}
		}
	})
}

package comment_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/comment"
)

const all = "/api/issues/MESOS-1/comments"

// post comments on MESOS-1 and returns the comment's path.
func post(t *testing.T, h http.Handler, by account.Actor, body string) string {
	t.Helper()
	status, answer := basetest.Do(t, h, http.MethodPost, all, as(t, by, nil), body)
	var c comment.Comment
	if err := json.Unmarshal([]byte(answer), &c); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	return "/api/comments/" + c.ID
}

func TestHTTP(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		h := newAPI(w).Handler(accounttest.Authenticate)
		member, viewer, other := as(t, w.member, nil), as(t, w.viewer, nil), as(t, w.other, nil)
		resend, gone := as(t, w.member, map[string]string{"Idempotency-Key": "k1"}), as(t, w.member, map[string]string{"Idempotency-Key": "k2"})
		one := post(t, h, w.member, `{"body":"one"}`)
		basetest.RunScenarios(t, h, []basetest.Scenario{
			{Name: "create", Method: "POST", Path: "/api/issues/mesos-1/comments", Header: resend, Body: `{"body":"two"}`, Status: 201, Has: []string{`"issueKey":"MESOS-1"`, `"issueId":"`, `"authorId":"` + w.member.ID, `"body":"two"`, `"createdAt":"`, `"updatedAt":"`, `"version":1`}, HasNot: []string{"$schema"}},
			{Name: "create sent again", Method: "POST", Path: all, Header: resend, Body: `{"body":"two"}`, Status: 201, Has: []string{`"body":"two"`}},
			{Name: "create as a viewer", Method: "POST", Path: all, Header: viewer, Body: `{"body":"x"}`, Status: 403},
			{Name: "get", Path: one, Header: viewer, Status: 200, Has: []string{`"body":"one"`, `"version":1`}},
			{Name: "list", Path: all, Header: viewer, Status: 200, Has: []string{`"body":"one"`, `"body":"two"`, `"nextCursor":null`}},
			{Name: "the oldest", Path: all + "?limit=1", Header: viewer, Status: 200, Has: []string{`"body":"one"`, `"nextCursor":"` + strings.TrimPrefix(one, "/api/comments/")}, HasNot: []string{`"two"`}},
			{Name: "those after it", Path: all + "?cursor=" + strings.TrimPrefix(one, "/api/comments/"), Header: viewer, Status: 200, Has: []string{`"body":"two"`, `"nextCursor":null`}, HasNot: []string{`"one"`}},
			{Name: "the newest", Path: all + "?limit=1&sort=-created", Header: viewer, Status: 200, Has: []string{`"body":"two"`}, HasNot: []string{`"one"`, `"nextCursor":null`}},
			{Name: "of no issue", Path: "/api/issues/MESOS-2/comments", Header: viewer, Status: 404, Has: []string{"no such issue"}},
			{Name: "change", Method: "PATCH", Path: one, Header: member, Body: `{"body":"new","version":1}`, Status: 200, Has: []string{`"body":"new"`, `"version":2`}},
			{Name: "change nothing", Method: "PATCH", Path: one, Header: member, Body: `{"version":2}`, Status: 200, Has: []string{`"body":"new"`, `"version":2`}},
			{Name: "stale", Method: "PATCH", Path: one, Header: member, Body: `{"body":"x","version":1}`, Status: 409, Has: []string{`"current":{`, `"body":"new"`, `"version":2`}},
			{Name: "change another's", Method: "PATCH", Path: one, Header: other, Body: `{"body":"x","version":2}`, Status: 403, Has: []string{"author"}},
			{Name: "change as a viewer", Method: "PATCH", Path: one, Header: viewer, Body: `{"body":"x","version":2}`, Status: 403},
			{Name: "delete another's", Method: "DELETE", Path: one, Header: other, Status: 403},
			{Name: "delete as a viewer", Method: "DELETE", Path: one, Header: viewer, Status: 403},
			{Name: "delete", Method: "DELETE", Path: one, Header: gone, Status: 204},
			{Name: "delete sent again", Method: "DELETE", Path: one, Header: gone, Status: 204},
			{Name: "delete once more", Method: "DELETE", Path: one, Header: member, Status: 404, Has: []string{"no such comment"}},
			{Name: "get what was deleted", Path: one, Header: viewer, Status: 404},
			{Name: "delete as the owner", Method: "DELETE", Path: post(t, h, w.member, `{"body":"three"}`), Header: as(t, w.owner, nil), Status: 204},
			{Name: "from another site", Method: "POST", Path: all, Header: as(t, w.member, map[string]string{"Sec-Fetch-Site": "cross-site"}), Body: `{"body":"x"}`, Status: 403},
		})
	})
}

// TestEveryRouteAsAStranger takes the routes from the API itself, so that none is
// forgotten.
func TestEveryRouteAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "secret")
		api := newAPI(w)
		stranger, bodies := as(t, w.stranger, nil), map[string]string{"comment.create": `{"body":"x"}`, "comment.update": `{"body":"x","version":1}`}
		path := strings.NewReplacer("/issues/{key}", "/issues/MESOS-1", "{id}", c.ID)
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

func TestHTTPBadInput(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		h := newAPI(w).Handler(accounttest.Authenticate)
		member := as(t, w.member, nil)
		one := post(t, h, w.member, `{"body":"one"}`)
		bad := func(name, method, path, body, has string) basetest.Scenario {
			return basetest.Scenario{
				Name: name, Method: method, Path: path, Header: member, Body: body, Status: 422, Has: []string{has},
				HasNot: []string{"sql", "SQL", "constraint", "goroutine"},
			}
		}
		status := func(s basetest.Scenario, status int) basetest.Scenario { s.Status = status; return s }
		long := strings.Repeat("x", comment.MaxBody+1)
		longKey := bad("long mutation id", "POST", all, `{"body":"x"}`, "Idempotency-Key")
		longKey.Header = as(t, w.member, map[string]string{"Idempotency-Key": strings.Repeat("k", 65)})
		before := head(t, w)
		basetest.RunScenarios(t, h, []basetest.Scenario{
			longKey,
			status(bad("not JSON", "POST", all, `{"body":`, ""), 400),
			status(bad("not UTF-8", "POST", all, "{\"body\":\"\xff\"}", "UTF-8"), 400),
			status(bad("U+0000", "POST", all, `{"body":"a\u0000"}`, "U+0000"), 400),
			status(bad("U+0000 in an edit", "PATCH", one, `{"body":"a\u0000","version":1}`, "U+0000"), 400),
			status(bad("too large", "POST", all, `{"body":"`+strings.Repeat("x", web.MaxBody)+`"}`, ""), 413),
			bad("nothing", "POST", all, `{}`, "body"),
			bad("empty", "POST", all, `{"body":""}`, "body.body"),
			bad("blank", "POST", all, `{"body":" \n "}`, "body.body"),
			bad("long", "POST", all, `{"body":"`+long+`"}`, "body.body"),
			bad("wrong type", "POST", all, `{"body":7}`, "body.body"),
			bad("another author", "POST", all, `{"body":"x","authorId":"`+w.owner.ID+`"}`, "authorId"),
			bad("edit without a version", "PATCH", one, `{"body":"x"}`, "version"),
			bad("edit to nothing", "PATCH", one, `{"body":"","version":1}`, "body.body"),
			bad("edit to null", "PATCH", one, `{"body":null,"version":1}`, "body.body"),
			bad("shows nothing", "POST", all, `{"body":"\u200b\u2060\u3164 \n"}`, "a comment needs a text"),
			bad("edit to blank", "PATCH", one, `{"body":"  ","version":1}`, "body.body"),
			bad("edit, long", "PATCH", one, `{"body":"`+long+`","version":1}`, "body.body"),
			bad("version", "PATCH", one, `{"body":"x","version":"1"}`, "body.version"),
			bad("id", "GET", "/api/comments/7", "", "uuid"),
			status(bad("unknown id", "GET", "/api/comments/"+uuid.NewString(), "", "no such comment"), 404),
			status(bad("no key", "GET", "/api/issues/7/comments", "", "no such issue"), 404),
			status(bad("no such issue", "POST", "/api/issues/MESOS-99/comments", `{"body":"x"}`, "no such issue"), 404),
			status(bad("no such project", "POST", "/api/issues/NONE-1/comments", `{"body":"x"}`, "no such issue"), 404),
			bad("limit 0", "GET", all+"?limit=0", "", "limit"),
			bad("limit 201", "GET", all+"?limit=201", "", "limit"),
			bad("sort", "GET", all+"?sort=body", "", "query.sort"),
			bad("cursor", "GET", all+"?cursor=x", "", "query.cursor"),
			bad("cursor with U+0000", "GET", all+"?cursor=%00", "", "query.cursor"),
		})
		if head(t, w) != before || count(t, w, "SELECT COUNT(*) FROM comment") != 1 {
			t.Error("something was changed")
		}
	})
}

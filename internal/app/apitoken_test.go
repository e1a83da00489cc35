package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// route is an operation of the API's description.
type route struct {
	id, method, path string
	public           bool
	body             *form // nil when there is none
}

// form is as much of JSON Schema as the document uses of it for what is required.
type form struct {
	Ref        string `json:"$ref"`
	Type       any    `json:"type"` // a name or several
	Format     string
	Pattern    string
	Enum       []any
	MinLength  int
	Minimum    float64
	Required   []string
	Properties map[string]*form
}

// operations returns all that the program serves, and the schemas by their reference.
func operations(t *testing.T) (all []route, schemas map[string]*form) {
	t.Helper()
	text, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct{ Schemas map[string]*form }
		Paths      map[string]map[string]struct {
			OperationID string
			Security    []any
			RequestBody struct {
				Content map[string]struct{ Schema *form }
			}
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method, op := range methods {
			all = append(all, route{op.OperationID, strings.ToUpper(method), path, len(op.Security) == 0, op.RequestBody.Content["application/json"].Schema})
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.id, b.id) })
	if len(all) < 30 {
		t.Fatalf("only %d operations", len(all))
	}
	return all, document.Components.Schemas
}

// example is a value that passes the validation of its form.
func example(s *form, schemas map[string]*form) any {
	if s.Ref != "" {
		s = schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	kind, _ := s.Type.(string)
	if several, ok := s.Type.([]any); ok {
		kind = fmt.Sprint(several[0])
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case kind == "object":
		o := map[string]any{}
		for _, name := range s.Required {
			o[name] = example(s.Properties[name], schemas)
		}
		return o
	case kind == "array":
		return []any{}
	case kind == "boolean":
		return true
	case kind == "integer", kind == "number":
		return s.Minimum
	case s.Format == "uuid":
		return uuid.NewString()
	case s.Format == "date-time":
		return "2100-01-01T00:00:00Z"
	case s.Format == "email":
		return "someone@example.org"
	case s.Pattern != "":
		return "NEWKEY"
	}
	return strings.Repeat("x", max(8, s.MinLength))
}

func (op route) example(t *testing.T, schemas map[string]*form) string {
	t.Helper()
	if op.body == nil {
		return ""
	}
	text, err := json.Marshal(example(op.body, schemas))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// house is an app with two projects, a note and an invite, and who made them.
type house struct {
	*app.App
	session                  map[string]string
	userID                   string
	hidden, open             string // ids of the projects
	noteID, inviteID, bobsID string
	commentID                string
}

// needles stand in everything that a token limited to the open project must not see.
const needle = "needle"

func newHouse(t *testing.T, database string) *house {
	t.Helper()
	h := &house{App: open(t, database, map[string]string{"REGISTRATION": "open"})}
	h.session, h.userID = signUp(t, h.App)
	id := func(path, body string) string {
		status, answer := basetest.Do(t, h.Handler, http.MethodPost, path, h.session, body)
		var made struct{ ID, UserID string }
		if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
			t.Fatalf("%s: %d %s %v", path, status, answer, err)
		}
		return made.ID + made.UserID
	}
	basetest.Do(t, h.Handler, http.MethodPost, "/api/auth/signup/password", nil,
		`{"email":"needle@example.org","password":"correct horse","displayName":"needle"}`)
	h.hidden = id("/api/projects", `{"key":"NEEDLE","name":"needle","description":"needle"}`)
	h.bobsID = id("/api/projects/NEEDLE/members", `{"email":"needle@example.org","role":"member"}`)
	id("/api/projects/NEEDLE/issues", `{"title":"needle","description":"needle"}`)
	h.commentID = id("/api/issues/NEEDLE-1/comments", `{"body":"needle"}`)
	h.open = id("/api/projects", `{"key":"OPEN","name":"Open"}`)
	id("/api/projects/OPEN/issues", `{"title":"Hay"}`)
	h.noteID = id("/api/notes", `{"title":"needle"}`)
	h.inviteID = id("/api/invites", `{"email":"needle2@example.org"}`)
	return h
}

// token makes an API token and returns the headers of its requests.
func (h *house) token(t *testing.T, scope string, logScopes ...string) map[string]string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": "test", "scope": scope, "logScopes": logScopes})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := basetest.Do(t, h.Handler, http.MethodPost, "/api/account/tokens", h.session, string(body))
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	return map[string]string{"Authorization": "Bearer " + made.Token}
}

// paths are the route's with names of what is hidden: all that there may be.
func (h *house) paths(t *testing.T, op route) []string {
	t.Helper()
	values := map[string][]string{
		"{scope}":    {"project:" + h.hidden, "user:" + h.userID, "org", "admin"},
		"{provider}": {"oidc"},
		"{userId}":   {h.bobsID, h.userID},
		"{id}":       {h.noteID, h.inviteID, h.commentID, h.userID, h.bobsID},
		"{key}":      {"NEEDLE"},
	}
	if strings.HasPrefix(op.path, "/api/issues/") {
		values["{key}"] = []string{"NEEDLE-1"}
	}
	if op.id == "search.find" {
		return []string{op.path + "?q=" + needle, op.path + "?q=NEEDLE-1", op.path + "?q=needle&project=NEEDLE"}
	}
	all := []string{op.path}
	for _, name := range regexp.MustCompile(`\{[^}]*\}`).FindAllString(op.path, -1) {
		if values[name] == nil {
			t.Errorf("%s: give %s values", op.path, name)
		}
		var next []string
		for _, path := range all {
			for _, value := range values[name] {
				next = append(next, strings.Replace(path, name, value, 1))
			}
		}
		all = next
	}
	return all
}

// TestReadTokensChangeNothing: all that is not a GET is refused, whatever it is.
func TestReadTokensChangeNothing(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		read := h.token(t, "read")
		all, schemas := operations(t)
		for _, op := range all {
			if op.method == http.MethodGet {
				continue
			}
			for _, path := range h.paths(t, op) {
				status, answer := basetest.Do(t, h.Handler, op.method, path, read, op.example(t, schemas))
				if status != http.StatusForbidden || !strings.Contains(answer, "may only read") {
					t.Errorf("%s: %s %s: %d %s", op.id, op.method, path, status, answer)
				}
			}
		}
	})
}

// TestTokensLeaveTheAccountAlone: no token, however far it reaches, sees or changes how
// its user signs in.
func TestTokensLeaveTheAccountAlone(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		admin := h.token(t, "admin")
		all, schemas := operations(t)
		tried := 0
		for _, op := range all {
			own := strings.HasPrefix(op.path, "/api/account") || strings.HasPrefix(op.path, "/api/auth/") ||
				op.id == "user.resetLink" // of the user's own, too
			if op.public || !own || op.id == "account.me" {
				continue
			}
			for _, path := range h.paths(t, op) {
				tried++
				status, answer := basetest.Do(t, h.Handler, op.method, path, admin, op.example(t, schemas))
				if status != http.StatusForbidden || !strings.Contains(answer, "signed in") {
					t.Errorf("%s: %s %s: %d %s", op.id, op.method, path, status, answer)
				}
			}
		}
		if tried < 10 {
			t.Errorf("only %d requests", tried)
		}
	})
}

// TestTokensMakeNoAdmin: what an admin's program may do, it may do as long as the token is
// there, and an admin whom it had made would stay.
func TestTokensMakeNoAdmin(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		admin := h.token(t, "admin")
		var open struct{ ID string }
		into(t, do(t, h.App, h.session, http.MethodPost, "/api/invites", `{"role":"admin"}`, http.StatusCreated), &open)
		why := []string{"only somebody who has signed in"}
		basetest.RunScenarios(t, h.Handler, []basetest.Scenario{
			{Name: "the role", Method: "PATCH", Path: "/api/admin/users/" + h.bobsID, Header: admin, Body: `{"role":"admin"}`, Status: 403, Has: why},
			{Name: "an invite", Method: "POST", Path: "/api/invites", Header: admin, Body: `{"role":"admin"}`, Status: 403, Has: why},
			{Name: "its new link", Method: "POST", Path: "/api/invites/" + open.ID + "/renew", Header: admin, Body: `{}`, Status: 403, Has: why},
			{Name: "an invite of a user", Method: "POST", Path: "/api/invites", Header: admin, Body: `{}`, Status: 201},
			{Name: "disable", Method: "PATCH", Path: "/api/admin/users/" + h.bobsID, Header: admin, Body: `{"disabled":true}`, Status: 200},
		})
	})
}

// TestLimitedTokensStayInside walks all operations with a token for one project and looks
// for anything of the other, and for changes. A token without a limit shows that there
// is something to find.
func TestLimitedTokensStayInside(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		limited, all := h.token(t, "write", "project:"+h.open), h.token(t, "write")
		before := h.state(t)
		operations, schemas := operations(t)
		found := map[string]bool{}
		narrowed := []string{"account.me", "project.list", "search.find"} // answered, with what is inside
		for _, op := range operations {
			for _, path := range h.paths(t, op) {
				status, answer := basetest.Do(t, h.Handler, op.method, path, limited, op.example(t, schemas))
				for _, secret := range []string{needle, "NEEDLE", h.hidden, h.noteID, h.bobsID, h.inviteID, h.commentID} {
					if strings.Contains(answer, secret) {
						t.Errorf("%s: %s %s shows %s: %d %s", op.id, op.method, path, secret, status, answer)
					}
				}
				if !op.public && status != http.StatusForbidden && status != http.StatusNotFound && !slices.Contains(narrowed, op.id) {
					t.Errorf("%s: %s %s: %d %s", op.id, op.method, path, status, answer)
				}
				if op.method == http.MethodGet {
					_, answer := basetest.Do(t, h.Handler, op.method, path, all, "")
					found[op.id] = found[op.id] || strings.Contains(answer, needle)
				}
			}
		}
		if after := h.state(t); after != before {
			t.Errorf("before %s\nafter %s", before, after)
		}
		want := []string{"comment.get", "comment.list", "issue.get", "issue.list", "live.sync", "member.list", "note.get", "note.list", "project.get", "project.list", "search.find"}
		for _, id := range want {
			if !found[id] {
				t.Errorf("%s shows nothing even without a limit", id)
			}
		}
	})
}

// state is all that the user can see, and so what must not change.
func (h *house) state(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, scope := range []string{"project:" + h.hidden, "project:" + h.open, "user:" + h.userID, "org"} {
		_, answer := basetest.Do(t, h.Handler, http.MethodGet, "/api/sync/"+scope, h.session, "")
		all.WriteString(answer)
	}
	for _, path := range []string{"/api/invites", "/api/issues/NEEDLE-1/comments"} {
		_, answer := basetest.Do(t, h.Handler, http.MethodGet, path, h.session, "")
		all.WriteString(answer)
	}
	return all.String()
}

// TestLimitedTokensWorkInside: within its limit a token does what its user may.
func TestLimitedTokensWorkInside(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		one := h.token(t, "write", "project:"+h.open, "project:"+uuid.NewString(), "user:"+h.bobsID)
		mine := h.token(t, "write", "user:"+h.userID)
		both := h.token(t, "read", "project:"+h.open, "project:"+h.hidden)
		basetest.RunScenarios(t, h.Handler, []basetest.Scenario{
			{Name: "projects", Path: "/api/projects", Header: one, Status: 200, Has: []string{`"key":"OPEN"`, `"nextCursor":null`}, HasNot: []string{"NEEDLE"}},
			{Name: "project", Path: "/api/projects/OPEN", Header: one, Status: 200},
			{Name: "issue", Method: "POST", Path: "/api/projects/OPEN/issues", Header: one, Body: `{"title":"More hay"}`, Status: 201},
			{Name: "change", Method: "PATCH", Path: "/api/issues/OPEN-1", Header: one, Body: `{"title":"Straw"}`, Status: 200},
			{Name: "comment", Method: "POST", Path: "/api/issues/OPEN-1/comments", Header: one, Body: `{"body":"Dry"}`, Status: 201},
			{Name: "a parent outside", Method: "PATCH", Path: "/api/issues/OPEN-1", Header: one, Body: `{"parentId":"` + h.hidden + `"}`, Status: 422},
			{Name: "members", Path: "/api/projects/OPEN/members", Header: one, Status: 200},
			{Name: "snapshot", Path: "/api/sync/project:" + h.open, Header: one, Status: 200, Has: []string{"Straw"}},
			{Name: "delta", Path: "/api/sync/project:" + h.open + "?since=0", Header: one, Status: 200, Has: []string{"Straw"}},
			{Name: "another's scope", Path: "/api/sync/user:" + h.bobsID, Header: one, Status: 404},
			{Name: "people", Path: "/api/sync/org", Header: one, Status: 404},
			{Name: "new project", Method: "POST", Path: "/api/projects", Header: one, Body: `{"key":"NEW","name":"New"}`, Status: 403, Has: []string{"limited"}},
			{Name: "notes", Path: "/api/notes", Header: mine, Status: 200, Has: []string{needle}},
			{Name: "no projects", Path: "/api/projects", Header: mine, Status: 200, Has: []string{`{"items":[],"nextCursor":null}`}},
			{Name: "own scope", Path: "/api/sync/user:" + h.userID, Header: mine, Status: 200, Has: []string{needle}},
			{Name: "first page", Path: "/api/projects?limit=1", Header: both, Status: 200, Has: []string{`"key":"NEEDLE"`, `"nextCursor":"NEEDLE"`}, HasNot: []string{"OPEN"}},
			{Name: "last page", Path: "/api/projects?limit=1&cursor=NEEDLE", Header: both, Status: 200, Has: []string{`"key":"OPEN"`, `"nextCursor":null`}, HasNot: []string{"NEEDLE"}},
		})
		for who, want := range map[string][]string{"one": {"project:" + h.open}, "mine": {"user:" + h.userID}} {
			header := map[string]map[string]string{"one": one, "mine": mine}[who]
			if got := h.heads(t, header); !slices.Equal(got, want) {
				t.Errorf("the stream of %s follows %v", who, got)
			}
		}
	})
}

// heads are the scopes that a stream follows.
func (h *house) heads(t *testing.T, header map[string]string) []string {
	t.Helper()
	server := httptest.NewServer(h.Handler)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", header["Authorization"])
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var first struct{ Scopes map[string]int64 }
			if err := json.Unmarshal([]byte(text), &first); err != nil {
				t.Fatal(err)
			}
			return slices.Sorted(maps.Keys(first.Scopes))
		}
	}
	return nil
}

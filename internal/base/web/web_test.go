package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/web"
)

type empty struct{}

// failing serves an operation that returns err, and the log it writes.
func failing(err error) (http.Handler, *bytes.Buffer) {
	log := new(bytes.Buffer)
	api := web.New(slog.New(slog.NewJSONHandler(log, nil)), nil)
	web.Handle(api, web.Op("thing.get", "GET /api/thing", 200),
		func(context.Context, *empty) (*empty, error) {
			if err == nil {
				panic("boom")
			}
			return nil, err
		})
	return api.Handler(), log
}

func TestEveryKindHasAStatus(t *testing.T) {
	t.Parallel()
	for kind, want := range map[errs.Kind]int{
		errs.Internal: 500, errs.Invalid: 422, errs.Unauthorized: 401, errs.Forbidden: 403, errs.NotFound: 404,
		errs.Conflict: 409, errs.TooLarge: 413, errs.RateLimited: 429, errs.Unavailable: 503,
	} {
		h, _ := failing(errs.New(kind, "says why"))
		status, answer := basetest.Do(t, h, "GET", "/api/thing", nil, "")
		if status != want || !strings.Contains(answer, "says why") {
			t.Errorf("kind %d: %d %s", kind, status, answer)
		}
	}
}

// TestForeignTextStaysInTheLog: a driver's text reaches the log and nobody else.
func TestForeignTextStaysInTheLog(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"foreign":  errors.New("pq: relation secret_table"),
		"as cause": errs.From(errors.New("pq: relation secret_table"), errs.Conflict, "already exists"),
		"panic":    nil,
	} {
		h, log := failing(err)
		status, answer := basetest.Do(t, h, "GET", "/api/thing", nil, "")
		if strings.Contains(answer, "secret_table") || strings.Contains(answer, "boom") {
			t.Errorf("%s: the client sees %s", name, answer)
		}
		if status == 500 && !strings.Contains(log.String(), "secret_table") && !strings.Contains(log.String(), "boom") {
			t.Errorf("%s: the log lacks the cause: %s", name, log)
		}
		if status != 500 && status != 409 {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

func TestOneLinePerRequest(t *testing.T) {
	t.Parallel()
	h, log := failing(errs.New(errs.NotFound, "no"))
	basetest.Do(t, h, "GET", "/api/thing", nil, "")
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), `"status":404`) {
		t.Errorf("%d lines: %s", lines, log)
	}
}

func TestHiddenInputIsRefused(t *testing.T) {
	t.Parallel()
	type hidden struct{ empty } //nolint:unused // that huma does not see it is the point
	defer func() {
		if recover() == nil {
			t.Error("registered")
		}
	}()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	web.Handle(api, web.Op("x.get", "GET /api/x", 200),
		func(context.Context, *hidden) (*empty, error) { return nil, nil })
}

type thing struct {
	Title string   `json:"title" maxLength:"20"`
	Parts []string `json:"parts,omitempty"`
	Count int      `json:"count,omitempty"`
	Other any      `json:"other,omitempty"`
}

// echo serves an operation that answers with its input.
func echo() http.Handler {
	api := web.New(slog.New(slog.DiscardHandler), nil)
	type io struct{ Body thing }
	web.Handle(api, web.Op("thing.put", "PUT /api/thing", 200), func(_ context.Context, in *io) (*io, error) { return in, nil })
	return api.Handler()
}

// TestBodiesAreRefusedByName: whatever is wrong with a body, the answer names the
// place, and does not repeat the value.
// TestBodiesOfOneName: two packages may call their inputs alike, as these functions do.
// The second use of the second would be validated by the rules of the first.
func TestBodiesOfOneName(t *testing.T) {
	t.Parallel()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	add := func(id string, register func(op web.Operation)) (refused bool) {
		defer func() { refused = recover() != nil }()
		register(web.Op(id, "POST /api/"+id, 200))
		return false
	}
	one := func(op web.Operation) {
		type codeInput struct {
			Body struct{ Code string }
		}
		web.Handle(api, op, func(context.Context, *codeInput) (*empty, error) { return nil, nil })
	}
	another := func(op web.Operation) {
		type codeInput struct {
			Body struct {
				Code string `maxLength:"6"`
			}
		}
		web.Handle(api, op, func(context.Context, *codeInput) (*empty, error) { return nil, nil })
	}
	for _, c := range []struct {
		id       string
		register func(op web.Operation)
		refused  bool
	}{{"one.first", one, false}, {"one.second", one, false}, {"another.first", another, false}, {"another.second", another, true}} {
		if refused := add(c.id, c.register); refused != c.refused {
			t.Errorf("%s: refused %t", c.id, refused)
		}
	}
}

func TestBodiesAreRefusedByName(t *testing.T) {
	t.Parallel()
	at := func(place, message string) []string {
		return []string{`"location":"` + place + `","message":"` + message}
	}
	refused := func(name, body string, status int, has []string) basetest.Scenario {
		return basetest.Scenario{Name: name, Method: "PUT", Path: "/api/thing", Body: body, Status: status, Has: has, HasNot: []string{"secret", "goroutine", "Go value"}}
	}
	basetest.RunScenarios(t, echo(), []basetest.Scenario{
		refused("empty", ``, 400, at("body", "request body is required")),
		refused("null", `null`, 422, at("body", "expected object")),
		refused("a list", `["secret"]`, 422, at("body", "expected object")),
		refused("a text", `"secret"`, 422, at("body", "expected object")),
		refused("no JSON", `{"title":"secret`, 400, at("body", "unexpected end of JSON input")),
		refused("two values", `{"title":"secret"}{}`, 400, at("body", "invalid character '{' after top-level value")),
		refused("not UTF-8", "{\"title\":\"secret\xff\"}", 400, at("body", "the body is not valid UTF-8")),
		refused("nothing", `{}`, 422, at("body.title", "is required")),
		refused("null inside", `{"title":null}`, 422, at("body.title", "expected string")),
		refused("a list inside", `{"title":["secret"]}`, 422, at("body.title", "expected string")),
		refused("in capitals", `{"title":"x","TITLE":"secret"}`, 422, at("body.TITLE", "unexpected property")),
		refused("an unknown one", `{"title":"x","size":"secret"}`, 422, at("body.size", "unexpected property")),
		refused("too long", `{"title":"secret secret secret secret"}`, 422, at("body.title", "expected length <= 20")),
		refused("a part", `{"title":"x","parts":["a",7]}`, 422, at("body.parts[1]", "expected string")),
		refused("a fraction", `{"title":"x","count":1.5}`, 422, at("body.count", "expected integer")),
		refused("a number that fits nowhere", `{"title":"x","count":99999999999999999999}`, 422, at("body.count", "the value does not fit")),
		refused("a number beyond all numbers", `{"title":"x","other":[1,{"a":1e999 }],"count":1}`, 400, at("body.other[1].a", "the value does not fit")),
		refused("U+0000", `{"title":"\u0000secret"}`, 400, at("body.title", "must not contain the character U+0000")),
		refused("a lone surrogate", `{"title":"secret\ud800"}`, 400, at("body.title", "must not contain the character U+0000 or half of a surrogate pair")),
		refused("one deep inside", `{"title":"x","other":{"a":[1,{"b":"\uDC00"}]}}`, 400, at("body.other.a[1].b", "must not contain")),
		refused("one in a name", `{"title":"x","other":{"\ud800":1}}`, 400, at("body.other", "must not contain")),
		refused("one in an unknown name", `{"title":"x","\ud800":1}`, 400, at("body", "must not contain")),
		refused("too large", `{"title":"`+strings.Repeat("x", web.MaxBody)+`"}`, 413, at("body", "request body is too large")),
		{Name: "a pair", Method: "PUT", Path: "/api/thing", Body: `{"title":"\ud83d\ude00 \\ud800 \ufffd"}`, Status: 200, Has: []string{`"title":"😀 \\ud800 ` + "\ufffd"}},
	})
}

// TestAddressesAreKeepable: what stands in an address is text that a database can keep.
func TestAddressesAreKeepable(t *testing.T) {
	t.Parallel()
	h, _ := failing(errs.New(errs.Conflict, "reached"))
	get := func(query string, status int, has string) basetest.Scenario {
		return basetest.Scenario{Name: query, Path: "/api/thing" + query, Status: status, Has: []string{has}}
	}
	basetest.RunScenarios(t, h, []basetest.Scenario{
		get("", 409, "reached"),
		get("?q=%C3%A9&r=%25", 409, "reached"),
		get("?q=a%00", 422, `"location":"query.q"`),
		get("?q=1&q=a%ff", 422, `"location":"query.q"`),
		get("?q=a\xff", 422, `"location":"query.q"`),
		get("?a%00=1", 422, `"location":"query.`),
		get("?q=50%", 422, `"location":"query"`),
		get("?q=a%20;b", 422, `"location":"query"`),
		get("%00", 404, "no such path"),
		get("%ff", 404, "no such path"),
	})
}

// TestMethods: a path that is known refuses another method and says which it takes, and
// HEAD works where GET does.
func TestMethods(t *testing.T) {
	t.Parallel()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	type none struct{}
	type in struct {
		ID string `path:"id"`
	}
	web.Handle(api, web.Op("thing.list", "GET /api/things", 200), func(context.Context, *none) (*struct{ Body thing }, error) {
		return new(struct{ Body thing }), nil
	})
	web.Handle(api, web.Op("thing.create", "POST /api/things", 201), func(context.Context, *none) (*none, error) { return nil, nil })
	web.Handle(api, web.Op("thing.delete", "DELETE /api/things/{id}", 204), func(context.Context, *in) (*none, error) { return nil, nil })
	web.Handle(api, web.Op("thing.update", "PATCH /api/things/{id}", 204), func(context.Context, *in) (*none, error) { return nil, nil })
	api.Stream("health.text", "GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	if err := api.Assets(fstest.MapFS{"index.html": {Data: []byte("<html>")}}); err != nil {
		t.Fatal(err)
	}
	h := api.Handler()
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/things", 200, ""},
		{"HEAD", "/api/things", 200, ""},
		{"POST", "/api/things", 201, ""},
		{"PUT", "/api/things", 405, "GET, HEAD, POST"},
		{"OPTIONS", "/api/things", 405, "GET, HEAD, POST"},
		{"BREW", "/api/things", 405, "GET, HEAD, POST"},
		{"DELETE", "/api/things/7", 204, ""},
		{"GET", "/api/things/7", 405, "PATCH, DELETE"},
		{"HEAD", "/api/things/7", 405, "PATCH, DELETE"},
		{"GET", "/api/things/7/parts", 404, ""},
		{"POST", "/api/nowhere", 404, ""},
		{"HEAD", "/api/nowhere", 404, ""},
		{"GET", "/api/", 404, ""},
		{"GET", "/api", 404, ""},
		{"HEAD", "/api/openapi.json", 200, ""},
		{"POST", "/api/openapi.json", 405, "GET, HEAD"},
		{"HEAD", "/health", 200, ""},
		{"POST", "/health", 405, "GET, HEAD"},
		{"HEAD", "/login", 200, ""},
		{"POST", "/login", 405, "GET, HEAD"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		if kind := w.Header().Get("Content-Type"); c.status >= 400 && (kind != "application/problem+json" ||
			!strings.Contains(w.Body.String(), fmt.Sprintf(`"status":%d,"title":`, c.status))) {
			t.Errorf("%s %s: %s %s", c.method, c.path, kind, w.Body)
		}
	}
}

package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/web"
)

type (
	wheel struct {
		Name string `json:"name" doc:"<b>what</b> it is called"`
	}
	wagon struct {
		Parts []wheel `json:"parts" nullable:"false"`
		Owner *string `json:"owner" format:"uuid"`
	}
	makeWagon struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Size  int    `json:"size" minimum:"1" maximum:"9"`
			Color string `json:"color,omitempty" enum:"red,blue" default:"red"`
			Name  string `json:"name,omitempty" maxLength:"20"`
		}
	}
	wagonOutput struct{ Body wagon }
)

func TestDocs(t *testing.T) {
	t.Parallel()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	op := web.Signed(web.Op("thing.make", "POST /api/things/{id}", 201))
	op.Summary = "Makes a <thing>"
	web.Handle(api, op, func(context.Context, *makeWagon) (*wagonOutput, error) { return nil, nil })
	web.Handle(api, web.Op("thing.list", "GET /api/things", 204), func(context.Context, *empty) (*empty, error) { return nil, nil })
	page, header := docs(t, api)
	text := regexp.MustCompile(`\s+`).ReplaceAllString(page, " ")
	for _, want := range []string{
		`<code>POST /api/things/{id}</code> <span class="soft">signed in</span></h3>`,
		`<code>GET /api/things</code></h3>`,
		`Makes a &lt;thing&gt;`,
		`<dt><code>id</code> <span class="soft">path</span></dt> <dd>uuid, required</dd>`,
		`<dt><code>size</code> <span class="soft">body</span></dt> <dd>integer, 1 to 9, required</dd>`,
		`<dt><code>color</code> <span class="soft">body</span></dt> <dd>one of red, blue; red when left out</dd>`,
		`<dd>string, at most 20 characters</dd>`,
		`<dd>string, at most 64 characters: <span class="soft">the client&#39;s id for the mutation`,
		`<dt><code>201</code></dt> <dd><a href="#form-Wagon">Wagon</a></dd>`,
		`<dt><code>parts</code></dt> <dd>list of <a href="#form-Wheel">Wheel</a>, required</dd>`,
		`<dt><code>owner</code></dt> <dd>uuid or null, required</dd>`,
		`&lt;b&gt;what&lt;/b&gt; it is called`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	policy := header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "script") {
		t.Error(policy)
	}
	for _, tag := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "://"} {
		if strings.Contains(page, tag) {
			t.Errorf("the page has %s", tag)
		}
	}
}

// TestDocsLinksLeadSomewhere: every link of the page has its target on it, once.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	web.Handle(api, web.Op("thing.make", "POST /api/things/{id}", 201), func(context.Context, *makeWagon) (*wagonOutput, error) { return nil, nil })
	page, _ := docs(t, api)
	var ids []string
	for _, found := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if slices.Contains(ids, found[1]) {
			t.Errorf("two are called %s", found[1])
		}
		ids = append(ids, found[1])
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	for _, found := range links {
		if !slices.Contains(ids, found[1]) {
			t.Errorf("%s is not there", found[1])
		}
	}
	if len(links) < 3 {
		t.Errorf("only %d links", len(links))
	}
}

func docs(t *testing.T, api *web.API) (page string, header http.Header) {
	t.Helper()
	w := httptest.NewRecorder()
	api.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/docs", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatal(w.Code, err)
	}
	return string(text), w.Result().Header
}

package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/peisear/peisear/internal/base/web"
)

// TestAssets: the page's files come in the form that the browser can read, and not at all
// when it holds them.
func TestAssets(t *testing.T) {
	t.Parallel()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	err := api.Assets(fstest.MapFS{
		"index.html":         {Data: []byte("<html>")},
		"assets/a-1.js":      {Data: []byte("plain")},
		"assets/a-1.js.br":   {Data: []byte("packed")},
		"assets/small-1.css": {Data: []byte("small")},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := api.Handler()
	get := func(path string, header ...string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	tags := map[string]string{}
	for accept, coding := range map[string]string{
		"": "", "br": "br", "gzip, br;q=0.5": "br", "*": "br", "br;q=0": "", "identity, br;q=0.5": "", "brotli": "", "gzip": "", "*;q=0": "",
	} {
		answer := get("/assets/a-1.js", "Accept-Encoding", accept)
		text, err := io.ReadAll(answer.Body)
		if err != nil || string(text) != map[string]string{"": "plain", "br": "packed"}[coding] ||
			answer.Header.Get("Content-Encoding") != coding || answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %s %v %v", accept, text, answer.Header, err)
		}
		tags[coding] = answer.Header.Get("ETag")
	}
	if tags[""] == tags["br"] {
		t.Errorf("both forms are called %s", tags[""])
	}
	for name, answer := range map[string]*http.Response{
		"a list of tags":     get("/assets/a-1.js", "If-None-Match", `"x", W/`+tags[""]),
		"any":                get("/assets/a-1.js", "If-None-Match", "*"),
		"the packed form":    get("/assets/a-1.js", "If-None-Match", tags["br"], "Accept-Encoding", "br"),
		"in a second header": get("/assets/a-1.js", "If-None-Match", tags["br"], "Accept-Encoding", "gzip", "Accept-Encoding", "br"),
	} {
		if answer.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
	if answer := get("/assets/a-1.js", "If-None-Match", tags["br"]); answer.StatusCode != http.StatusOK {
		t.Errorf("the other form's tag: %d", answer.StatusCode)
	}
	if answer := get("/assets/small-1.css", "Accept-Encoding", "br"); answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Encoding") != "" {
		t.Errorf("what was not packed: %d %v", answer.StatusCode, answer.Header)
	}
}

// TestAssetsKeptPacked: the plain form of a file is made from the .gz when somebody asks.
func TestAssetsKeptPacked(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("plain")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	api := web.New(slog.New(slog.DiscardHandler), nil)
	err := api.Assets(fstest.MapFS{
		"index.html":       {Data: []byte("<html>")},
		"assets/a-1.js.gz": {Data: packed.Bytes()},
		"assets/a-1.js.br": {Data: []byte("packed")},
		"assets/b-1.js.gz": {Data: []byte("no gzip")},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, accept string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	for accept, coding := range map[string]string{
		"": "", "gzip": "gzip", "gzip, deflate": "gzip", "gzip, deflate, br": "br", "gzip;q=0.5, br;q=0.4": "gzip", "*;q=0": "",
	} {
		answer := get("/assets/a-1.js", accept)
		text, err := io.ReadAll(answer.Body)
		if err != nil || string(text) != map[string]string{"": "plain", "gzip": packed.String(), "br": "packed"}[coding] ||
			answer.Header.Get("Content-Encoding") != coding || answer.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%q: %q %v %v", accept, text, answer.Header, err)
		}
	}
	if answer := get("/assets/b-1.js", ""); answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("what is not packed as it says: %d", answer.StatusCode)
	}
}

// TestWorker: the service worker is asked for anew each time, may load the app's files
// and nothing else, and is no page where there is none.
func TestWorker(t *testing.T) {
	t.Parallel()
	get := func(files fstest.MapFS) *http.Response {
		api := web.New(slog.New(slog.DiscardHandler), nil)
		if err := api.Assets(files); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sw.js", nil))
		return w.Result()
	}
	index := &fstest.MapFile{Data: []byte("<html>")}
	answer := get(fstest.MapFS{"index.html": index, "sw.js": {Data: []byte("self")}})
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-cache",
		"Content-Security-Policy": "default-src 'none'; connect-src 'self'",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if answer := get(fstest.MapFS{"index.html": index}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("without one: %d", answer.StatusCode)
	}
}

package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// receiver is an OpenTelemetry collector, as far as OTLP over HTTP goes.
type receiver struct {
	mu     sync.Mutex
	spans  []*tracepb.Span
	about  map[string]string // the resource
	keys   []string          // that requests carried
	refuse int               // so many requests first
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	message := new(tracepb.TracesData) // as ExportTraceServiceRequest on the wire, whose package brings gRPC
	if err != nil || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, message) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, q.Header.Get("X-Key"))
	if r.refuse > 0 {
		r.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, resource := range message.GetResourceSpans() {
		r.about = map[string]string{}
		for _, a := range resource.GetResource().GetAttributes() {
			r.about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, s := range resource.GetScopeSpans() {
			r.spans = append(r.spans, s.GetSpans()...)
		}
	}
}

// named returns the only span of a name.
func (r *receiver) named(t *testing.T, name string) *tracepb.Span {
	t.Helper()
	var found []*tracepb.Span
	for _, s := range r.spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %s", len(found), name)
	}
	return found[0]
}

func attribute(s *tracepb.Span, key string) (text string, number int64) {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue(), a.GetValue().GetIntValue()
		}
	}
	return "", 0
}

// TestTraces: a request is a span inside of its caller's, and what it reads and writes
// are inside of it. A collector that is not ready is asked again.
func TestTraces(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		r := &receiver{refuse: 1}
		server := httptest.NewServer(r)
		defer server.Close()
		a, err := app.New(t.Context(), config(t, database, map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL + "/", "OTEL_EXPORTER_OTLP_HEADERS": "X-Key=a%20key",
		}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ann, _ := signUp(t, a)
		ann["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		basetest.Do(t, a.Handler, "POST", "/api/notes", ann, `{"title":"one"}`)
		basetest.Do(t, a.Handler, "GET", "/api/notes", ann, "")
		delete(ann, "traceparent")
		basetest.Do(t, a.Handler, "GET", "/api/health", nil, "")
		if err := a.Close(); err != nil { // sends what is left
			t.Fatal(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.keys) < 2 || r.keys[0] != "a key" || r.about["service.name"] != "peisear" || r.about["service.version"] == "" {
			t.Errorf("keys %v, about %v", r.keys, r.about)
		}
		r.wantInside(t, r.named(t, "note.create"))
	})
}

// wantInside looks at the span of a write, and at what is inside of it.
func (r *receiver) wantInside(t *testing.T, create *tracepb.Span) {
	t.Helper()
	if _, status := attribute(create, "http.response.status_code"); status != http.StatusCreated || create.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
		t.Errorf("%v", create)
	}
	if string(create.GetTraceId()) != "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c" || string(create.GetParentSpanId()) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
		t.Errorf("not inside of its caller's: %x %x", create.GetTraceId(), create.GetParentSpanId())
	}
	if health := r.named(t, "health.get"); string(health.GetTraceId()) == string(create.GetTraceId()) || len(health.GetParentSpanId()) > 0 {
		t.Errorf("%v", health)
	}
	inside := map[string]int{}
	for _, s := range r.spans {
		if string(s.GetParentSpanId()) == string(create.GetSpanId()) {
			inside[s.GetName()]++
			if _, batch := attribute(s, "peisear.batch"); s.GetName() == "db.write" && batch != 1 {
				t.Errorf("batch %d", batch)
			}
		}
	}
	if inside["db.write"] != 1 {
		t.Errorf("inside of a write: %v", inside)
	}
}

// TestSilentCollector: the app does not mind one that is not there.
func TestSilentCollector(t *testing.T) {
	t.Parallel()
	a := open(t, "sqlite://"+filepath.Join(t.TempDir(), "app.db"), map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/x"})
	ann, _ := signUp(t, a)
	if status, _ := basetest.Do(t, a.Handler, "POST", "/api/notes", ann, `{"title":"one"}`); status != http.StatusCreated {
		t.Errorf("status %d", status)
	}
}

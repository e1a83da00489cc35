package trace

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// key is of any value in a context.
type key struct{ n int }

// TestNobodyTraces: without a collector nothing is begun, and nothing allocated.
func TestNobodyTraces(t *testing.T) {
	ctx := context.WithValue(t.Context(), key{1}, 1)
	inner, span := Start(ctx, "x")
	span.Text("a", "b")
	span.End()
	if inner != ctx || span.On() || span.ID() != "" {
		t.Error("a span of nobody")
	}
	if n := testing.AllocsPerRun(100, func() {
		_, span := Start(ctx, "x")
		span.Number("a", 1)
		span.Wrong("b")
		span.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTransport: a request to another server is a span inside of what it is made for, and
// the other server is told nothing of it.
func TestTransport(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var spans []*tracepb.Span
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		data := new(tracepb.TracesData)
		if err := proto.Unmarshal(body, data); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range data.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				spans = append(spans, ss.GetSpans()...)
			}
		}
	}))
	defer collector.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("traceparent") != "" {
			t.Error("the other server is told")
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	tracer := New(Collector{Address: collector.URL}, slog.New(slog.DiscardHandler))
	client := &http.Client{Transport: Transport(http.DefaultTransport)}
	ask := func(ctx context.Context) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, other.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := client.Do(r); err == nil {
			answer.Body.Close()
		}
	}
	ctx, span := tracer.Request(t.Context(), nil, "outer")
	ask(ctx)
	ask(t.Context()) // of nobody
	other.Close()
	ask(ctx) // no answer
	span.End()
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(spans) != 3 {
		t.Fatalf("%d spans", len(spans))
	}
	outer := spans[2]
	for _, s := range spans[:2] {
		if s.GetKind() != tracepb.Span_SPAN_KIND_CLIENT || string(s.GetParentSpanId()) != string(outer.GetSpanId()) {
			t.Errorf("%v", s)
		}
	}
	if spans[0].GetStatus().GetCode() != tracepb.Status_STATUS_CODE_UNSET || spans[1].GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Errorf("%v, %v", spans[0].GetStatus(), spans[1].GetStatus())
	}
}

// BenchmarkNobodyTraces is what a place that could make a span costs when nobody traces.
func BenchmarkNobodyTraces(b *testing.B) {
	ctx := b.Context()
	ctx = context.WithValue(context.WithValue(ctx, key{1}, 1), key{2}, 2) // as in a request
	ctx = context.WithValue(context.WithValue(ctx, key{3}, 3), key{4}, 4)
	for b.Loop() {
		_, span := Start(ctx, "x")
		span.End()
	}
}

// Package trace sends traces to an OpenTelemetry collector, by OTLP over HTTP. A request
// is a span, and what it does inside are spans of its own: reads, writes, requests to
// other servers. Without a collector there are no spans, and Start costs a look into the
// context.
//
// It makes OpenTelemetry's messages by itself: the SDK would be 1.2 MB of the program,
// and 3.4 MB with its exporter over HTTP, which brings gRPC.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Spans are sent when there are so many, or after a while; beyond the queue they are lost.
const (
	maxQueue  = 2048
	maxBatch  = 512
	sendEvery = 5 * time.Second
)

// Collector is where traces go, and what they say about this program.
type Collector struct {
	Address    string            // of its traces, https://collector.example.org/v1/traces
	Headers    map[string]string // of each request, say a key
	Attributes map[string]string // of the program, as service.name
	Sampler    Sampler
}

// Tracer makes the spans of requests, which all others are inside of. Close it.
type Tracer struct {
	client  *client
	about   *resourcepb.Resource
	sampler Sampler
	ended   chan *tracepb.Span
	quit    chan struct{}
	done    chan struct{}
	close   sync.Once
}

// New returns a tracer to a collector.
func New(to Collector, logger *slog.Logger) *Tracer {
	t := &Tracer{
		client: newClient(to, logger), about: new(resourcepb.Resource), sampler: to.Sampler,
		ended: make(chan *tracepb.Span, maxQueue), quit: make(chan struct{}), done: make(chan struct{}),
	}
	for name, value := range to.Attributes {
		t.about.Attributes = append(t.about.Attributes, text(name, value))
	}
	go t.run()
	return t
}

// run sends what has ended until Close, and then the rest.
func (t *Tracer) run() {
	defer close(t.done)
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	var batch []*tracepb.Span
	for {
		select {
		case s := <-t.ended:
			if batch = append(batch, s); len(batch) < maxBatch {
				continue
			}
		case <-tick.C:
		case <-t.quit:
			for len(t.ended) > 0 {
				batch = append(batch, <-t.ended)
			}
			t.send(batch)
			return
		}
		t.send(batch)
		batch = nil
	}
}

func (t *Tracer) send(batch []*tracepb.Span) {
	if len(batch) == 0 {
		return
	}
	t.client.upload(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   t.about,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "peisear"}, Spans: batch}},
	}}})
}

// Close sends what is left, as long as ctx lets it.
func (t *Tracer) Close(ctx context.Context) error {
	t.close.Do(func() { close(t.quit) })
	select {
	case <-t.done:
	case <-ctx.Done():
		t.client.giveUp()
		<-t.done
	}
	t.client.http.CloseIdleConnections()
	return nil
}

// Span is something that takes time, of one goroutine; the zero Span is of nobody.
type Span struct {
	tracer *Tracer
	data   *tracepb.Span
}

type spanKey struct{}

// Request begins the span of a request that we serve, inside of the caller's where it
// names one by the header traceparent (W3C).
func (t *Tracer) Request(ctx context.Context, header http.Header, name string) (context.Context, Span) {
	return t.begin(ctx, callerOf(header), name, tracepb.Span_SPAN_KIND_SERVER)
}

// Work begins a span that is inside of no other: of what nobody waits for.
func (t *Tracer) Work(ctx context.Context, name string) (context.Context, Span) {
	return t.begin(ctx, caller{}, name, tracepb.Span_SPAN_KIND_INTERNAL)
}

func (t *Tracer) begin(ctx context.Context, from caller, name string, kind tracepb.Span_SpanKind) (context.Context, Span) {
	if from.trace == nil {
		from.trace = random(16)
	}
	if !t.sampler.takes(from) {
		return context.WithValue(ctx, spanKey{}, Span{}), Span{}
	}
	return t.span(ctx, &tracepb.Span{
		TraceId: from.trace, ParentSpanId: from.span, TraceState: from.state, Name: name, Kind: kind,
	})
}

func (t *Tracer) span(ctx context.Context, data *tracepb.Span) (context.Context, Span) {
	data.SpanId, data.StartTimeUnixNano = random(8), uint64(time.Now().UnixNano())
	s := Span{t, data}
	return context.WithValue(ctx, spanKey{}, s), s
}

// Start begins a span inside of the context's, and none where there is none.
func Start(ctx context.Context, name string) (context.Context, Span) {
	return start(ctx, name, tracepb.Span_SPAN_KIND_INTERNAL)
}

func start(ctx context.Context, name string, kind tracepb.Span_SpanKind) (context.Context, Span) {
	parent, _ := ctx.Value(spanKey{}).(Span)
	if !parent.On() {
		return ctx, Span{}
	}
	return parent.tracer.span(ctx, &tracepb.Span{
		TraceId: parent.data.TraceId, ParentSpanId: parent.data.SpanId, TraceState: parent.data.TraceState, Name: name, Kind: kind,
	})
}

// On reports whether anybody will see the span.
func (s Span) On() bool { return s.data != nil }

// ID is the id of the trace, "" when nobody will see it.
func (s Span) ID() string {
	if !s.On() {
		return ""
	}
	return hex.EncodeToString(s.data.TraceId)
}

// Name gives the span another name.
func (s Span) Name(name string) {
	if s.On() {
		s.data.Name = name
	}
}

// Text notes something about the span.
func (s Span) Text(key, value string) {
	if s.On() {
		s.data.Attributes = append(s.data.Attributes, text(key, value))
	}
}

// Number notes a number about the span.
func (s Span) Number(key string, value int) {
	if s.On() {
		number := &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(value)}}
		s.data.Attributes = append(s.data.Attributes, &commonpb.KeyValue{Key: key, Value: number})
	}
}

// Wrong says what has gone wrong, in words that hold no data of users.
func (s Span) Wrong(text string) {
	if s.On() {
		s.data.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: text}
	}
}

// End ends the span: nothing is said about it any more.
func (s Span) End() {
	if !s.On() {
		return
	}
	s.data.EndTimeUnixNano = uint64(time.Now().UnixNano())
	select {
	case s.tracer.ended <- s.data:
	default: // more than the collector takes
	}
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func random(n int) []byte {
	id := make([]byte, n)
	_, _ = rand.Read(id) // it never errs
	return id
}

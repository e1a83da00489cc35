// Package trace sends traces to an OpenTelemetry collector, by OTLP over HTTP. A request
// is a span, and what it does inside are spans of its own: reads, writes, requests to
// other servers. Without a collector there are no spans, and Start costs a look into the
// context.
package trace

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope is who makes our spans.
const scope = "github.com/peisear/peisear"

// Tracer makes the spans of requests, which all others are inside of. Close it.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New returns a tracer to a collector. Names, sampling and queues follow the standard
// variables of the environment: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_TRACES_SAMPLER, OTEL_BSP_…
func New(ctx context.Context, to Collector, version string, logger *slog.Logger) (*Tracer, error) {
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "peisear"),
			attribute.String("service.version", version),
			attribute.String("service.instance.id", uuid.NewString()),
		),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, newClient(to, logger))
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(exporter))
	return &Tracer{provider: provider, tracer: provider.Tracer(scope)}, nil
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Span is something that takes time; the zero Span is of nobody.
type Span struct{ span trace.Span }

// Request begins the span of a request that we serve, inside of the caller's where it
// names one by the header traceparent (W3C).
func (t *Tracer) Request(ctx context.Context, header propagation.TextMapCarrier, name string) (context.Context, Span) {
	ctx = propagation.TraceContext{}.Extract(ctx, header)
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, Span{span}
}

// Work begins a span that is inside of no other: of what nobody waits for.
func (t *Tracer) Work(ctx context.Context, name string) (context.Context, Span) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithNewRoot())
	return ctx, Span{span}
}

// Start begins a span inside of the context's, and none where there is none.
func Start(ctx context.Context, name string) (context.Context, Span) {
	return start(ctx, name, trace.SpanKindInternal)
}

func start(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// On reports whether anybody will see the span.
func (s Span) On() bool { return s.span != nil && s.span.IsRecording() }

// ID is the id of the trace, "" when nobody will see it.
func (s Span) ID() string {
	if !s.On() {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Name gives the span another name.
func (s Span) Name(name string) {
	if s.On() {
		s.span.SetName(name)
	}
}

// Text notes something about the span.
func (s Span) Text(key, value string) {
	if s.On() {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number notes a number about the span.
func (s Span) Number(key string, value int) {
	if s.On() {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Wrong says what has gone wrong, in words that hold no data of users.
func (s Span) Wrong(text string) {
	if s.On() {
		s.span.SetStatus(codes.Error, text)
	}
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

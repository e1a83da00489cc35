package trace

import (
	"net/http"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Transport makes a span of each request to another server. The server is not told of
// the trace: those that we ask are others'.
func Transport(base http.RoundTripper) http.RoundTripper { return transport{base} }

type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := start(r.Context(), "HTTP "+r.Method, tracepb.Span_SPAN_KIND_CLIENT)
	if !span.On() {
		return t.base.RoundTrip(r)
	}
	defer span.End()
	span.Text("http.request.method", r.Method)
	span.Text("server.address", r.URL.Hostname())
	answer, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		span.Wrong("no answer")
		return nil, err
	}
	span.Number("http.response.status_code", answer.StatusCode)
	return answer, nil
}

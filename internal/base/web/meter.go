package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/trace"
)

// What requests are of that no operation takes.
const (
	pageOperation  = "page"  // the app's own files
	otherOperation = "other" // a path that is not there, or what is refused before
)

// meter is the figures of requests.
type meter struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
}

func newMeter() *meter {
	const subsystem = "http"
	return &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metrics.Namespace, Subsystem: subsystem, Name: "requests_total", Help: "Requests that were answered.",
		}, []string{"operation", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: metrics.Namespace, Subsystem: subsystem, Name: "request_seconds", Help: "How long requests took, streams apart.",
			Buckets: []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5},
		}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: metrics.Namespace, Subsystem: subsystem, Name: "requests_in_flight", Help: "Requests that are being answered, streams too.",
		}),
	}
}

// Collectors are the figures of requests.
func (a *API) Collectors() []prometheus.Collector {
	return []prometheus.Collector{a.meter.requests, a.meter.durations, a.meter.inFlight}
}

// Trace makes a span of each request from now on.
func (a *API) Trace(t *trace.Tracer) { a.tracer = t }

// named notes which operation a request is of, before it can be refused.
func named(ctx huma.Context, next func(huma.Context)) {
	requestOf(ctx.Context()).operation = ctx.Operation().OperationID
	next(ctx)
}

// begun counts a request in, and gives it a span where spans are made.
func (a *API) begun(r *http.Request, about *request) *http.Request {
	a.meter.inFlight.Inc()
	if a.tracer == nil {
		return r
	}
	ctx, span := a.tracer.Request(r.Context(), r.Header, "HTTP "+r.Method)
	about.span = span
	span.Text("http.request.method", r.Method)
	span.Text("peisear.request", about.id)
	return r.WithContext(ctx)
}

// ended counts a request out.
func (a *API) ended(about *request, status int, took time.Duration) {
	a.meter.inFlight.Dec()
	operation := about.operation
	if operation == "" {
		operation = otherOperation
	}
	if status == 0 {
		status = http.StatusOK // nothing was written: net/http answers so
	}
	a.meter.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	if !about.stream {
		a.meter.durations.WithLabelValues(operation).Observe(took.Seconds())
	}
	about.span.Name(operation)
	about.span.Number("http.response.status_code", status)
	if status >= http.StatusInternalServerError {
		about.span.Wrong(http.StatusText(status))
	}
	about.span.End()
}

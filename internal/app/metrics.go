package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/trace"
)

// Where figures are served when nothing else is said, and the word for nowhere.
const (
	standardMetricsAddr = "127.0.0.1:3001"
	noMetrics           = "off"
)

// measure collects the figures of all parts.
func (a *App) measure(p parts) {
	a.metrics = metrics.New(version())
	a.metrics.Add(a.db.Collectors()...)
	a.metrics.Add(a.api.Collectors()...)
	a.metrics.Add(p.hub.Collectors(p.log)...)
	a.metrics.Add(p.accounts.Collectors()...)
	a.metrics.Add(p.queue.Collectors()...)
}

// serveMetrics answers scrapes until ctx ends. Where the standard address is in use, say
// by another process on this machine, the app goes on without.
func (a *App) serveMetrics(ctx context.Context) error {
	if a.metricsAddr == noMetrics {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.metricsAddr)
	if err != nil && a.metricsAddr == standardMetricsAddr {
		a.logger.WarnContext(ctx, "no figures are served: the address is in use; set METRICS_ADDR to another one, or to off", "address", a.metricsAddr)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %s (METRICS_ADDR): %w", a.metricsAddr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: readTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(a.logger.Handler(), slog.LevelDebug),
	}
	a.owned.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.logger.ErrorContext(ctx, "figures", "error", err.Error())
		}
	})
	a.owned.Go(func() {
		<-ctx.Done()
		_ = server.Close() // a scrape can be made again
	})
	return nil
}

// tracing sends traces where the operator has named a collector.
func (a *App) tracing(c Config, queue *job.Queue) {
	to := c.collector()
	if to.Address == "" {
		return
	}
	a.tracer = trace.New(to, a.logger.With(partKey, "trace"))
	a.api.Trace(a.tracer)
	queue.Trace(a.tracer)
}

// collector is where traces go, nowhere when none is named, and what they say about us.
func (c Config) collector() trace.Collector {
	sampler, _ := trace.NewSampler(c.Sampler, c.SamplerArg) // both were looked at when they were read
	to := trace.Collector{Address: c.TracesEndpoint, Headers: c.CollectorHeaders, Sampler: sampler, Attributes: map[string]string{
		"service.name": "peisear", "service.version": version(), "service.instance.id": uuid.NewString(),
	}}
	maps.Copy(to.Attributes, c.ResourceAttributes)
	if c.ServiceName != "" {
		to.Attributes["service.name"] = c.ServiceName
	}
	if to.Address == "" && c.CollectorEndpoint != "" {
		to.Address = strings.TrimRight(c.CollectorEndpoint, "/") + "/v1/traces"
	}
	return to
}

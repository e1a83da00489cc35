package db

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/trace"
)

// meter is a database's figures.
type meter struct {
	reads, writes, waits, batches prometheus.Histogram
	waiting                       prometheus.Gauge
}

func newMeter() *meter {
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: metrics.Namespace, Subsystem: "db", Name: name, Help: help, Buckets: buckets})
	}
	times := []float64{0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5}
	return &meter{
		reads:   histogram("read_seconds", "How long reads took.", times...),
		writes:  histogram("write_seconds", "How long writes took, from the call until they were durable.", times...),
		waits:   histogram("write_wait_seconds", "How long writes waited for their turn.", times...),
		batches: histogram("write_batch_size", "How many writes shared a transaction.", 1, 2, 4, 8, 16, 32, 64, 128, 256),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: metrics.Namespace, Subsystem: "db", Name: "write_queue", Help: "Writes that wait for their turn.",
		}),
	}
}

// Collectors are the database's figures.
func (d *DB) Collectors() []prometheus.Collector {
	return append(d.collectors(), d.writable(), d.meter.reads, d.meter.writes, d.meter.waits, d.meter.batches, d.meter.waiting)
}

// writable looks, as Health does: nobody else may, while the trouble lasts.
func (d *DB) writable() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: metrics.Namespace, Subsystem: "db", Name: "writable", Help: "1 while changes are kept, 0 while something stands in their way.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), d.caps.look)
		defer cancel()
		if d.Health(ctx).Trouble != "" {
			return 0
		}
		return 1
	})
}

func (p *postgres) collectors() []prometheus.Collector {
	listening := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: metrics.Namespace, Subsystem: "db", Name: "listening", Help: "1 while what other processes say is heard, else 0.",
	}, func() float64 {
		if p.ear.hears.Load() {
			return 1
		}
		return 0
	})
	return []prometheus.Collector{
		listening, collectors.NewDBStatsCollector(p.pool, "postgres readers"), collectors.NewDBStatsCollector(p.writers, "postgres writers"),
	}
}

func (l *lite) collectors() []prometheus.Collector {
	return []prometheus.Collector{collectors.NewDBStatsCollector(l.readers, "sqlite readers")}
}

// read begins a read; the caller ends it.
func (m *meter) read(ctx context.Context, name string) (_ context.Context, end func(err error)) {
	began := time.Now()
	ctx, span := trace.Start(ctx, name)
	return ctx, func(err error) {
		m.reads.Observe(time.Since(began).Seconds())
		done(span, err)
	}
}

// done ends a span. An error may name rows of users: the span only says that there was one.
func done(span trace.Span, err error) {
	if err != nil {
		span.Wrong("not done")
	}
	span.End()
}

// write measures a write. fn runs when its turn has come, and may run again.
func (m *meter) write(ctx context.Context, fn func(*Tx) error, write func(ctx context.Context, fn func(*Tx) error) (*Tx, error)) (*Tx, error) {
	began, taken := time.Now(), false
	take := func() {
		taken = true
		m.waiting.Dec()
		m.waits.Observe(time.Since(began).Seconds())
	}
	m.waiting.Inc()
	ctx, span := trace.Start(ctx, "db.write")
	tx, err := write(ctx, func(tx *Tx) error {
		if !taken {
			take()
		}
		return fn(tx)
	})
	if !taken { // and never will be
		m.waiting.Dec()
	}
	m.writes.Observe(time.Since(began).Seconds())
	if tx != nil {
		span.Number("peisear.batch", tx.batch)
	}
	done(span, err)
	return tx, err
}

// share notes that jobs were in one transaction.
func (m *meter) share(jobs ...*job) {
	m.batches.Observe(float64(len(jobs)))
	for _, j := range jobs {
		if j.tx != nil {
			j.tx.batch = len(jobs)
		}
	}
}

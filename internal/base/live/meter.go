package live

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live/query"
	"github.com/peisear/peisear/internal/base/metrics"
)

// meter is the hub's figures.
type meter struct {
	streams    prometheus.Gauge
	dropped    prometheus.Counter
	deliveries prometheus.Histogram
	told       prometheus.Counter
	heard      prometheus.Counter
}

func newMeter() *meter {
	const subsystem = "live"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: metrics.Namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	return &meter{
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: metrics.Namespace, Subsystem: subsystem, Name: "streams", Help: "Streams that are open.",
		}),
		dropped: counter("streams_dropped_total", "Streams that were too slow, and have to begin anew."),
		deliveries: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: metrics.Namespace, Subsystem: subsystem, Name: "delivery_seconds",
			Help:    "From the beginning of a transaction, on any node, until its change was handed to the streams of this one.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.3, 1, 2.5},
		}),
		told:  counter("words_told_total", "Words to other nodes about what was written here."),
		heard: counter("words_heard_total", "Words about what was written, at this node or another."),
	}
}

// Collectors are the figures of the hub and of its log. How far the log has come is given
// for all scopes together: there is one for each user and project.
func (h *Hub) Collectors(log *Log) []prometheus.Collector {
	m := h.meter
	heads := metrics.Ask(log.readHeads,
		metrics.Figure{Name: "log_scopes", Help: "Scopes of the change log."},
		metrics.Figure{Name: "log_sequence_max", Help: "The highest sequence number of any scope."},
		metrics.Figure{Name: "log_sequence_sum", Help: "The sequence numbers of all scopes together: how many transactions the log holds."},
	)
	return []prometheus.Collector{m.streams, m.dropped, m.deliveries, m.told, m.heard, heads}
}

func (l *Log) readHeads(ctx context.Context, set metrics.Set) error {
	row, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (query.HeadsRow, error) { return query.New(c).Heads(ctx) })
	if err != nil {
		return err
	}
	set(0, float64(row.Scopes))
	set(1, float64(row.Highest))
	set(2, float64(row.Together))
	return nil
}

// delivered notes that an entry was handed to the streams. Clocks of two nodes may differ.
func (m *meter) delivered(e Entry) {
	m.deliveries.Observe(max(0, time.Since(e.At)).Seconds())
}

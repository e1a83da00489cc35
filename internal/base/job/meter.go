package job

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/metrics"
	"github.com/peisear/peisear/internal/base/trace"
)

// Collectors are the queue's figures, by kind; the database is asked for them. Those of
// what has ended are this process's, all others the whole queue's.
func (q *Queue) Collectors() []prometheus.Collector {
	return []prometheus.Collector{q.ended, metrics.Ask(q.measure,
		metrics.Figure{Name: "jobs", Help: "Jobs in the queue: due, later, running, or dead, which were given up.", Labels: []string{"kind", "state"}},
		metrics.Figure{Name: "job_age_seconds", Help: "For how long the oldest job has been due.", Labels: []string{"kind"}},
	)}
}

// The outcomes of an attempt, as a label.
const (
	done   = "done"
	undone = "undone"
)

func newEnded() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metrics.Namespace, Name: "jobs_ended_total", Help: "Attempts that ended in this process: done, or undone.",
	}, []string{"kind", "outcome"})
}

func (q *Queue) measure(ctx context.Context, set metrics.Set) error {
	all, err := q.Stats(ctx)
	for _, s := range all {
		set(0, float64(s.Due), s.Kind, "due")
		set(0, float64(s.Later), s.Kind, "later")
		set(0, float64(s.Running), s.Kind, "running")
		set(0, float64(s.Dead), s.Kind, "dead")
		set(1, s.Age.Seconds(), s.Kind)
	}
	return err
}

// Trace makes a span of each attempt. It is called before Run.
func (q *Queue) Trace(t *trace.Tracer) { q.tracer = t }

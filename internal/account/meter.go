package account

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/metrics"
)

// Collectors are the figures of passwords and of what this node knows of others.
func (s *Service) Collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: metrics.Namespace, Name: "hash_queue", Help: "Passwords that wait to be hashed.",
		}, func() float64 { return float64(len(s.gate.waiting)) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: metrics.Namespace, Name: "hashes_total", Help: "Passwords that were hashed.",
		}, func() float64 { return float64(s.gate.passed.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: metrics.Namespace, Name: "hashes_refused_total", Help: "Passwords that were not hashed, because too many wait.",
		}, func() float64 { return float64(s.gate.refused.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: metrics.Namespace, Name: "revocations_age_seconds",
			Help: "Since when this node has not looked for ended sessions; from 2 on each request asks the database.",
		}, func() float64 { return s.revoked.age(s.now()).Seconds() }),
	}
}

// age is how long ago what others have ended was last asked for.
func (r *revocations) age(now time.Time) time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.at.IsZero() {
		return staleAfter
	}
	return max(0, now.Sub(r.at))
}

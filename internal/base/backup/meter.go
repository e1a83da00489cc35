package backup

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/metrics"
)

// Collectors are the plan's figures, the same on all nodes: the database is asked for them.
func (s *Service) Collectors() []prometheus.Collector {
	return []prometheus.Collector{metrics.Ask(s.measure,
		metrics.Figure{Name: "backup_done_timestamp_seconds", Help: "When a backup by schedule was last made and brought to all of its places; 0: never."},
		metrics.Figure{Name: "backup_undone", Help: "1 while the last try to make a backup by schedule did not succeed."},
	)}
}

func (s *Service) measure(ctx context.Context, set metrics.Set) error {
	standing, err := s.status(ctx)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	done, undone := 0.0, 0.0
	if !standing.Done.IsZero() {
		done = float64(standing.Done.UnixMilli()) / 1000
	}
	if standing.Error != "" {
		undone = 1
	}
	set(0, done)
	set(1, undone)
	return nil
}

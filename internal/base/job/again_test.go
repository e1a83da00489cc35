package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

// TestAskedForLaterWhileItRuns: what is asked for while it runs obeys the time too, the
// earliest when there are several, also when the present attempt is tried again before.
func TestAskedForLaterWhileItRuns(t *testing.T) {
	for name, c := range map[string]struct {
		asked []time.Duration
		ends  []error       // of the attempts before that
		wait  time.Duration // 0: none
		round bool
	}{
		"once":               {asked: []time.Duration{time.Hour}, ends: []error{nil}, wait: time.Hour},
		"twice":              {asked: []time.Duration{time.Hour, 2 * time.Hour}, ends: []error{nil}, wait: time.Hour},
		"the earlier last":   {asked: []time.Duration{2 * time.Hour, time.Hour}, ends: []error{nil}, wait: time.Hour},
		"tried again before": {asked: []time.Duration{time.Hour}, ends: []error{errors.New("not now"), nil}, wait: time.Hour},
		"at once as well":    {asked: []time.Duration{time.Hour, 0}, ends: []error{nil}},
		"a round":            {asked: []time.Duration{time.Hour}, ends: []error{nil}, wait: time.Hour, round: true},
		"not before a round": {asked: []time.Duration{20 * time.Hour}, ends: []error{nil}, wait: 10 * time.Hour, round: true},
	} {
		t.Run(name, func(t *testing.T) {
			basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
				began, end := make(chan struct{}), make(chan error)
				handler := job.Handle(send, func(ctx context.Context, _ letter) error {
					select {
					case began <- struct{}{}:
						return <-end
					case <-ctx.Done():
						return ctx.Err()
					}
				})
				key := "a"
				if c.round {
					key, handler = job.Scheduled, handler.Every(10*time.Hour)
				}
				q := newQueue(d, quick(), handler)
				add(t, d, q, "ann", job.Options{Key: key})
				stop := run(t, q)
				from := time.Now()
				receive(t, began)
				for _, wait := range c.asked {
					add(t, d, q, "ann", job.Options{Key: key, At: from.Add(wait)})
				}
				end <- c.ends[0]
				for _, outcome := range c.ends[1:] {
					receive(t, began)
					end <- outcome
				}
				if c.wait == 0 {
					receive(t, began)
					end <- nil
					settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 2 && s.Due+s.Later+s.Running == 0 })
					return
				}
				settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 && s.Later == 1 && s.Due+s.Running == 0 })
				stop()
				at := time.UnixMicro(scan[int64](t, d, "SELECT run_at FROM job WHERE kind = 'test.send'"))
				if off := at.Sub(from.Add(c.wait)).Abs(); off > time.Minute {
					t.Errorf("due at %s, %s off", at, off)
				}
			}, job.Migrations)
		})
	}
}

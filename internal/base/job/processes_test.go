package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
)

// TestSeveralProcesses: three queues do every job once, and a schedule's round once.
func TestSeveralProcesses(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		const jobs = 200
		var mu sync.Mutex
		done, rounds := map[string]int{}, 0
		all := make(chan struct{})
		var first *job.Queue
		var d *db.DB
		for i := range 3 {
			one, err := db.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { one.Close() })
			if err := one.Migrate(t.Context(), job.Migrations); err != nil {
				t.Fatal(err)
			}
			settings := quick()
			settings.Poll = 5 * time.Millisecond
			q := newQueue(one, settings,
				job.Handle(send, func(_ context.Context, l letter) error {
					mu.Lock()
					defer mu.Unlock()
					done[l.To]++
					if len(done) == jobs {
						close(all)
					}
					return nil
				}),
				job.Handle(job.Kind[struct{}]("test.round"), func(context.Context, struct{}) error {
					mu.Lock()
					defer mu.Unlock()
					rounds++
					return nil
				}).Every(time.Hour))
			if i == 0 {
				first, d = q, one
			}
			run(t, q)
		}
		for i := range jobs {
			add(t, d, first, fmt.Sprint(i), job.Options{})
		}
		receive(t, all)
		settled(t, first, "test.send", func(s job.Stats) bool { return s.Due+s.Later+s.Running == 0 })
		s, err := first.Schedule(t.Context(), "test.round")
		if err != nil || s.Done.IsZero() || s.Error != "" || s.Next.Before(time.Now().Add(50*time.Minute)) {
			t.Errorf("%+v, %v", s, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for to, n := range done {
			if n != 1 {
				t.Errorf("%s was done %d times", to, n)
			}
		}
		if rounds != 1 {
			t.Errorf("%d rounds", rounds)
		}
	})
}

// TestScheduleGoesOn: round follows round, a round that is not done too, and everybody
// can see that.
func TestScheduleGoesOn(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		came := make(chan struct{})
		q := newQueue(d, quick(), job.Handle(job.Kind[struct{}]("test.round"), func(context.Context, struct{}) error {
			came <- struct{}{}
			return errors.New("the disk is full")
		}).Every(20*time.Millisecond).Attempts(1))
		if _, err := q.Schedule(t.Context(), "test.round"); !errs.Is(err, errs.NotFound) {
			t.Errorf("before the first round: %v", err)
		}
		stop := run(t, q)
		for range 3 {
			receive(t, came)
		}
		go func() { // rounds that come before it has stopped
			for range came {
			}
		}()
		stop()
		close(came)
		s, err := q.Schedule(t.Context(), "test.round")
		if err != nil || s.Error != "the disk is full" || !s.Done.IsZero() {
			t.Errorf("%+v, %v", s, err)
		}
	}, job.Migrations)
}

// TestShorterPeriod: a schedule obeys a new period at the next start, and a round that is
// asked for comes at once.
func TestShorterPeriod(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		round := job.Kind[struct{}]("test.round")
		came := make(chan struct{}, 9)
		handler := job.Handle(round, func(context.Context, struct{}) error {
			came <- struct{}{}
			return nil
		})
		q := newQueue(d, quick(), handler.Every(1000*time.Hour))
		stop := run(t, q)
		receive(t, came)
		settled(t, q, "test.round", func(s job.Stats) bool { return s.Later == 1 })
		_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
			return struct{}{}, job.Add(t.Context(), q, tx, round, struct{}{}, job.Options{Key: job.Scheduled})
		})
		if err != nil {
			t.Fatal(err)
		}
		receive(t, came)
		settled(t, q, "test.round", func(s job.Stats) bool { return s.Later == 1 })
		stop()
		q = newQueue(d, quick(), handler.Every(time.Hour))
		run(t, q)
		settled(t, q, "test.round", func(job.Stats) bool {
			s, err := q.Schedule(t.Context(), "test.round")
			return err == nil && s.Next.Before(time.Now().Add(2*time.Hour))
		})
	}, job.Migrations)
}

// TestDeadProcess: what a process had leased is done by another when the lease is over.
func TestDeadProcess(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		got := make(chan string, 9)
		q := newQueue(d, quick(), job.Handle(send, func(_ context.Context, l letter) error {
			got <- l.To
			return nil
		}).Attempts(2))
		const leased = `INSERT INTO job (id, kind, payload, due_at, run_at, leased, claim, attempt, created_at) VALUES ($1, 'test.send', $2, 1, $3, TRUE, $4, $4, 1)`
		over, standing := time.Now().Add(-time.Second).UnixMicro(), time.Now().Add(time.Hour).UnixMicro()
		exec(t, d, leased, "a", `{"To":"ann"}`, over, 1)
		exec(t, d, leased, "b", `{"To":"bob"}`, standing, 1)
		exec(t, d, leased, "c", `{"To":"kills whoever takes it"}`, over, 2)
		run(t, q)
		if to := receive(t, got); to != "ann" {
			t.Errorf("%s was done", to)
		}
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Dead == 1 && s.Running == 1 && s.Done == 1 })
		if len(got) != 0 || s.Due+s.Later != 0 {
			t.Errorf("%+v", s)
		}
	}, job.Migrations)
}

// TestLeaseIsRenewed while a job runs; who has lost it is told, and changes nothing.
func TestLeaseIsRenewed(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		settings := quick()
		settings.Lease = 3 * time.Second
		began, told := make(chan struct{}, 9), make(chan error, 9)
		q := newQueue(d, settings, job.Handle(send, func(ctx context.Context, _ letter) error {
			select {
			case began <- struct{}{}:
			case <-ctx.Done():
			}
			<-ctx.Done()
			told <- context.Cause(ctx)
			return ctx.Err()
		}))
		stop := run(t, q)
		add(t, d, q, "ann", job.Options{})
		receive(t, began)
		first := scan[int64](t, d, "SELECT run_at FROM job WHERE kind = 'test.send'")
		settled(t, q, "test.send", func(job.Stats) bool {
			return scan[int64](t, d, "SELECT run_at FROM job WHERE kind = 'test.send'") > first
		})
		exec(t, d, "UPDATE job SET claim = claim + 1, error = 'somebody else''s', run_at = $1 WHERE kind = 'test.send'", time.Now().Add(time.Hour).UnixMicro())
		if err := receive(t, told); err == nil || !strings.Contains(err.Error(), "lost") {
			t.Errorf("told %v", err)
		}
		stop()
		if text := scan[string](t, d, "SELECT error FROM job WHERE kind = 'test.send' AND leased"); text != "somebody else's" {
			t.Errorf("the row says %q", text)
		}
	}, job.Migrations)
}

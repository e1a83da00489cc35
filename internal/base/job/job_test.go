package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

func TestMain(m *testing.M) { basetest.Main(m) }

type letter struct{ To string }

const send = job.Kind[letter]("test.send")

// quick is a queue whose pauses a test can wait for.
func quick() job.Settings {
	s := job.Standard()
	s.Pause = time.Millisecond
	return s
}

func newQueue(d *db.DB, s job.Settings, handlers ...job.Handler) *job.Queue {
	q := job.New(d, slog.New(slog.DiscardHandler), s)
	q.Offer(handlers...)
	return q
}

// run runs the queue until the test has ended, or stop is called.
func run(t *testing.T, q *job.Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}

func add(t *testing.T, d *db.DB, q *job.Queue, to string, o job.Options) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		return struct{}{}, job.Add(t.Context(), q, tx, send, letter{to}, o)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// receive waits for what a handler tells.
func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// settled waits until the queue holds what is asked for.
func settled(t *testing.T, q *job.Queue, kind string, good func(job.Stats) bool) job.Stats {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		all, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var s job.Stats
		for _, one := range all {
			if one.Kind == kind {
				s = one
			}
		}
		if good(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("the queue holds %+v", all)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func scan[T any](t *testing.T, d *db.DB, statement string) (v T) {
	t.Helper()
	v, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (v T, err error) {
		return v, c.QueryRowContext(ctx, statement).Scan(&v)
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return v
}

func exec(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestWithItsTransaction: what is undone asks for nothing; what commits is done at once,
// not at the next look.
func TestWithItsTransaction(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		got := make(chan string, 9)
		q := newQueue(d, job.Standard(), job.Handle(send, func(_ context.Context, l letter) error {
			got <- l.To
			return nil
		}))
		run(t, q)
		_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
			if err := job.Add(t.Context(), q, tx, send, letter{"nobody"}, job.Options{}); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, errors.New("undone")
		})
		if err == nil {
			t.Fatal("the transaction stood")
		}
		began := time.Now()
		add(t, d, q, "ann", job.Options{})
		if to := receive(t, got); to != "ann" {
			t.Errorf("%q was done", to)
		}
		if took := time.Since(began); took > job.Standard().Poll/2 {
			t.Errorf("done after %s: nobody woke the queue", took)
		}
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 && s.Running == 0 })
		if s.Due+s.Later+s.Dead != 0 || len(got) != 0 {
			t.Errorf("left: %+v", s)
		}
	}, job.Migrations)
}

// TestDueLater: a job is not taken before its time, and then without a look in between.
func TestDueLater(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		got := make(chan time.Time, 1)
		q := newQueue(d, job.Standard(), job.Handle(send, func(context.Context, letter) error {
			got <- time.Now()
			return nil
		}))
		run(t, q)
		due := time.Now().Add(300 * time.Millisecond)
		add(t, d, q, "ann", job.Options{At: due})
		if at := receive(t, got); at.Before(due) || at.After(due.Add(job.Standard().Poll/2)) {
			t.Errorf("done %s after it was due", at.Sub(due))
		}
	}, job.Migrations)
}

func TestTriedAgain(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		var tries atomic.Int64
		q := newQueue(d, quick(), job.Handle(send, func(context.Context, letter) error {
			switch tries.Add(1) {
			case 1:
				return errors.New("not now\x00\xff") // what no database keeps
			case 2:
				panic("boom")
			}
			return nil
		}))
		run(t, q)
		add(t, d, q, "ann", job.Options{})
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 && s.Running == 0 })
		if s.Undone != 2 || s.Dead != 0 || tries.Load() != 3 {
			t.Errorf("%+v after %d tries", s, tries.Load())
		}
	}, job.Migrations)
}

// TestGivenUp: what cannot be done is kept as a dead letter, and goes after a while.
func TestGivenUp(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		var tries atomic.Int64
		settings := quick()
		q := newQueue(d, settings,
			job.Handle(send, func(context.Context, letter) error {
				tries.Add(1)
				return errors.New("no such address")
			}).Attempts(3),
			job.Handle(job.Kind[int]("test.number"), func(context.Context, int) error { return nil }))
		stop := run(t, q)
		add(t, d, q, "ann", job.Options{Key: "a"})
		exec(t, d, "INSERT INTO job (id, kind, payload, due_at, run_at, created_at) VALUES ('x', 'test.number', '\"one\"', 1, 1, 1)")
		add(t, d, q, "nobody waits for the poll", job.Options{Key: "a"})
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Dead > 0 && s.Due+s.Later+s.Running == 0 })
		unreadable := settled(t, q, "test.number", func(s job.Stats) bool { return s.Dead == 1 })
		if unreadable.Undone != 1 {
			t.Errorf("a payload that cannot be read was tried %d times", unreadable.Undone)
		}
		if tries.Load() < 3 || s.Age != 0 {
			t.Errorf("%+v after %d tries", s, tries.Load())
		}
		if text := scan[string](t, d, "SELECT error FROM job WHERE kind = 'test.send' AND dead_at IS NOT NULL"); text != "no such address" {
			t.Errorf("kept %q", text)
		}
		add(t, d, q, "bob", job.Options{Key: "a"}) // a dead letter stands in nobody's way
		settled(t, q, "test.send", func(now job.Stats) bool { return now.Dead == s.Dead+1 })
		stop()

		settings.Keep = -time.Hour
		q = newQueue(d, settings)
		exec(t, d, "UPDATE job SET run_at = 1 WHERE kind = 'job.purge'")
		run(t, q)
		settled(t, q, "test.send", func(s job.Stats) bool { return s.Dead == 0 })
	}, job.Migrations)
}

// TestOneKeyOneJob: jobs of one key become one while they wait, and one more while it runs.
func TestOneKeyOneJob(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		got, goOn := make(chan string, 9), make(chan struct{})
		q := newQueue(d, quick(), job.Handle(send, func(_ context.Context, l letter) error {
			got <- l.To
			<-goOn
			return nil
		}))
		for i := range 3 {
			add(t, d, q, fmt.Sprint("waiting ", i), job.Options{Key: "a"})
		}
		run(t, q)
		if to := receive(t, got); to != "waiting 2" {
			t.Errorf("the payload is %q", to)
		}
		for i := range 3 {
			add(t, d, q, fmt.Sprint("running ", i), job.Options{Key: "a"})
		}
		goOn <- struct{}{}
		if to := receive(t, got); to != "running 2" {
			t.Errorf("the payload is %q", to)
		}
		goOn <- struct{}{}
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Due+s.Later+s.Running == 0 })
		if s.Done != 2 || len(got) != 0 {
			t.Errorf("%+v", s)
		}
	}, job.Migrations)
}

// TestStop: a job that runs is told to end, and is anybody's at once.
func TestStop(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		began := make(chan struct{})
		q := newQueue(d, quick(), job.Handle(send, func(ctx context.Context, _ letter) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		}))
		stop := run(t, q)
		add(t, d, q, "ann", job.Options{})
		receive(t, began)
		stop()
		n := scan[int](t, d, "SELECT count(*) FROM job WHERE kind = 'test.send' AND NOT leased AND attempt = 0 AND dead_at IS NULL")
		if n != 1 {
			t.Error("the job was not given back")
		}
	}, job.Migrations)
}

// TestOthersKinds: a process leaves alone what it does not know.
func TestOthersKinds(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		q := newQueue(d, quick(), job.Handle(send, func(context.Context, letter) error { return nil }))
		exec(t, d, "INSERT INTO job (id, kind, payload, due_at, run_at, created_at) VALUES ('x', 'of.tomorrow', 'null', 1, 1, 1)")
		run(t, q)
		add(t, d, q, "ann", job.Options{})
		settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 })
		s := settled(t, q, "of.tomorrow", func(s job.Stats) bool { return s.Due == 1 })
		if s.Age < time.Hour {
			t.Errorf("%+v", s)
		}
	}, job.Migrations)
}

func TestOneHandlerEach(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("two handlers of one kind")
		}
	}()
	h := job.Handle(send, func(context.Context, letter) error { return nil })
	newQueue(nil, quick(), h, h)
}

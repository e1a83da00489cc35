package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

const early = job.Kind[struct{}]("test.round")

func askForRound(t *testing.T, d *db.DB, q *job.Queue) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		return struct{}{}, job.Add(t.Context(), q, tx, early, struct{}{}, job.Options{Key: job.Scheduled})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRoundAskedForWhileItRuns comes once more: what it was asked for may have come too
// late for the present one.
func TestRoundAskedForWhileItRuns(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		began, goOn := make(chan struct{}), make(chan struct{})
		q := newQueue(d, quick(), job.Handle(early, func(context.Context, struct{}) error {
			began <- struct{}{}
			<-goOn
			return nil
		}).Every(time.Hour))
		run(t, q)
		receive(t, began)
		askForRound(t, d, q)
		askForRound(t, d, q)
		goOn <- struct{}{}
		receive(t, began)
		goOn <- struct{}{}
		s := settled(t, q, "test.round", func(s job.Stats) bool { return s.Done == 2 && s.Later == 1 })
		if s.Due+s.Running != 0 || len(began) != 0 {
			t.Errorf("%+v", s)
		}
	}, job.Migrations)
}

// TestEarlyRound: the period counts from it, and it is due when it was asked for.
func TestEarlyRound(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		came := make(chan struct{}, 9)
		q := newQueue(d, quick(), job.Handle(early, func(context.Context, struct{}) error {
			came <- struct{}{}
			return nil
		}).Every(10*time.Hour))
		stop := run(t, q)
		receive(t, came)
		settled(t, q, "test.round", func(s job.Stats) bool { return s.Later == 1 })
		stop()
		askForRound(t, d, q)
		if s, err := q.Schedule(t.Context(), "test.round"); err != nil || s.Next.After(time.Now()) {
			t.Errorf("due at %s, %v", s.Next, err)
		}
		run(t, q)
		receive(t, came)
		settled(t, q, "test.round", func(s job.Stats) bool { return s.Later == 1 })
		if s, err := q.Schedule(t.Context(), "test.round"); err != nil || s.Next.After(time.Now().Add(11*time.Hour)) {
			t.Errorf("the next one is at %s, %v", s.Next, err)
		}
	}, job.Migrations)
}

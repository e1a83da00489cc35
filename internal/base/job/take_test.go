package job_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

func openAt(t *testing.T, url string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestNoMoreThanThereAreHands: a process takes as many jobs as it has hands, whatever plan
// PostgreSQL makes: one that looks for the jobs to take once for each row would find
// others each time.
func TestNoMoreThanThereAreHands(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		d := openAt(t, url)
		if err := d.Migrate(t.Context(), job.Migrations); err != nil {
			t.Fatal(err)
		}
		if d.Engine() == "postgres" {
			for _, plan := range []string{"hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"} {
				exec(t, d, fmt.Sprintf("DO $do$ BEGIN EXECUTE format('ALTER DATABASE %%I SET enable_%s = off', current_database()); END $do$", plan))
			}
			d = openAt(t, url) // with that
		}
		settings := quick()
		settings.Workers = 2
		began, goOn := make(chan struct{}), make(chan struct{})
		q := newQueue(d, settings, job.Handle(send, func(ctx context.Context, _ letter) error {
			select {
			case began <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case <-goOn:
			case <-ctx.Done():
			}
			return ctx.Err()
		}))
		// Nothing else is due.
		exec(t, d, "INSERT INTO job (id, kind, unique_key, payload, due_at, run_at, created_at) VALUES ('p', 'job.purge', 'schedule', 'null', $1, $1, 1)", time.Now().Add(time.Hour).UnixMicro())
		for i := range 20 {
			add(t, d, q, fmt.Sprint(i), job.Options{})
		}
		run(t, q)
		receive(t, began)
		receive(t, began)
		if n := scan[int](t, d, "SELECT count(*) FROM job WHERE leased AND kind = 'test.send'"); n != 2 {
			t.Errorf("two hands have %d jobs", n)
		}
	})
}

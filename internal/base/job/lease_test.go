package job_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

// TestLeaseEndsWhileTheDatabaseHangs: who cannot renew a lease ends the job when the lease
// is over, and not only when the database has answered: another process has it by then.
func TestLeaseEndsWhileTheDatabaseHangs(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		settings := quick()
		settings.Lease = 500 * time.Millisecond
		began, told := make(chan struct{}), make(chan error, 1)
		q := newQueue(d, settings, job.Handle(send, func(ctx context.Context, _ letter) error {
			began <- struct{}{}
			<-ctx.Done()
			told <- context.Cause(ctx)
			return ctx.Err()
		}).Attempts(1))
		run(t, q)
		add(t, d, q, "ann", job.Options{})
		receive(t, began)
		held, letGo, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
				_, err := tx.ExecContext(t.Context(), "UPDATE job SET error = 'held' WHERE kind = 'test.send'")
				close(held)
				<-letGo
				return struct{}{}, err
			})
			ended <- err
		}()
		goOn := sync.OnceFunc(func() { close(letGo) })
		t.Cleanup(goOn)
		receive(t, held)
		if err := receive(t, told); err == nil || !strings.Contains(err.Error(), "lost") {
			t.Errorf("told %v", err)
		}
		goOn()
		if err := receive(t, ended); err != nil {
			t.Error(err)
		}
	}, job.Migrations)
}

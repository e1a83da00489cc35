package project_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project"
)

// program is a process with the slice and its queue, in which purger comes first.
func program(w world, purger func(ctx context.Context, id string) error) (world, *job.Queue) {
	w.log = live.New(w.db, live.NewHub())
	w.Service = project.New(w.db, w.log)
	q := job.New(w.db, slog.New(slog.DiscardHandler), job.Settings{
		Workers: 1, Lease: time.Minute, Poll: 5 * time.Millisecond, Pause: time.Millisecond, Keep: time.Hour,
	})
	w.PurgeBy(q)
	w.OnPurge(purger)
	q.Offer(project.Feature(w.Service).Jobs...)
	return w, q
}

// TestPurgeIsAJob: a deletion asks for it in its transaction. A process that ends in the
// middle leaves the rest to the next one, and the oldest deletion comes first.
func TestPurgeIsAJob(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		begun := make(chan struct{})
		w, first := program(newWorld(t, d), func(ctx context.Context, _ string) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
		next := create(t, w, w.owner, "NEXT")
		for _, key := range []string{"MESOS", "NEXT"} {
			if err := w.Delete(t.Context(), w.owner, "", key); err != nil {
				t.Fatal(err)
			}
		}
		const soon = "SELECT COUNT(*) FROM job, project WHERE job.kind = 'project.purge' AND project.id = $1 AND job.run_at BETWEEN deleted_at AND deleted_at + 60000000"
		if n := number(t, d, soon, w.p.ID); n != 1 {
			t.Fatalf("%d jobs", n)
		}
		exec(t, d, "UPDATE project SET deleted_at = CASE WHEN id = $1 THEN 1 ELSE 2 END WHERE deleted_at IS NOT NULL", w.p.ID)
		exec(t, d, "UPDATE job SET run_at = 1, due_at = 1")
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			first.Run(ctx)
		}()
		<-begun
		end()
		<-ended
		if n := number(t, d, "SELECT COUNT(*) FROM project WHERE deleted_at IS NOT NULL"); n != 2 {
			t.Errorf("%d projects wait", n)
		}

		ids := make(chan string)
		_, second := program(w, func(_ context.Context, id string) error {
			ids <- id
			return nil
		})
		ctx, end = context.WithCancel(t.Context())
		ended = make(chan struct{})
		go func() {
			defer close(ended)
			second.Run(ctx)
		}()
		if id := <-ids; id != w.p.ID {
			t.Errorf("first %s", id)
		}
		if id := <-ids; id != next.ID {
			t.Errorf("then %s", id)
		}
		for _, text := range []string{
			"SELECT COUNT(*) FROM project WHERE id = $1", "SELECT COUNT(*) FROM status WHERE project_id = $1",
			"SELECT COUNT(*) FROM scope WHERE id = 'project:' || $1", "SELECT COUNT(*) FROM change WHERE scope = 'project:' || $1",
		} {
			if n := number(t, d, text, w.p.ID); n != 0 {
				t.Errorf("%s: %d", text, n)
			}
		}
		end()
		<-ended
	}, live.Migrations, account.Migrations, project.Migrations, job.Migrations)
}

// TestPurgeGoesPast: one that cannot be purged is told, and keeps no other from it.
func TestPurgeGoesPast(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, w.owner, "NEXT")
		for _, key := range []string{"MESOS", "NEXT"} {
			if err := w.Delete(t.Context(), w.owner, "", key); err != nil {
				t.Fatal(err)
			}
		}
		exec(t, w.db, "UPDATE project SET deleted_at = CASE WHEN id = $1 THEN 1 ELSE 2 END WHERE deleted_at IS NOT NULL", w.p.ID)
		stuck := errs.New(errs.Internal, "stuck")
		w.OnPurge(func(_ context.Context, id string) error {
			if id == w.p.ID {
				return stuck
			}
			return nil
		})
		if err := w.Purge(t.Context()); !errors.Is(err, stuck) {
			t.Errorf("got %v", err)
		}
		if n := number(t, w.db, "SELECT COUNT(*) FROM project WHERE deleted_at IS NOT NULL"); n != 1 {
			t.Errorf("%d projects wait", n)
		}
	})
}

// TestNobodyComesIn: into a project that was deleted, whatever its rows still say.
func TestNobodyComesIn(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		grants := []byte(`[{"project":"` + w.p.ID + `","role":"member"}]`)
		if err := w.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		for name, sender := range map[string]string{"operator": "", "owner": w.owner.ID} {
			user := accounttest.User(t, w.db, "by-"+name)
			accept(t, w, account.Acceptance{UserID: user.ID, InviteID: "i", InvitedBy: sender, Grants: grants})
		}
		if n := number(t, w.db, "SELECT COUNT(*) FROM project_member WHERE project_id = $1", w.p.ID); n != 0 {
			t.Errorf("%d members", n)
		}
		if _, err := w.log.Snapshot(t.Context(), project.Scope(w.p.ID)); err == nil {
			t.Error("it has a snapshot")
		}
	})
}

func number(t *testing.T, d *db.DB, text string, args ...any) int {
	t.Helper()
	n, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, text, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

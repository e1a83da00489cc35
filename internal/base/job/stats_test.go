package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
)

const insertJob = `INSERT INTO job (id, kind, unique_key, payload, due_at, run_at, leased, created_at) VALUES ($1, $2, $3, 'null', $4, $5, $6, 1)`

func ago(d time.Duration) int64 { return time.Now().Add(-d).UnixMicro() }

// TestRunningIsNotDue: however long it runs, nobody has to look at it; unless its process
// has died.
func TestRunningIsNotDue(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		q := newQueue(d, quick())
		exec(t, d, insertJob, "a", "test.send", nil, ago(time.Hour), ago(-time.Minute), true)
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Running == 1 })
		if s.Age != 0 || s.Due+s.Later != 0 {
			t.Errorf("it runs: %+v", s)
		}
		exec(t, d, "UPDATE job SET run_at = $1", ago(time.Second))
		s = settled(t, q, "test.send", func(s job.Stats) bool { return s.Due == 1 })
		if s.Age < time.Hour || s.Running+s.Later != 0 {
			t.Errorf("its lease is over: %+v", s)
		}
	}, job.Migrations)
}

// TestRoundsThatNobodyKeeps go at a start, once nobody has taken them for long: another
// process may keep what this one does not know. Until then who does not keep them says
// nothing of them; and its own it keeps, however late.
func TestRoundsThatNobodyKeeps(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		exec(t, d, insertJob, "a", "of.yesterday", job.Scheduled, ago(25*time.Hour), ago(25*time.Hour), true)
		exec(t, d, insertJob, "b", "of.another", job.Scheduled, ago(time.Hour), ago(time.Hour), false)
		exec(t, d, insertJob, "c", "of.tomorrow", nil, ago(25*time.Hour), ago(25*time.Hour), false)
		exec(t, d, insertJob, "d", "test.round", job.Scheduled, ago(25*time.Hour), ago(25*time.Hour), false)
		exec(t, d, "UPDATE job SET done_at = 1 WHERE id = 'd'")
		goOn := make(chan struct{})
		q := newQueue(d, quick(), job.Handle(early, func(context.Context, struct{}) error {
			<-goOn
			return nil
		}).Every(time.Hour))
		run(t, q)
		settled(t, q, "test.round", func(s job.Stats) bool { return s.Running == 1 })
		if left := scan[string](t, d, "SELECT MIN(id) || MAX(id) FROM job WHERE kind LIKE 'of.%'"); left != "bc" {
			t.Errorf("%s are left", left)
		}
		if n := scan[int](t, d, "SELECT COUNT(*) FROM job WHERE id = 'd' AND done_at = 1"); n != 1 {
			t.Error("a round of its own was made anew")
		}
		all, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.Kind == "of.another" {
				t.Errorf("tells of what it does not keep: %+v", s)
			}
		}
		if s := settled(t, q, "of.tomorrow", func(s job.Stats) bool { return s.Due == 1 }); s.Age < time.Hour {
			t.Errorf("%+v", s)
		}
		close(goOn)
	}, job.Migrations)
}

package job_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
)

// bury adds a job that was given up.
func bury(t *testing.T, d *db.DB, id string, key any) {
	t.Helper()
	exec(t, d, `INSERT INTO job (id, kind, unique_key, payload, due_at, run_at, dead_at, attempt, claim, error, created_at)
VALUES ($1, 'test.send', $2, 'null', 1, 1, $3, 12, 12, 'no such address', 1)`, id, key, ago(time.Minute))
}

func list(t *testing.T, q *job.Queue, f job.Filter) []job.Listed {
	t.Helper()
	all, err := q.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// told joins ids and states.
func told(all []job.Listed) string {
	var text []string
	for _, l := range all {
		text = append(text, l.ID+" "+string(l.State))
	}
	return strings.Join(text, ", ")
}

func TestList(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		q := newQueue(d, quick())
		exec(t, d, insertJob, "due", "test.send", nil, ago(time.Hour), ago(time.Second), false)
		exec(t, d, insertJob, "orphan", "test.send", nil, ago(2*time.Hour), ago(time.Second), true)
		exec(t, d, insertJob, "later", "test.round", job.Scheduled, ago(-time.Hour), ago(-time.Hour), false)
		exec(t, d, insertJob, "running", "test.send", "key", ago(time.Minute), ago(-time.Minute), true)
		bury(t, d, "dead", "key")
		for f, want := range map[job.Filter]string{
			{}:                              "dead dead, orphan due, due due, running running, later later",
			{Limit: 2}:                      "dead dead, orphan due",
			{State: job.Due}:                "orphan due, due due",
			{Kind: "test.round"}:            "later later",
			{Kind: "x"}:                     "",
			{Kind: "test.send", State: "x"}: "",
		} {
			if got := told(list(t, q, f)); got != want {
				t.Errorf("%+v: %s", f, got)
			}
		}
		dead, round := list(t, q, job.Filter{State: job.Dead})[0], list(t, q, job.Filter{State: job.Later})[0]
		if dead.Attempts != 12 || dead.Error != "no such address" || dead.Round || dead.At.Before(time.Now().Add(-2*time.Minute)) || !round.Round {
			t.Errorf("%+v, %+v", dead, round)
		}
	}, job.Migrations)
}

// TestRetry gives a job that was given up all its attempts again, in its turn.
func TestRetry(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		came := make(chan struct{}, 9)
		q := newQueue(d, quick(), job.Handle(send, func(context.Context, letter) error {
			came <- struct{}{}
			if len(came) < 2 {
				return errors.New("not yet")
			}
			return nil
		}).Attempts(2))
		bury(t, d, "a", "key")
		bury(t, d, "b", "key")
		run(t, q)
		dead, err := q.DeadOf(t.Context(), "test.send")
		if err != nil || strings.Join(dead, " ") != "b a" {
			t.Fatalf("%v, %v", dead, err)
		}
		if err := q.Retry(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		s := settled(t, q, "test.send", func(s job.Stats) bool { return s.Done == 1 && s.Due+s.Later+s.Running == 0 })
		if s.Undone != 1 || s.Dead != 1 {
			t.Errorf("%+v", s)
		}
		if err := q.Retry(t.Context(), "b"); !errs.Is(err, errs.NotFound) {
			t.Errorf("it is done: %v", err)
		}
		exec(t, d, insertJob, "c", "of.another", "key", 1, 1, false)
		if err := q.Retry(t.Context(), "c"); !errs.Is(err, errs.Conflict) {
			t.Errorf("it waits: %v", err)
		}
		exec(t, d, "UPDATE job SET kind = 'of.another' WHERE id = 'a'")
		if err := q.Retry(t.Context(), "a"); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "younger") {
			t.Errorf("c has its place: %v", err)
		}
	}, job.Migrations)
}

func TestDrop(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		q := newQueue(d, quick())
		bury(t, d, "dead", nil)
		exec(t, d, insertJob, "waits", "of.yesterday", nil, 1, 1, false)
		exec(t, d, insertJob, "runs", "test.send", nil, 1, ago(-time.Minute), true)
		exec(t, d, insertJob, "round", "test.round", job.Scheduled, 1, 1, false)
		for id, kind := range map[string]errs.Kind{"runs": errs.Conflict, "round": errs.Conflict, "nothing": errs.NotFound} {
			if err := q.Drop(t.Context(), id); !errs.Is(err, kind) {
				t.Errorf("%s: %v", id, err)
			}
		}
		for _, id := range []string{"dead", "waits"} {
			if err := q.Drop(t.Context(), id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		if left := told(list(t, q, job.Filter{})); left != "round due, runs running" {
			t.Errorf("left: %s", left)
		}
	}, job.Migrations)
}

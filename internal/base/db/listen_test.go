package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// watch returns what a process is told; "" is said as "look". It ends with the test.
func watch(t *testing.T, d *db.DB) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	all := make(chan string, 1000)
	var wg sync.WaitGroup
	wg.Go(func() {
		d.Watch(ctx, func(text string) {
			if text == "" {
				text = "look"
			}
			all <- text
		})
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	if first := <-all; first != "look" {
		t.Errorf("first %q", first)
	}
	for !db.Hears(d) { // the look may have been the beat's
		pause(ctx, time.Millisecond)
	}
	return all
}

// next is what is told next, looks apart.
func next(all <-chan string) string {
	for text := range all {
		if text != "look" {
			return text
		}
	}
	return ""
}

// TestTell: every process hears, whoever tells, and from a transaction when it is durable
// and not when it is undone.
func TestTell(t *testing.T) {
	t.Parallel()
	here := basetest.NewDB(t, "postgres", schema)
	all := watch(t, here)
	for _, text := range []string{"one", strings.Repeat("x", db.MaxTold)} {
		if err := here.Tell(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if got := next(all); got != text {
			t.Errorf("heard %q", got)
		}
	}
	tell := func(text string, outcome error) error {
		return write(t.Context(), here, func(tx *db.Tx) error { return errors.Join(tx.Tell(t.Context(), text), outcome) })
	}
	if err := tell("undone", errors.New("no")); err == nil {
		t.Error("no error")
	}
	if err := tell("committed", nil); err != nil {
		t.Error(err)
	}
	if got := next(all); got != "committed" {
		t.Errorf("heard %q", got)
	}
}

// TestTellNobody: SQLite's processes see that something was written, and need no word.
func TestTellNobody(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "sqlite", schema)
	if d.Tells() {
		t.Error("it tells")
	}
	err := errors.Join(d.Tell(t.Context(), "one"), write(t.Context(), d, func(tx *db.Tx) error {
		return errors.Join(tx.Tell(t.Context(), "two"), add(tx, 1))
	}))
	if err != nil {
		t.Error(err)
	}
}

// TestListenAgain: a connection that is lost is opened anew, and whoever listens is told
// to look for what was said meanwhile.
func TestListenAgain(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "postgres", schema)
	db.NameEar(d, "ear")
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan string, 1000)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { db.Listen(ctx, d, told) })
	end := `SELECT count(pg_terminate_backend(pid))
		FROM (SELECT pid, count(*) OVER () AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ear') AS ear
		WHERE n = 1` // the one before is seen until it has ended
	if got := <-told; got != "" {
		t.Errorf("first %q", got)
	}
	for range 3 {
		for ended := 0; ended == 0; pause(ctx, time.Millisecond) {
			var err error
			ended, err = db.Read(ctx, d, func(ctx context.Context, c db.Conn) (n int, err error) {
				return n, c.QueryRowContext(ctx, end).Scan(&n)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		got := <-told
		if got != "" {
			t.Errorf("heard %q", got)
		}
		for got == "" { // whenever it is told to look, it listens
			if err := d.Tell(ctx, "again"); err != nil {
				t.Fatal(err)
			}
			got = <-told
		}
		if got != "again" {
			t.Errorf("heard %q", got)
		}
	}
}

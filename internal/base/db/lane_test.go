package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// writeIn runs a closure that has no value to return, in a lane.
func writeIn(ctx context.Context, d *db.DB, lane string, fn func(*db.Tx) error) error {
	_, err := db.WriteIn(ctx, d, lane, func(tx *db.Tx) (struct{}, error) { return struct{}{}, fn(tx) })
	return err
}

func queue(tx *db.Tx, id int, size string) error {
	_, err := tx.Queued().ExecContext(context.Background(), insert, id, size)
	return err
}

// TestQueuedIsRefused, now, with the next statement or at the end; and nothing stays.
func TestQueuedIsRefused(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		none := func(tx *db.Tx) error {
			_, err := tx.Queued().ExecContext(t.Context(), "UPDATE item SET size = 'm' WHERE id = $1", 99)
			return err
		}
		read := func(tx *db.Tx) error {
			_, err := countItems(t.Context(), tx)
			return err
		}
		put := func(id int, size string) func(*db.Tx) error {
			return func(tx *db.Tx) error { return queue(tx, id, size) }
		}
		refuse := func(*db.Tx) error { return errs.New(errs.Forbidden, "no") }
		for name, c := range map[string]struct {
			fns  []func(*db.Tx) error
			kind errs.Kind
		}{
			"no row":                  {[]func(*db.Tx) error{none}, errs.NotFound},
			"no row, then more":       {[]func(*db.Tx) error{none, put(1, "s")}, errs.NotFound},
			"no row, then a read":     {[]func(*db.Tx) error{none, read}, errs.NotFound},
			"not unique":              {[]func(*db.Tx) error{put(0, "s")}, errs.Conflict},
			"not unique, then a read": {[]func(*db.Tx) error{put(0, "s"), read}, errs.Conflict},
			"not allowed, at the end": {[]func(*db.Tx) error{read, put(1, "x")}, errs.Invalid},
			"unkeepable":              {[]func(*db.Tx) error{put(1, "a\x00")}, errs.Invalid},
			"own error":               {[]func(*db.Tx) error{put(1, "s"), refuse}, errs.Forbidden},
		} {
			err := write(t.Context(), d, func(tx *db.Tx) error {
				err := add(tx, 0)
				for i := 0; err == nil && i < len(c.fns); i++ {
					err = c.fns[i](tx)
				}
				return err
			})
			if n := count(t, d); !errs.Is(err, c.kind) || n != 0 {
				t.Errorf("%s: %v, %d rows", name, err, n)
			}
		}
	}, schema)
}

// TestQueuedIsSeen by every statement after it.
func TestQueuedIsSeen(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		err := write(t.Context(), d, func(tx *db.Tx) error {
			for i := range 3 {
				if err := queue(tx, i, "s"); err != nil {
					return err
				}
			}
			if n, err := countItems(t.Context(), tx); n != 3 || err != nil {
				return fmt.Errorf("a read sees %d rows: %w", n, err)
			}
			var size string
			if err := tx.Queued().QueryRowContext(t.Context(), "SELECT size FROM item WHERE id = $1", 2).Scan(&size); err != nil || size != "s" {
				return fmt.Errorf("%q: %w", size, err)
			}
			return queue(tx, 3, "m")
		})
		if n := count(t, d); err != nil || n != 4 {
			t.Errorf("%d rows, %v", n, err)
		}
	}, schema)
}

// TestLane lets closures that fail in every way meet in one lane. What fails undoes only
// itself, and nobody waits for ever.
func TestLane(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		const writers = 128
		bad := errors.New("no")
		var hooks sync.Map
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
					tx.AfterCommit(func() { hooks.Store(i, true) })
					switch i % 8 {
					case 1: // before anything was sent
						return bad
					case 2: // nothing but a queued change
						return queue(tx, i, "s")
					case 3:
						return errors.Join(queue(tx, i, "s"), queue(tx, i, "s")) // not unique
					case 4:
						return nil // no statement at all
					}
					if err := add(tx, i); err != nil {
						return err
					}
					switch i % 8 {
					case 5:
						return bad
					case 6:
						return add(tx, i) // not unique
					case 7:
						panic("boom")
					}
					return queue(tx, writers+i, "m")
				})
				fails := map[int]bool{1: true, 3: true, 5: true, 6: true, 7: true}[i%8]
				if fails != (err != nil) {
					t.Errorf("writer %d: %v", i, err)
				}
				if _, hooked := hooks.Load(i); hooked == fails {
					t.Errorf("writer %d: hook has run: %v", i, hooked)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != writers/8*3 {
			t.Errorf("%d rows, want %d", n, writers/8*3)
		}
	}, schema)
}

// TestLaneOfCancelled: who gives up while waiting is left out, and holds nobody up.
func TestLaneOfCancelled(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		entered, release := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			first := sync.OnceFunc(func() { close(entered) })
			err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
				first()
				<-release
				return add(tx, 0)
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-entered
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 8 {
			wg.Go(func() {
				err := writeIn(ctx, d, "lane", func(tx *db.Tx) error { return add(tx, 1+i) })
				if !errs.Is(err, errs.Unavailable) {
					t.Errorf("given up: %v", err)
				}
			})
			wg.Go(func() {
				if err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error { return add(tx, 11+i) }); err != nil {
					t.Error(err)
				}
			})
		}
		cancel()
		late, done := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer done()
		<-late.Done() // the others have had the time to queue; whether they have decides nothing
		close(release)
		wg.Wait()
		n, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
			return n, c.QueryRowContext(ctx, "SELECT count(*) FROM item WHERE id BETWEEN 1 AND 8").Scan(&n)
		})
		if err != nil || n != 0 || count(t, d) != 9 {
			t.Errorf("%d rows of those who gave up, %d in all, %v", n, count(t, d), err)
		}
	}, schema)
}

// TestLanesDoNotMeet: those of another lane, and those of none, go ahead.
func TestLanesDoNotMeet(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "postgres", schema) // SQLite has one lane
	for _, other := range []string{"b", ""} {
		err := writeIn(t.Context(), d, "a", func(*db.Tx) error {
			return writeIn(t.Context(), d, other, func(tx *db.Tx) error { return add(tx, len(other)) })
		})
		if err != nil {
			t.Errorf("%q: %v", other, err)
		}
	}
}

// TestDeadlockInALane: one that lost a race tries again, alone, and the others stand.
func TestDeadlockInALane(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "postgres", schema)
	err := write(t.Context(), d, func(tx *db.Tx) error { return errors.Join(add(tx, 1), add(tx, 2)) })
	if err != nil {
		t.Fatal(err)
	}
	touch := func(tx *db.Tx, id int) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE item SET size = 'm' WHERE id = $1", id)
		return err
	}
	meet := func(n int) func() { // waits until n have come, the first time
		var come sync.WaitGroup
		come.Add(n)
		return func() { come.Done(); come.Wait() }
	}(2)
	var wg sync.WaitGroup
	for _, ids := range [][]int{{1, 2}, {2, 1}} {
		wg.Go(func() {
			first := sync.OnceFunc(meet)
			if err := writeIn(t.Context(), d, fmt.Sprint(ids), func(tx *db.Tx) error {
				if err := touch(tx, ids[0]); err != nil {
					return err
				}
				first()
				return touch(tx, ids[1])
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestRowCarriesTheRefusal: a refused change is the error of a row, too.
func TestRowCarriesTheRefusal(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		err := write(t.Context(), d, func(tx *db.Tx) error {
			if err := errors.Join(queue(tx, 1, "s"), queue(tx, 1, "s")); err != nil {
				return err
			}
			var n int
			err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM item").Scan(&n)
			if errors.Is(err, sql.ErrNoRows) {
				t.Error("refused as if there were no row")
			}
			return err
		})
		if !errs.Is(err, errs.Conflict) {
			t.Error(err)
		}
	}, schema)
}

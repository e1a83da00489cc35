package db_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// openWire opens a database through a wire. What it loses is lost at once, and the rest has
// time.
func openWire(t *testing.T) (*basetest.Wire, *db.DB) {
	t.Helper()
	w, address := basetest.NewWire(t)
	d, err := db.Open(t.Context(), address+unhurried)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	db.Cap(d, plenty)
	if err := d.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return w, d
}

// addProven adds a row, which proves that the transaction was committed.
func addProven(tx *db.Tx, id int) error {
	tx.ProvenBy(func(ctx context.Context, asking *db.Tx) (bool, error) {
		var n int
		err := asking.QueryRowContext(ctx, "SELECT count(*) FROM item WHERE id = $1", id).Scan(&n)
		return n == 1, err
	})
	return queue(tx, id, "s")
}

// TestLostCommit: a commit that is not answered is found out about, and made when it was
// not. Without a proof nobody knows.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		losing     basetest.Loss
		fn         func(tx *db.Tx) error
		kind       errs.Kind // 0 for success
		runs, rows int
	}{
		"not arrived":         {basetest.Order, func(tx *db.Tx) error { return addProven(tx, 1) }, 0, 2, 1},
		"not answered":        {basetest.Answer, func(tx *db.Tx) error { return addProven(tx, 1) }, 0, 1, 1},
		"unproven":            {basetest.Order, func(tx *db.Tx) error { return add(tx, 1) }, errs.Unavailable, 1, 0},
		"not answered either": {basetest.GoneForGood, func(tx *db.Tx) error { return addProven(tx, 1) }, errs.Unavailable, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := openWire(t)
			w.Lose(c.losing)
			runs, hooks := 0, 0
			err := write(t.Context(), d, func(tx *db.Tx) error {
				runs++
				tx.AfterCommit(func() { hooks++ })
				return c.fn(tx)
			})
			if c.kind == 0 && (err != nil || hooks != 1) || c.kind != 0 && (!errs.Is(err, c.kind) || hooks != 0) {
				t.Errorf("%v, %d hooks", err, hooks)
			}
			w.Mend()
			if n := count(t, d); runs != c.runs || n != c.rows || !w.Lost() {
				t.Errorf("%d runs, %d rows", runs, n)
			}
		})
	}
}

// TestLostCommitOfALane: the same for all who shared a transaction.
func TestLostCommitOfALane(t *testing.T) {
	t.Parallel()
	for _, losing := range []basetest.Loss{basetest.Order, basetest.Answer} {
		w, d := openWire(t)
		entered, release := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
				close(entered)
				<-release
				return addProven(tx, 0)
			}); err != nil {
				t.Error(err)
			}
		})
		<-entered
		lose := sync.OnceFunc(func() { w.Lose(losing) })
		for i := range 8 {
			wg.Go(func() {
				if err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
					lose()
					return addProven(tx, 1+i)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		close(release)
		wg.Wait()
		if n := count(t, d); n != 9 || !w.Lost() {
			t.Errorf("%d rows", n)
		}
	}
}

// TestLostServer: a connection that breaks between two statements of a closure is no
// mystery: nothing was committed.
func TestLostServer(t *testing.T) {
	t.Parallel()
	_, d := openWire(t)
	err := write(t.Context(), d, func(tx *db.Tx) error {
		if err := addProven(tx, 1); err != nil {
			return err
		}
		_, err := tx.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !errs.Is(err, errs.Unavailable) || count(t, d) != 0 {
		t.Errorf("%v, %d rows", err, count(t, d))
	}
}

// TestCutAnywhere cuts the connection after any number of bytes, in either direction. Who
// is in the way is asked to come again, never told that something is wrong with the
// program; what was acknowledged is there; and the next one finds a new connection.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	w, d := openWire(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	kept, refused := 0, 0
	for id := range 120 {
		w.CutAfter(r.Int64N(3000)) // as much as two new connections, and what they are for, need
		_, readErr := db.Read(t.Context(), d, countItems)
		_, snapshotErr := db.Snapshot(t.Context(), d, countItems)
		writeErr := write(t.Context(), d, func(tx *db.Tx) error {
			if _, err := countItems(t.Context(), tx); err != nil {
				return err
			}
			return addProven(tx, id)
		})
		w.Mend()
		for _, err := range []error{readErr, snapshotErr, writeErr} {
			if e := errs.Of(err); err != nil && (e.Kind != errs.Unavailable || e.RetryAfter == 0) {
				t.Fatalf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
			}
		}
		there, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
			return n, c.QueryRowContext(ctx, "SELECT count(*) FROM item WHERE id = $1", id).Scan(&n)
		})
		if err != nil {
			t.Fatalf("the next one: %v", err)
		}
		if writeErr == nil {
			kept++
		} else {
			refused++
		}
		if writeErr == nil && there != 1 {
			t.Errorf("%d was acknowledged and is not there", id)
		}
	}
	if kept == 0 || refused == 0 {
		t.Errorf("%d kept, %d refused", kept, refused)
	}
	db.Calm(d)
	if h := d.Health(t.Context()); h.Trouble != "" {
		t.Errorf("health: %+v", h)
	}
}

// TestNobodyListens: a server that is away is Unavailable, and found again when it is back.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	w, d := openWire(t)
	said := telling(d)
	w.Break()
	w.CutAfter(0)
	for range 5 {
		err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) })
		if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 || d.Health(t.Context()).Trouble != db.Unreachable {
			t.Errorf("%v", err)
		}
	}
	w.Mend()
	db.Calm(d)
	if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
		t.Error(err)
	}
	if all := said(); len(all) != 2 || all[0] != string(db.Unreachable) || all[1] != "" {
		t.Errorf("said %q", all)
	}
}

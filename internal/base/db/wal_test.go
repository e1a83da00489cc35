package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/basetest/disk"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

var blobs = fstest.MapFS{"202601010001_blob.sql": {Data: []byte("-- +goose Up\nCREATE TABLE blob (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL);")}}

func addBlob(tx *db.Tx, id, size int) error {
	_, err := tx.ExecContext(context.Background(), "INSERT INTO blob (id, text) VALUES ($1, $2)", id, strings.Repeat("x", size))
	return err
}

func intsFrom(first, n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = first + i
	}
	return all
}

// maxWAL bounds the WAL in the test below: the limit, and what is written between two
// looks at it while readers keep the WAL from beginning anew.
const maxWAL = 64 << 20

// TestWALIsBounded writes 80 MB while short readers overlap, so that there is never a
// moment without one: SQLite by itself would never begin the WAL anew.
func TestWALIsBounded(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d := openOn(t, on)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = db.Snapshot(ctx, d, func(ctx context.Context, c db.Conn) (int, error) {
					n, err := countItems(ctx, c)
					pause(ctx, 5*time.Millisecond)
					return n, err
				})
			}
		})
	}
	var largest int64
	var slowest time.Duration
	const written, each = 80 << 20, 500_000
	for id := range written / each {
		began := time.Now()
		if err := write(ctx, d, func(tx *db.Tx) error { return addBlob(tx, id, each) }); err != nil {
			t.Fatal(err)
		}
		largest, slowest = max(largest, on.Size("app.db-wal")), max(slowest, time.Since(began))
	}
	t.Logf("%d MiB written, the WAL had %.1f MiB at most, the slowest write took %s", written>>20, float64(largest)/(1<<20), slowest)
	if largest > maxWAL {
		t.Errorf("the WAL grew to %d MiB", largest>>20)
	}
}

// TestWALAfterALongReader: it grows while somebody reads for long, and it is small again
// soon after.
func TestWALAfterALongReader(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d := openOn(t, on)
	_, err := db.Whole(t.Context(), d, func(ctx context.Context, c db.Conn) (int, error) {
		if _, err := countItems(ctx, c); err != nil {
			return 0, err
		}
		var slowest time.Duration
		for id := range 200 {
			began := time.Now()
			if err := write(ctx, d, func(tx *db.Tx) error { return addBlob(tx, id, 100_000) }); err != nil {
				return 0, err
			}
			slowest = max(slowest, time.Since(began))
		}
		t.Logf("while one reads: the WAL has %d MiB, the slowest write took %s", on.Size("app.db-wal")>>20, slowest)
		n, err := countItems(ctx, c)
		if n != 0 {
			t.Errorf("the reader sees %d rows", n)
		}
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	grown := on.Size("app.db-wal")
	if grown < 18<<20 {
		t.Fatalf("the WAL has %d MiB: the reader did not hold it", grown>>20)
	}
	for deadline := time.Now().Add(20 * time.Second); on.Size("app.db-wal") > 0; pause(t.Context(), 10*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the WAL still has %d MiB", on.Size("app.db-wal")>>20)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// TestReadersAreCapped: a read has a deadline, of ten seconds at most, and at the deadline
// a statement ends.
func TestReadersAreCapped(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		type door func(context.Context, *db.DB, func(context.Context, db.Conn) (int, error)) (int, error)
		for name, read := range map[string]door{"Read": db.Read[int], "Snapshot": db.Snapshot[int]} {
			_, err := read(t.Context(), d, func(ctx context.Context, _ db.Conn) (int, error) {
				if end, ok := ctx.Deadline(); !ok || time.Until(end) > 10*time.Second {
					t.Errorf("%s: until %v", name, end)
				}
				return 0, nil
			})
			if err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			began := time.Now()
			_, err = read(ctx, d, func(ctx context.Context, c db.Conn) (n int, err error) {
				return n, c.QueryRowContext(ctx, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").Scan(&n)
			})
			cancel()
			if took := time.Since(began); !errs.Is(err, errs.Unavailable) || took > 5*time.Second {
				t.Errorf("%s: %v after %s", name, err, took)
			}
		}
	}, schema)
}

// TestTakenOrCancelled: of callers who may give up at any moment, each is told what has
// happened. One who is told no has written nothing.
func TestTakenOrCancelled(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		const callers = 400
		var wg sync.WaitGroup
		var told [callers]error
		var ran [callers]atomic.Bool
		for i := range callers {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
				defer cancel()
				told[i] = writeIn(ctx, d, "lane", func(tx *db.Tx) error {
					ran[i].Store(true)
					return add(tx, i)
				})
			})
		}
		wg.Wait()
		there, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (map[int]bool, error) {
			rows, err := c.QueryContext(ctx, "SELECT id FROM item")
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			all := map[int]bool{}
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					return nil, err
				}
				all[id] = true
			}
			return all, rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range told {
			if there[i] != (err == nil) || err == nil && !ran[i].Load() {
				t.Errorf("caller %d was told %v; ran: %v, there: %v", i, err, ran[i].Load(), there[i])
			}
			if err != nil && !errs.Is(err, errs.Unavailable) {
				t.Errorf("caller %d: %v", i, err)
			}
		}
		t.Logf("%d of %d were in time", len(there), callers)
		if err := write(t.Context(), d, func(tx *db.Tx) error { return errors.Join(add(tx, callers)) }); err != nil {
			t.Error(err)
		}
	}, schema)
}

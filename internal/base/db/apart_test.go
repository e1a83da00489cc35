package db_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestSlowReaders: as many as there can be hold no writer.
func TestSlowReaders(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		readers, _ := db.Connections(d)
		release := make(chan struct{})
		var reading, wg sync.WaitGroup
		defer wg.Wait()
		defer close(release)
		for range readers {
			reading.Add(1)
			wg.Go(func() {
				_, err := db.Snapshot(t.Context(), d, func(ctx context.Context, c db.Conn) (int, error) {
					n, err := countItems(ctx, c)
					reading.Done()
					<-release
					return n, err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		reading.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // readers have ten
		defer cancel()
		for id, lane := range []string{"", "lane"} {
			if err := writeIn(ctx, d, lane, func(tx *db.Tx) error { return add(tx, id) }); err != nil {
				t.Errorf("a write in %q: %v", lane, err)
			}
		}
	}, schema)
}

// TestBlockedWriters: as many as there can be, all of which wait for one row, hold no reader.
func TestBlockedWriters(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
			t.Fatal(err)
		}
		_, writers := db.Connections(d)
		locked, release := make(chan struct{}), make(chan struct{})
		first := sync.OnceFunc(func() {
			close(locked)
			<-release
		})
		touch := func() {
			err := write(t.Context(), d, func(tx *db.Tx) error {
				_, err := tx.ExecContext(t.Context(), "UPDATE item SET size = 'm' WHERE id = $1", 1)
				first()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		defer close(release)
		wg.Go(touch)
		<-locked
		for range writers {
			wg.Go(touch)
		}
		err := within(t, "reads and words", func() error {
			for waiting := 0; d.Engine() == "postgres" && waiting < writers-1; {
				var err error
				if waiting, err = db.Read(t.Context(), d, blocked); err != nil {
					return err
				}
			}
			if _, err := db.Snapshot(t.Context(), d, countItems); err != nil {
				return err
			}
			return d.Tell(t.Context(), "word")
		})
		if err != nil {
			t.Error(err)
		}
	}, schema)
}

// blocked counts those that wait for a row.
func blocked(ctx context.Context, c db.Conn) (n int, err error) {
	return n, c.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
}

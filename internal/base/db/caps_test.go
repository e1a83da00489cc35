package db_test

import (
	"context"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestReadIsCapped: a read that would take for ever is given up, inside a statement, and
// its connection is as good as before, or another is in its place.
func TestReadIsCapped(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		endless := func(ctx context.Context, c db.Conn) (n int, err error) {
			return n, c.QueryRowContext(ctx, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 - i FROM n) SELECT count(*) FROM n").Scan(&n)
		}
		readers, _ := db.Connections(d)
		for i := range readers + 1 {
			read := db.Read[int]
			if i%2 == 1 {
				read = db.Snapshot[int]
			}
			_ = count(t, d) // on a busy machine, connecting alone may take longer than the cap
			db.Cap(d, soon)
			err := within(t, "the read", func() error {
				_, err := read(t.Context(), d, endless)
				return err
			})
			if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 {
				t.Errorf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
			}
			db.Cap(d, plenty)
			if n := count(t, d); n != 0 {
				t.Errorf("%d rows", n)
			}
		}
		if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
			t.Error(err)
		}
		if h := d.Health(t.Context()); h.Trouble != "" {
			t.Errorf("health: %+v", h)
		}
	}, schema)
}

package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestBatches: each begins where the one before has ended, in a transaction of its own. What
// was done stays when a later one is refused, or nobody waits any more.
func TestBatches(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		refused := errors.New("refused")
		upTo := func(ctx context.Context, begin, last int) error {
			return db.Batches(ctx, d, begin, func(tx *db.Tx, at int) (int, bool, error) {
				if at == 7 {
					return at, true, errors.Join(add(tx, at), refused)
				}
				return at + 1, at < last, add(tx, at)
			})
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, step := range []struct {
			ctx         context.Context //nolint:containedctx // a test's step
			begin, last int
			want        error
			rows        int
		}{
			{t.Context(), 0, 3, nil, 4},
			{t.Context(), 4, 9, refused, 7},
			{ended, 8, 9, context.Canceled, 7},
		} {
			if err := upTo(step.ctx, step.begin, step.last); !errors.Is(err, step.want) {
				t.Errorf("from %d: %v", step.begin, err)
			}
			n, err := db.Read(t.Context(), d, countItems)
			if err != nil || n != step.rows {
				t.Errorf("from %d: %d rows, want %d, %v", step.begin, n, step.rows, err)
			}
		}
	}, schema)
}

package db

import (
	"context"
	"time"
)

// BatchRows is how many rows one transaction of bulk work changes at most, and batchRest
// how long others then have the database to themselves.
const (
	BatchRows = 200
	batchRest = 10 * time.Millisecond
)

// Batches does bulk work in one transaction after another, until fn says that there is
// nothing more. fn is under the rules of Write, and changes BatchRows at most; it is told
// where the transaction before has ended, the first one begin. When ctx ends, or fn errs,
// what was done stays done.
func Batches[T any](ctx context.Context, d *DB, begin T, fn func(tx *Tx, at T) (next T, more bool, err error)) error {
	type end struct {
		at   T
		more bool
	}
	for last := (end{begin, true}); ; {
		var err error
		last, err = Write(ctx, d, func(tx *Tx) (end, error) {
			next, more, err := fn(tx, last.at)
			return end{next, more}, err
		})
		if err != nil || !last.more {
			return err
		}
		select {
		case <-time.After(batchRest):
		case <-ctx.Done():
			return d.translate(ctx.Err())
		}
	}
}

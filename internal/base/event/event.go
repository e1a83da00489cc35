// Package event is how a lower slice speaks to a higher one that it does not know:
// a topic is published inside the transaction, and whoever subscribed takes part in
// it. An error of a subscriber undoes the whole transaction.
//
//	accepted := &event.Topic[account.Accepted]{}
//	accepted.Subscribe(project.join)             // while the program is put together
//	err := accepted.Publish(ctx, tx, account.Accepted{…}) // inside live.Write
package event

import (
	"context"

	"github.com/peisear/peisear/internal/base/live"
)

// Topic carries values of one type. The zero Topic is ready; Subscribe comes before
// any Publish.
type Topic[T any] struct {
	subscribers []func(ctx context.Context, tx *live.Tx, v T) error
}

// Subscribe adds a subscriber. It is under the rules of db.Write: it may run more
// than once and touches nothing but tx.
func (t *Topic[T]) Subscribe(f func(ctx context.Context, tx *live.Tx, v T) error) {
	t.subscribers = append(t.subscribers, f)
}

// Publish runs the subscribers in the order in which they came, until one errs.
func (t *Topic[T]) Publish(ctx context.Context, tx *live.Tx, v T) error {
	for _, f := range t.subscribers {
		if err := f(ctx, tx, v); err != nil {
			return err
		}
	}
	return nil
}

// Heard reports whether anybody has subscribed: what nobody hears need not be gathered.
func (t *Topic[T]) Heard() bool { return len(t.subscribers) > 0 }

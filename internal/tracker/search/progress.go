package search

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// maxSettle is how long a search waits for what was written before it.
const maxSettle = 200 * time.Millisecond

// progress knows how far the index has followed what this process writes.
type progress struct {
	added atomic.Int64  // what was written
	wake  chan struct{} // holds one token when there is something to do
	hurry chan struct{} // holds one when somebody waits for it

	mu        sync.Mutex
	following bool
	done      int64         // of what was written, all up to here is in the index
	moved     chan struct{} // closed when done grows, or nobody follows any more
}

func newProgress() *progress {
	return &progress{wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), moved: make(chan struct{})}
}

func (p *progress) add() {
	p.added.Add(1)
	token(p.wake)
}

// token puts one into a channel, where one is enough.
func token(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// await returns when there is something to do, or after the pause; false when ctx ends.
// It may be told to keep the pause whatever comes.
func (p *progress) await(ctx context.Context, pause time.Duration, listen bool) bool {
	wake, hurry := p.wake, p.hurry
	if !listen {
		wake, hurry = nil, nil
	}
	end := time.After(pause)
	select {
	case <-wake:
		end = time.After(min(pause, linger))
	case <-hurry:
		return true
	case <-end:
		return true
	case <-ctx.Done():
		return false
	}
	select {
	case <-hurry:
	case <-end:
	case <-ctx.Done():
		return false
	}
	return true
}

// follow says whether somebody does.
func (p *progress) follow(yes bool) { p.change(func() { p.following = yes }) }

// reached says that the index has what was written up to mark.
func (p *progress) reached(mark int64) { p.change(func() { p.done = max(p.done, mark) }) }

func (p *progress) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.moved)
	p.moved = make(chan struct{})
}

// settle waits until the index has what was written before, but not long: to find a bit
// less is better than to wait for an import. Unavailable: ctx has ended.
func (p *progress) settle(ctx context.Context) error {
	mark := p.added.Load()
	var late <-chan time.Time
	for {
		p.mu.Lock()
		there, moved := p.done >= mark || !p.following, p.moved
		p.mu.Unlock()
		if there {
			return nil
		}
		if late == nil {
			late = time.After(maxSettle)
		}
		token(p.hurry)
		select {
		case <-moved:
		case <-late:
			return nil
		case <-ctx.Done():
			return errs.From(ctx.Err(), errs.Unavailable, "not available now")
		}
	}
}

package db

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A turn ends at whichever comes first. PostgreSQL remembers 64 savepoints of a
// transaction cheaply, and each closure needs one.
const (
	maxTurn     = 32
	maxTurnTime = 5 * time.Millisecond
)

// lanes lets those who write to one lane take turns. Who finds it empty leads: alone.
// Who comes meanwhile waits, and when the leader has ended, the first of those leads
// all of them in one transaction. So a lane with nobody waiting costs nothing.
type lanes struct {
	mu      sync.Mutex
	waiting map[string][]*turn // a lane is there while somebody leads it
}

// turn is a job that waits in a lane.
type turn struct {
	job
	fate fate
	lead chan struct{} // closed when it is this one's to lead
}

// fate is what became of a closure that others led.
type fate int

const (
	settled fate = iota // its error, or none, is the outcome
	undone              // through no fault of its own
	unknown             // the server was lost while it committed
)

func newTurn(ctx context.Context, fn func(*Tx) error) *turn {
	return &turn{job: job{ctx: ctx, fn: fn, done: make(chan struct{})}, lead: make(chan struct{})}
}

// enter reports whether t finds the lane empty, and leads. Otherwise it waits there.
func (l *lanes) enter(lane string, t *turn) (leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, busy := l.waiting[lane]
	if !busy {
		l.waiting[lane] = nil
		return true
	}
	l.waiting[lane] = append(waiting, t)
	return false
}

// await waits until t leads, was led, or its caller has gone. It is either taken or
// cancelled, never both.
func (l *lanes) await(lane string, t *turn) (leads bool, err error) {
	select {
	case <-t.done:
		return false, nil
	case <-t.lead:
		return true, nil
	case <-t.ctx.Done():
	}
	if l.leave(lane, t) {
		return false, t.ctx.Err()
	}
	select {
	case <-t.done:
		return false, nil
	case <-t.lead:
		return true, nil
	}
}

func (l *lanes) leave(lane string, t *turn) (left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting[lane], t)
	if i < 0 {
		return false
	}
	l.waiting[lane] = slices.Delete(l.waiting[lane], i, i+1)
	return true
}

// take returns up to n of those who wait.
func (l *lanes) take(lane string, n int) []*turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting[lane]
	n = min(n, len(waiting))
	l.waiting[lane] = waiting[n:]
	return slices.Clone(waiting[:n])
}

// pass lets the first of those who wait lead, or leaves the lane empty.
func (l *lanes) pass(lane string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting[lane]
	if len(waiting) == 0 {
		delete(l.waiting, lane)
		return
	}
	l.waiting[lane] = waiting[1:]
	close(waiting[0].lead)
}

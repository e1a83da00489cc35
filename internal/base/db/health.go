package db

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// Trouble is what stands in the way of every change, whoever makes it. It passes: who
// mends it needs not start the program again.
type Trouble string

// The troubles.
const (
	NoSpace     Trouble = "no space"
	DiskError   Trouble = "disk error"
	ReadOnly    Trouble = "read only"
	Locked      Trouble = "locked" // by another process, for longer than anybody waits
	Unreachable Trouble = "unreachable"
)

// Health says whether the database keeps changes.
type Health struct {
	Trouble Trouble   // "" when it does
	Since   time.Time // of the trouble
}

// calm is how long after the last trouble a change that works is believed. On a disk with
// a few pages left small ones work and others do not.
const calm = 5 * time.Second

// Health looks, in times of trouble, whether it has passed: also when nobody writes.
func (d *DB) Health(ctx context.Context) Health {
	d.heal(ctx)
	return d.condition.health()
}

// OnHealth calls f with every change for the worse or the better: once, not for each
// request that meets it. It is called while the program is put together.
func (d *DB) OnHealth(f func(Health)) { d.condition.tell = f }

// note looks at the outcome of a statement or a transaction. Who has gone away, in the
// middle of connecting say, has seen no trouble, whatever the driver makes of it.
func (d *DB) note(ctx context.Context, err error) {
	if err == nil || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if t := d.trouble(err); t != "" {
		d.condition.set(t)
	}
}

// heal tries to change something, once it has been calm for a while.
func (d *DB) heal(ctx context.Context) {
	if !d.condition.isCalm() || !d.condition.trying.CompareAndSwap(false, true) {
		return
	}
	defer d.condition.trying.Store(false)
	ctx, cancel := context.WithTimeout(ctx, d.caps.probe)
	defer cancel()
	_, err := d.write(ctx, "", d.probe)
	if err == nil {
		d.condition.set("")
		return
	}
	d.note(ctx, err)
}

// condition is what is known about the database's health.
type condition struct {
	bad    atomic.Bool // costs those nothing that find it false
	trying atomic.Bool
	calm   time.Duration
	tell   func(Health)

	mu   sync.Mutex
	now  Health
	last time.Time // of trouble
}

func (c *condition) health() Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// isCalm reports whether there is trouble, but not of late.
func (c *condition) isCalm() bool {
	if !c.bad.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.last) >= c.calm
}

func (c *condition) set(t Trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t != "" {
		c.last = time.Now()
	}
	if t == c.now.Trouble {
		return
	}
	c.now = Health{Trouble: t, Since: c.last}
	if t == "" {
		c.now.Since = time.Time{}
	}
	c.bad.Store(t != "")
	if c.tell != nil {
		c.tell(c.now)
	}
}

// again is when another try is worth it, in times of trouble.
const again = 5 * time.Second

// error is what whoever meets the trouble is told.
func (t Trouble) error(cause error) error {
	e := &errs.Error{Kind: errs.Unavailable, RetryAfter: again, Cause: cause}
	switch t {
	case NoSpace:
		e.Message = "there is no space to keep changes right now; what is there can be read; try again later"
	case DiskError:
		e.Message = "the disk does not answer as it should right now; try again later"
	case ReadOnly:
		e.Message = "the database takes no changes right now; what is there can be read; try again later"
	case Locked:
		e.Message = "the database is in use by another program right now; try again in a moment"
	case Unreachable:
		e.Message = "the database cannot be reached right now; try again in a moment"
	}
	return e
}

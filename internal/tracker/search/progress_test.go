package search

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// took returns how long f takes.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// TestSettle: a search waits for what was written before it, for as long as somebody
// follows, and not for long.
func TestSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProgress()
		settle := func(what string, want time.Duration) {
			t.Helper()
			if d := took(func() {
				if err := p.settle(t.Context()); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}); d != want {
				t.Errorf("%s: %v, want %v", what, d, want)
			}
		}
		p.add()
		settle("nobody follows", 0)
		p.follow(true)
		go func() {
			<-p.hurry
			<-time.After(10 * time.Millisecond)
			p.reached(1)
		}()
		settle("somebody does", 10*time.Millisecond)
		settle("it is there", 0)
		p.add()
		settle("it takes long", maxSettle)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.settle(ctx); !errs.Is(err, errs.Unavailable) {
			t.Error(err)
		}
		go func() {
			<-time.After(time.Millisecond)
			p.follow(false)
		}()
		settle("nobody follows any more", time.Millisecond)
	})
}

// TestAwait: what is written is waited with for a moment, for more to come, unless
// somebody searches; and a database that does not take it is left alone.
func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProgress()
		await := func(what string, listen bool, want time.Duration) {
			t.Helper()
			if d := took(func() { p.await(t.Context(), time.Second, listen) }); d != want {
				t.Errorf("%s: %v, want %v", what, d, want)
			}
		}
		await("nothing", true, time.Second)
		p.add()
		p.add()
		await("something", true, linger)
		p.add()
		token(p.hurry)
		await("a search", true, 0)
		p.add()
		token(p.hurry)
		await("no ear for it", false, time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if q := newProgress(); q.await(ctx, time.Second, true) {
			t.Error("it goes on")
		}
	})
}

package account

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// The limits on attempts with a wrong credential. Only refused attempts count, so
// nobody who knows a password is slowed down by using it often.
const (
	maxTracked   = 10_000 // addresses, accounts and pairs of both, each
	accountPause = time.Second
)

// rate is how many refused attempts are free, and how long it takes to earn one
// back.
type rate struct {
	free  float64
	every time.Duration
}

func perIP() rate           { return rate{100, time.Second} }
func perIPUser() rate       { return rate{10, 30 * time.Second} }
func (r rate) full() bucket { return bucket{left: r.free} }

// bucket is what is left of a rate.
type bucket struct {
	left float64
	at   time.Time
}

func (r rate) refill(b bucket, now time.Time) bucket {
	if earned := now.Sub(b.at); earned > 0 && !b.at.IsZero() {
		b.left = min(r.free, b.left+float64(earned)/float64(r.every))
	}
	b.at = now
	return b
}

// wait is how long until one attempt is free, 0 when one is.
func (r rate) wait(b bucket) time.Duration {
	if b.left >= 1 {
		return 0
	}
	return time.Duration((1 - b.left) * float64(r.every))
}

type ipUser struct {
	ip   netip.Prefix
	user string
}

// limits counts refused attempts: per address, per address and account, and per
// account over all addresses. The last never locks anybody out: it only makes the
// next attempt wait a moment, so that a stranger cannot keep the owner away.
// It lives in memory and is bounded; what is forgotten first is what was longest
// not asked for.
type limits struct {
	mu     sync.Mutex
	ips    *lru[netip.Prefix, bucket]
	pairs  *lru[ipUser, bucket]
	pauses *lru[string, time.Time]
}

func newLimits() *limits {
	return &limits{
		ips:    newLRU[netip.Prefix, bucket](maxTracked),
		pairs:  newLRU[ipUser, bucket](maxTracked),
		pauses: newLRU[string, time.Time](maxTracked),
	}
}

// network is what counts as one address: an IPv6 user has a /64 of them.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the zero address gives the zero prefix
	return p
}

// allow tells whether an attempt may be made. user is "" where no account is named.
// RateLimited: not yet; the error says when.
func (l *limits) allow(ip netip.Addr, user string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := held(l.ips, network(ip), perIP(), now)
	if user != "" {
		wait = max(wait, held(l.pairs, ipUser{network(ip), user}, perIPUser(), now))
	}
	if wait > 0 {
		return errs.Later(errs.RateLimited, wait, "too many attempts; try again later")
	}
	return nil
}

func held[K comparable](all *lru[K, bucket], key K, r rate, now time.Time) time.Duration {
	b, ok := all.get(key)
	if !ok {
		return 0
	}
	return r.wait(r.refill(b, now))
}

// refused counts an attempt that was refused.
func (l *limits) refused(ip netip.Addr, user string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	take(l.ips, network(ip), perIP(), now)
	if user != "" {
		take(l.pairs, ipUser{network(ip), user}, perIPUser(), now)
		l.pauses.put(user, now.Add(accountPause))
	}
}

func take[K comparable](all *lru[K, bucket], key K, r rate, now time.Time) {
	b, ok := all.get(key)
	if !ok {
		b = r.full()
	}
	b = r.refill(b, now)
	b.left = max(0, b.left-1)
	all.put(key, b)
}

// pause is how long an attempt on the account waits after a refused one from
// anywhere: never longer than accountPause.
func (l *limits) pause(user string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, _ := l.pauses.get(user)
	return min(max(0, until.Sub(now)), accountPause)
}

// sleep waits, unless the request ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errs.From(ctx.Err(), errs.Unavailable, "the request was given up")
	}
}

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
// back. What is kept of an address or account is the time when it has earned all
// back.
type rate struct {
	free  int
	every time.Duration
}

func perIP() rate     { return rate{100, time.Second} }
func perIPUser() rate { return rate{10, 30 * time.Second} }

// perFactor bounds the guesses at a user's second factor from all addresses together:
// its six digits are few, and addresses are many. Only those who have passed the first
// factor can use it up.
func perFactor() rate { return rate{50, time.Minute} }

// wait is how long until one attempt is free, 0 when one is.
func (r rate) wait(full, now time.Time) time.Duration {
	return max(0, full.Sub(now)-time.Duration(r.free-1)*r.every)
}

// take is when all will be earned back after one more refused attempt.
func (r rate) take(full, now time.Time) time.Time {
	if full.Before(now) {
		full = now
	}
	most := now.Add(time.Duration(r.free) * r.every)
	if full = full.Add(r.every); full.After(most) {
		full = most
	}
	return full
}

// Mails that somebody makes this server send, asked for or not, are limited for whom
// they reach and for who asks.
func perMailTo() rate   { return rate{3, 20 * time.Minute} }
func perMailFrom() rate { return rate{20, 3 * time.Minute} }

// perNetwork bounds the accounts that are made from one address where anybody may make one.
func perNetwork() rate { return rate{20, 3 * time.Minute} }

type ipUser struct {
	ip   netip.Prefix
	user string
}

// limits counts refused attempts: per address, per address and account, and per
// account over all addresses. The last never locks anybody out of a password: it only
// makes the next attempt wait a moment, so that a stranger cannot keep the owner away.
// It lives in memory and is bounded; what is forgotten first is what was longest
// not asked for.
type limits struct {
	mu      sync.Mutex
	ips     *lru[netip.Prefix, time.Time]
	pairs   *lru[ipUser, time.Time]
	pauses  *lru[string, time.Time]
	factors *lru[string, time.Time]
	mailTo  *lru[string, time.Time]
	mailers *lru[string, time.Time]
	joined  *lru[netip.Prefix, time.Time]
}

func newLimits() *limits {
	return &limits{
		ips:     newLRU[netip.Prefix, time.Time](maxTracked),
		pairs:   newLRU[ipUser, time.Time](maxTracked),
		pauses:  newLRU[string, time.Time](maxTracked),
		factors: newLRU[string, time.Time](maxTracked),
		mailTo:  newLRU[string, time.Time](maxTracked),
		mailers: newLRU[string, time.Time](maxTracked),
		joined:  newLRU[netip.Prefix, time.Time](maxTracked),
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
	return later(l.wait(ip, user, now))
}

func (l *limits) wait(ip netip.Addr, user string, now time.Time) time.Duration {
	wait := held(l.ips, network(ip), perIP(), now)
	if user != "" {
		wait = max(wait, held(l.pairs, ipUser{network(ip), user}, perIPUser(), now))
	}
	return wait
}

func later(wait time.Duration) error {
	if wait > 0 {
		return errs.Later(errs.RateLimited, wait, "too many attempts; try again later")
	}
	return nil
}

// attempt is for what is guessed quickly, a second factor. The attempt counts as
// refused until passed is called: however many are made at one time, no more are let
// through than one after another. RateLimited: not yet; the error says when.
func (l *limits) attempt(ip netip.Addr, user string, now time.Time) (passed func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := later(max(l.wait(ip, user, now), held(l.factors, user, perFactor(), now))); err != nil {
		return nil, err
	}
	pair := ipUser{network(ip), user}
	take(l.ips, pair.ip, perIP(), now)
	take(l.pairs, pair, perIPUser(), now)
	take(l.factors, user, perFactor(), now)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		giveBack(l.ips, pair.ip, perIP())
		giveBack(l.pairs, pair, perIPUser())
		giveBack(l.factors, user, perFactor())
	}, nil
}

func held[K comparable](all *lru[K, time.Time], key K, r rate, now time.Time) time.Duration {
	full, ok := all.get(key)
	if !ok {
		return 0
	}
	return r.wait(full, now)
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

func take[K comparable](all *lru[K, time.Time], key K, r rate, now time.Time) {
	full, _ := all.get(key)
	all.put(key, r.take(full, now))
}

// mail counts a mail to an address that from has asked for, whether or not it is sent:
// the limits do not tell who has an account. RateLimited: not yet.
func (l *limits) mail(to, from string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := max(held(l.mailTo, to, perMailTo(), now), held(l.mailers, from, perMailFrom(), now)); wait > 0 {
		return errs.Later(errs.RateLimited, wait, "enough mails were sent for now; look for one, or try again later")
	}
	take(l.mailTo, to, perMailTo(), now)
	take(l.mailers, from, perMailFrom(), now)
	return nil
}

// signUp counts a sign-up without an invite, before it is tried: however many come at one
// time, no more get in. undo is for one that came to nothing. RateLimited: not yet.
func (l *limits) signUp(ip netip.Addr, now time.Time) (undo func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := network(ip)
	if err := later(held(l.joined, from, perNetwork(), now)); err != nil {
		return nil, err
	}
	take(l.joined, from, perNetwork(), now)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		giveBack(l.joined, from, perNetwork())
	}, nil
}

func giveBack[K comparable](all *lru[K, time.Time], key K, r rate) {
	if full, ok := all.get(key); ok {
		all.put(key, full.Add(-r.every))
	}
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

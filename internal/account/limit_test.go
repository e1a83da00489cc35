package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
)

// TestLimits is a table of refused attempts and what is allowed after them.
func TestLimits(t *testing.T) {
	t.Parallel()
	const ip4, ip6 = "192.0.2.1", "2001:db8:1:2::1"
	for name, c := range map[string]struct {
		refused int
		at      string // the address they came from
		user    func(int) string
		pass    time.Duration // between the last of them and the next attempt
		from    string
		next    string
		wait    time.Duration
	}{
		"none":                         {0, ip4, same("ann"), 0, ip4, "ann", 0},
		"nine":                         {9, ip4, same("ann"), 0, ip4, "ann", 0},
		"ten for one account":          {10, ip4, same("ann"), 0, ip4, "ann", 30 * time.Second},
		"part of the wait":             {10, ip4, same("ann"), 29 * time.Second, ip4, "ann", time.Second},
		"all of the wait":              {10, ip4, same("ann"), 30 * time.Second, ip4, "ann", 0},
		"another account":              {10, ip4, same("ann"), 0, ip4, "bob", 0},
		"another address":              {10, ip4, same("ann"), 0, "192.0.2.2", "ann", 0},
		"the same as IPv6":             {10, ip4, same("ann"), 0, "::ffff:" + ip4, "ann", 30 * time.Second},
		"99 for many accounts":         {99, ip4, each, 0, ip4, "ann", 0},
		"100 for many accounts":        {100, ip4, each, 0, ip4, "ann", time.Second},
		"100, then one second":         {100, ip4, each, time.Second, ip4, "ann", 0},
		"100 from another address":     {100, ip4, each, 0, "192.0.2.2", "ann", 0},
		"100 codes":                    {100, ip4, same(""), 0, ip4, "", time.Second},
		"the same IPv6 network":        {10, ip6, same("ann"), 0, "2001:db8:1:2:ffff::9", "ann", 30 * time.Second},
		"a link-local zone":            {10, "fe80::1%eth0", same("ann"), 0, "fe80::2%eth1", "ann", 30 * time.Second},
		"another IPv6 network":         {10, ip6, same("ann"), 0, "2001:db8:1:3::1", "ann", 0},
		"what is earned has a maximum": {100, ip4, each, 100 * time.Hour, ip4, "ann", 0},
	} {
		l, now := newLimits(), time.Now()
		for i := range c.refused {
			l.refused(netip.MustParseAddr(c.at), c.user(i), now)
		}
		err := l.allow(netip.MustParseAddr(c.from), c.next, now.Add(c.pass))
		if (err != nil) != (c.wait > 0) || err != nil && (!errs.Is(err, errs.RateLimited) || errs.Of(err).RetryAfter != c.wait) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func same(user string) func(int) string { return func(int) string { return user } }
func each(i int) string                 { return fmt.Sprint("user", i) }

func TestPauseIsAtMostASecond(t *testing.T) {
	t.Parallel()
	l, now := newLimits(), time.Now()
	if p := l.pause("ann", now); p != 0 {
		t.Errorf("before: %v", p)
	}
	for i := range 1000 {
		l.refused(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), "ann", now)
	}
	for after, want := range map[time.Duration]time.Duration{0: time.Second, time.Second / 4: 3 * time.Second / 4, time.Second: 0, time.Hour: 0} {
		if p := l.pause("ann", now.Add(after)); p != want {
			t.Errorf("after %v: %v", after, p)
		}
	}
	if p := l.pause("bob", now); p != 0 {
		t.Errorf("another account: %v", p)
	}
}

func TestLimitsAreBounded(t *testing.T) {
	t.Parallel()
	l, now := newLimits(), time.Now()
	for i := range 2 * maxTracked {
		l.refused(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), fmt.Sprint(i), now)
	}
	if l.ips.order.Len() != maxTracked || len(l.pairs.items) != maxTracked || len(l.pauses.items) != maxTracked {
		t.Errorf("%d addresses, %d pairs, %d pauses", l.ips.order.Len(), len(l.pairs.items), len(l.pauses.items))
	}
}

func TestLRU(t *testing.T) {
	t.Parallel()
	l := newLRU[string, int](2)
	l.put("a", 1)
	l.put("b", 2)
	l.get("a")
	l.put("c", 3) // b was longest unused
	l.put("a", 4)
	var got []string
	for _, key := range []string{"a", "b", "c"} {
		if v, ok := l.get(key); ok {
			got = append(got, fmt.Sprint(key, v))
		}
	}
	if text := strings.Join(got, " "); text != "a4 c3" {
		t.Error(text)
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		g := sizedGate(1, 1, time.Hour)
		leave, err := g.enter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			second, err := g.enter(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			second()
		})
		synctest.Wait() // until the second waits
		_, err = g.enter(ctx)
		if !errs.Is(err, errs.Unavailable) || errs.Of(err).RetryAfter <= 0 {
			t.Errorf("the third: %v", err)
		}
		leave()
		wg.Wait()
		third, err := g.enter(ctx)
		if err != nil {
			t.Fatalf("when all have left: %v", err)
		}
		third()
		if n := g.passed.Load(); n != 3 {
			t.Errorf("%d passed", n)
		}
	})
}

func TestGateIsNotPatientForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := sizedGate(1, 1, patience)
		if _, err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := g.enter(t.Context()); !errs.Is(err, errs.Unavailable) || time.Since(start) != patience {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(gone); !errs.Is(err, errs.Unavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if len(g.waiting) != 0 {
			t.Error("who has gone still waits")
		}
	})
}

func TestPHC(t *testing.T) {
	t.Parallel()
	cost := Argon2{Memory: 64, Time: 1, Threads: 1}
	p, err := parsePHC(newPHC("secret words", cost).String())
	if err != nil || !p.matches("secret words") || p.matches("secret word") || p.cost != cost {
		t.Errorf("%+v, %v", p, err)
	}
	if one, two := newPHC("x", cost), newPHC("x", cost); one.String() == two.String() {
		t.Error("two hashes share a salt")
	}
	if p.weaker(cost) || !p.weaker(Argon2{Memory: 65, Time: 1, Threads: 1}) || !p.weaker(Argon2{Memory: 64, Time: 2, Threads: 1}) {
		t.Error("weaker")
	}
	if dummy(cost).matches("") {
		t.Error("the dummy has a password")
	}
	// From the reference implementation of argon2.
	known, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil || !known.matches("password") {
		t.Errorf("reference: %v", err)
	}
	for _, bad := range []string{
		"", "password", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=16$m=64,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=99999999,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=1,p=0$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=64,t=1,p=1$!$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		if p, err := parsePHC(bad); err == nil {
			t.Errorf("%s: %+v", bad, p)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add(newPHC("x", Argon2{Memory: 64, Time: 1, Threads: 1}).String())
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePHC(text); err == nil && (p.cost.Memory > maxMemory || p.cost.Threads == 0 || len(p.hash) == 0) {
			t.Errorf("%q: %+v", text, p)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	token := refreshToken{mac: make([]byte, 32), n: 1}.String()
	f.Add(token)
	f.Add(token[:10] + "\n\n" + token[10:])
	f.Fuzz(func(t *testing.T, text string) {
		if r, ok := parseRefresh(text); ok && r.String() != text {
			t.Errorf("%q is read as %q", text, r)
		}
	})
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"Ann@Example.ORG", "ann@example.org"}, {" ann@example.org ", "ann@example.org"},
		{"J\u00d6RG@example.org", "jo\u0308rg@example.org"}, // composed and not
		{"\u212aate@example.org", "kate@example.org"},       // the Kelvin sign
		{"\uff41nn@example.org", "ann@example.org"},         // full width
	} {
		if Fold(same[0]) != Fold(same[1]) {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
	if Fold("ann@example.org") == Fold("anna@example.org") {
		t.Error("two addresses are one")
	}
}

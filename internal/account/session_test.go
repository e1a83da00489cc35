package account_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

const day = 24 * time.Hour

func (n *node) refresh(t *testing.T, s account.SignedIn, attempt string) (account.SignedIn, error) {
	t.Helper()
	return n.Refresh(t.Context(), home, s.Refresh, attempt)
}

func TestRefreshRotates(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		first := n.signUp(t, "ann", account.User)
		second, err := n.refresh(t, first, "a1")
		if err != nil || second.Refresh == first.Refresh || second.User != first.User || second.ExpiresIn != 15*time.Minute {
			t.Fatalf("%+v, %v", second, err)
		}
		third, err := n.refresh(t, second, "") // an attempt's name is optional
		if err != nil || third.Refresh == second.Refresh || third.AccessToken == second.AccessToken {
			t.Fatalf("%+v, %v", third, err)
		}
		for _, s := range []account.SignedIn{first, second, third} {
			if status := n.me(t, s); status != http.StatusOK {
				t.Errorf("access token: %d", status)
			}
		}
	})
}

func TestReplayEndsTheSession(t *testing.T) {
	for name, again := range map[string]func(n *node) string{
		"with another attempt":  func(*node) string { return "a2" },
		"without an attempt":    func(*node) string { return "" },
		"with the same, late":   func(n *node) string { n.clock.pass(10*time.Second + time.Microsecond); return "a1" },
		"a day later, another":  func(n *node) string { n.clock.pass(day); return "a9" },
		"attempt never had one": func(*node) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				first := n.signUp(t, "ann", account.User)
				attempt := "a1"
				if name == "attempt never had one" {
					attempt = ""
				}
				second, err := n.refresh(t, first, attempt)
				if err != nil {
					t.Fatal(err)
				}
				_, err = n.refresh(t, first, again(n))
				wantKind(t, "replay", err, errs.Unauthorized)
				_, err = n.refresh(t, second, "a3")
				wantKind(t, "the successor", err, errs.Unauthorized)
				if status := n.me(t, second); status != http.StatusUnauthorized {
					t.Errorf("access token: %d", status)
				}
				if rows := n.count(t, "session", "1 = 1"); rows != 0 {
					t.Errorf("%d sessions", rows)
				}
			})
		})
	}
}

// TestOlderTokensNeverComeBack: two steps behind is a replay, but in the attempt that has
// replaced the token.
func TestOlderTokensNeverComeBack(t *testing.T) {
	for name, again := range map[string]func(n *node) string{
		"with another attempt":    func(*node) string { return "a3" },
		"with the next one's":     func(*node) string { return "a2" },
		"without an attempt":      func(*node) string { return "" },
		"with the same, too late": func(n *node) string { n.clock.pass(10*time.Second + time.Microsecond); return "a1" },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				first := n.signUp(t, "ann", account.User)
				second, err := n.refresh(t, first, "a1")
				if err != nil {
					t.Fatal(err)
				}
				if _, err = n.refresh(t, second, "a2"); err != nil {
					t.Fatal(err)
				}
				_, err = n.refresh(t, first, again(n))
				wantKind(t, "two steps behind", err, errs.Unauthorized)
				if rows := n.count(t, "session", "1 = 1"); rows != 0 {
					t.Errorf("%d sessions", rows)
				}
			})
		})
	}
}

// TestTabsOvertakeEachOther is what eight tabs without locks were seen to do: one sends the
// new token with the old attempt, because it has not heard yet that this was answered, and
// another's request, with the old token, waits for a connection meanwhile.
func TestTabsOvertakeEachOther(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		one := n.signUp(t, "ann", account.User)
		refresh := func(s account.SignedIn, attempt string) account.SignedIn {
			t.Helper()
			got, err := n.refresh(t, s, attempt)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		same := func(got, want account.SignedIn) {
			t.Helper()
			if got.Refresh != want.Refresh {
				t.Error("got another token")
			}
		}
		two := refresh(one, "x")
		same(refresh(two, "x"), two)
		same(refresh(one, "x"), two)
		three := refresh(two, "y")
		if three.Refresh == two.Refresh {
			t.Error("the next attempt rotates nothing")
		}
		same(refresh(one, "x"), three)
		same(refresh(two, "x"), three)
		same(refresh(three, "x"), three)
		same(refresh(two, "y"), three)
		for i := range 30 { // what is kept of them is bounded
			three = refresh(three, fmt.Sprint("z", i))
		}
		same(refresh(three, "z15"), three)
		n.clock.pass(10*time.Second + time.Microsecond)
		if next := refresh(three, "z29"); next.Refresh == three.Refresh { // long ago: begins anew
			t.Error("an old attempt rotates no more")
		}
	})
}

// TestTabsInAnyOrder sends what tabs without locks may: each reads the attempt, then the
// browser adds the cookie, then the request waits. The browser takes the answer's cookie
// before the tab gets to read it, and knows only then that the attempt was answered.
func TestTabsInAnyOrder(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for seed := range uint64(8) {
			tabsInAnyOrder(t, n, rand.New(rand.NewPCG(seed, 0)))
		}
	})
}

func tabsInAnyOrder(t *testing.T, n *node, random *rand.Rand) {
	t.Helper()
	type tab struct {
		step    int
		attempt int
		cookie  account.SignedIn
	}
	cookie, newest := n.signUp(t, fmt.Sprint("tabs", n.count(t, "users", "1 = 1")), account.User), 0
	tabs := make([]tab, 8)
	for range 200 {
		b := &tabs[random.IntN(len(tabs))]
		switch b.step {
		case 0:
			b.attempt = newest
		case 1:
			b.cookie = cookie
		case 2:
			answer, err := n.refresh(t, b.cookie, fmt.Sprint("a", b.attempt))
			if err != nil {
				t.Fatalf("attempt %d of %d: %v", b.attempt, newest, err)
			}
			cookie = answer
		case 3:
			newest = max(newest, b.attempt+1)
		}
		b.step = (b.step + 1) % 4
	}
}

func TestTwentyInOneAttempt(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		first := n.signUp(t, "ann", account.User)
		var wg sync.WaitGroup
		var got [20]account.SignedIn
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = n.refresh(t, first, "same"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, s := range got {
			if s.Refresh != got[0].Refresh || s.Refresh == first.Refresh {
				t.Errorf("successors differ: %s, %s", s.Refresh, got[0].Refresh)
			}
		}
		if _, err := n.refresh(t, got[0], "next"); err != nil {
			t.Error(err)
		}
	})
}

func TestTwentyAttempts(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		first := n.signUp(t, "ann", account.User)
		var wg sync.WaitGroup
		var got [20]account.SignedIn
		var failed [20]error
		for i := range got {
			wg.Go(func() { got[i], failed[i] = n.refresh(t, first, fmt.Sprint("a", i)) })
		}
		wg.Wait()
		good := 0
		for i, err := range failed {
			if err == nil {
				good++
				_, err = n.refresh(t, got[i], "next")
			}
			wantKind(t, "afterwards", err, errs.Unauthorized)
		}
		if good > 1 {
			t.Errorf("%d succeeded", good)
		}
		if rows := n.count(t, "session", "1 = 1"); rows != 0 {
			t.Errorf("%d sessions", rows)
		}
	})
}

func TestSessionsExpire(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		refresh := func() (err error) {
			next, err := n.refresh(t, s, "")
			if err == nil {
				s = next
			}
			return err
		}
		n.clock.pass(7*day - time.Second)
		if err := refresh(); err != nil {
			t.Errorf("after almost 7 days: %v", err)
		}
		n.clock.pass(7 * day)
		wantKind(t, "idle for 7 days", refresh(), errs.Unauthorized)
		wantKind(t, "once more", refresh(), errs.Unauthorized)

		s = n.signUp(t, "bob", account.User)
		start := n.clock.Now()
		for range 29 {
			n.clock.pass(day)
			if err := refresh(); err != nil {
				t.Fatal(err)
			}
		}
		if left := s.RefreshExpires.Sub(start); left > 30*day {
			t.Errorf("lives for %v", left)
		}
		n.clock.pass(day)
		wantKind(t, "after 30 days", refresh(), errs.Unauthorized)
	})
}

// TestInventedTokensEndNothing: who knows a session's id cannot sign its user out.
// TestInventedTokensWaitForNobody: whoever makes up tokens gets no turn at the writer,
// which is everybody's.
func TestInventedTokensWaitForNobody(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		invented := base64.RawURLEncoding.EncodeToString(make([]byte, 16+8+32))
		real := n.signUp(t, "ann", account.User)
		forged := real.Refresh[:len(real.Refresh)-4] + "AAAA"
		begun, done := make(chan struct{}), make(chan struct{})
		var writer sync.WaitGroup
		writer.Go(func() {
			_, _ = db.Write(t.Context(), n.db, func(*db.Tx) (none struct{}, err error) {
				close(begun)
				<-done
				return none, nil
			})
		})
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for name, token := range map[string]string{"of no session": invented, "of a session": forged} {
			_, err := n.Refresh(ctx, home, token, "a1")
			wantKind(t, name, err, errs.Unauthorized)
			if err := n.Logout(ctx, account.Actor{}, token); err != nil {
				t.Errorf("%s: signing out: %v", name, err)
			}
		}
		close(done)
		writer.Wait()
	})
}

func TestInventedTokensEndNothing(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		raw, err := base64.RawURLEncoding.DecodeString(s.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		change := func(at int) string {
			changed := append([]byte(nil), raw...)
			changed[at]++
			return base64.RawURLEncoding.EncodeToString(changed)
		}
		for name, token := range map[string]string{
			"nothing": "", "text": "hello", "another session": change(0), "next n": change(23), "another MAC": change(24),
			"short": s.Refresh[:len(s.Refresh)-1], "long": s.Refresh + "A", "not base64": strings.Repeat("!", len(s.Refresh)),
		} {
			_, err := n.Refresh(t.Context(), home, token, "a")
			wantKind(t, name, err, errs.Unauthorized)
		}
		if _, err := n.refresh(t, s, "a"); err != nil {
			t.Errorf("the real one: %v", err)
		}
	})
}

func TestLogout(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "ann", account.User)
		login := func() account.SignedIn {
			s, err := n.Login(ctx, home, "ann@example.org", password)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		byCookie, byToken, stays := login(), login(), login()
		if err := n.Logout(ctx, account.Actor{}, byCookie.Refresh); err != nil {
			t.Fatal(err)
		}
		if err := n.Logout(ctx, actor(t, n, byToken), ""); err != nil {
			t.Fatal(err)
		}
		for _, s := range []account.SignedIn{byCookie, byToken} {
			if status := n.me(t, s); status != http.StatusUnauthorized {
				t.Errorf("access token: %d", status)
			}
			_, err := n.refresh(t, s, "")
			wantKind(t, "refresh", err, errs.Unauthorized)
			if err := n.Logout(ctx, account.Actor{}, s.Refresh); err != nil {
				t.Errorf("once more: %v", err)
			}
		}
		if status := n.me(t, stays); status != http.StatusOK {
			t.Errorf("another session: %d", status)
		}
		if err := n.Logout(ctx, account.Actor{}, "nonsense"); err != nil {
			t.Error(err)
		}
	})
}

package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

var errWrong = errs.New(errs.Unauthorized, "this is not the code")

// twoFactors makes every user of a node need a second factor.
func twoFactors(n *node) {
	n.RequireFactors(func(context.Context, db.Conn, string) ([]string, error) { return []string{"totp", "recovery"}, nil })
}

// enter is a second factor as it is given, right or wrong.
func enter(right bool) func(context.Context, *db.Tx) error {
	return func(context.Context, *db.Tx) error {
		if !right {
			return errWrong
		}
		return nil
	}
}

// pending signs in with the password and returns the token that awaits the second factor.
func (n *node) pending(t *testing.T, name string) string {
	t.Helper()
	s, err := n.Login(t.Context(), home, name+"@example.org", password)
	if err != nil || s.Pending == nil {
		t.Fatalf("%+v, %v", s, err)
	}
	return s.Pending.Token
}

func TestSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		twoFactors(n)
		s, err := n.Login(t.Context(), home, "ann@example.org", password)
		if err != nil || s.Pending == nil || s.AccessToken != "" || s.Refresh != "" || s.User.ID != "" {
			t.Fatalf("%+v, %v", s, err)
		}
		if p := s.Pending; !slices.Equal(p.Methods, []string{"totp", "recovery"}) || p.ExpiresIn != 10*time.Minute {
			t.Errorf("%+v", p)
		}
		if rows := n.count(t, "session", "1 = 1"); rows != 1 { // of the sign-up
			t.Errorf("%d sessions", rows)
		}
		if kept := n.text(t, "SELECT token FROM sign_in"); kept == s.Pending.Token || len(kept) != 64 {
			t.Errorf("the token is kept as %s", kept)
		}
		if id, err := n.PendingUser(t.Context(), home, s.Pending.Token); err != nil || id != ann.User.ID {
			t.Errorf("%s, %v", id, err)
		}
	})
}

func TestASecondFactorIsUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		twoFactors(n)
		token := n.pending(t, "ann")
		done, err := n.Complete(t.Context(), home, token, enter(true))
		if err != nil || done.User != ann.User || n.me(t, done) != http.StatusOK {
			t.Fatalf("%+v, %v", done, err)
		}
		_, err = n.Complete(t.Context(), home, token, enter(true))
		wantKind(t, "used", err, errs.Unauthorized)
		_, err = n.PendingUser(t.Context(), home, token)
		wantKind(t, "used", err, errs.Unauthorized)
		for _, token := range []string{"", "x", strings.Repeat("x", 10_000)} {
			_, err = n.Complete(t.Context(), home, token, enter(true))
			wantKind(t, "invented", err, errs.Unauthorized)
		}
	})
}

func TestSecondFactorOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		twoFactors(n)
		answer := n.send(t, http.MethodPost, "/api/auth/login", nil, `{"email":"ann@example.org","password":"correct horse"}`)
		got := decode[map[string]any](t, answer)
		factor, _ := got["factor"].(map[string]any)
		if answer.StatusCode != http.StatusAccepted || len(answer.Cookies()) != 0 || len(got) != 1 ||
			factor["token"] == "" || factor["expiresIn"] != 600.0 || len(factor["methods"].([]any)) != 2 {
			t.Errorf("%d %v %v", answer.StatusCode, answer.Cookies(), got)
		}
	})
}

func TestFiveTriesOfASecondFactor(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		twoFactors(n)
		token := n.pending(t, "ann")
		for i := range 5 {
			if _, err := n.PendingUser(t.Context(), home, token); err != nil {
				t.Errorf("before try %d: %v", i, err)
			}
			_, err := n.Complete(t.Context(), home, token, enter(false))
			if !errors.Is(err, errWrong) {
				t.Errorf("try %d: %v", i, err)
			}
		}
		_, err := n.PendingUser(t.Context(), home, token)
		wantKind(t, "after five", err, errs.Unauthorized)
		_, err = n.Complete(t.Context(), home, token, enter(true))
		if !errs.Is(err, errs.Unauthorized) || errors.Is(err, errWrong) {
			t.Errorf("the sixth: %v", err)
		}
		n.clock.pass(time.Hour) // for the limits
		other := n.pending(t, "ann")
		for range 4 {
			if err := n.RefusedFactor(t.Context(), home, other, errWrong); !errors.Is(err, errWrong) {
				t.Error(err)
			}
		}
		if _, err := n.Complete(t.Context(), home, other, enter(true)); err != nil {
			t.Errorf("the fifth is right: %v", err)
		}
	})
}

// TestManyTriesAtOnceAreFive: whoever sends a hundred codes at one time has five looked at.
func TestManyTriesAtOnceAreFive(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		twoFactors(n)
		token := n.pending(t, "ann")
		var wg sync.WaitGroup
		var seen atomic.Int64
		for i := range 40 {
			wg.Go(func() {
				looked := false
				from := account.Device{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})}
				_, err := n.Complete(t.Context(), from, token, func(context.Context, *db.Tx) error {
					looked = true
					return errWrong
				})
				if looked {
					seen.Add(1)
				}
				wantKind(t, "try", err, errs.Unauthorized)
			})
		}
		wg.Wait()
		if seen.Load() != 5 {
			t.Errorf("%d codes were looked at", seen.Load())
		}
	})
}

func TestManyCompletionsMakeOneSession(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		twoFactors(n)
		token, before := n.pending(t, "ann"), n.count(t, "session", "1 = 1")
		var wg sync.WaitGroup
		var good atomic.Int64
		for range 20 {
			wg.Go(func() {
				if _, err := n.Complete(t.Context(), home, token, enter(true)); err == nil {
					good.Add(1)
				} else if !errs.Is(err, errs.Unauthorized) && !errs.Is(err, errs.RateLimited) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if more := n.count(t, "session", "1 = 1") - before; good.Load() != 1 || more != 1 {
			t.Errorf("%d succeeded, %d sessions", good.Load(), more)
		}
	})
}

func TestPendingSignInsEnd(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, n *node, id string){
		"after ten minutes": func(_ *testing.T, n *node, _ string) { n.clock.pass(10 * time.Minute) },
		"when the user is disabled, though enabled again": func(t *testing.T, n *node, id string) {
			for _, disabled := range []bool{true, false} {
				if _, err := n.SetDisabled(t.Context(), account.Operator(), id, disabled); err != nil {
					t.Fatal(err)
				}
			}
		},
		"when the user is disabled beside": func(t *testing.T, n *node, _ string) {
			n.exec(t, "UPDATE users SET disabled_at = 1 WHERE email = 'ann@example.org'")
		},
		"when the user is gone": func(t *testing.T, n *node, id string) { n.exec(t, "DELETE FROM users WHERE id = $1", id) },
		"when they sign out everywhere": func(t *testing.T, n *node, id string) {
			if err := n.EndSessions(t.Context(), account.Actor{ID: id}, "", false, account.KeepPrograms); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				n.signUp(t, "admin", account.Admin)
				ann := n.signUp(t, "ann", account.User)
				twoFactors(n)
				token := n.pending(t, "ann")
				end(t, n, ann.User.ID)
				_, err := n.Complete(t.Context(), home, token, enter(true))
				wantKind(t, "Complete", err, errs.Unauthorized)
			})
		})
	}
}

// TestSecondFactorsAreLimited: from one address, and from many together. What is right
// does not count, and a guesser of codes does not slow the password down.
func TestSecondFactorsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		twoFactors(n)
		for range 30 {
			if _, err := n.Complete(t.Context(), home, n.pending(t, "ann"), enter(true)); err != nil {
				t.Fatal(err)
			}
		}
		guess := func(ip string) error {
			_, err := n.Complete(t.Context(), account.Device{IP: netip.MustParseAddr(ip)}, n.pending(t, "ann"), enter(false))
			return err
		}
		for i := range 10 {
			wantKind(t, fmt.Sprint("guess ", i), guess("192.0.2.1"), errs.Unauthorized)
		}
		wantKind(t, "the eleventh from there", guess("192.0.2.1"), errs.RateLimited)
		for i := range 40 {
			wantKind(t, fmt.Sprint("elsewhere ", i), guess(fmt.Sprint("198.51.100.", i)), errs.Unauthorized)
		}
		wantKind(t, "the fifty-first from anywhere", guess("203.0.113.1"), errs.RateLimited)
		if waited := n.clock.waited(); waited != 0 {
			t.Errorf("the password waited %v", waited)
		}
		n.clock.pass(time.Minute)
		wantKind(t, "a minute later", guess("203.0.113.1"), errs.Unauthorized)
		wantKind(t, "and one more", guess("203.0.113.1"), errs.RateLimited)
	})
}

package account_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// TestEndedAtOnce: what ends a user's tokens is obeyed by the next request, on this
// node and, once it has looked, on another.
func TestEndedAtOnce(t *testing.T) {
	for name, end := range map[string]func(n *node, s account.SignedIn) error{
		"promotion": func(n *node, s account.SignedIn) error {
			_, err := n.SetRole(t.Context(), account.Operator(), s.User.ID, account.Admin)
			return err
		},
		"disabled": func(n *node, s account.SignedIn) error {
			_, err := n.SetDisabled(t.Context(), account.Operator(), s.User.ID, true)
			return err
		},
		"signed out": func(n *node, s account.SignedIn) error {
			return n.Logout(t.Context(), account.Actor{}, s.Refresh)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				n.signUp(t, "admin", account.Admin)
				s, other := n.signUp(t, "ann", account.User), newNode(t, n.db)
				bystander := n.signUp(t, "bob", account.User)
				for _, node := range []*node{n, other} {
					if err := node.CatchUp(t.Context()); err != nil {
						t.Fatal(err)
					}
					if status := node.me(t, s); status != http.StatusOK {
						t.Fatalf("before: %d", status)
					}
				}
				if err := end(n, s); err != nil {
					t.Fatal(err)
				}
				if status := n.me(t, s); status != http.StatusUnauthorized {
					t.Errorf("here: %d", status)
				}
				if err := other.CatchUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, node := range []*node{n, other} {
					if status := node.me(t, s); status != http.StatusUnauthorized {
						t.Errorf("after: %d", status)
					}
					if status := node.me(t, bystander); status != http.StatusOK {
						t.Errorf("bystander: %d", status)
					}
				}
				_, err := n.refresh(t, s, "")
				if (err == nil) != (name == "promotion") {
					t.Errorf("refresh: %v", err)
				}
			})
		})
	}
}

// TestANodeThatCannotLookAsksTheDatabase: nobody has told it for two seconds.
func TestANodeThatCannotLookAsksTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s, other := n.signUp(t, "ann", account.User), newNode(t, n.db)
		demoted := n.signUp(t, "bob", account.Admin) // whose session goes on
		stays := n.signUp(t, "eve", account.Admin)
		if err := other.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Logout(t.Context(), account.Actor{}, s.Refresh); err != nil {
			t.Fatal(err)
		}
		if _, err := n.SetRole(t.Context(), account.Operator(), demoted.User.ID, account.User); err != nil {
			t.Fatal(err)
		}
		other.clock.pass(2 * time.Second)
		for name, c := range map[string]struct {
			session account.SignedIn
			status  int
		}{"signed out": {s, 401}, "with another role": {demoted, 401}, "as before": {stays, 200}} {
			if status := other.me(t, c.session); status != c.status {
				t.Errorf("%s: %d", name, status)
			}
		}
	})
}

func TestANewNodeKnowsWhatHasEnded(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		if err := n.Logout(t.Context(), account.Actor{}, s.Refresh); err != nil {
			t.Fatal(err)
		}
		started := newNode(t, n.db)
		if err := started.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status := started.me(t, s); status != http.StatusUnauthorized {
			t.Errorf("status %d", status)
		}
	})
}

func TestEnabledAgain(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "admin", account.Admin)
		s := n.signUp(t, "ann", account.User)
		if _, err := n.SetDisabled(ctx, account.Operator(), s.User.ID, true); err != nil {
			t.Fatal(err)
		}
		_, err := n.Login(ctx, home, "ann@example.org", password)
		wantKind(t, "disabled", err, errs.Unauthorized)
		if _, err := n.SetDisabled(ctx, account.Operator(), s.User.ID, false); err != nil {
			t.Fatal(err)
		}
		if _, err = n.Login(ctx, home, "ann@example.org", password); err != nil {
			t.Error(err)
		}
		if status := n.me(t, s); status != http.StatusUnauthorized {
			t.Errorf("an old token: %d", status)
		}
	})
}

// TestWhoHasEndedFollowsNothing: a live connection's owner is asked for again.
func TestWhoHasEndedFollowsNothing(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		var before, after live.Who
		var beforeErr, afterErr error
		n.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			before, beforeErr = n.Who(r.Context())
			if err := n.Logout(r.Context(), account.Actor{}, s.Refresh); err != nil {
				t.Error(err)
			}
			after, afterErr = n.Who(r.Context())
		})).ServeHTTP(nil, request(t, http.MethodGet, "/", bearer(s.AccessToken), ""))
		if beforeErr != nil || before.User != s.User.ID || before.Session == "" || before.Expires.Sub(n.clock.Now()) > 15*time.Minute {
			t.Errorf("%+v, %v", before, beforeErr)
		}
		wantKind(t, fmt.Sprint("after ", after), afterErr, errs.Unauthorized)
	})
}

func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		n.signUp(t, "bob", account.User)
		if err := n.Logout(t.Context(), account.Actor{}, s.Refresh); err != nil {
			t.Fatal(err)
		}
		purge := func() (sessions, revocations int64) {
			if err := n.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			return n.count(t, "session", "1 = 1"), n.count(t, "revocation", "1 = 1")
		}
		if sessions, revocations := purge(); sessions != 1 || revocations != 1 {
			t.Errorf("too early: %d, %d", sessions, revocations)
		}
		n.clock.pass(7 * day)
		if sessions, revocations := purge(); sessions != 0 || revocations != 0 {
			t.Errorf("left: %d, %d", sessions, revocations)
		}
	})
}

// TestStreamsEndWithTheirSession: a live stream of another node ends by itself when
// its session does, soon after, and nobody else's.
func TestStreamsEndWithTheirSession(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		other := newNode(t, n.db)
		run(t, other)
		server := httptest.NewServer(other.http)
		defer server.Close()
		ends, stays := follow(t, server.URL, ann), follow(t, server.URL, bob)
		defer ends.Close()
		defer stays.Close()
		if err := n.Logout(t.Context(), account.Actor{}, ann.Refresh); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(ends); err != nil { // waits for the end
			t.Error(err)
		}
		if status := other.me(t, ann); status != http.StatusUnauthorized {
			t.Errorf("status %d", status)
		}
		other.signUp(t, "carol", account.User)
		for lines := bufio.NewScanner(stays); !strings.Contains(lines.Text(), "carol"); {
			if !lines.Scan() {
				t.Fatal("the other stream has ended too")
			}
		}
	})
}

// TestStreamsEndAtOnce where the session does: with the commit, though nothing looks here.
func TestStreamsEndAtOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		server := httptest.NewServer(n.http)
		defer server.Close()
		stream := follow(t, server.URL, ann)
		defer stream.Close()
		if _, err := n.SetDisabled(t.Context(), account.Operator(), ann.User.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(stream); err != nil { // waits for the end
			t.Error(err)
		}
	})
}

// run runs what a node's process runs, until the test ends.
func run(t *testing.T, n *node) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	wg.Go(func() { n.hub.Run(ctx, n.log, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// TestAStandbyThatLagged: the server that takes over may not have come as far as the one
// that was lost. What ends from then on is obeyed all the same.
func TestAStandbyThatLagged(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, bob, other := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User), newNode(t, n.db)
		if err := n.Logout(t.Context(), account.Actor{}, ann.Refresh); err != nil {
			t.Fatal(err)
		}
		if err := other.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.exec(t, "DELETE FROM revocation")
		n.exec(t, "UPDATE revocation_head SET seq = 0")
		if err := other.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := n.Logout(t.Context(), account.Actor{}, bob.Refresh); err != nil {
			t.Fatal(err)
		}
		if err := other.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status := other.me(t, bob); status != http.StatusUnauthorized {
			t.Errorf("status %d", status)
		}
	})
}

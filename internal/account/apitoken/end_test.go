package apitoken_test

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// TestEndsEverywhere: what ends a token is obeyed by the next request on this node, and
// on another once it has looked.
func TestEndsEverywhere(t *testing.T) {
	for name, end := range map[string]func(n *node, ann account.Actor, made apitoken.Token) error{
		"withdrawn": func(n *node, ann account.Actor, made apitoken.Token) error {
			return n.Revoke(context.Background(), ann, "", made.ID)
		},
		"disabled": func(n *node, ann account.Actor, _ apitoken.Token) error {
			_, err := n.accounts.SetDisabled(context.Background(), account.Operator(), ann.ID, true)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				n.signUp(t, "root", account.Admin)
				ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
				made, secret := n.make(t, ann, apitoken.Draft{})
				_, bystander := n.make(t, bob, apitoken.Draft{})
				other := newNode(t, n.db)
				for _, node := range []*node{n, other} {
					node.want(t, "before", secret, http.StatusOK)
				}
				if err := end(n, ann, made); err != nil {
					t.Fatal(err)
				}
				n.want(t, "here", secret, http.StatusUnauthorized)
				other.catchUp(t)
				for _, node := range []*node{n, other, newNode(t, n.db)} {
					node.want(t, "there", secret, http.StatusUnauthorized)
					node.want(t, "bystander", bystander, http.StatusOK)
				}
			})
		})
	}
}

// TestEnabledAgain: a user who may come in again has their tokens back.
func TestEnabledAgain(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "root", account.Admin)
		ann := n.signUp(t, "ann", account.User)
		_, secret := n.make(t, ann, apitoken.Draft{})
		disable := func(disabled bool) {
			if _, err := n.accounts.SetDisabled(t.Context(), account.Operator(), ann.ID, disabled); err != nil {
				t.Fatal(err)
			}
		}
		disable(true)
		n.want(t, "disabled", secret, http.StatusUnauthorized)
		disable(false)
		n.want(t, "enabled", secret, http.StatusOK)
	})
}

// TestErase: of a deleted user nothing is left but what the audit log says.
func TestErase(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		n.make(t, ann, apitoken.Draft{Name: "one"})
		n.make(t, ann, apitoken.Draft{Name: "two"})
		_, bobs := n.make(t, bob, apitoken.Draft{})
		for range 2 {
			_, _, err := live.Write(t.Context(), n.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (none struct{}, err error) {
				return none, apitoken.Erase(t.Context(), tx, ann.ID)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if left := n.list(t, ann); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		n.want(t, "bob's", bobs, http.StatusOK)
		where := "scope = 'admin' AND entity = 'token' AND op = 'delete' AND actor = 'operator' AND prior LIKE $1"
		if rows := n.count(t, "change", where, `%"userId":"`+ann.ID+`","name":"",%`); rows != 2 {
			t.Errorf("%d deletions", rows)
		}
	})
}

// TestOutlivesSessions: signing out does not touch tokens.
func TestOutlivesSessions(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		_, secret := n.make(t, ann, apitoken.Draft{})
		if err := n.accounts.Logout(t.Context(), ann, ""); err != nil {
			t.Fatal(err)
		}
		n.want(t, "after the sign-out", secret, http.StatusOK)
	})
}

func TestExpires(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		expires := n.clock.Now().Add(time.Minute)
		_, secret := n.make(t, n.signUp(t, "ann", account.User), apitoken.Draft{ExpiresAt: &expires})
		n.clock.pass(time.Minute - time.Microsecond)
		n.catchUp(t)
		n.want(t, "just before", secret, http.StatusOK)
		n.clock.pass(time.Microsecond)
		n.want(t, "then", secret, http.StatusUnauthorized)
	})
}

// TestRoleIsObeyedAtOnce: a token with the scope admin writes, no more, while its user is
// no admin, and an admin's token for less never administers.
func TestRoleIsObeyedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "root", account.Admin)
		ann, bob := n.signUp(t, "ann", account.Admin), n.signUp(t, "bob", account.User)
		_, _, err := n.Create(ctx, bob, "", apitoken.Draft{Name: "x", Scope: account.ScopeAdmin})
		wantKind(t, "a user's for admins", err, errs.Forbidden)
		_, admin := n.make(t, ann, apitoken.Draft{Scope: account.ScopeAdmin})
		_, write := n.make(t, ann, apitoken.Draft{Scope: account.ScopeWrite})
		other := newNode(t, n.db)
		nodes := []*node{n, other}
		check := func(when string, want int) {
			t.Helper()
			other.catchUp(t)
			for _, node := range nodes {
				if got := node.status(t, http.MethodGet, "/api/test/admins", admin); got != want {
					t.Errorf("%s: %d", when, got)
				}
				if got := node.status(t, http.MethodGet, "/api/test/admins", write); got != http.StatusForbidden {
					t.Errorf("%s, for less: %d", when, got)
				}
				if got := node.status(t, http.MethodPost, "/api/test/change", admin); got != http.StatusNoContent {
					t.Errorf("%s, a change: %d", when, got)
				}
			}
		}
		check("as an admin", http.StatusNoContent)
		if _, err := n.accounts.SetRole(ctx, account.Operator(), ann.ID, account.User); err != nil {
			t.Fatal(err)
		}
		check("demoted", http.StatusForbidden)
		if _, err := n.accounts.SetRole(ctx, account.Operator(), ann.ID, account.Admin); err != nil {
			t.Fatal(err)
		}
		check("an admin again", http.StatusNoContent)
		by, err := n.actor(t, write)
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.accounts.SetRole(ctx, by, bob.ID, account.Admin) // not even past HTTP
		wantKind(t, "a service for admins", err, errs.Forbidden)
	})
}

// TestStreamsEnd: a live stream ends with its token, also on another node, and nobody
// else's does.
func TestStreamsEnd(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		made, secret := n.make(t, ann, apitoken.Draft{Scope: account.ScopeRead})
		_, another := n.make(t, ann, apitoken.Draft{})
		other := newNode(t, n.db)
		serve := run(t, other)
		ends, stays := serve(secret), serve(another)
		for _, next := range []func() string{ends, stays} {
			if name := next(); name != "heads" {
				t.Fatal(name)
			}
		}
		if err := n.Revoke(t.Context(), ann, "", made.ID); err != nil {
			t.Fatal(err)
		}
		if name := ends(); name != "end" {
			t.Errorf("%s, not the end", name)
		}
		other.want(t, "afterwards", secret, http.StatusUnauthorized)
		other.signUp(t, "carol", account.User)
		if name := stays(); name != "change" {
			t.Errorf("the other: %s", name)
		}
	})
}

// TestStreamsExpire with the token.
func TestStreamsExpire(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		expires := n.clock.Now().Add(100 * time.Millisecond)
		_, secret := n.make(t, n.signUp(t, "ann", account.User), apitoken.Draft{ExpiresAt: &expires})
		next := run(t, n)(secret)
		for _, want := range []string{"heads", "expired", "end"} {
			if name := next(); name != want {
				t.Errorf("%s, not %s", name, want)
			}
		}
	})
}

// run runs what a node's process runs, until the test ends. The function it returns
// opens a stream with a token, and the one that that returns reads the next event.
func run(t *testing.T, n *node) func(token string) func() string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.accounts.Run(ctx) })
	wg.Go(func() { n.hub.Run(ctx, n.log, slog.New(slog.DiscardHandler)) })
	server := httptest.NewServer(n.http)
	t.Cleanup(func() {
		cancel()
		server.Close()
		wg.Wait()
	})
	return func(token string) func() string {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := server.Client().Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", answer, err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		lines := bufio.NewScanner(answer.Body)
		return func() string {
			for lines.Scan() {
				if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					return name
				}
			}
			return "end"
		}
	}
}

package account_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestStrongProofNeedsNoMore(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		twoFactors(n)
		s, err := n.SignIn(t.Context(), home, account.Proof{UserID: ann.User.ID, Method: "passkey", Strong: true})
		if err != nil || s.Pending != nil || n.me(t, s) != http.StatusOK {
			t.Errorf("%+v, %v", s, err)
		}
		s, err = n.SignIn(t.Context(), home, account.Proof{UserID: ann.User.ID, Method: "github"})
		if err != nil || s.Pending == nil {
			t.Errorf("%+v, %v", s, err)
		}
		if methods := n.text(t, "SELECT method FROM session ORDER BY id DESC LIMIT 1"); methods != "passkey" {
			t.Error(methods)
		}
	})
}

// TestProofIsUsedWithItsSession: either both happen or none.
func TestProofIsUsedWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		rename := func(fails error) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, "UPDATE users SET display_name = 'used'")
				return errors.Join(err, fails)
			}
		}
		before := n.count(t, "session", "1 = 1")
		_, err := n.SignIn(t.Context(), home, account.Proof{UserID: ann.User.ID, Use: rename(errs.New(errs.Conflict, "used before"))})
		wantKind(t, "a proof that is used", err, errs.Conflict)
		if n.count(t, "session", "1 = 1") != before || n.count(t, "users", "display_name = 'used'") != 0 {
			t.Error("half of it happened")
		}
		if _, err = n.SignIn(t.Context(), home, account.Proof{UserID: ann.User.ID, Use: rename(nil)}); err != nil {
			t.Error(err)
		}
		if n.count(t, "session", "1 = 1") != before+1 || n.count(t, "users", "display_name = 'used'") != 1 {
			t.Error("it did not happen")
		}
		_, err = n.SignIn(t.Context(), home, account.Proof{UserID: "nobody"})
		wantKind(t, "nobody", err, errs.Unauthorized)
	})
}

func TestDisabledUsersAreNotAskedForMore(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "admin", account.Admin)
		ann := n.signUp(t, "ann", account.User)
		twoFactors(n)
		if _, err := n.SetDisabled(t.Context(), account.Operator(), ann.User.ID, true); err != nil {
			t.Fatal(err)
		}
		_, err := n.SignIn(t.Context(), home, account.Proof{UserID: ann.User.ID, Method: "github"})
		wantKind(t, "SignIn", err, errs.Unauthorized)
		if rows := n.count(t, "sign_in", "1 = 1"); rows != 0 {
			t.Errorf("%d sign-ins wait", rows)
		}
	})
}

func TestAttemptCountsUntilItPassed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ip := netip.MustParseAddr("192.0.2.7")
		for range 100 {
			passed, err := n.Attempt(ip, "key")
			if err != nil {
				t.Fatal(err)
			}
			passed()
		}
		var wg sync.WaitGroup
		var let atomic.Int64
		for range 50 {
			wg.Go(func() {
				if _, err := n.Attempt(ip, "key"); err == nil {
					let.Add(1)
				}
			})
		}
		wg.Wait()
		if let.Load() != 10 {
			t.Errorf("%d at one time", let.Load())
		}
		wantKind(t, "Allow sees them", n.Allow(ip, "key"), errs.RateLimited)
		if err := n.Allow(ip, "another key"); err != nil {
			t.Error(err)
		}
	})
}

func TestALastWayInStays(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		ask := func() error {
			_, err := db.Read(t.Context(), n.db, func(ctx context.Context, c db.Conn) (struct{}, error) {
				return struct{}{}, n.KeepsAWayIn(ctx, c, ann.User.ID)
			})
			return err
		}
		if err := ask(); err != nil {
			t.Errorf("with a password: %v", err)
		}
		n.exec(t, "UPDATE users SET password_hash = NULL")
		has := map[string]bool{}
		for _, way := range []string{"identity", "passkey"} {
			n.AddWay(func(_ context.Context, _ db.Conn, userID string) (bool, error) {
				return has[way] && userID == ann.User.ID, nil
			})
		}
		if err := ask(); !errs.Is(err, errs.Conflict) || errs.Of(err).Code != "last_way" {
			t.Errorf("with nothing: %v", err)
		}
		has["passkey"] = true
		if err := ask(); err != nil {
			t.Errorf("with a passkey: %v", err)
		}
		_, err := db.Read(t.Context(), n.db, func(ctx context.Context, c db.Conn) (struct{}, error) {
			return struct{}{}, n.KeepsAWayIn(ctx, c, "nobody")
		})
		wantKind(t, "nobody", err, errs.NotFound)
	})
}

// TestSessionsAreBounded: the hundred and first ends the one that was longest not used.
func TestSessionsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		first := n.signUp(t, "ann", account.User)
		bob := n.signUp(t, "bob", account.User)
		second, err := n.Login(t.Context(), home, "ann@example.org", password)
		if err != nil {
			t.Fatal(err)
		}
		n.clock.pass(time.Second)
		used, err := n.refresh(t, first, "a1") // so second is now the oldest
		if err != nil {
			t.Fatal(err)
		}
		n.clock.pass(time.Second)
		for range 99 {
			if _, err := n.SignIn(t.Context(), home, account.Proof{UserID: first.User.ID, Method: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		if rows := n.count(t, "session", "user_id = $1", first.User.ID); rows != 100 {
			t.Errorf("%d sessions", rows)
		}
		for what, c := range map[string]struct {
			s    account.SignedIn
			want int
		}{"used": {used, http.StatusOK}, "unused": {second, http.StatusUnauthorized}, "bob's": {bob, http.StatusOK}} {
			if status := n.me(t, c.s); status != c.want {
				t.Errorf("%s: %d", what, status)
			}
		}
	})
}

package account_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestMay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grant *account.Grant
		want  map[string]bool
	}{
		"in person":  {nil, map[string]bool{"org": true, "user:1": true}},
		"no limit":   {&account.Grant{}, map[string]bool{"org": true, "user:1": true}},
		"limited":    {&account.Grant{LogScopes: []string{"org", "project:1"}}, map[string]bool{"org": true, "project:1": true, "project:11": false, "project:": false, "user:1": false, "": false}},
		"to nothing": {&account.Grant{LogScopes: []string{}}, map[string]bool{"org": false, "user:1": false}},
	} {
		by := account.Actor{ID: "1", Grant: c.grant}
		for scope, want := range c.want {
			if got := by.May(scope); got != want {
				t.Errorf("%s, %s: %t", name, scope, got)
			}
		}
	}
}

// kind is a kind of bearer tokens with one token, "test_", that is the user's.
type kind struct {
	account.Bearer
	asked, used atomic.Int64
	id          account.Identity
	err         error
}

func accept(n *node, id account.Identity) *kind {
	k := &kind{id: id}
	k.Bearer = account.Bearer{
		Prefix: "test_",
		Find: func(context.Context, string) (account.Identity, error) {
			k.asked.Add(1)
			return k.id, k.err
		},
		Used: func(account.Actor) { k.used.Add(1) },
	}
	n.AcceptBearer(k.Bearer)
	return k
}

// TestBearersAreRemembered as long as an access token lives, and asked for again as soon
// as something about their user has changed.
func TestBearersAreRemembered(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "root", account.Admin)
		user := n.signUp(t, "ann", account.User).User
		grant := &account.Grant{ID: "t1", Scope: account.ScopeWrite}
		k := accept(n, account.Identity{Actor: account.Actor{ID: user.ID, Role: account.User, Grant: grant}, Epoch: 1})
		ask := func(when string, status int, asked int64) {
			t.Helper()
			before := k.asked.Load()
			if got := n.send(t, http.MethodGet, "/api/auth/me", bearer("test_"), "").StatusCode; got != status {
				t.Errorf("%s: %d", when, got)
			}
			if got := k.asked.Load() - before; got != asked {
				t.Errorf("%s: asked %d times", when, got)
			}
		}
		ask("before it has heard of others", 200, 1)
		ask("still not", 200, 1)
		catchUp(t, n)
		ask("then", 200, 0)
		n.clock.pass(15*time.Minute - time.Microsecond)
		catchUp(t, n)
		ask("almost as long as an access token", 200, 0)
		n.clock.pass(time.Microsecond)
		ask("as long", 200, 1)
		ask("again", 200, 0)

		if _, err := n.SetRole(ctx, account.Operator(), user.ID, account.Admin); err != nil {
			t.Fatal(err)
		}
		k.id.Epoch, k.id.Role = 2, account.Admin
		ask("another role", 200, 1)
		ask("the same", 200, 0)

		k.err = errs.New(errs.Unauthorized, "nobody's")
		end(t, n, user.ID, "t1")
		ask("ended", 401, 1)
		ask("for good", 401, 1)
		k.err = errors.New("driver text")
		ask("nobody can tell", 503, 1)
		if used := k.used.Load(); used != 8 {
			t.Errorf("told of %d uses", used)
		}
	})
}

func catchUp(t *testing.T, n *node) {
	t.Helper()
	if err := n.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func end(t *testing.T, n *node, userID, tokenID string) {
	t.Helper()
	_, err := db.Write(t.Context(), n.db, func(tx *db.Tx) (none struct{}, err error) {
		return none, n.EndToken(t.Context(), tx, userID, tokenID)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBearersStayWithinTheirGrant: what the actor of a token may do at most.
func TestBearersStayWithinTheirGrant(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		user := n.signUp(t, "root", account.Admin).User
		expires := n.clock.Now().Add(time.Minute)
		for _, c := range []struct {
			scope account.Scope
			role  account.Role
			want  account.Role
			left  account.Scope
		}{
			{account.ScopeRead, account.User, account.User, account.ScopeRead},
			{account.ScopeRead, account.Admin, account.User, account.ScopeRead},
			{account.ScopeWrite, account.Admin, account.User, account.ScopeWrite},
			{account.ScopeAdmin, account.Admin, account.Admin, account.ScopeAdmin},
			{account.ScopeAdmin, account.User, account.User, account.ScopeWrite},
		} {
			other := newNode(t, n.db)
			grant := &account.Grant{ID: "t1", Scope: c.scope}
			accept(other, account.Identity{Actor: account.Actor{ID: user.ID, Role: c.role, Grant: grant}, Epoch: 1, Expires: expires})
			other.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				by, err := account.From(r.Context())
				if err != nil || by.Role != c.want || by.Grant.Scope != c.left || by.Session != "" || grant.Scope != c.scope {
					t.Errorf("%s of a %s: %+v %+v %v", c.scope, c.role, by, by.Grant, err)
				}
				who, err := other.Who(r.Context())
				if err != nil || who.Session != "t1" || who.User != user.ID || !who.Expires.Equal(expires) {
					t.Errorf("%+v, %v", who, err)
				}
				_, err = other.SetRole(r.Context(), by, user.ID, account.Admin)
				if errs.Is(err, errs.Forbidden) != (c.left != account.ScopeAdmin) {
					t.Errorf("%s of a %s, at a service: %v", c.scope, c.role, err)
				}
			})).ServeHTTP(nil, request(t, http.MethodGet, "/", bearer("test_x"), ""))
		}
	})
}

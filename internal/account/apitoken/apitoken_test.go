package apitoken_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

func TestTokenLives(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		expires := n.clock.Now().Add(24 * time.Hour).UTC().Truncate(time.Microsecond)
		made, secret := n.make(t, ann, apitoken.Draft{
			Name: " build ", Scope: account.ScopeRead, LogScopes: []string{"project:1", "org", "project:1"}, ExpiresAt: &expires,
		})
		want := apitoken.Token{
			ID: made.ID, Name: "build", Scope: account.ScopeRead, LogScopes: []string{"org", "project:1"}, Hint: secret[36:],
			CreatedAt: n.clock.Now().UTC().Truncate(time.Microsecond), ExpiresAt: &expires,
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Error(diff)
		}
		n.want(t, "made", secret, http.StatusOK)
		by, err := n.actor(t, secret)
		wantBy := account.Actor{ID: ann.ID, Role: account.User, Grant: &account.Grant{ID: made.ID, Scope: account.ScopeRead, LogScopes: want.LogScopes}}
		if diff := cmp.Diff(wantBy, by); diff != "" || err != nil {
			t.Error(diff, err)
		}
		n.clock.pass(time.Second)
		second, _ := n.make(t, ann, apitoken.Draft{})
		if all := n.list(t, ann); len(all) != 2 || all[0].ID != second.ID || all[1].ID != made.ID || second.ExpiresAt != nil || len(second.LogScopes) != 0 {
			t.Errorf("%+v", all)
		}
		if all := n.list(t, bob); len(all) != 0 {
			t.Errorf("bob's: %+v", all)
		}
		wantKind(t, "another's", n.Revoke(ctx, bob, "", made.ID), errs.NotFound)
		n.want(t, "after another's try", secret, http.StatusOK)
		if err := n.Revoke(ctx, ann, "", made.ID); err != nil {
			t.Fatal(err)
		}
		n.want(t, "withdrawn", secret, http.StatusUnauthorized)
		wantKind(t, "again", n.Revoke(ctx, ann, "", made.ID), errs.NotFound)
		if all := n.list(t, ann); len(all) != 1 {
			t.Errorf("%+v", all)
		}
	})
}

func (n *node) list(t testing.TB, by account.Actor) []apitoken.Token {
	t.Helper()
	all, err := n.List(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTheSecretIsNowhere: neither the table nor the log holds it, and the log says who
// made and withdrew what.
func TestTheSecretIsNowhere(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		made, secret := n.make(t, ann, apitoken.Draft{Name: "build"})
		if err := n.Revoke(t.Context(), ann, "", made.ID); err != nil {
			t.Fatal(err)
		}
		_, kept := n.make(t, ann, apitoken.Draft{})
		like := "hash LIKE $1 OR name LIKE $1 OR hint LIKE $1"
		for _, text := range []string{secret, kept} {
			if rows := n.count(t, "api_token", like, "%"+text[4:20]+"%"); rows != 0 {
				t.Error("a token stands in the table")
			}
			if rows := n.count(t, "change", "patch LIKE $1 OR prior LIKE $1", "%"+text[4:20]+"%"); rows != 0 {
				t.Error("a token stands in the log")
			}
		}
		for op, text := range map[string]string{"create": "patch", "delete": "prior"} {
			where := "scope = 'admin' AND entity = 'token' AND op = $1 AND actor = $2 AND entity_id = $3 AND " + text + " LIKE $4"
			like := `%"userId":"` + ann.ID + `","name":"build","scope":"write"%`
			if rows := n.count(t, "change", where, op, ann.ID, made.ID, like); rows != 1 {
				t.Errorf("%s: %d rows", op, rows)
			}
		}
	})
}

func TestDrafts(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		admin := n.signUp(t, "ann", account.Admin)
		now := n.clock.Now()
		many := make([]string, apitoken.MaxLogScopes+1)
		for i := range many {
			many[i] = fmt.Sprint("project:", i)
		}
		for name, d := range map[string]apitoken.Draft{
			"no name":         {},
			"blank name":      {Name: "  "},
			"long name":       {Name: strings.Repeat("ü", 101)},
			"control":         {Name: "a\nb"},
			"NUL":             {Name: "a\x00b"},
			"broken name":     {Name: "a\xffb"},
			"no scope":        {Name: "x", Scope: "none"},
			"expired":         {Name: "x", ExpiresAt: &now},
			"in two years":    {Name: "x", ExpiresAt: new(now.AddDate(2, 0, 0))},
			"many log scopes": {Name: "x", LogScopes: many},
			"log scope":       {Name: "x", LogScopes: []string{"project:a b"}},
			"empty log scope": {Name: "x", LogScopes: []string{""}},
			"no kind":         {Name: "x", LogScopes: []string{":1"}},
			"no id":           {Name: "x", LogScopes: []string{"project:"}},
			"two colons":      {Name: "x", LogScopes: []string{"project:1:2"}},
			"foreign letters": {Name: "x", LogScopes: []string{"project:ü"}},
			"star":            {Name: "x", LogScopes: []string{"*"}},
			"long log scope":  {Name: "x", LogScopes: []string{"project:" + strings.Repeat("1", 73)}},
			"limited admin":   {Name: "x", Scope: account.ScopeAdmin, LogScopes: []string{"admin"}},
		} {
			if d.Scope == "" {
				d.Scope = account.ScopeRead
			}
			_, _, err := n.Create(t.Context(), admin, "", d)
			wantKind(t, name, err, errs.Invalid)
		}
		for name, d := range map[string]apitoken.Draft{
			"long name":       {Name: strings.Repeat("ü", 100)},
			"in a year":       {Name: "x", ExpiresAt: new(now.AddDate(1, 0, 0))},
			"in a moment":     {Name: "x", ExpiresAt: new(now.Add(time.Second))},
			"many log scopes": {Name: "x", LogScopes: many[1:]},
			"long log scope":  {Name: "x", LogScopes: []string{"project:" + strings.Repeat("1", 72)}},
			"no log scopes":   {Name: "x", LogScopes: []string{}},
			"admin":           {Name: "x", Scope: account.ScopeAdmin},
		} {
			if d.Scope == "" {
				d.Scope = account.ScopeRead
			}
			if _, _, err := n.Create(t.Context(), admin, "", d); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestOnlyWhoHasConfirmed makes tokens, and only in a session.
func TestOnlyWhoHasConfirmed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		d := apitoken.Draft{Name: "x", Scope: account.ScopeRead}
		n.clock.pass(account.ConfirmLifetime)
		_, _, err := n.Create(t.Context(), ann, "", d)
		if e := errs.Of(err); e.Kind != errs.Forbidden || e.Code != "confirm" {
			t.Errorf("%+v", e)
		}
		if _, err := n.accounts.Confirm(t.Context(), ann, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, err := n.Create(t.Context(), ann, "", d); err != nil {
			t.Error(err)
		}
		_, _, err = n.Create(t.Context(), account.Actor{ID: ann.ID}, "", d)
		wantKind(t, "without a session", err, errs.Unauthorized)
		if rows := n.count(t, "api_token", "1 = 1"); rows != 1 {
			t.Errorf("%d tokens", rows)
		}
	})
}

func TestSentAgain(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann := n.signUp(t, "ann", account.User)
		d := apitoken.Draft{Name: "x", Scope: account.ScopeRead}
		first, secret, err := n.Create(ctx, ann, "k1", d)
		if err != nil || secret == "" {
			t.Fatal(err)
		}
		again, secret, err := n.Create(ctx, ann, "k1", d)
		if diff := cmp.Diff(first, again); diff != "" || secret != "" || err != nil || n.count(t, "api_token", "1 = 1") != 1 {
			t.Errorf("%s %q %v", diff, secret, err)
		}
		wantKind(t, "a creation's id", n.Revoke(ctx, ann, "k1", first.ID), errs.Conflict)
		for range 2 {
			if err := n.Revoke(ctx, ann, "k2", first.ID); err != nil {
				t.Error(err)
			}
		}
		second, _ := n.make(t, ann, d)
		wantKind(t, "another's id", n.Revoke(ctx, ann, "k2", second.ID), errs.Conflict)
		if rows := n.count(t, "api_token", "id = $1", second.ID); rows != 1 {
			t.Error("it is gone all the same")
		}
	})
}

// TestAtMostFifty holds also when many are made at one time.
func TestAtMostFifty(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		var wg sync.WaitGroup
		var failed [apitoken.MaxTokens + 5]error
		for i := range failed {
			wg.Go(func() {
				_, _, failed[i] = n.Create(context.WithoutCancel(t.Context()), ann, "", apitoken.Draft{Name: "x", Scope: account.ScopeRead})
			})
		}
		wg.Wait()
		refused := 0
		for _, err := range failed {
			if err != nil {
				refused++
				wantKind(t, "beyond", err, errs.Conflict)
			}
		}
		if rows := n.count(t, "api_token", "user_id = $1", ann.ID); rows != apitoken.MaxTokens || refused != 5 {
			t.Errorf("%d tokens, %d refused", rows, refused)
		}
		n.make(t, bob, apitoken.Draft{})
		if err := n.Revoke(t.Context(), ann, "", n.list(t, ann)[0].ID); err != nil {
			t.Fatal(err)
		}
		n.make(t, ann, apitoken.Draft{})
	})
}

// TestATypoAsksNobody: with the database gone, a typo is refused for what it is, and so
// is what merely looks like a token; only what may be one is not known.
func TestATypoAsksNobody(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), live.Migrations, account.Migrations, apitoken.Migrations); err != nil {
			t.Fatal(err)
		}
		n := newNode(t, d)
		ann := n.signUp(t, "ann", account.User)
		_, known := n.make(t, ann, apitoken.Draft{})
		_, unknown := n.make(t, ann, apitoken.Draft{})
		n.want(t, "before", known, http.StatusOK)
		if err := n.db.Close(); err != nil {
			t.Fatal(err)
		}
		for name, token := range map[string]string{
			"a typo": known[:10] + "_" + known[11:], "no checksum": known[:34] + "000000", "short": known[:39], "long": known + "0",
			"the prefix": "psr_", "cut": known[1:], "a JWT": "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
		} {
			n.wantAdmission(t, name, token, errs.Unauthorized)
		}
		n.wantAdmission(t, "one that may exist", unknown, errs.Unavailable)
		if _, err := n.actor(t, known); err != nil {
			t.Errorf("a known one needs the database: %v", err)
		}
	})
}

func (n *node) wantAdmission(t testing.TB, what, token string, kind errs.Kind) {
	t.Helper()
	_, err := n.actor(t, token)
	wantKind(t, what, err, kind)
}

// TestWhatWasFoundIsBelieved as long as an access token, while the node knows what
// others end.
func TestWhatWasFoundIsBelieved(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		_, secret := n.make(t, ann, apitoken.Draft{})
		n.want(t, "at first", secret, http.StatusOK)
		execute(t, n, "DELETE FROM api_token") // behind the program's back
		n.want(t, "at once", secret, http.StatusOK)
		n.clock.pass(accessTTL - time.Microsecond)
		n.catchUp(t)
		n.want(t, "after a while", secret, http.StatusOK)
		n.clock.pass(time.Microsecond)
		n.want(t, "after the life of an access token", secret, http.StatusUnauthorized)

		_, secret = n.make(t, n.signUp(t, "bob", account.User), apitoken.Draft{})
		n.want(t, "at first", secret, http.StatusOK)
		execute(t, n, "DELETE FROM api_token")
		n.clock.pass(2 * time.Second) // in which nobody has told it anything
		n.want(t, "out of touch", secret, http.StatusUnauthorized)
	})
}

func execute(t *testing.T, n *node, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), n.db, func(tx *db.Tx) (none struct{}, err error) {
		_, err = tx.ExecContext(t.Context(), statement, args...)
		return none, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUsed: a use is written down after the request, once a minute at most.
func TestUsed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		_, secret := n.make(t, ann, apitoken.Draft{})
		_, idle := n.make(t, ann, apitoken.Draft{})
		n.wantAdmission(t, "a typo", idle[:39], errs.Unauthorized)
		var seen []time.Time
		for range 5 {
			n.catchUp(t)
			n.want(t, "used", secret, http.StatusOK)
			if err := n.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := n.list(t, ann)
			if all[0].UsedAt != nil {
				t.Errorf("the other was used at %v", all[0].UsedAt)
			}
			seen = append(seen, *all[1].UsedAt)
			n.clock.pass(25 * time.Second)
		}
		start := n.clock.Now().Add(-125 * time.Second).UTC().Truncate(time.Microsecond)
		want := []time.Time{start, start, start, start.Add(75 * time.Second), start.Add(75 * time.Second)}
		if !slices.EqualFunc(seen, want, time.Time.Equal) {
			t.Errorf("%v, not %v", seen, want)
		}
		execute(t, n, "UPDATE api_token SET used_at = NULL") // to see the next write, if there is one
		n.clock.pass(-15 * time.Second)                      // less than a minute after the last
		n.want(t, "used again", secret, http.StatusOK)
		if err := n.Flush(t.Context()); err != nil || n.count(t, "api_token", "used_at IS NULL") != 2 {
			t.Errorf("written twice in a minute: %v", err)
		}
		execute(t, n, "UPDATE api_token SET used_at = $1", want[4].UnixMicro())
		other := newNode(t, n.db) // whose clock is the wall's, a good minute behind
		other.want(t, "used elsewhere", secret, http.StatusOK)
		if err := other.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if used := *n.list(t, ann)[1].UsedAt; !used.Equal(want[4]) {
			t.Errorf("went back to %v", used)
		}
	})
}

// TestRunWritesUsesDown also those at the very end.
func TestRunWritesUsesDown(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { n.Run(ctx) })
		_, secret := n.make(t, ann, apitoken.Draft{})
		n.want(t, "used", secret, http.StatusOK)
		_, late := n.make(t, ann, apitoken.Draft{})
		n.want(t, "used at the end", late, http.StatusOK)
		stop()
		running.Wait()
		if rows := n.count(t, "api_token", "used_at IS NOT NULL"); rows != 2 {
			t.Errorf("%d of 2", rows)
		}
		if n.lines.Len() > 0 {
			t.Error(n.lines)
		}
	})
}

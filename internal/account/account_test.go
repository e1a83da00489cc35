package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const (
	publicURL = "http://localhost:3000"
	password  = "correct horse"
)

var (
	home  = account.Device{IP: netip.MustParseAddr("192.0.2.1")}
	cheap = account.Argon2{Memory: 64, Time: 1, Threads: 1}
)

// clock is a time that tests move; sleeping moves it too.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept time.Duration
	asked func() bool // is called when the time is asked for, until it returns true
}

func (c *clock) onNow(asked func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = asked
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	if asked := c.asked; asked != nil {
		c.asked = nil // it may ask, too
		c.mu.Unlock()
		again := !asked()
		c.mu.Lock()
		if again {
			c.asked = asked
		}
	}
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), c.slept+d
	return nil
}

func (c *clock) waited() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// node is one process of the app: services on a database.
type node struct {
	*account.Service
	db    *db.DB
	log   *live.Log
	hub   *live.Hub
	clock *clock
	api   *web.API
	http  http.Handler
	lines *bytes.Buffer // of the log
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, n *node), changes ...func(*account.Settings)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		test(t, newNode(t, d, changes...))
	}, live.Migrations, account.Migrations)
}

func newNode(t testing.TB, d *db.DB, changes ...func(*account.Settings)) *node {
	t.Helper()
	master, err := secret.NewMaster(strings.Repeat("s", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{db: d, hub: live.NewHub(), clock: &clock{now: time.Now()}, lines: new(bytes.Buffer)}
	n.log = live.New(d, n.hub)
	settings := account.Settings{
		PublicURL: publicURL, Secret: master, Keys: accounttest.Keys(t), AccessTTL: 15 * time.Minute,
		RefreshTTL: 7 * 24 * time.Hour, Passwords: cheap,
		Clock: account.Clock{Now: n.clock.Now, Sleep: n.clock.sleep},
	}
	for _, change := range changes {
		change(&settings)
	}
	logger := slog.New(slog.NewTextHandler(n.lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n.Service = account.New(d, n.log, n.hub, logger, settings)
	api := web.New(logger, nil)
	account.Feature(n.Service).Routes(api)
	n.log.Routes(api, func(ctx context.Context) (live.Who, []string, error) {
		who, err := n.Who(ctx)
		return who, []string{"org"}, err
	})
	web.Handle(api, web.Op("test.public", "GET /api/public", 204), func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	account.Handle(api, web.Op("test.admins", "GET /api/admins", http.StatusTeapot), account.RequireRole(account.Admin,
		func(context.Context, account.Actor, *struct{}) (*struct{}, error) { return nil, nil }))
	n.api, n.http = api, api.Handler(n.Authenticate)
	return n
}

// invite makes an invite and returns its code.
func (n *node) invite(t testing.TB, d account.InviteDraft) string {
	t.Helper()
	if d.Role == "" {
		d.Role = account.User
	}
	_, code, err := n.Invite(t.Context(), account.Operator(), "", d)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// signUp makes the user name@example.org and signs it in.
func (n *node) signUp(t testing.TB, name string, role account.Role) account.SignedIn {
	t.Helper()
	result, err := n.SignUp(t.Context(), home, account.SignUp{
		Code: n.invite(t, account.InviteDraft{Role: role}), Email: name + "@example.org", Password: password, DisplayName: name,
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// actor is who a token stands for.
func actor(t testing.TB, n *node, s account.SignedIn) account.Actor {
	t.Helper()
	var by account.Actor
	n.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if by, err = account.From(r.Context()); err != nil {
			t.Fatal(err)
		}
	})).ServeHTTP(nil, request(t, http.MethodGet, "/", bearer(s.AccessToken), ""))
	return by
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

func request(t testing.TB, method, path string, header map[string]string, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

// send is one request over HTTP.
func (n *node) send(t *testing.T, method, path string, header map[string]string, body string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	n.http.ServeHTTP(w, request(t, method, path, header, body))
	return w.Result()
}

// me is the status of a request that needs an actor.
func (n *node) me(t *testing.T, s account.SignedIn) int {
	t.Helper()
	answer := n.send(t, http.MethodGet, "/api/auth/me", bearer(s.AccessToken), "")
	return answer.StatusCode
}

func decode[T any](t *testing.T, answer *http.Response) (v T) {
	t.Helper()
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// count is the number of a table's rows that fit a condition.
func (n *node) count(t *testing.T, table, where string, args ...any) int64 {
	t.Helper()
	count, err := db.Read(t.Context(), n.db, func(ctx context.Context, c db.Conn) (count int64, err error) {
		err = c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+where, args...).Scan(&count)
		return count, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// exec runs a statement as an operator would in a database client.
func (n *node) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), n.db, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// logged is everything in a scope of the change log, as text.
func (n *node) logged(t *testing.T, scope string) string {
	t.Helper()
	entries, err := n.log.Since(t.Context(), scope, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		for _, c := range e.Changes {
			fmt.Fprintf(&all, "%s %s %s %s %s\n", c.Op, c.Entity, c.ID, c.Patch, c.Prior)
		}
	}
	return all.String()
}

func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got %v", what, err)
	}
}

func TestUserLives(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		p, err := n.Create(ctx, account.Operator(), account.Draft{Email: " Ann@Example.org ", DisplayName: " Ann ", Password: password, Role: account.User})
		if err != nil || p.Email != "Ann@Example.org" || p.DisplayName != "Ann" || p.Role != account.User {
			t.Fatalf("%+v, %v", p, err)
		}
		if found, err := n.Find(ctx, "aNN@example.ORG"); err != nil || found != p {
			t.Errorf("%+v, %v", found, err)
		}
		_, err = n.Create(ctx, account.Operator(), account.Draft{Email: "ANN@example.org", DisplayName: "Ann", Password: password, Role: account.User})
		wantKind(t, "the same address in capitals", err, errs.Conflict)
		_, err = n.Find(ctx, "bob@example.org")
		wantKind(t, "nobody", err, errs.NotFound)

		if log := n.logged(t, "org"); log != fmt.Sprintf("create person %s {\"id\":%q,\"displayName\":\"Ann\"} {}\n", p.ID, p.ID) {
			t.Error(log)
		}
		if log := n.logged(t, "admin"); !strings.Contains(log, "create user") || strings.Contains(log, "argon2") {
			t.Error(log)
		}
	})
}

// TestOnlyAdmins calls every method for admins as somebody else.
func TestOnlyAdmins(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann := actor(t, n, n.signUp(t, "ann", account.User))
		i, _, err := n.Invite(ctx, account.Operator(), "", account.InviteDraft{Role: account.User})
		if err != nil {
			t.Fatal(err)
		}
		before := n.logged(t, "admin")
		for name, by := range map[string]account.Actor{
			"a user": ann, "a user who claims to be an admin": {ID: ann.ID, Role: account.Admin},
			"nobody": {}, "an unknown admin": {ID: "x", Role: account.Admin},
		} {
			_, _, inviteErr := n.Invite(ctx, by, "", account.InviteDraft{Role: account.User})
			_, _, listErr := n.Invites(ctx, by, "", 50)
			_, createErr := n.Create(ctx, by, account.Draft{Email: "x@example.org", DisplayName: "x", Password: password, Role: account.Admin})
			_, roleErr := n.SetRole(ctx, by, ann.ID, account.Admin)
			_, disabledErr := n.SetDisabled(ctx, by, ann.ID, true)
			for what, err := range map[string]error{
				"Invite": inviteErr, "Invites": listErr, "Revoke": n.Revoke(ctx, by, "", i.ID),
				"Create": createErr, "SetRole": roleErr, "SetDisabled": disabledErr,
			} {
				wantKind(t, what+" by "+name, err, errs.Forbidden)
			}
		}
		if after := n.logged(t, "admin"); after != before {
			t.Errorf("changed: %s", after)
		}
	})
}

func TestTheLastAdminStays(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann := actor(t, n, n.signUp(t, "ann", account.Admin))
		_, err := n.SetRole(ctx, ann, ann.ID, account.User)
		wantKind(t, "SetRole", err, errs.Conflict)
		_, err = n.SetDisabled(ctx, ann, ann.ID, true)
		wantKind(t, "SetDisabled", err, errs.Conflict)

		bob := actor(t, n, n.signUp(t, "bob", account.Admin))
		var wg sync.WaitGroup
		var failed [2]error
		for i, by := range []account.Actor{ann, bob} {
			wg.Go(func() { _, failed[i] = n.SetRole(ctx, account.Operator(), by.ID, account.User) })
		}
		wg.Wait()
		if (failed[0] == nil) == (failed[1] == nil) {
			t.Errorf("both are gone, or none: %v", failed)
		}
		_, err = n.SetRole(ctx, account.Operator(), "nobody", account.Admin)
		wantKind(t, "nobody", err, errs.NotFound)
	})
}

func TestPeopleAreTheOrg(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		n.signUp(t, "bob", account.Admin)
		part := account.Feature(n.Service).Parts[0]
		rows, err := db.Read(t.Context(), n.db, func(ctx context.Context, c db.Conn) (any, error) { return part.Rows(ctx, c, "org") })
		people, _ := rows.([]account.Person)
		if err != nil || part.Kind != "org" || part.Entity != "person" || len(people) != 2 || people[0].DisplayName != "ann" {
			t.Errorf("%v, %v", rows, err)
		}
	})
}

func readText(t *testing.T, n *node, query string) (string, error) {
	t.Helper()
	return db.Write(t.Context(), n.db, func(tx *db.Tx) (text string, err error) {
		err = tx.QueryRowContext(t.Context(), query).Scan(&text)
		return text, err
	})
}

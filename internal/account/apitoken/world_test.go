package apitoken_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const accessTTL = 15 * time.Minute

// clock is a time that tests move; a nil one is the clock on the wall.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (*clock) sleep(context.Context, time.Duration) error { return nil }

// node is one process of the app: services on a database.
type node struct {
	*apitoken.Service
	accounts *account.Service
	db       *db.DB
	log      *live.Log
	hub      *live.Hub
	clock    *clock
	http     http.Handler
	lines    *bytes.Buffer // of the log
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, n *node)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newNode(t, d)) },
		live.Migrations, account.Migrations, apitoken.Migrations)
}

func newNode(t testing.TB, d *db.DB) *node {
	t.Helper()
	return newNodeAt(t, d, &clock{now: time.Now()})
}

func newNodeAt(t testing.TB, d *db.DB, c *clock, changes ...func(*account.Settings)) *node {
	t.Helper()
	master, err := secret.NewMaster(strings.Repeat("s", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{db: d, hub: live.NewHub(), clock: c, lines: new(bytes.Buffer)}
	n.log = live.New(d, n.hub)
	logger := slog.New(slog.NewTextHandler(n.lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	settings := account.Settings{
		PublicURL: "http://localhost:3000", Secret: master, Keys: accounttest.Keys(t), AccessTTL: accessTTL,
		RefreshTTL: 7 * 24 * time.Hour, Passwords: account.Argon2{Memory: 64, Time: 1, Threads: 1},
		Clock: account.Clock{Now: n.clock.Now, Sleep: n.clock.sleep},
	}
	for _, change := range changes {
		change(&settings)
	}
	n.accounts = account.New(d, n.log, n.hub, logger, settings)
	n.Service = apitoken.New(d, n.log, n.accounts, logger, n.clock.Now)
	api := web.New(logger, nil)
	account.Feature(n.accounts).Routes(api)
	apitoken.Feature(n.Service).Routes(api)
	n.log.Routes(api, func(ctx context.Context) (live.Who, []string, error) {
		who, err := n.accounts.Who(ctx)
		return who, []string{"org"}, err
	})
	nothing := func(context.Context, account.Actor, *struct{}) (*struct{}, error) { return nil, nil }
	web.Handle(api, web.Op("test.public", "GET /api/test/public", 204), func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	account.Handle(api, web.Op("test.change", "POST /api/test/change", 204), nothing)
	account.HandleIn(api, web.Op("test.mine", "GET /api/test/mine", 204), account.Actor.Scope, nothing)
	account.Handle(api, web.Op("test.admins", "GET /api/test/admins", 204), account.RequireRole(account.Admin, nothing))
	n.http = api.Handler(n.accounts.Authenticate)
	n.catchUp(t)
	return n
}

func (n *node) catchUp(t testing.TB) {
	t.Helper()
	if err := n.accounts.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// signUp makes the user name@example.org and returns them in a fresh session.
func (n *node) signUp(t testing.TB, name string, role account.Role) account.Actor {
	t.Helper()
	by, _ := n.signIn(t, name, role)
	return by
}

// signIn is signUp that returns the access token too.
func (n *node) signIn(t testing.TB, name string, role account.Role) (by account.Actor, access string) {
	t.Helper()
	_, code, err := n.accounts.Invite(t.Context(), account.Operator(), "", account.InviteDraft{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	from := account.Device{IP: netip.MustParseAddr("192.0.2.1")}
	s, err := n.accounts.SignUp(t.Context(), from, account.SignUp{
		Code: code, Email: name + "@example.org", Password: "correct horse", DisplayName: name,
	})
	if err != nil {
		t.Fatal(err)
	}
	by, err = n.actor(t, s.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return by, s.AccessToken
}

// actor is who a token stands for.
func (n *node) actor(t testing.TB, token string) (by account.Actor, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	n.accounts.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		by, err = account.From(r.Context())
	})).ServeHTTP(nil, r)
	return by, err
}

// make makes a token and returns it with its secret.
func (n *node) make(t testing.TB, by account.Actor, d apitoken.Draft) (apitoken.Token, string) {
	t.Helper()
	if d.Name == "" {
		d.Name = "test"
	}
	if d.Scope == "" {
		d.Scope = account.ScopeWrite
	}
	made, secret, err := n.Create(t.Context(), by, "", d)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// status is that of a request with a token.
func (n *node) status(t testing.TB, method, path, token string) int {
	t.Helper()
	status, _ := basetest.Do(t, n.http, method, path, bearer(token), "{}")
	return status
}

// want checks the status of a GET with the token that every signed-in user may make.
func (n *node) want(t testing.TB, what, token string, status int) {
	t.Helper()
	if got := n.status(t, http.MethodGet, "/api/auth/me", token); got != status {
		t.Errorf("%s: %d, not %d", what, got, status)
	}
}

func decode[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// count is the number of a table's rows that fit a condition.
func (n *node) count(t testing.TB, table, where string, args ...any) int64 {
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

func wantKind(t testing.TB, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v, not of kind %d", what, err, kind)
	}
}

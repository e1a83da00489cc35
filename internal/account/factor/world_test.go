package factor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const (
	publicURL = "https://peisear.example.org"
	password  = "correct horse"
)

var (
	home  = account.Device{IP: netip.MustParseAddr("192.0.2.1")}
	cheap = account.Argon2{Memory: 64, Time: 1, Threads: 1}
)

// clock is a time that tests move; sleeping moves it too.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.pass(d)
	return nil
}

// world is the app as far as it signs people in.
type world struct {
	*factor.Service
	accounts *account.Service
	db       *db.DB
	log      *live.Log
	clock    *clock
	master   secret.Master
	http     http.Handler
	programs http.Handler  // believes accounttest.Sign
	lines    *bytes.Buffer // of the log
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d, publicURL)) }, migrations()...)
}

func migrations() []fs.FS { return []fs.FS{live.Migrations, account.Migrations, factor.Migrations} }

func newWorld(t testing.TB, d *db.DB, url string) *world {
	t.Helper()
	return newProcess(t, d, url, &clock{now: time.Now()})
}

// newProcess is one of several on a database.
func newProcess(t testing.TB, d *db.DB, url string, at *clock, changes ...func(*account.Settings)) *world {
	t.Helper()
	master, err := secret.NewMaster(strings.Repeat("s", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: d, log: live.New(d, live.NewHub()), clock: at, master: master, lines: new(bytes.Buffer)}
	logger := slog.New(slog.NewTextHandler(w.lines, nil))
	settings := account.Settings{
		PublicURL: url, Secret: master, Keys: accounttest.Keys(t), AccessTTL: 15 * time.Minute,
		RefreshTTL: 7 * 24 * time.Hour, Passwords: cheap,
		Clock: account.Clock{Now: w.clock.Now, Sleep: w.clock.sleep},
	}
	for _, change := range changes {
		change(&settings)
	}
	w.accounts = account.New(d, w.log, live.NewHub(), logger, settings)
	w.Service = factor.New(d, w.log, w.accounts, logger, factor.Settings{PublicURL: url, Secret: master, Now: w.clock.Now})
	api := web.New(logger, nil)
	account.Feature(w.accounts).Routes(api)
	factor.Feature(w.Service).Routes(api)
	w.http, w.programs = api.Handler(w.accounts.Authenticate), api.Handler(accounttest.Authenticate)
	return w
}

// user is somebody in a session that has just begun.
type user struct {
	account.Actor
	email  string
	header map[string]string
}

// signUp makes the user name@example.org and signs it in.
func (w *world) signUp(t testing.TB, name string, role account.Role) user {
	t.Helper()
	_, code, err := w.accounts.Invite(t.Context(), account.Operator(), "", account.InviteDraft{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	result, err := w.accounts.SignUp(t.Context(), home, account.SignUp{Code: code, Email: name + "@example.org", Password: password, DisplayName: name})
	if err != nil {
		t.Fatal(err)
	}
	return w.user(t, result)
}

// user is who a session belongs to.
func (w *world) user(t testing.TB, s account.SignedIn) user {
	t.Helper()
	u := user{email: s.User.Email, header: map[string]string{"Authorization": "Bearer " + s.AccessToken}}
	w.accounts.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if u.Actor, err = account.From(r.Context()); err != nil {
			t.Fatal(err)
		}
	})).ServeHTTP(nil, requestAs(t, u.header))
	return u
}

func requestAs(t testing.TB, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

// again signs the user in once more: the session is fresh, and the sign-in is done with
// the factor that give knows.
func (w *world) again(t testing.TB, u user, give func(token string) (account.SignedIn, error)) user {
	t.Helper()
	result := w.login(t, u)
	if result.Pending != nil {
		var err error
		if result, err = give(result.Pending.Token); err != nil {
			t.Fatal(err)
		}
	}
	return w.user(t, result)
}

// login gives the first factor.
func (w *world) login(t testing.TB, u user) account.SignedIn {
	t.Helper()
	result, err := w.accounts.Login(t.Context(), home, u.email, password)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// pending is the token of a sign-in that awaits its second factor.
func (w *world) pending(t testing.TB, u user) string {
	t.Helper()
	result := w.login(t, u)
	if result.Pending == nil {
		t.Fatal("no second factor is asked for")
	}
	return result.Pending.Token
}

// asks is what a sign-in of the user asks for.
func (w *world) asks(t testing.TB, u user) string {
	t.Helper()
	result := w.login(t, u)
	if result.Pending == nil {
		return "nothing"
	}
	return strings.Join(result.Pending.Methods, " ")
}

// send is one request over HTTP.
func (w *world) send(t testing.TB, method, path string, header map[string]string, body any) (int, string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return basetest.Do(t, w.http, method, path, header, string(text))
}

// post sends a request that must succeed and reads its answer.
func post[T any](t testing.TB, w *world, path string, header map[string]string, body any) (v T) {
	t.Helper()
	status, answer := w.send(t, http.MethodPost, path, header, body)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// exec runs a statement as an operator would in a database client.
func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count is the number of a table's rows that fit a condition.
func (w *world) count(t testing.TB, table, where string, args ...any) int {
	t.Helper()
	n, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+where, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// text is the one value of a statement.
func (w *world) text(t testing.TB, statement string, args ...any) string {
	t.Helper()
	v, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (v string, err error) {
		return v, c.QueryRowContext(ctx, statement, args...).Scan(&v)
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// audited is what the log says of factors, a line for each change.
func (w *world) audited(t testing.TB) []string {
	t.Helper()
	entries, err := w.log.Since(t.Context(), "admin", 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		for _, c := range e.Changes {
			if c.Entity == "factor" {
				all = append(all, fmt.Sprintf("%s %s by %s: %s was %s", c.Op, c.ID, e.Actor, c.Patch, c.Prior))
			}
		}
	}
	return all
}

func wantKind(t testing.TB, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: got %v", what, err)
	}
}

// wantCode also looks at the word for programs.
func wantCode(t testing.TB, what string, err error, kind errs.Kind, code string) {
	t.Helper()
	if wantKind(t, what, err, kind); errs.Of(err).Code != code {
		t.Errorf("%s: code %q in %v", what, errs.Of(err).Code, err)
	}
}

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
	"slices"
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
func newProcess(t testing.TB, d *db.DB, url string, at *clock) *world {
	t.Helper()
	master, err := secret.NewMaster(strings.Repeat("s", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: d, log: live.New(d, live.NewHub()), clock: at, master: master, lines: new(bytes.Buffer)}
	logger := slog.New(slog.NewTextHandler(w.lines, nil))
	w.accounts = account.New(d, w.log, live.NewHub(), logger, account.Settings{
		PublicURL: url, Secret: master, Keys: accounttest.Keys(t), AccessTTL: 15 * time.Minute,
		RefreshTTL: 7 * 24 * time.Hour, Passwords: cheap,
		Clock: account.Clock{Now: w.clock.Now, Sleep: w.clock.sleep},
	})
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

func TestNobodyIsAskedWithoutAFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
		_, answer := w.send(t, http.MethodGet, "/api/account/factors", ann.header, nil)
		if answer != `{"totp":{"enabled":false,"createdAt":null},"passkeys":[],"recoveryCodesLeft":0}`+"\n" {
			t.Error(answer)
		}
		_, err := w.NewRecoveryCodes(t.Context(), ann.Actor)
		wantKind(t, "codes for nothing", err, errs.Conflict)
	})
}

// TestFactorsAreIndependent sets up both, in either order, and takes them away again:
// what is asked for follows, and the codes come and go with the first and the last.
func TestFactorsAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		key := newKey()
		step := func(what, asked string, codes []string, given bool) {
			t.Helper()
			if got := w.asks(t, ann); got != asked || (len(codes) == 10) != given {
				t.Errorf("%s: asked for %s, %d codes", what, got, len(codes))
			}
		}
		secret, codes := w.enrolApp(t, ann)
		step("app", "totp recovery", codes, true)
		first, codes := w.enrolKey(t, ann, key)
		step("app and passkey", "totp passkey recovery", codes, false)
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		step("passkey", "passkey recovery", nil, false)
		w.enrolApp(t, ann)
		if err := w.RemovePasskey(t.Context(), ann.Actor, first.ID); err != nil {
			t.Fatal(err)
		}
		step("another app", "totp recovery", nil, false)
		_, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, secret))
		wantKind(t, "a code of the former app", err, errs.Unauthorized)
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		step("nothing", "nothing", nil, false)
		if n := w.count(t, "recovery_code", "1 = 1"); n != 0 {
			t.Errorf("%d codes are left", n)
		}
		wantKind(t, "no app", w.RemoveTOTP(t.Context(), ann.Actor), errs.NotFound)
		wantKind(t, "no passkey", w.RemovePasskey(t.Context(), ann.Actor, first.ID), errs.NotFound)
	})
}

// TestWithoutCodesAFactorIsStillAsked: nothing that is used up opens the door.
func TestWithoutCodesAFactorIsStillAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		w.enrolKey(t, ann, newKey())
		w.exec(t, "DELETE FROM recovery_code")
		if asked := w.asks(t, ann); asked != "passkey" {
			t.Error(asked)
		}
	})
}

// TestEveryChangeIsAudited: who did what, in the transaction that does it, and nothing
// that would let anybody in.
func TestEveryChangeIsAudited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, admin := w.signUp(t, "ann", account.User), w.signUp(t, "admin", account.Admin)
		secret, codes := w.enrolApp(t, ann)
		key := newKey()
		p, _ := w.enrolKey(t, ann, key)
		if _, err := w.RenamePasskey(t.Context(), ann.Actor, p.ID, "Blue key"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RenamePasskey(t.Context(), ann.Actor, p.ID, "Blue key"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), codes[0]); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(time.Second)
		fresh, err := w.NewRecoveryCodes(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		publicKey := w.text(t, "SELECT public_key FROM passkey WHERE id = $1", p.ID)
		if err := w.Reset(t.Context(), admin.Actor, ann.ID); err != nil {
			t.Fatal(err)
		}
		got := w.audited(t)
		for i, want := range []string{
			"create " + ann.ID + " by " + ann.ID + `: {"totp":"20`,
			"update " + ann.ID + " by " + ann.ID + `: {"passkeys":[{"id":"` + p.ID,
			`"name":"Blue key"`,
			`{"recoveryCodes":9} was {"recoveryCodes":10}`,
			`{"recoveryCodes":10,"recoveryCodesAt":"20`,
			`{"totp":null} was {"totp":"20`,
			"delete " + ann.ID + " by " + admin.ID,
		} {
			if i >= len(got) || !strings.Contains(got[i], want) {
				t.Errorf("%d: no %s in\n%s", i, want, strings.Join(got, "\n"))
			}
		}
		if len(got) != 7 {
			t.Errorf("%d changes:\n%s", len(got), strings.Join(got, "\n"))
		}
		all := strings.Join(got, "\n")
		for _, hidden := range append(append([]string{secret, publicKey}, codes...), fresh...) {
			if hidden == "" || strings.Contains(all, hidden) {
				t.Errorf("shows %q", hidden)
			}
		}
	})
}

func TestReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob, admin := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User), w.signUp(t, "admin", account.Admin)
		w.enrolApp(t, ann)
		w.enrolKey(t, ann, newKey())
		w.enrolApp(t, bob)
		path := "/api/admin/users/" + ann.ID + "/factors/reset"
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "stranger", Method: "POST", Path: path, Status: 401},
			{Name: "the user", Method: "POST", Path: path, Header: ann.header, Status: 403},
			{Name: "another", Method: "POST", Path: path, Header: bob.header, Status: 403},
			{Name: "nobody's", Method: "POST", Path: "/api/admin/users/01900000-0000-7000-8000-000000000000/factors/reset", Header: admin.header, Status: 404},
			{Name: "no id", Method: "POST", Path: "/api/admin/users/7/factors/reset", Header: admin.header, Status: 422},
		})
		w.clock.pass(account.ConfirmLifetime)
		wantCode(t, "no fresh proof", w.Reset(t.Context(), admin.Actor, ann.ID), errs.Forbidden, "confirm")
		claims := account.Actor{ID: bob.ID, Role: account.Admin, Session: w.again(t, bob, w.withCode(t, bob)).Session}
		wantKind(t, "somebody who claims to be an admin", w.Reset(t.Context(), claims, ann.ID), errs.Forbidden)
		if asked := w.asks(t, ann); asked != "totp passkey recovery" {
			t.Fatal(asked)
		}
		admin = w.again(t, admin, nil)
		if status, answer := w.send(t, http.MethodPost, path, admin.header, nil); status != http.StatusNoContent {
			t.Fatal(status, answer)
		}
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
		if asked := w.asks(t, bob); asked != "totp recovery" {
			t.Error(asked)
		}
		if status, _ := w.send(t, http.MethodGet, "/api/account/factors", ann.header, nil); status != http.StatusOK {
			t.Errorf("the user's session: %d", status)
		}
		wantKind(t, "again", w.Reset(t.Context(), account.Operator(), ann.ID), errs.NotFound)
		if err := w.Reset(t.Context(), account.Operator(), bob.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestKinds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob, cat, dan := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User), w.signUp(t, "cat", account.User), w.signUp(t, "dan", account.User)
		w.enrolApp(t, ann)
		w.enrolKey(t, ann, newKey())
		w.enrolKey(t, ann, newKey())
		w.enrolApp(t, bob)
		w.enrolKey(t, dan, newKey())
		kinds := func(ids ...string) string {
			all, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (map[string][]string, error) {
				return factor.Kinds(ctx, c, ids)
			})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(all)
		}
		for want, ids := range map[string][]string{
			fmt.Sprintf("map[%s:[totp passkey] %s:[totp] %s:[passkey]]", ann.ID, bob.ID, dan.ID): {dan.ID, cat.ID, ann.ID, bob.ID},
			fmt.Sprintf("map[%s:[totp passkey] %s:[passkey]]", ann.ID, dan.ID):                   {ann.ID, dan.ID}, // bob is between
			"map[]": {cat.ID, "x"},
		} {
			if got := kinds(ids...); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if got := kinds(); got != "map[]" {
			t.Error(got)
		}
	})
}

// TestFreshProof calls everything that needs one in a session that is five minutes old.
func TestFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		w.enrolApp(t, ann)
		p, _ := w.enrolKey(t, ann, newKey())
		before := w.audited(t)
		w.clock.pass(account.ConfirmLifetime)
		for _, c := range []struct{ method, path string }{
			{"POST", "/api/account/factors/totp"}, {"DELETE", "/api/account/factors/totp"},
			{"POST", "/api/account/factors/recovery"}, {"POST", "/api/account/factors/passkeys/options"},
			{"DELETE", "/api/account/factors/passkeys/" + p.ID},
		} {
			status, answer := w.send(t, c.method, c.path, ann.header, nil)
			if status != http.StatusForbidden || !strings.Contains(answer, `"code":"confirm"`) {
				t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
			}
		}
		if after := w.audited(t); !slices.Equal(before, after) {
			t.Errorf("changed %v", after[len(before):])
		}
	})
}

// TestStrangersAndPrograms: everything that is the user's own needs a session, and the
// ids of others are nobody's.
func TestStrangersAndPrograms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		p, _ := w.enrolKey(t, ann, newKey())
		program := accounttest.Sign(t, account.Actor{ID: ann.ID, Role: ann.Role}) // without a session, as API tokens are
		mine := "/api/account/factors/passkeys/" + p.ID
		const answer = `{"id":"x","credential":{}}`
		var all, programs []basetest.Scenario
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/api/account/factors", ""},
			{"POST", "/api/account/factors/totp", ""},
			{"POST", "/api/account/factors/totp/confirm", `{"code":"123456"}`},
			{"DELETE", "/api/account/factors/totp", ""},
			{"POST", "/api/account/factors/recovery", ""},
			{"POST", "/api/account/factors/passkeys/options", ""},
			{"POST", "/api/account/factors/passkeys", answer},
			{"PATCH", mine, `{"name":"x"}`},
			{"DELETE", mine, ""},
			{"POST", "/api/account/confirm/totp", `{"code":"123456"}`},
			{"POST", "/api/account/confirm/passkey/options", ""},
			{"POST", "/api/account/confirm/passkey", answer},
		} {
			all = append(all, basetest.Scenario{Name: "stranger " + c.method + c.path, Method: c.method, Path: c.path, Body: c.body, Status: 401})
			programs = append(programs, basetest.Scenario{Name: "program " + c.method + c.path, Method: c.method, Path: c.path, Body: c.body, Header: program, Status: 403, HasNot: []string{`"code"`}})
		}
		all = append(all,
			basetest.Scenario{Name: "rename another's", Method: "PATCH", Path: mine, Body: `{"name":"x"}`, Header: bob.header, Status: 404},
			basetest.Scenario{Name: "delete another's", Method: "DELETE", Path: mine, Header: bob.header, Status: 404},
			basetest.Scenario{Name: "list another's", Path: "/api/account/factors", Header: bob.header, Status: 200, Has: []string{`"passkeys":[]`}},
			basetest.Scenario{Name: "confirm with another's", Method: "POST", Path: "/api/account/confirm/passkey/options", Header: bob.header, Status: 409},
		)
		before := w.audited(t)
		basetest.RunScenarios(t, w.http, all)
		basetest.RunScenarios(t, w.programs, programs)
		if after := w.audited(t); !slices.Equal(before, after) {
			t.Errorf("changed %v", after[len(before):])
		}
	})
}

func TestBadInput(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		p, _ := w.enrolKey(t, ann, newKey())
		mine := "/api/account/factors/passkeys/" + p.ID
		bad := func(method, path, name, body, has string) basetest.Scenario {
			return basetest.Scenario{
				Name: path + " " + name, Method: method, Path: path, Header: ann.header, Body: body, Status: 422, Has: []string{has},
				HasNot: []string{"sql", "SQL", "constraint", "goroutine", "CBOR", "cbor"},
			}
		}
		long := strings.Repeat("x", 65)
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			bad("POST", "/api/auth/factor/totp", "nothing", `{}`, "token"),
			bad("POST", "/api/auth/factor/totp", "long token", `{"token":"`+long+`","code":"1"}`, "body.token"),
			bad("POST", "/api/auth/factor/totp", "number", `{"token":"x","code":123456}`, "body.code"),
			bad("POST", "/api/auth/factor/recovery", "long", `{"token":"x","code":"`+long+`"}`, "body.code"),
			bad("POST", "/api/auth/factor/passkey/options", "nothing", `{}`, "token"),
			bad("POST", "/api/auth/passkey", "no credential", `{"id":"x"}`, "credential"),
			bad("POST", "/api/auth/passkey", "null", `{"id":"x","credential":null}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "text", `{"id":"x","credential":"hello"}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "empty", `{"id":"x","credential":{}}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "huge", `{"id":"x","credential":{"id":"`+strings.Repeat("A", 70_000)+`"}}`, "body.credential"),
			bad("POST", "/api/account/factors/totp/confirm", "long", `{"code":"123456789012345678901"}`, "body.code"),
			bad("POST", "/api/account/factors/passkeys", "empty", `{"id":"x","credential":{}}`, "body.credential"),
			bad("POST", "/api/account/factors/passkeys", "long name", `{"id":"x","name":"`+long+`","credential":{}}`, "body.name"),
			bad("PATCH", mine, "no name", `{"name":""}`, "body.name"),
			bad("PATCH", mine, "bell", `{"name":"a\u0007"}`, "body.name"),
			bad("PATCH", "/api/account/factors/passkeys/7", "no id", `{"name":"x"}`, "path.id"),
			bad("POST", "/api/account/confirm/passkey", "empty", `{"id":"x","credential":{}}`, "body.credential"),
		})
		if strings.Contains(w.lines.String(), "level=ERROR") {
			t.Errorf("logged %s", w.lines)
		}
	})
}

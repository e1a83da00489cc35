package oauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const password = "correct horse"

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// lines is a log that requests write to at one time.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// world is a node of the app that serves on loopback, and the providers it knows.
type world struct {
	*oauth.Service
	accounts  *account.Service
	db        *db.DB
	log       *live.Log
	clock     *clock
	lines     *lines
	logger    *slog.Logger
	url       string
	handler   http.Handler
	providers map[provider.ID]*providertest.Server
}

// each runs a test on both engines, with servers of the providers that the environment
// sets up.
func each(t *testing.T, ids []provider.ID, test func(t *testing.T, w *world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		test(t, newWorld(t, d, func(w *world) (all []provider.Settings) {
			for _, id := range ids {
				w.providers[id] = providertest.New(t, id, w.url+"/api/auth/"+string(id)+"/callback")
				all = append(all, w.providers[id].Settings())
			}
			return all
		}))
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

func master(t *testing.T, letter string, former ...string) secret.Master {
	t.Helper()
	for i, f := range former {
		former[i] = strings.Repeat(f, secret.MinLength)
	}
	m, err := secret.NewMaster(strings.Repeat(letter, secret.MinLength), former...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newWorld starts a node; environment is what its operator has set up.
func newWorld(t *testing.T, d *db.DB, environment func(*world) []provider.Settings, changes ...func(*account.Settings, *oauth.Settings)) *world {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	w := &world{
		db: d, log: live.New(d, live.NewHub()), clock: new(clock), lines: new(lines), url: "http://" + server.Listener.Addr().String(),
		providers: map[provider.ID]*providertest.Server{},
	}
	accounts := account.Settings{
		PublicURL: w.url, Secret: master(t, "s"), Keys: accounttest.Keys(t), AccessTTL: 15 * time.Minute, RefreshTTL: 7 * 24 * time.Hour,
		Passwords: account.Argon2{Memory: 64, Time: 1, Threads: 1},
		Clock:     account.Clock{Now: w.clock.Now, Sleep: func(context.Context, time.Duration) error { return nil }},
	}
	settings := oauth.Settings{PublicURL: w.url, Secret: accounts.Secret, Now: w.clock.Now, Environment: environment(w)}
	for _, change := range changes {
		change(&accounts, &settings)
	}
	w.logger = slog.New(slog.NewTextHandler(w.lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.accounts = account.New(d, w.log, live.NewHub(), w.logger, accounts)
	w.Service = oauth.New(d, w.log, w.accounts, w.logger, settings)
	api := web.New(w.logger, nil)
	account.Feature(w.accounts).Routes(api)
	oauth.Feature(w.Service).Routes(api)
	w.handler = api.Handler(w.accounts.Authenticate)
	server.Config.Handler = strict(w.handler)
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// strict takes the refresh token from a way back, which begins at another site: browsers
// do not send it from there.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/callback") {
			cookies := r.Cookies()
			r.Header.Del("Cookie")
			for _, c := range cookies {
				if c.Name != "peisear_refresh" {
					r.AddCookie(c)
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isPage stops a browser that comes to a page of the app.
func (w *world) isPage(u *url.URL) bool {
	return "http://"+u.Host == w.url && !strings.HasPrefix(u.Path, "/api/")
}

// journey sends a browser through a provider, until it is at a page of the app.
func (w *world) journey(t *testing.T, b *providertest.Browser, address string) {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = w.url + address
	}
	b.Visit(address, w.isPage)
	if strings.Contains(b.Text, "<form") && !w.isPage(b.At) {
		b.Submit(nil, w.isPage)
	}
	if !w.isPage(b.At) {
		t.Fatalf("not at a page, but at %s: %d %s", b.At, b.Status, b.Text)
	}
}

// at is where the browser is, without the host.
func at(b *providertest.Browser) string {
	u := *b.At
	u.Scheme, u.Host = "", ""
	return u.String()
}

func wantAt(t *testing.T, what string, b *providertest.Browser, want string) {
	t.Helper()
	if at(b) != want {
		t.Errorf("%s: at %s, want %s", what, at(b), want)
	}
}

// session is what a page gets with the browser's cookie.
type session struct {
	AccessToken string
	User        account.Profile
}

// sessionOf is the session's id in the access token.
func sessionOf(s session) string {
	var claims struct{ SID string }
	parts := strings.Split(s.AccessToken, ".")
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(text, &claims)
	}
	return claims.SID
}

// refreshed begins the page: it is signed in when ok.
func (w *world) refreshed(t *testing.T, b *providertest.Browser) (s session, ok bool) {
	t.Helper()
	status, text := b.Call(http.MethodPost, w.url+"/api/auth/refresh", "", "{}")
	if status != http.StatusOK {
		return s, false
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s, true
}

// invite makes an invite and returns its code.
func (w *world) invite(t *testing.T, email string) string {
	t.Helper()
	d := account.InviteDraft{Role: account.User}
	if email != "" {
		d.Email = &email
	}
	_, code, err := w.accounts.Invite(t.Context(), account.Operator(), "", d)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// signUp makes a user with a password, name@example.org, in a browser of their own.
func (w *world) signUp(t *testing.T, name string, role account.Role) (*providertest.Browser, session) {
	t.Helper()
	_, code, err := w.accounts.Invite(t.Context(), account.Operator(), "", account.InviteDraft{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	b := providertest.NewBrowser(t)
	body := fmt.Sprintf(`{"code":%q,"email":"%[2]s@example.org","password":%q,"displayName":%[2]q}`, code, name, password)
	status, text := b.Call(http.MethodPost, w.url+"/api/auth/signup/password", "", body)
	var s session
	if err := json.Unmarshal([]byte(text), &s); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	return b, s
}

// begin asks for the way to a provider, as somebody who is signed in.
func (w *world) begin(t *testing.T, b *providertest.Browser, s session, id provider.ID, what, body string) (address string) {
	t.Helper()
	status, text := b.Call(http.MethodPost, w.url+"/api/auth/"+string(id)+"/"+what, s.AccessToken, body)
	var got struct{ URL string }
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	return got.URL
}

// count is the number of a table's rows that fit a condition.
func (w *world) count(t *testing.T, table, where string, args ...any) (n int64) {
	t.Helper()
	n, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (n int64, err error) {
		return n, c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" WHERE "+where, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// exec runs a statement.
func (w *world) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rows is a table as text.
func (w *world) rows(t *testing.T, table string) string {
	t.Helper()
	text, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (string, error) {
		rows, err := c.QueryContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			return "", err
		}
		var all strings.Builder
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return "", err
			}
			for _, v := range values {
				fmt.Fprintf(&all, "%v|", *v.(*any))
			}
			all.WriteString("\n")
		}
		return all.String(), rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// logged is everything in the scope admin, as text.
func (w *world) logged(t *testing.T) string {
	t.Helper()
	entries, err := w.log.Since(t.Context(), "admin", 0)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		for _, c := range e.Changes {
			fmt.Fprintf(&all, "%s %s %s %s %s by %s\n", c.Op, c.Entity, c.ID, c.Patch, c.Prior, e.Actor)
		}
	}
	return all.String()
}

func home() account.Device { return account.Device{IP: netip.MustParseAddr("192.0.2.1")} }

package account_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func (n *node) loginFrom(t *testing.T, ip, agent, name string) account.SignedIn {
	t.Helper()
	s, err := n.Login(t.Context(), account.Device{IP: netip.MustParseAddr(ip), UserAgent: agent}, name+"@example.org", password)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSessionsAreListed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "bob", account.User)
		n.signUp(t, "ann", account.User) // from home, by no browser
		n.clock.pass(time.Minute)
		phone := n.loginFrom(t, "10.0.0.7", iphone, "ann")
		n.clock.pass(time.Minute)
		desk := n.loginFrom(t, "127.0.0.1", firefox, "ann")
		n.clock.pass(time.Minute)
		if _, err := n.Refresh(t.Context(), account.Device{IP: netip.MustParseAddr("10.0.0.8"), UserAgent: iphone}, phone.Refresh, "a"); err != nil {
			t.Fatal(err)
		}
		got, err := n.Sessions(t.Context(), actor(t, n, desk))
		if err != nil {
			t.Fatal(err)
		}
		ago := func(minutes int) time.Time {
			return n.clock.Now().Add(-time.Duration(minutes) * time.Minute).UTC().Truncate(time.Microsecond)
		}
		want := []account.Session{
			{Device: "phone", Browser: "Safari 18", OS: "iOS", IP: "10.0.0.8", Place: "local network", UsedAt: ago(0), CreatedAt: ago(2)},
			{Device: "computer", Browser: "Firefox 141", OS: "Linux", IP: "127.0.0.1", Place: "this server", UsedAt: ago(1), CreatedAt: ago(1), Current: true},
			{Device: "unknown", IP: "192.0.2.1", UsedAt: ago(3), CreatedAt: ago(3)},
		}
		for i := range min(len(got), len(want)) {
			want[i].ID, want[i].Method, want[i].ExpiresAt = got[i].ID, "password", want[i].UsedAt.Add(7*day)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestExpiredSessionsAreNotListed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		n.clock.pass(time.Minute)
		stays := n.loginFrom(t, "10.0.0.7", iphone, "ann")
		n.clock.pass(7*day - time.Minute)
		all, err := n.Sessions(t.Context(), account.Actor{ID: stays.User.ID})
		if err != nil || len(all) != 1 || all[0].IP != "10.0.0.7" || all[0].Current {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestAgents(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		firefox: "computer, Firefox 141, Linux",
		iphone:  "phone, Safari 18, iOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0":  "computer, Edge 139, Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":          "computer, Safari 18, macOS",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36":                "phone, Chrome 139, Android",
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "tablet, Safari 18, iOS",
		"curl/8.5.0": "program, curl 8, ",
		"":           "unknown, , ",
	} {
		if got := account.AgentOf(header); got != want {
			t.Errorf("%s: %s", header, got)
		}
	}
}

func FuzzAgents(f *testing.F) {
	for _, seed := range []string{firefox, iphone, "", "curl/8", "(((;;/// Android", "\xff\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if text := account.AgentOf(header); len(text) > len(header)+300 {
			t.Errorf("%q became %q", header, text)
		}
	})
}

// TestEndedSessionsAreOutAtOnce: refresh, access token and live stream, and nobody else's.
func TestEndedSessionsAreOutAtOnce(t *testing.T) {
	id := func(t *testing.T, n *node, s account.SignedIn) string { return "/" + actor(t, n, s).Session }
	for name, c := range map[string]struct {
		path func(t *testing.T, n *node, all map[string]account.SignedIn) string
		ends []string
	}{
		"one":          {func(t *testing.T, n *node, all map[string]account.SignedIn) string { return id(t, n, all["other"]) }, []string{"other"}},
		"its own self": {func(t *testing.T, n *node, all map[string]account.SignedIn) string { return id(t, n, all["current"]) }, []string{"current"}},
		"all others":   {func(*testing.T, *node, map[string]account.SignedIn) string { return "?keep=current" }, []string{"other", "third"}},
		"all of them":  {func(*testing.T, *node, map[string]account.SignedIn) string { return "" }, []string{"current", "other", "third"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				all := map[string]account.SignedIn{"bob": n.signUp(t, "bob", account.User), "current": n.signUp(t, "ann", account.User)}
				all["other"], all["third"] = n.loginFrom(t, "192.0.2.2", firefox, "ann"), n.loginFrom(t, "192.0.2.3", iphone, "ann")
				run(t, n)
				server := httptest.NewServer(n.http)
				defer server.Close()
				streams := map[string]io.ReadCloser{}
				for who, s := range all {
					streams[who] = follow(t, server.URL, s)
				}
				answer := n.send(t, http.MethodDelete, "/api/account/sessions"+c.path(t, n, all), bearer(all["current"].AccessToken), "")
				if answer.StatusCode != http.StatusNoContent {
					t.Fatalf("status %d", answer.StatusCode)
				}
				for who, s := range all {
					if slices.Contains(c.ends, who) {
						if _, err := io.ReadAll(streams[who]); err != nil { // waits for the end
							t.Errorf("%s: %v", who, err)
						}
					}
					stays := !slices.Contains(c.ends, who)
					_, err := n.refresh(t, s, "a")
					if status := n.me(t, s); (status == http.StatusOK) != stays || (err == nil) != stays {
						t.Errorf("%s: %d, %v", who, status, err)
					}
					_ = streams[who].Close()
				}
				log := n.logged(t, "admin")
				if ended := strings.Count(log, "delete session"); ended != len(c.ends) || strings.Contains(log, "192.0.2") {
					t.Errorf("%d are recorded, or too much: %s", ended, log)
				}
			})
		})
	}
}

// follow opens a session's live stream.
func follow(t *testing.T, url string, s account.SignedIn) io.ReadCloser {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.AccessToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	return answer.Body
}

func TestOthersSessionsAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.Admin)
		theirs := actor(t, n, ann).Session
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "another's", Method: "DELETE", Path: "/api/account/sessions/" + theirs, Header: bearer(bob.AccessToken), Status: 404},
			{Name: "nobody's", Method: "DELETE", Path: "/api/account/sessions/01900000-0000-7000-8000-000000000000", Header: bearer(bob.AccessToken), Status: 404},
			{Name: "no id", Method: "DELETE", Path: "/api/account/sessions/x", Header: bearer(bob.AccessToken), Status: 422},
			{Name: "keep what", Method: "DELETE", Path: "/api/account/sessions?keep=all", Header: bearer(bob.AccessToken), Status: 422},
			{Name: "list", Path: "/api/account/sessions", Header: bearer(bob.AccessToken), Status: 200, Has: []string{`"current":true`}, HasNot: []string{theirs, "salt"}},
			{Name: "stranger", Path: "/api/account/sessions", Status: 401},
		})
		if n.me(t, ann) != http.StatusOK {
			t.Error("it has ended")
		}
	})
}

// TestProgramsDoNotManageTheAccount: a token of a program is no session.
func TestProgramsDoNotManageTheAccount(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.Admin)
		program := account.Authenticated(n.api.Handler(), func(context.Context, string) (account.Identity, error) {
			return account.Identity{Actor: account.Actor{ID: ann.User.ID, Role: account.Admin}}, nil
		})
		var all []basetest.Scenario
		for _, route := range []string{
			"GET /api/account", "PATCH /api/account", "POST /api/account/confirm", "POST /api/account/password",
			"POST /api/account/email", "DELETE /api/account/email", "GET /api/account/sessions", "DELETE /api/account/sessions",
			"DELETE /api/account/sessions/01900000-0000-7000-8000-000000000000",
		} {
			method, path, _ := strings.Cut(route, " ")
			body := map[string]string{"POST": `{"password":"correct horse"}`, "PATCH": `{}`}[method]
			if path == "/api/account/email" && method == "POST" {
				body = `{"email":"x@example.org"}`
			}
			all = append(all, basetest.Scenario{Name: route, Method: method, Path: path, Header: bearer("psr_x"), Body: body, Status: 403})
		}
		basetest.RunScenarios(t, program, all)
	})
}

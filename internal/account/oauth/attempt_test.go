package oauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
)

// isCallback stops a browser before it brings the answer.
func isCallback(u *url.URL) bool { return strings.HasSuffix(u.Path, "/callback") }

// known makes a user of Google's person and returns who it is.
func (w *world) known(t *testing.T) account.Profile {
	t.Helper()
	b := providertest.NewBrowser(t)
	w.journey(t, b, "/api/auth/google/signup/start?code="+w.invite(t, ""))
	s, ok := w.refreshed(t, b)
	if !ok {
		t.Fatalf("not signed up: at %s", b.At)
	}
	return s.User
}

func TestAnAttemptIsUsedOnce(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.known(t)
		b := providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/google/start", isCallback)
		answer := b.At.String()
		w.journey(t, b, answer)
		wantAt(t, "once", b, "/")
		w.journey(t, b, answer)
		wantAt(t, "twice", b, "/login?error=expired&provider=google")

		// Twenty at one time: one session, in a browser that had none.
		b = providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/google/start", isCallback)
		before := w.count(t, "session", "1 = 1")
		var all sync.WaitGroup
		cookie := b.Cookie(w.url+"/api/auth/google/callback", "peisear_attempt")
		for range 20 {
			all.Go(func() {
				other := providertest.NewBrowser(t)
				other.SetCookie(w.url+"/api/auth", "peisear_attempt", cookie)
				other.Visit(b.At.String(), w.isPage)
			})
		}
		all.Wait()
		if n := w.count(t, "session", "1 = 1"); n != before+1 {
			t.Errorf("%d sessions were begun", n-before)
		}
	})
}

// TestAnAttemptBelongsToOneBrowser: whoever sends somebody else their answer signs
// nobody in, and does not spoil it for the right one.
func TestAnAttemptBelongsToOneBrowser(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.OpenID}, func(t *testing.T, w *world) {
		w.known(t)
		b := providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/google/start", isCallback)
		answer := b.At.String()
		cookie := b.Cookie(answer, "peisear_attempt")
		for name, value := range map[string]string{
			"no cookie": "", "nonsense": "x", "another's": func() string {
				other := providertest.NewBrowser(t)
				other.Visit(w.url+"/api/auth/google/start", isCallback)
				return other.Cookie(answer, "peisear_attempt")
			}(), "a changed one": map[bool]string{true: "B", false: "A"}[cookie[0] == 'A'] + cookie[1:], "a shorter one": cookie[:40], "a longer one": cookie + "AAAA",
		} {
			other := providertest.NewBrowser(t)
			if value != "" {
				other.SetCookie(answer, "peisear_attempt", value)
			}
			w.journey(t, other, answer)
			wantAt(t, name, other, "/login?error=expired&provider=google")
			if _, ok := w.refreshed(t, other); ok {
				t.Errorf("%s: signed in", name)
			}
		}
		// Mixed up: Google's answer at the other provider's door.
		w.journey(t, b, strings.Replace(answer, "/google/", "/oidc/", 1))
		wantAt(t, "another's door", b, "/login?error=expired&provider=oidc")
		w.journey(t, b, strings.Replace(answer, "state=", "state=x", 1))
		wantAt(t, "another state", b, "/login?error=expired&provider=google")
		w.journey(t, b, answer)
		wantAt(t, "the right one", b, "/")
	})
}

func TestAnAttemptTakesTenMinutes(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.known(t)
		for _, c := range []struct {
			wait time.Duration
			want string
		}{{9*time.Minute + 50*time.Second, "/"}, {10 * time.Minute, "/login?error=expired&provider=google"}} {
			b := providertest.NewBrowser(t)
			b.Visit(w.url+"/api/auth/google/start", isCallback)
			w.clock.pass(c.wait)
			w.journey(t, b, b.At.String())
			wantAt(t, c.wait.String(), b, c.want)
		}
		providertest.NewBrowser(t).Visit(w.url+"/api/auth/google/start", isCallback)
		if n := w.count(t, "oauth_attempt", "1 = 1"); n != 1 {
			t.Errorf("%d rows: what has expired stays", n)
		}
	})
}

// TestTabsGoTheirOwnWay: a browser has several attempts at one time.
func TestTabsGoTheirOwnWay(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.known(t)
		b := providertest.NewBrowser(t)
		var answers []string
		for i := range 3 {
			b.Visit(fmt.Sprintf("%s/api/auth/google/start?then=/tab/%d", w.url, i), isCallback)
			answers = append(answers, b.At.String())
		}
		for _, i := range []int{1, 0, 2} {
			w.journey(t, b, answers[i])
			wantAt(t, "a tab", b, fmt.Sprintf("/tab/%d", i))
		}
	})
}

// TestTheTableTellsNothing that could be used: no state, no code, no verifier, no invite.
func TestTheTableTellsNothing(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.Apple}, func(t *testing.T, w *world) {
		code := w.invite(t, "")
		b := providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/google/signup/start?code="+code, isCallback)
		google := b.At.Query()
		b.Visit(w.url+"/api/auth/apple/signup/start?code="+code, nil)
		b.Submit(nil, func(u *url.URL) bool { return u.Query().Has("state") })
		apple := b.At.Query()
		if len(apple) != 1 || apple.Get("state") == "" {
			t.Errorf("the code is in the address: %s", b.At)
		}
		table := w.rows(t, "oauth_attempt")
		if strings.Count(table, "\n") != 2 || strings.Count(table, "v1.") != 3 {
			t.Fatalf("two attempts and an answer: %s", table)
		}
		for what, text := range map[string]string{
			"invite": code, "state": google.Get("state"), "other state": apple.Get("state"), "nonce": "nonce", "verifier": "verifier", "name": "Example",
			"browser": b.Cookie(w.url+"/api/auth/x", "peisear_attempt"),
		} {
			if strings.Contains(table, text) {
				t.Errorf("tells the %s: %s", what, table)
			}
		}
	})
}

// TestAppleComesByForm: without cookies, from another site, and is finished by the
// browser that began.
func TestAppleComesByForm(t *testing.T) {
	each(t, []provider.ID{provider.Apple, provider.Google}, func(t *testing.T, w *world) {
		post := func(fields url.Values) *http.Response {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/api/auth/apple/callback", strings.NewReader(fields.Encode()))
			r.RequestURI = ""
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://appleid.apple.com")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer
		}
		// One who guesses a state, or posts nonsense, learns nothing.
		for name, fields := range map[string]url.Values{
			"unknown": {"state": {"guessed"}, "code": {"x"}}, "nothing": {"x": {"y"}}, "NUL": {"state": {"a\x00"}, "user": {"\x00\xff"}},
		} {
			if answer := post(fields); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(answer.Header.Get("Location"), "/api/auth/apple/callback?state=") || answer.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d %v", name, answer.StatusCode, answer.Header)
			}
		}
		if answer := post(url.Values{"state": {strings.Repeat("x", 2<<20)}}); answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d", answer.StatusCode)
		}
		b := providertest.NewBrowser(t)
		b.Visit(w.url+"/api/auth/google/start", isCallback)
		if answer := post(url.Values{"state": {b.At.Query().Get("state")}, "code": {"x"}}); answer.StatusCode != http.StatusSeeOther || w.count(t, "oauth_attempt", "answer IS NOT NULL") != 0 {
			t.Errorf("an answer was left with another's attempt: %d", answer.StatusCode)
		}
		b.Visit(w.url+"/api/auth/apple/signup/start?code="+w.invite(t, ""), nil)
		b.Submit(nil, w.isPage)
		wantAt(t, "the right one", b, "/")
		if s, ok := w.refreshed(t, b); !ok || s.User.Email != "ann@example.org" {
			t.Errorf("%+v", s)
		}
		// The first answer counts; and a code in the address does not.
		other := providertest.NewBrowser(t)
		other.Visit(w.url+"/api/auth/apple/start", nil)
		state := other.Form().Get("state")
		post(url.Values{"state": {state}, "error": {"user_cancelled_authorize"}})
		post(url.Values{"state": {state}, "code": {other.Form().Get("code")}})
		w.journey(t, other, "/api/auth/apple/callback?state="+state+"&code="+other.Form().Get("code"))
		wantAt(t, "they said no", other, "/login?error=denied&provider=apple")
		other.Visit(w.url+"/api/auth/apple/start", nil)
		w.journey(t, other, "/api/auth/apple/callback?state="+other.Form().Get("state")+"&code="+other.Form().Get("code"))
		wantAt(t, "a code in the address", other, "/login?error=invalid&provider=apple")
	})
}

// TestAttemptsOfOneNetworkAreBounded: whoever only begins fills no table.
func TestAttemptsOfOneNetworkAreBounded(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.known(t)
		begin := func(ip string) string {
			o := ask(t, w, "/api/auth/google/start", ip)
			return o.Header.Get("Location")
		}
		for i := range 200 {
			if to := begin("192.0.2.7:1"); !strings.HasPrefix(to, w.providers[provider.Google].URL) {
				t.Fatalf("%d: %s", i, to)
			}
		}
		if to := begin("192.0.2.7:2"); to != "/login?error=rate_limited&provider=google" {
			t.Errorf("one more: %s", to)
		}
		if to := begin("192.0.2.8:1"); !strings.HasPrefix(to, w.providers[provider.Google].URL) {
			t.Errorf("another network: %s", to)
		}
		w.clock.pass(11 * time.Minute)
		if to := begin("192.0.2.7:1"); !strings.HasPrefix(to, w.providers[provider.Google].URL) {
			t.Errorf("later: %s", to)
		}
	})
}

// ask asks the app without a network, as if from an address.
func ask(t *testing.T, w *world, path, from string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.RemoteAddr = from
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Result()
}

func TestOnlyPathsOfTheApp(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"/", "/projects", "/projects/X?tab=1#a", "/a/b%20c", "/%2F%2Fevil.example", "/a//b", "/apiary", "/a:b", "/?x=https://evil.example"} {
		if got := oauth.LocalPath(good); got != good {
			t.Errorf("%q became %q", good, got)
		}
	}
	for _, bad := range []string{
		"", "projects", "//evil.example", "///evil.example", "https://evil.example", "HTTPS://evil.example/", "http:/evil.example", "javascript:alert(1)",
		`/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: x", " //evil.example", "/ /evil.example", "/\u00a0/x",
		"//user@evil.example", "https:evil.example", "/api/auth/google/start", "/api", "/x/../api/auth/logout", "/%2e%2e/api/x", "/a\x00b", "/\xff", "/%zz",
		"/" + strings.Repeat("x", 3000), "?x=1", "#x", ".", "..//evil.example", "mailto:a@b",
	} {
		if got := oauth.LocalPath(bad); got != "/" {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// FuzzLocalPath: whatever a browser makes of it, it stays on this host.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/a", "//b", `/\c`, "/%5Cx", "/a/..//b", "/\u2028/x"} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://tracker.example.org/api/auth/google/callback")
	f.Fuzz(func(t *testing.T, text string) {
		got := oauth.LocalPath(text)
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != "https" || strings.HasPrefix(strings.ReplaceAll(got, `\`, "/"), "//") || strings.ContainsAny(got, "\r\n\t") {
			t.Errorf("%q leads to %v, %v", text, u, err)
		}
	})
}

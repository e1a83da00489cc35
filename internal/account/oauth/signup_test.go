package oauth_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
)

// TestSignUpAndSignIn is the whole way with each provider: an invite makes a user, and
// another browser signs in as the same one.
func TestSignUpAndSignIn(t *testing.T) {
	each(t, provider.All(), func(t *testing.T, w *world) {
		for i, id := range provider.All() {
			w.providers[id].SignIn(providertest.Person{
				Subject: fmt.Sprint(1000 + i), Email: string(id) + "@example.org", Verified: true, Name: "Ann Example", Tenant: "9122040d-6c67-4c5b-b112-36a304b66dad",
			})
			w.comesAndComesAgain(t, id)
		}
		if n := w.count(t, "oauth_attempt", "1 = 1"); n != 0 {
			t.Errorf("%d attempts are left", n)
		}
		if log := w.logged(t); strings.Count(log, "create identity") != 5 || strings.Contains(log, "s3cret") || strings.Contains(log, `"1000"`) {
			t.Error(log)
		}
		if text := w.lines.String(); text != "" {
			t.Error(text)
		}
	})
}

// comesAndComesAgain signs a person up, and in with another browser.
func (w *world) comesAndComesAgain(t *testing.T, id provider.ID) {
	t.Helper()
	b := providertest.NewBrowser(t)
	w.journey(t, b, "/api/auth/"+string(id)+"/signup/start?code="+w.invite(t, "")+"&then=/projects%3Fnew%3D1")
	wantAt(t, string(id), b, "/projects?new=1")
	first, ok := w.refreshed(t, b)
	want := account.Profile{ID: first.User.ID, Email: string(id) + "@example.org", DisplayName: "Ann Example", Role: account.User}
	if !ok || first.User != want {
		t.Fatalf("%s: %+v", id, first)
	}
	other := providertest.NewBrowser(t)
	w.journey(t, other, "/api/auth/"+string(id)+"/start")
	wantAt(t, string(id), other, "/")
	second, ok := w.refreshed(t, other)
	if !ok || second.User != first.User {
		t.Errorf("%s: %+v", id, second)
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(second.AccessToken, ".")[0])
	if err != nil || !strings.Contains(string(header), `"RS256"`) {
		t.Errorf("%s: %s, %v", id, header, err)
	}
	if n := w.count(t, "session", "user_id = $1 AND method = $2", first.User.ID, string(id)); n != 2 {
		t.Errorf("%s: %d sessions", id, n)
	}
	status, text := b.Call(http.MethodGet, w.url+"/api/account/identities", first.AccessToken, "")
	if status != http.StatusOK || !strings.Contains(text, `"provider":"`+string(id)+`"`) || !strings.Contains(text, `"name":"Ann Example"`) {
		t.Errorf("%s: %d %s", id, status, text)
	}
}

// TestSignUpWithZitadel is the same with a provider that others have written.
func TestSignUpWithZitadel(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, func(w *world) []provider.Settings {
			return []provider.Settings{providertest.Zitadel(t, w.url+"/api/auth/oidc/callback")}
		})
		for _, address := range []string{"/api/auth/oidc/signup/start?code=" + w.invite(t, "test-user2@zitadel.ch"), "/api/auth/oidc/start"} {
			b := providertest.NewBrowser(t)
			b.Visit(w.url+address, nil)
			b.Submit(map[string]string{"username": "test-user2", "password": "verysecure"}, w.isPage)
			wantAt(t, address, b, "/")
			if s, ok := w.refreshed(t, b); !ok || s.User.Email != "test-user2@zitadel.ch" || s.User.DisplayName != "Test User2" {
				t.Errorf("%s: %+v", address, s)
			}
		}
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

// TestUnknownIdentityMakesNothing: no user, no session, no identity, no change.
func TestUnknownIdentityMakesNothing(t *testing.T) {
	each(t, provider.All(), func(t *testing.T, w *world) {
		w.signUp(t, "ann", account.User) // has the address that the provider will tell
		before := w.logged(t)
		for _, id := range provider.All() {
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/"+string(id)+"/start?then=/projects")
			wantAt(t, string(id), b, "/signup?error=unknown_identity&provider="+string(id))
			if _, ok := w.refreshed(t, b); ok {
				t.Errorf("%s: signed in", id)
			}
		}
		for table, want := range map[string]int64{"users": 1, "session": 1, "identity": 0, "oauth_attempt": 0} {
			if n := w.count(t, table, "1 = 1"); n != want {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		if after := w.logged(t); after != before {
			t.Errorf("changed %s", after)
		}
	})
}

// TestInvitesForOneAddress need the provider's word that it is theirs.
func TestInvitesForOneAddress(t *testing.T) {
	each(t, provider.All(), func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			id     provider.ID
			person providertest.Person
			want   string
		}{
			"not verified":           {provider.Google, providertest.Person{Subject: "1", Email: "ann@example.org"}, "email_unverified"},
			"another":                {provider.Google, providertest.Person{Subject: "1", Email: "eve@example.org", Verified: true}, "email_mismatch"},
			"a twin":                 {provider.Google, providertest.Person{Subject: "1", Email: "ann@example.org.evil.example", Verified: true}, "email_mismatch"},
			"none":                   {provider.Google, providertest.Person{Subject: "1", Verified: true}, "no_email"},
			"none that is one":       {provider.Google, providertest.Person{Subject: "1", Email: "ann", Verified: true}, "email_mismatch"},
			"none that can be kept":  {provider.OpenID, providertest.Person{Subject: "1", Email: "ann@example.org\x00", Verified: true}, "no_email"},
			"Microsoft's word":       {provider.Microsoft, providertest.Person{Subject: "1", Email: "ann@example.org", Verified: true, Tenant: "9122040d-6c67-4c5b-b112-36a304b66dad"}, "email_unverified"},
			"Apple's, in a string":   {provider.Apple, providertest.Person{Subject: "1", Email: "ann@example.org"}, "email_unverified"},
			"GitHub's, not verified": {provider.GitHub, providertest.Person{Subject: "1", Email: "ann@example.org"}, "no_email"},
		} {
			code := w.invite(t, "Ann@Example.org")
			w.providers[c.id].SignIn(c.person)
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/"+string(c.id)+"/signup/start?code="+code)
			wantAt(t, name, b, "/signup?code="+code+"&error="+c.want+"&provider="+string(c.id))
		}
		if n := w.count(t, "users", "1 = 1"); n != 0 {
			t.Errorf("%d users", n)
		}
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "1", Email: "ANN@example.org", Verified: true})
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/signup/start?code="+w.invite(t, "ann@example.org"))
		if s, ok := w.refreshed(t, b); !ok || s.User.Email != "ANN@example.org" || s.User.DisplayName != "ANN" {
			t.Errorf("%s: %+v", b.At, s)
		}
	})
}

// TestWhatStandsInTheWayOfSigningUp comes back as a word, with the code as long as it
// is good.
func TestWhatStandsInTheWayOfSigningUp(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		google := w.providers[provider.Google]
		w.signUp(t, "ann", account.User)
		try := func(what, code, want string) {
			t.Helper()
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/google/signup/start?code="+url.QueryEscape(code))
			wantAt(t, what, b, want)
			if _, ok := w.refreshed(t, b); ok && want != "/" {
				t.Errorf("%s: signed in", what)
			}
		}
		code := w.invite(t, "")
		try("the address has a user", code, "/signup?code="+code+"&error=email_taken&provider=google")
		google.SignIn(providertest.Person{Subject: "1", Email: "bob@example.org", Verified: true, Name: "Bob"})
		try("no code", "", "/signup?error=invite_unusable&provider=google")
		try("an unknown code", "guessed", "/signup?error=invite_unusable&provider=google")
		try("a code without end", strings.Repeat("x", 1001), "/signup?error=invite_unusable&provider=google")
		try("a hash", "sha256:00", "/signup?error=invite_unusable&provider=google")
		try("a code with NUL", "a\x01b", "/signup?error=invite_unusable&provider=google")
		google.Answer(func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") })
		try("they said no", code, "/signup?code="+code+"&error=denied&provider=google")
		google.Answer(nil)
		try("all is well", code, "/")
		try("it is used", code, "/signup?code="+code+"&error=identity_taken&provider=google")
		google.SignIn(providertest.Person{Subject: "2", Email: "eve@example.org", Verified: true})
		try("it is used, by another", code, "/signup?error=invite_unusable&provider=google")
	})
}

// TestNamesThatNobodyShouldHave are made into ones that can be kept and shown.
func TestNamesThatNobodyShouldHave(t *testing.T) {
	each(t, []provider.ID{provider.OpenID}, func(t *testing.T, w *world) {
		i := 0
		for name, want := range map[string]string{
			"  Ann  ": "Ann", "A\x00n\nn": "Ann", "": "user", "\t": "user", "\u200b\u2060": "user", strings.Repeat("ü", 300): strings.Repeat("ü", 100), "<b>Ann</b>": "<b>Ann</b>",
		} {
			i++
			w.providers[provider.OpenID].SignIn(providertest.Person{Subject: fmt.Sprint(i), Email: "user@example.org", Verified: true, Name: name})
			w.exec(t, "DELETE FROM users")
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/oidc/signup/start?code="+w.invite(t, ""))
			if s, ok := w.refreshed(t, b); !ok || s.User.DisplayName != want {
				t.Errorf("%q: %+v at %s", name, s, b.At)
			}
		}
	})
}

func TestOpenRegistrationNeedsNoCode(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, func(w *world) []provider.Settings {
			w.providers[provider.Google] = providertest.New(t, provider.Google, w.url+"/api/auth/google/callback")
			return []provider.Settings{w.providers[provider.Google].Settings()}
		}, func(a *account.Settings, _ *oauth.Settings) { a.Registration = account.OpenRegistration })
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/signup/start")
		wantAt(t, "open", b, "/")
		if _, ok := w.refreshed(t, b); !ok {
			t.Error("not signed in")
		}
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

// TestFiftyBrowsersWithOneCode: one of fifty people comes in.
func TestFiftyBrowsersWithOneCode(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		w.providers[provider.Google].Crowd()
		code := w.invite(t, "")
		if in := w.crowd(t, 50, func(int) string { return code }); in != 1 {
			t.Errorf("%d are in", in)
		}
		for table, want := range map[string]int64{"users": 1, "identity": 1, "session": 1, "oauth_attempt": 0} {
			if n := w.count(t, table, "1 = 1"); n != want {
				t.Errorf("%d rows in %s", n, table)
			}
		}
	})
}

// TestTwentyBrowsersOfOnePerson, each with a code of its own: one user, one code used.
func TestTwentyBrowsersOfOnePerson(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		var codes []string
		for range 20 {
			codes = append(codes, w.invite(t, ""))
		}
		if in := w.crowd(t, 20, func(i int) string { return codes[i] }); in != 1 {
			t.Errorf("%d are in", in)
		}
		if users, used := w.count(t, "users", "1 = 1"), w.count(t, "invite_codes", "used_at IS NOT NULL"); users != 1 || used != 1 {
			t.Errorf("%d users, %d codes used", users, used)
		}
	})
}

// crowd sends n browsers at one time, and returns how many are signed in.
func (w *world) crowd(t *testing.T, n int, code func(int) string) (in int) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		all.Go(func() {
			b := providertest.NewBrowser(t)
			b.Visit(w.url+"/api/auth/google/signup/start?code="+code(i), w.isPage)
			if _, ok := w.refreshed(t, b); ok {
				mu.Lock()
				in++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return in
}

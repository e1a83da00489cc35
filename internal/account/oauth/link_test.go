package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// as serves the slice to one actor, as if they had been found by another kind of token.
func (w *world) as(t *testing.T, by account.Actor) http.Handler {
	t.Helper()
	api := web.New(w.logger, nil)
	oauth.Feature(w.Service).Routes(api)
	h := api.Handler(accounttest.Authenticate)
	header := accounttest.Sign(t, by)
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		for name, value := range header {
			r.Header.Set(name, value)
		}
		h.ServeHTTP(out, r)
	})
}

func actorOf(s session) account.Actor {
	return account.Actor{ID: s.User.ID, Role: s.User.Role, Session: sessionOf(s)}
}

// identityOf is the id of a user's only identity.
func (w *world) identityOf(t *testing.T, s session) string {
	t.Helper()
	all, err := w.Identities(t.Context(), actorOf(s))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return all[0].ID
}

func TestLinkAndUnlink(t *testing.T) {
	each(t, provider.All(), func(t *testing.T, w *world) {
		b, ann := w.signUp(t, "ann", account.User)
		for _, id := range provider.All() {
			w.linkAndUse(t, b, ann, id)
		}
		before := w.logged(t)
		w.journey(t, b, w.begin(t, b, ann, provider.Google, "link", ""))
		wantAt(t, "again", b, "/settings/security?linked=google")
		if after := w.logged(t); after != before || w.count(t, "identity", "1 = 1") != 5 {
			t.Errorf("changed: %s", after)
		}
		all, err := w.Identities(t.Context(), actorOf(ann))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if status, text := b.Call(http.MethodDelete, w.url+"/api/account/identities/"+one.ID, ann.AccessToken, ""); status != http.StatusNoContent {
				t.Errorf("%s: %d %s", one.Provider, status, text)
			}
			other := providertest.NewBrowser(t)
			w.journey(t, other, "/api/auth/"+string(one.Provider)+"/start")
			wantAt(t, "unlinked", other, "/signup?error=unknown_identity&provider="+string(one.Provider))
		}
		log := w.logged(t)
		if strings.Count(log, "create identity") != 5 || strings.Count(log, "delete identity") != 5 || !strings.Contains(log, fmt.Sprintf(`{"userId":%q,"provider":"github","issuer":%q}`, ann.User.ID, w.providers[provider.GitHub].URL)) {
			t.Error(log)
		}
		if strings.Contains(log, "Example") || !strings.Contains(log, "by "+ann.User.ID) {
			t.Errorf("what somebody is called elsewhere is theirs: %s", log)
		}
	})
}

// linkAndUse links an identity, which is then the user's last, and signs in with it.
func (w *world) linkAndUse(t *testing.T, b *providertest.Browser, ann session, id provider.ID) {
	t.Helper()
	w.journey(t, b, w.begin(t, b, ann, id, "link", ""))
	wantAt(t, string(id), b, "/settings/security?linked="+string(id))
	other := providertest.NewBrowser(t)
	w.journey(t, other, "/api/auth/"+string(id)+"/start")
	if s, ok := w.refreshed(t, other); !ok || s.User != ann.User {
		t.Errorf("%s: %+v", id, s)
	}
	all, err := w.Identities(t.Context(), actorOf(ann))
	if err != nil || len(all) == 0 || all[len(all)-1].Provider != id {
		t.Errorf("%s: %+v, %v", id, all, err)
	}
}

func TestLinkingTakesAFreshProof(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		b, ann := w.signUp(t, "ann", account.User)
		w.clock.pass(5 * time.Minute)
		status, text := b.Call(http.MethodPost, w.url+"/api/auth/google/link", ann.AccessToken, "")
		if status != http.StatusForbidden || !strings.Contains(text, `"code":"confirm"`) {
			t.Errorf("%d %s", status, text)
		}
		if n := w.count(t, "oauth_attempt", "1 = 1"); n != 0 {
			t.Errorf("%d attempts", n)
		}
	})
}

// TestNobodyGetsAnothersIdentity: not by linking, and not by another's browser.
func TestNobodyGetsAnothersIdentity(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		who := w.known(t)
		b, eve := w.signUp(t, "eve", account.User)
		w.journey(t, b, w.begin(t, b, eve, provider.Google, "link", ""))
		wantAt(t, "taken", b, "/settings/security?error=identity_taken&provider=google")

		// Eve begins to link and lets the victim finish, in their browser.
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "victim", Email: "victim@example.org", Verified: true})
		b.Visit(w.begin(t, b, eve, provider.Google, "link", ""), isCallback)
		victim := providertest.NewBrowser(t)
		w.journey(t, victim, b.At.String())
		wantAt(t, "in the victim's browser", victim, "/login?error=expired&provider=google")

		// The session ends on the way: so does the attempt.
		address := w.begin(t, b, eve, provider.Google, "link", "")
		if err := w.accounts.Logout(t.Context(), actorOf(eve), ""); err != nil {
			t.Fatal(err)
		}
		w.journey(t, b, address)
		wantAt(t, "signed out meanwhile", b, "/login?error=expired&provider=google")
		if n := w.count(t, "identity", "user_id <> $1", who.ID); n != 0 {
			t.Errorf("%d identities", n)
		}
		if err := w.Unlink(t.Context(), actorOf(eve), "", w.identityOf(t, session{User: who})); err == nil {
			t.Error("took another's")
		}
	})
}

func TestIdentitiesAreBounded(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		b, ann := w.signUp(t, "ann", account.User)
		for i := range 21 {
			w.providers[provider.Google].SignIn(providertest.Person{Subject: fmt.Sprint(i), Email: "ann@example.org", Verified: true})
			w.journey(t, b, w.begin(t, b, ann, provider.Google, "link", ""))
			want := "/settings/security?linked=google"
			if i == 20 {
				want = "/settings/security?error=too_many&provider=google"
			}
			wantAt(t, fmt.Sprint(i), b, want)
		}
	})
}

func TestTheLastWayInStays(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.OpenID}, func(t *testing.T, w *world) {
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/signup/start?code="+w.invite(t, ""))
		ann, _ := w.refreshed(t, b)
		unlink := func(id string) (int, string) {
			t.Helper()
			return b.Call(http.MethodDelete, w.url+"/api/account/identities/"+id, ann.AccessToken, "")
		}
		google := w.identityOf(t, ann)
		if status, text := unlink(google); status != http.StatusConflict || !strings.Contains(text, `"code":"last_way"`) {
			t.Errorf("the only one: %d %s", status, text)
		}
		w.journey(t, b, w.begin(t, b, ann, provider.OpenID, "link", ""))
		// An identity of an issuer that is not the provider's any more is no way in.
		w.exec(t, "UPDATE identity SET issuer = 'https://former.example' WHERE provider = 'oidc'")
		if status, _ := unlink(google); status != http.StatusConflict {
			t.Errorf("beside a former issuer's: %d", status)
		}
		w.exec(t, "UPDATE identity SET issuer = $1 WHERE provider = 'oidc'", w.providers[provider.OpenID].URL)
		// Nor is one of an address at which a well-known provider is no more.
		w.exec(t, "UPDATE identity SET provider = 'google', issuer = 'https://accounts.google.com' WHERE provider = 'oidc'")
		if status, _ := unlink(google); status != http.StatusConflict {
			t.Errorf("beside one of another address: %d", status)
		}
		w.exec(t, "UPDATE identity SET provider = 'oidc', issuer = $1 WHERE issuer = 'https://accounts.google.com'", w.providers[provider.OpenID].URL)
		// Nor is one of a provider that is not set up.
		w.exec(t, "UPDATE identity SET provider = 'github' WHERE provider = 'oidc'")
		if status, _ := unlink(google); status != http.StatusConflict {
			t.Errorf("beside one of a provider that is not set up: %d", status)
		}
		w.exec(t, "UPDATE identity SET provider = 'oidc' WHERE provider = 'github'")
		w.clock.pass(5 * time.Minute)
		if status, text := unlink(google); status != http.StatusForbidden || !strings.Contains(text, `"code":"confirm"`) {
			t.Errorf("without a fresh proof: %d %s", status, text)
		}
		w.clock.pass(-5 * time.Minute)
		if status, text := unlink(google); status != http.StatusNoContent {
			t.Errorf("beside another: %d %s", status, text)
		}
	})
}

// TestUnlinkingTwoAtOneTime leaves one.
func TestUnlinkingTwoAtOneTime(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.OpenID}, func(t *testing.T, w *world) {
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/signup/start?code="+w.invite(t, ""))
		ann, _ := w.refreshed(t, b)
		w.journey(t, b, w.begin(t, b, ann, provider.OpenID, "link", ""))
		all, err := w.Identities(t.Context(), actorOf(ann))
		if err != nil || len(all) != 2 {
			t.Fatal(all, err)
		}
		done := make(chan error, len(all))
		for _, one := range all {
			go func() { done <- w.Unlink(t.Context(), actorOf(ann), "", one.ID) }()
		}
		if first, second := <-done, <-done; (first == nil) == (second == nil) {
			t.Errorf("%v, %v", first, second)
		}
	})
}

func TestConfirm(t *testing.T) {
	each(t, provider.All(), func(t *testing.T, w *world) {
		b, ann := w.signUp(t, "ann", account.User)
		for _, id := range provider.All() {
			w.journey(t, b, w.begin(t, b, ann, id, "link", ""))
		}
		for _, id := range provider.All() {
			w.clock.pass(6 * time.Minute)
			ann, _ = w.refreshed(t, b)
			if err := w.accounts.Confirmed(t.Context(), actorOf(ann)); !errs.Is(err, errs.Forbidden) {
				t.Fatalf("%s: %v", id, err)
			}
			w.providers[id].ClockOff(time.Until(w.clock.Now()))
			w.journey(t, b, w.begin(t, b, ann, id, "confirm", `{"then":"/settings/security?tab=2#x"}`))
			wantAt(t, string(id), b, "/settings/security?tab=2#x")
			if err := w.accounts.Confirmed(t.Context(), actorOf(ann)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		if n := w.count(t, "session", "1 = 1"); n != 1 {
			t.Errorf("%d sessions: confirming begins none", n)
		}
	})
}

// TestConfirmingTakesTheSamePerson, who signs in now.
func TestConfirmingTakesTheSamePerson(t *testing.T) {
	each(t, []provider.ID{provider.OpenID}, func(t *testing.T, w *world) {
		id := w.providers[provider.OpenID]
		bob, bobs := w.signUp(t, "bob", account.User)
		id.SignIn(providertest.Person{Subject: "bob", Email: "bob@example.org"})
		w.journey(t, bob, w.begin(t, bob, bobs, provider.OpenID, "link", ""))
		b, ann := w.signUp(t, "ann", account.User)
		id.SignIn(providertest.Person{Subject: "ann", Email: "ann@example.org"})
		w.journey(t, b, w.begin(t, b, ann, provider.OpenID, "link", ""))
		w.clock.pass(6 * time.Minute)
		now := func(c map[string]any) { c["auth_time"] = w.clock.Now().Unix() }
		for name, c := range map[string]struct {
			subject string
			claims  func(map[string]any)
			want    string
		}{
			"bob":            {"bob", now, "other_identity"},
			"a stranger":     {"eve", now, "other_identity"},
			"ann, of before": {"ann", func(c map[string]any) { c["auth_time"] = w.clock.Now().Add(-2 * time.Minute).Unix() }, "not_fresh"},
			"ann, some time": {"ann", func(c map[string]any) { delete(c, "auth_time") }, "not_fresh"},
		} {
			id.SignIn(providertest.Person{Subject: c.subject, Email: c.subject + "@example.org"})
			id.Claims(c.claims)
			w.journey(t, b, w.begin(t, b, ann, provider.OpenID, "confirm", `{"then":"/settings?a=1"}`))
			wantAt(t, name, b, "/settings?a=1&error="+c.want+"&provider=oidc")
			if err := w.accounts.Confirmed(t.Context(), actorOf(ann)); !errs.Is(err, errs.Forbidden) {
				t.Errorf("%s: confirmed: %v", name, err)
			}
		}
		if err := w.accounts.Confirmed(t.Context(), actorOf(bobs)); !errs.Is(err, errs.Forbidden) {
			t.Errorf("bob is confirmed: %v", err)
		}
		id.Claims(now)
		id.SignIn(providertest.Person{Subject: "ann"})
		w.journey(t, b, w.begin(t, b, ann, provider.OpenID, "confirm", `{"then":"/"}`))
		wantAt(t, "ann", b, "/")
		if err := w.accounts.Confirmed(t.Context(), actorOf(ann)); err != nil {
			t.Error(err)
		}
	})
}

// TestErase: of a deleted user nothing is left but what the audit log says.
func TestErase(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.GitHub}, func(t *testing.T, w *world) {
		ann, anns := w.signUp(t, "ann", account.User)
		bob, bobs := w.signUp(t, "bob", account.User)
		for i, id := range []provider.ID{provider.Google, provider.GitHub, provider.Google} {
			w.providers[id].SignIn(providertest.Person{Subject: fmt.Sprint(10 + i), Email: "ann@example.org", Verified: true})
			w.journey(t, ann, w.begin(t, ann, anns, id, "link", ""))
		}
		w.providers[provider.GitHub].SignIn(providertest.Person{Subject: "20", Email: "bob@example.org", Verified: true})
		w.journey(t, bob, w.begin(t, bob, bobs, provider.GitHub, "link", ""))
		w.begin(t, ann, anns, provider.Google, "link", "")
		of := func(id string) string {
			t.Helper()
			all, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (map[string][]string, error) {
				return oauth.ProvidersOf(ctx, c, []string{id, "nobody"})
			})
			if err != nil {
				t.Fatal(err)
			}
			return strings.Join(all[id], " ")
		}
		if of(anns.User.ID) != "github google" || of(bobs.User.ID) != "github" {
			t.Errorf("%s, %s", of(anns.User.ID), of(bobs.User.ID))
		}
		for range 2 {
			_, _, err := live.Write(t.Context(), w.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (struct{}, error) {
				return struct{}{}, oauth.Erase(t.Context(), tx, anns.User.ID)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if of(anns.User.ID) != "" || of(bobs.User.ID) != "github" || w.count(t, "oauth_attempt", "1 = 1") != 0 {
			t.Errorf("%q, %q", of(anns.User.ID), of(bobs.User.ID))
		}
		if log := w.logged(t); strings.Count(log, "delete identity") != 3 {
			t.Error(log)
		}
	})
}

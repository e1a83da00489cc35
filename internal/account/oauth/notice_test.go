package oauth_test

import (
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/oauth"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

// TestLinksAreTold: who adds and removes a way to sign in is told so by mail. Linking what
// is linked already, signing in and signing up say nothing.
func TestLinksAreTold(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		server := mailtest.Start(t)
		w := newWorld(t, d, func(w *world) []provider.Settings {
			w.providers[provider.Google] = providertest.New(t, provider.Google, w.url+"/api/auth/google/callback")
			return []provider.Settings{w.providers[provider.Google].Settings()}
		}, func(a *account.Settings, _ *oauth.Settings) { a.Mail = server.Sender(t) })
		w.providers[provider.Google].SignIn(providertest.Person{Subject: "7", Email: "elsewhere@example.net", Verified: true, Name: "Evil Corp."})
		b, ann := w.signUp(t, "ann", account.User)
		for range 2 {
			w.journey(t, b, w.begin(t, b, ann, provider.Google, "link", ""))
			wantAt(t, "link", b, "/settings/security?linked=google")
		}
		w.journey(t, providertest.NewBrowser(t), "/api/auth/google/start")
		if err := w.Unlink(t.Context(), actorOf(ann), "", w.identityOf(t, ann)); err != nil {
			t.Fatal(err)
		}
		w.accounts.Deliver(t.Context())
		for _, want := range []account.Notice{account.IdentityLinked, account.IdentityUnlinked} {
			if m := server.Next(t); m.To != "ann@example.org" || m.Subject() != string(want) {
				t.Errorf("%+v", m)
			}
		}
		if server.Waiting() != 0 {
			t.Errorf("%d more mails", server.Waiting())
		}
	}, live.Migrations, account.Migrations, oauth.Migrations)
}

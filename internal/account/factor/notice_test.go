package factor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

// told are the subjects of the mails that have been sent, and that go to ann; hidden must
// be in none.
func (w *world) told(t *testing.T, server *mailtest.Server, hidden ...string) (subjects []string) {
	t.Helper()
	w.accounts.Deliver(t.Context())
	for server.Waiting() > 0 {
		m := server.Next(t)
		subjects = append(subjects, m.Subject())
		for _, text := range hidden {
			if m.To != "ann@example.org" || strings.Contains(m.Text, text) {
				t.Errorf("%+v", m)
			}
		}
	}
	return subjects
}

// TestChangesAreTold: who adds and removes factors is told so by mail, in case that it was
// somebody else.
func TestChangesAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		server := mailtest.Start(t)
		w = newProcess(t, w.db, publicURL, w.clock, func(s *account.Settings) { s.Mail = server.Sender(t) })
		root, ann := w.signUp(t, "root", account.Admin), w.signUp(t, "ann", account.User)
		want := func(what string, subjects []string, notices ...account.Notice) {
			t.Helper()
			var all []string
			for _, n := range notices {
				all = append(all, string(n))
			}
			if !slices.Equal(subjects, all) {
				t.Errorf("%s: told %q", what, subjects)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		seed, codes := w.enrolApp(t, ann)
		want("an app", w.told(t, server, seed, codes[0]), account.AppAdded)
		key, _ := w.enrolKey(t, ann, newKey())
		want("a passkey", w.told(t, server, "My key", key.ID), account.PasskeyAdded)
		codes, err := w.NewRecoveryCodes(t.Context(), ann.Actor)
		must(err)
		want("codes", w.told(t, server, codes[0]), account.CodesRenewed)
		must(w.RemoveTOTP(t.Context(), ann.Actor))
		must(w.RemovePasskey(t.Context(), ann.Actor, key.ID))
		want("without", w.told(t, server, "My key"), account.AppRemoved, account.PasskeyRemoved)

		if w.RemoveTOTP(t.Context(), ann.Actor) == nil || w.Reset(t.Context(), root.Actor, ann.ID) == nil {
			t.Error("there was one more")
		}
		want("nothing", w.told(t, server, "@"))
		w.enrolApp(t, ann)
		must(w.Reset(t.Context(), root.Actor, ann.ID))
		want("a reset", w.told(t, server, "root"), account.AppAdded, account.FactorsReset)
	})
}

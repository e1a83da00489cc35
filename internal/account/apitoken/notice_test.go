package apitoken_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

// TestTokensAreTold: who makes and withdraws a token is told so by mail, once, without
// the token.
func TestTokensAreTold(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		server := mailtest.Start(t)
		n = newNodeAt(t, n.db, n.clock, func(s *account.Settings) { s.Mail = server.Sender(t) })
		ann := n.signUp(t, "ann", account.User)
		draft := apitoken.Draft{Name: "Evil Corp.", Scope: account.ScopeRead}
		create, revoke := uuid.NewString(), uuid.NewString()
		made, secret, err := n.Create(t.Context(), ann, create, draft)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := n.Create(t.Context(), ann, create, draft); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := n.Revoke(t.Context(), ann, revoke, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		n.accounts.Deliver(t.Context())
		for _, want := range []account.Notice{account.TokenMade, account.TokenWithdrawn} {
			m := server.Next(t)
			if m.To != "ann@example.org" || m.Subject() != string(want) || strings.Contains(m.Text, secret) || strings.Contains(m.Text, "Evil") {
				t.Errorf("%+v", m)
			}
		}
		if server.Waiting() != 0 {
			t.Errorf("%d more mails", server.Waiting())
		}
	})
}

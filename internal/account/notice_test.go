package account_test

import (
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
)

// TestNotices: they go to the account's own address, when there is time, and say what
// happened and what can be done.
func TestNotices(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		ann := n.signUp(t, "ann", account.User)
		for _, notice := range []account.Notice{
			account.AppAdded, account.AppRemoved, account.PasskeyAdded, account.PasskeyRemoved, account.CodesRenewed,
			account.FactorsReset, account.IdentityLinked, account.IdentityUnlinked, account.TokenMade, account.TokenWithdrawn,
		} {
			n.Notify(t.Context(), ann.User.ID, notice)
			if server.Waiting() != 0 {
				t.Errorf("%s: the request waits for the mail", notice)
			}
			n.Deliver(t.Context())
			m := server.Next(t)
			if m.To != "ann@example.org" || m.Subject() != string(notice) || !strings.Contains(m.Text, string(notice)+". The account is ann@example.org at "+publicURL) ||
				!strings.Contains(m.Text, publicURL+"/settings/security") {
				t.Errorf("%s: %+v", notice, m)
			}
		}
	})
}

// TestNobodyElseIsTold: not who cannot sign in, nor who is not there.
func TestNobodyElseIsTold(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		n.signUp(t, "admin", account.Admin)
		ann := n.signUp(t, "ann", account.User)
		if _, err := n.SetDisabled(t.Context(), account.Operator(), ann.User.ID, true); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{ann.User.ID, "nobody", ""} {
			n.Notify(t.Context(), id, account.PasskeyAdded)
		}
		n.Deliver(t.Context())
		if server.Waiting() != 0 || n.lines.Len() != 0 {
			t.Errorf("%d mails, logged %s", server.Waiting(), n.lines)
		}
		without := newNode(t, n.db)
		if without.Notify(t.Context(), ann.User.ID, account.PasskeyAdded); without.Waiting() != 0 {
			t.Error("a notice waits where no mail is sent")
		}
	})
}

// TestAnyNewPasswordIsTold, with what became of API tokens.
func TestAnyNewPasswordIsTold(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		ann := n.signUp(t, "ann", account.User)
		if err := n.SetPassword(t.Context(), account.Operator(), ann.User.ID, "another horse", account.EndPrograms); err != nil {
			t.Fatal(err)
		}
		by := actor(t, n, n.again(t, "ann", "another horse"))
		if err := n.ChangePassword(t.Context(), home, by, "another horse", "third horse", account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		n.Deliver(t.Context())
		for _, programs := range []string{"so have all API tokens", "API tokens go on"} {
			m := server.Next(t)
			if m.To != "ann@example.org" || m.Subject() != "Your password was changed" || !strings.Contains(m.Text, programs) || strings.Contains(m.Text, "horse") {
				t.Errorf("%+v", m)
			}
		}
	})
}

package account_test

import (
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestGuessablePasswords: wherever a password is set, it is none that strangers try
// first; where one was set before that was asked, it still opens the door.
func TestGuessablePasswords(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		s := n.signUp(t, "ann", account.User)
		by, code := actor(t, n, s), n.invite(t, account.InviteDraft{})
		for _, p := range []string{"Password", "qwertyuiop", "ann-2026", "example.org", "peisear1"} {
			_, signUp := n.SignUp(ctx, home, account.SignUp{Code: code, Email: "bob@ann.example", Password: p, DisplayName: "Example Org"})
			_, create := n.Create(ctx, account.Operator(), account.Draft{Email: "eve@ann.example", DisplayName: "Example Org", Password: p, Role: account.User})
			link, _, err := n.ResetLink(ctx, account.Operator(), by.ID)
			if err != nil {
				t.Fatal(err)
			}
			for door, err := range map[string]error{
				"sign up": signUp, "create": create,
				"set":    n.SetPassword(ctx, account.Operator(), by.ID, p, account.EndPrograms),
				"change": n.ChangePassword(ctx, home, by, password, p, account.KeepPrograms),
				"reset":  n.Reset(ctx, home.IP, strings.TrimPrefix(link, publicURL+"/reset#code="), p, account.EndPrograms),
			} {
				if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.password" {
					t.Errorf("%s with %q: %v", door, p, err)
				}
			}
		}
		if err := n.login(t, "192.0.2.7", "ann@example.org", password); err != nil {
			t.Errorf("a refused password has replaced the old one: %v", err)
		}
		if _, err := n.SignUp(ctx, home, account.SignUp{Code: code, Email: "bob@example.org", Password: password, DisplayName: "Bob"}); err != nil {
			t.Errorf("a refused password has used the invite: %v", err)
		}
		n.exec(t, "UPDATE users SET password_hash = $1 WHERE id = $2", account.HashOf("password", cheap), by.ID)
		if err := n.login(t, "192.0.2.8", "ann@example.org", "password"); err != nil {
			t.Errorf("one from before: %v", err)
		}
	})
}

package account_test

import (
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestPasswordsAreTakenAsTyped: any characters, to the last of them, and for ever.
func TestPasswordsAreTakenAsTyped(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for name, c := range map[string]struct {
			typed  string
			others []string
		}{
			"letters":    {"only letters here", []string{"Only letters here", "only letters here ", "onlylettershere"}},
			"digits":     {"83749201734", []string{"8374920173", "083749201734"}},
			"spaces":     {"  two each side  ", []string{"two each side", " two each side ", "  two each side"}},
			"signs":      {"\t;'\"<&>%00\\\u2028", []string{"\t;'\"<&>%00\\\n", "\t;'\"<&>%00\\"}},
			"composed":   {"m\u00fcller und s\u00f6hne", []string{"mu\u0308ller und so\u0308hne", "müller und söhne\u200b"}},
			"128, wide":  {strings.Repeat("😀", 127) + "x", []string{strings.Repeat("😀", 127) + "y", strings.Repeat("😀", 127)}},
			"72 and one": {strings.Repeat("ab", 36) + "c", []string{strings.Repeat("ab", 36) + "d", strings.Repeat("ab", 36)}}, // bcrypt's end
		} {
			email := strings.NewReplacer(" ", ".", ",", "").Replace(name) + "@example.org"
			in := account.SignUp{Code: n.invite(t, account.InviteDraft{}), Email: email, Password: c.typed, DisplayName: "Somebody"}
			if _, err := n.SignUp(t.Context(), home, in); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, other := range c.others {
				wantKind(t, name+": "+other, n.login(t, "192.0.2.1", email, other), errs.Unauthorized)
			}
			n.clock.pass(10 * 365 * day)
			if err := n.login(t, "192.0.2.1", email, c.typed); err != nil {
				t.Errorf("%s, ten years later: %v", name, err)
			}
		}
	})
}

// TestNobodyIsThereAtFirst: a server that was just started has no account at all.
func TestNobodyIsThereAtFirst(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		if _, err := n.InitialInvite(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := n.count(t, "users", "1 = 1"); rows != 0 {
			t.Errorf("%d users", rows)
		}
		for _, name := range []string{"admin", "root", "peisear", "admin@localhost", "admin@example.org"} {
			for _, word := range []string{"", name, "password"} {
				wantKind(t, name, n.login(t, "192.0.2.1", name, word), errs.Unauthorized)
			}
		}
	})
}

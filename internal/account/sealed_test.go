package account_test

import (
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/secret"
)

// withSecret is a setting: COOKIE_SECRET, and those that it replaced.
func withSecret(t *testing.T, letters ...string) func(*account.Settings) {
	t.Helper()
	var texts []string
	for _, letter := range letters {
		texts = append(texts, strings.Repeat(letter, secret.MinLength))
	}
	m, err := secret.NewMaster(texts[0], texts[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *account.Settings) { s.Secret = m }
}

// TestAnotherSecretIsRefused: it could read nothing of what is sealed.
func TestAnotherSecretIsRefused(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for i := range 2 {
			if stale, err := n.check(t, "a"); stale || err != nil {
				t.Errorf("start %d: %t, %v", i, stale, err)
			}
		}
		if _, err := n.check(t, "b"); err == nil || !strings.Contains(err.Error(), "COOKIE_SECRET_OLD") || strings.Contains(err.Error(), "bbbb") {
			t.Errorf("another: %v", err)
		}
		if stale, err := n.check(t, "b", "a"); !stale || err != nil {
			t.Errorf("with the former one: %t, %v", stale, err)
		}
		if err := account.GiveUpSecret(t.Context(), n.db, n.master(t, "c")); err != nil {
			t.Fatal(err)
		}
		if stale, err := n.check(t, "c"); stale || err != nil {
			t.Errorf("given up: %t, %v", stale, err)
		}
	})
}

func TestSecretIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		reseal := func(letters ...string) (int, error) {
			return account.Feature(n.Service).Reseal(t.Context(), n.db, n.master(t, letters...))
		}
		if _, err := n.check(t, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := reseal("b"); err == nil || !strings.Contains(err.Error(), "COOKIE_SECRET") {
			t.Errorf("without the former one: %v", err)
		}
		for i, want := range []int{1, 0} {
			if changed, err := reseal("b", "a"); changed != want || err != nil {
				t.Errorf("%d: %d changed, %v", i, changed, err)
			}
		}
		if stale, err := n.check(t, "b"); stale || err != nil {
			t.Errorf("afterwards: %t, %v", stale, err)
		}
		if _, err := n.check(t, "a"); err == nil {
			t.Error("the former one is still good")
		}
	})
}

// check starts with a secret, and those that it replaced.
func (n *node) check(t *testing.T, letters ...string) (stale bool, err error) {
	t.Helper()
	return newNode(t, n.db, withSecret(t, letters...)).CheckSecret(t.Context())
}

func (n *node) master(t *testing.T, letters ...string) secret.Master {
	t.Helper()
	var s account.Settings
	withSecret(t, letters...)(&s)
	return s.Secret
}

// TestSessionsOutliveTheirSecret while it is known as a former one, and no longer.
func TestSessionsOutliveTheirSecret(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		before := newNode(t, n.db, withSecret(t, "a"))
		moved, left := before.signUp(t, "ann", account.User), before.signUp(t, "bob", account.User)
		during, after := newNode(t, n.db, withSecret(t, "b", "a")), newNode(t, n.db, withSecret(t, "b"))
		moved, err := during.refresh(t, moved, "a1")
		if err != nil {
			t.Fatalf("during: %v", err)
		}
		if _, err := after.refresh(t, moved, "a2"); err != nil {
			t.Errorf("after: %v", err)
		}
		if _, err := after.refresh(t, left, "a1"); err == nil {
			t.Error("one that was not used in between goes on")
		}
		if rows := n.count(t, "session", "1 = 1"); rows != 2 {
			t.Errorf("it was ended, as if somebody had copied it: %d left", rows)
		}
	})
}

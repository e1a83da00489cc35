package secret_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/secret"
)

func master(t testing.TB, text string, former ...string) secret.Master {
	t.Helper()
	m, err := secret.NewMaster(text, former...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(letter string) string { return strings.Repeat(letter, secret.MinLength) }

func TestSealedOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	m := master(t, text("a"))
	for _, plain := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("seed"), 1000)} {
		sealed := m.Seal("totp seed", "user 1", plain)
		if got, err := m.Open("totp seed", "user 1", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q, %v", got, err)
		}
		if again := m.Seal("totp seed", "user 1", plain); again == sealed {
			t.Error("sealed twice, it is the same text: equal secrets can be told")
		}
		for name, open := range map[string]func() ([]byte, error){
			"another purpose": func() ([]byte, error) { return m.Open("provider", "user 1", sealed) },
			"another place":   func() ([]byte, error) { return m.Open("totp seed", "user 2", sealed) },
			"another secret":  func() ([]byte, error) { return master(t, text("b")).Open("totp seed", "user 1", sealed) },
		} {
			if got, err := open(); !errors.Is(err, secret.ErrSealed) || got != nil {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
	if sealed := m.Seal("p", "b", []byte("hunter2 hunter2")); strings.Contains(sealed, "hunter") || !strings.HasPrefix(sealed, "v1.") {
		t.Error(sealed)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	m := master(t, text("a"))
	sealed := m.Seal("p", "b", []byte("plain"))
	for i := range len(sealed) {
		for _, other := range []byte{'A', 'z', '.', '\n', 0} {
			damaged := sealed[:i] + string(other) + sealed[i+1:]
			if damaged == sealed {
				continue
			}
			if got, err := m.Open("p", "b", damaged); err == nil {
				t.Errorf("%d, %q: opened %q", i, other, got)
			}
		}
		if _, err := m.Open("p", "b", sealed[:i]); err == nil {
			t.Errorf("opened the first %d bytes", i)
		}
	}
	for _, added := range []string{"=", "\n", ".", "AAAA", " "} {
		if _, err := m.Open("p", "b", sealed+added); err == nil {
			t.Errorf("opened with %q after it", added)
		}
	}
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	old, between := master(t, text("a")), master(t, text("b"), text("a"))
	sealed := old.Seal("p", "b", []byte("plain"))
	now := master(t, text("c"), text("b"), text("a"))

	for _, was := range []string{sealed, between.Seal("p", "b", []byte("plain"))} {
		anew, changed, err := now.Reseal("p", "b", was)
		if err != nil || !changed {
			t.Fatalf("%t, %v", changed, err)
		}
		if got, err := master(t, text("c")).Open("p", "b", anew); err != nil || string(got) != "plain" {
			t.Errorf("with the new secret alone: %q, %v", got, err)
		}
		if again, changed, err := now.Reseal("p", "b", anew); again != anew || changed || err != nil {
			t.Errorf("sealed anew again: %t, %v", changed, err)
		}
	}
	if same, changed, err := master(t, text("c")).Reseal("p", "b", sealed); !errors.Is(err, secret.ErrSealed) || changed || same != sealed {
		t.Errorf("without the former secret: %t, %v", changed, err)
	}
}

func TestFormerSecrets(t *testing.T) {
	t.Parallel()
	if _, err := secret.NewMaster(text("a"), "short"); err == nil {
		t.Error("a short former secret is accepted")
	}
	old, now := master(t, text("a")), master(t, text("c"), text("b"), text("a"))
	if bytes.Equal(now.Key("x"), old.Key("x")) || !bytes.Equal(now.Former()[1].Key("x"), old.Key("x")) {
		t.Error("keys come from the current secret, former ones from theirs")
	}
}

// FuzzOpen: whatever a database holds, Open neither panics nor opens what was not
// sealed in just this form.
func FuzzOpen(f *testing.F) {
	m := master(f, text("a"), text("b"))
	sealed := m.Seal("p", "b", []byte("plain"))
	for _, seed := range []string{"", "v1", "v1..", sealed, sealed[:20], master(f, text("b")).Seal("p", "b", nil), "v2" + sealed[2:], sealed + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		plain, err := m.Open("p", "b", given)
		if err != nil {
			if !errors.Is(err, secret.ErrSealed) || plain != nil {
				t.Errorf("%q, %v", plain, err)
			}
			return
		}
		anew := m.Seal("p", "b", plain)
		if got, err := m.Open("p", "b", anew); err != nil || !bytes.Equal(got, plain) || len(anew) != len(given) {
			t.Errorf("%q opens to %q, sealed again to %q, %v", given, plain, got, err)
		}
	})
}

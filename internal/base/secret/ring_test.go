package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/secret"
)

func ring(t *testing.T, text string) secret.Ring {
	t.Helper()
	r, err := secret.ParseRing(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ids names a ring's keys by the order in which they were first seen.
type ids map[string]string

func (known ids) of(r secret.Ring) string {
	var all []string
	for _, k := range r.Keys() {
		id := secret.KeyID(&k.Key.PublicKey)
		if known[id] == "" {
			known[id] = string(rune('A' + len(known)))
		}
		all = append(all, known[id])
	}
	return strings.Join(all, "")
}

func TestRotation(t *testing.T) {
	t.Parallel()
	private, _ := pair(t)
	r, known, now := ring(t, private), ids{}, time.Date(2026, 11, 24, 10, 0, 0, 123, time.UTC)
	known.of(r)
	for i, want := range []string{"AB", "BA", "BCA", "CB", "CDB"} {
		now = now.Add(time.Hour)
		var err error
		if r, err = r.Rotate(now); err != nil {
			t.Fatal(err)
		}
		r = ring(t, r.Private()) // as it is kept
		if got := known.of(r); got != want {
			t.Fatalf("step %d: %s", i, got)
		}
		next, waiting := r.Next()
		if waiting != (i%2 == 0) || waiting && !next.Made.Equal(now.Truncate(time.Second)) {
			t.Errorf("step %d: %t, %v", i, waiting, next.Made)
		}
		public, err := r.Public()
		if err != nil {
			t.Fatal(err)
		}
		keys, err := secret.NewKeyPair(r.Private(), public)
		if err != nil || len(keys.Verify) != len(want) || secret.KeyID(&keys.Sign.PublicKey) != secret.KeyID(&r.Keys()[0].Key.PublicKey) {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

// TestRingsOfOthers: keys without a time, as openssl and gen-jwt-keys make them.
func TestRingsOfOthers(t *testing.T) {
	t.Parallel()
	one, _ := pair(t)
	two, _ := pair(t)
	known := ids{}
	r := ring(t, "some text\n"+one+"Made: nonsense\n"+pkcs1(t, two))
	known.of(r)
	if _, waiting := r.Next(); waiting {
		t.Error("a key without a time waits to sign")
	}
	r, err := r.Rotate(time.Now())
	if got := known.of(r); err != nil || got != "ACB" {
		t.Errorf("%s, %v", got, err)
	}
	if r, err = r.Rotate(time.Now()); err != nil || known.of(r) != "CA" {
		t.Errorf("%s, %v", known.of(r), err)
	}
	if _, err := secret.ParseRing("no key"); err == nil {
		t.Error("no key is a ring")
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := secret.Replace(path, "x"); !os.IsNotExist(err) {
		t.Errorf("makes a file: %v", err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := secret.Replace(path, "new\n\n"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	files, _ := os.ReadDir(filepath.Dir(path))
	if err != nil || statErr != nil || string(text) != "new\n" || info.Mode().Perm() != 0o600 || len(files) != 1 {
		t.Errorf("%q, %v, %v", text, info.Mode(), files)
	}
}

func FuzzParseRing(f *testing.F) {
	for _, seed := range []string{"", "-----BEGIN", "Made: 2026-11-24T10:00:00Z\n-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := secret.ParseRing(text)
		if err == nil && len(r.Keys()) == 0 {
			t.Errorf("%q is a ring without keys", text)
		}
	})
}

package secret_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/base/secret"
)

func TestEachPurposeHasItsKey(t *testing.T) {
	t.Parallel()
	one, other := master(t, text("a")), master(t, text("b"))
	if !bytes.Equal(one.Key("x"), one.Key("x")) {
		t.Error("the same purpose gave two keys")
	}
	if bytes.Equal(one.Key("x"), one.Key("y")) || bytes.Equal(one.Key("x"), other.Key("x")) {
		t.Error("two purposes or two masters share a key")
	}
	if _, err := secret.NewMaster(strings.Repeat("a", 31)); err == nil {
		t.Error("31 bytes are enough")
	}
}

func TestKeepMakesOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "cookie-secret")
	var wg sync.WaitGroup
	var texts [8]string
	var made [8]bool
	for i := range texts {
		wg.Go(func() {
			var err error
			if texts[i], made[i], err = secret.Keep(path, secret.Random); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	for i := range texts {
		if texts[i] != texts[0] || len(texts[i]) < secret.MinLength {
			t.Errorf("got %q and %q", texts[i], texts[0])
		}
		if made[i] {
			count++
		}
	}
	if count != 1 {
		t.Errorf("made %d times", count)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	files, _ := os.ReadDir(filepath.Dir(path))
	if len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

func TestKeepRefusesAnEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, _, err := secret.Keep(path, secret.Random); err == nil {
		t.Errorf("took %q", text)
	}
}

func pair(t *testing.T) (private, public string) {
	t.Helper()
	private, public, err := secret.NewPEM()
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func TestKeyPair(t *testing.T) {
	t.Parallel()
	private, public := pair(t)
	oldPrivate, oldPublic := pair(t)
	for name, c := range map[string]struct {
		private, public string
		verify          int
	}{
		"a pair":            {private, public, 1},
		"private alone":     {private, "", 1},
		"old one verifies":  {private, public + oldPublic, 2},
		"old private stays": {private + oldPrivate, public + oldPublic, 2},
		"in other order":    {private, oldPublic + public, 2},
		"PKCS #1":           {pkcs1(t, private), public, 1},
	} {
		keys, err := secret.NewKeyPair(c.private, c.public)
		if err != nil || len(keys.Verify) != c.verify || !keys.Verify[0].Equal(&keys.Sign.PublicKey) {
			t.Errorf("%s: %d keys, %v", name, len(keys.Verify), err)
		}
	}
	for name, c := range map[string]struct{ private, public, says string }{
		"nothing":         {"", "", "empty"},
		"not PEM":         {"secret", "", "not PEM"},
		"not PEM after":   {private + "x", "", "not PEM"},
		"exchanged":       {public, private, "PUBLIC KEY"},
		"another's":       {private, oldPublic, "does not belong"},
		"old one signs":   {oldPrivate + private, public, "does not belong"},
		"too small":       {small(t), "", "1024 bits"},
		"elliptic":        {elliptical(t), "", "not an RSA key"},
		"public not PEM":  {private, "x", "public key"},
		"public is empty": {private, " ", "public key: is empty"},
	} {
		_, err := secret.NewKeyPair(c.private, c.public)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs1(t *testing.T, private string) string {
	t.Helper()
	keys, err := secret.ParsePrivate(private)
	if err != nil {
		t.Fatal(err)
	}
	return block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(keys[0]))
}

func small(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func elliptical(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", der)
}

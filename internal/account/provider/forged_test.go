package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestForgedSignatures: an id_token that says the right things and is signed in ways
// that ask for trust, by a provider whose metadata allow them all.
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	evil, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &evil.PublicKey, KeyID: "evil", Use: "sig"}}})
		if _, err2 := w.Write(text); err != nil || err2 != nil {
			t.Error(err, err2)
		}
	}))
	defer elsewhere.Close()
	sign := func(alg jose.SignatureAlgorithm, key any, claims map[string]any, header map[jose.HeaderKey]any) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	with := func(name jose.HeaderKey, value any) func(jose.JSONWebKey, map[string]any) string {
		return func(_ jose.JSONWebKey, claims map[string]any) string {
			return sign(jose.RS256, evil, claims, map[jose.HeaderKey]any{name: value})
		}
	}
	shared := func(secret func(jose.JSONWebKey) []byte) func(jose.JSONWebKey, map[string]any) string {
		return func(public jose.JSONWebKey, claims map[string]any) string {
			return sign(jose.HS256, secret(public), claims, map[jose.HeaderKey]any{"kid": public.KeyID})
		}
	}
	bare := func(alg string) func(jose.JSONWebKey, map[string]any) string {
		return func(public jose.JSONWebKey, claims map[string]any) string {
			return encoded(t, map[string]string{"alg": alg, "kid": public.KeyID}) + "." + encoded(t, claims) + "."
		}
	}
	for name, forge := range map[string]func(jose.JSONWebKey, map[string]any) string{
		"alg none": bare("none"), "alg None": bare("None"), "alg RS256, no signature": bare("RS256"), "no alg": bare(""),
		"the public key as a shared secret": shared(func(k jose.JSONWebKey) []byte {
			der, err := x509.MarshalPKIXPublicKey(k.Key)
			if err != nil {
				t.Fatal(err)
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		}),
		"its modulus":            shared(func(k jose.JSONWebKey) []byte { return k.Key.(*rsa.PublicKey).N.Bytes() }),
		"our secret there":       shared(func(jose.JSONWebKey) []byte { return []byte("s3cret-and-long-enough-for-this-HMAC") }),
		"a key that it brings":   with("jwk", jose.JSONWebKey{Key: &evil.PublicKey, KeyID: "evil"}),
		"a key from elsewhere":   with("jku", elsewhere.URL),
		"a certificate":          with("x5u", elsewhere.URL),
		"a key that is a file":   with("kid", "../../../../dev/null"),
		"a key that is SQL":      with("kid", "' OR '1'='1"),
		"no key's name":          with("kid", ""),
		"a name that is no text": with("kid", []string{"a"}),
		"a critical header":      with("crit", []string{"exp"}),
		"the right key's name": func(public jose.JSONWebKey, claims map[string]any) string {
			return sign(jose.RS256, evil, claims, map[jose.HeaderKey]any{"kid": public.KeyID})
		},
	} {
		s := providertest.New(t, provider.OpenID, redirect)
		s.Metadata(set("id_token_signing_alg_values_supported", []string{"none", "None", "HS256", "RS256", "ES256", ""}))
		p := provider.New(s.Settings(), redirect, time.Now)
		if _, err := meet(t, p, false); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		s.Sign(forge)
		_, err := meet(t, p, false)
		wantCode(t, name, err, errs.Unauthorized, provider.Unproven)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("keys were fetched from elsewhere %d times", n)
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

package account_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/secret"
)

func part(t *testing.T, token string, i int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAccessTokenSays(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.Admin)
		header, claims := part(t, s.AccessToken, 0), part(t, s.AccessToken, 1)
		keys := decode[account.KeySet](t, n.send(t, http.MethodGet, "/api/auth/jwks.json", nil, ""))
		if header["alg"] != "RS256" || header["typ"] != "JWT" || header["kid"] != keys.Keys[0].ID {
			t.Errorf("header %v, keys %v", header, keys)
		}
		iat, _ := claims["iat"].(float64)
		exp, _ := claims["exp"].(float64)
		if exp-iat != 900 || claims["iss"] != publicURL || claims["aud"] != "peisear" || claims["sub"] != s.User.ID ||
			claims["role"] != "admin" || claims["epoch"] != 1.0 || claims["jti"] == "" || claims["sid"] != actor(t, n, s).Session {
			t.Errorf("claims %v", claims)
		}
	})
}

// TestPublishedKeyVerifies reads the published keys as a stranger's library does.
func TestPublishedKeyVerifies(t *testing.T) {
	t.Parallel()
	tokens := account.NewTokens(accounttest.Keys(t), publicURL, time.Minute, time.Now)
	text, err := json.Marshal(tokens.KeySet())
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].Valid() || !set.Keys[0].IsPublic() {
		t.Fatalf("%s: %v", text, err)
	}
	token, err := tokens.Sign(account.Actor{ID: "u"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var c jwt.Claims
	if err := parsed.Claims(set.Key(parsed.Headers[0].KeyID)[0].Key, &c); err != nil || c.Subject != "u" {
		t.Errorf("%+v, %v", c, err)
	}
}

func newKeys(t *testing.T) (private, public string, pair secret.KeyPair) {
	t.Helper()
	private, public, err := secret.NewPEM()
	if err != nil {
		t.Fatal(err)
	}
	pair, err = secret.NewKeyPair(private, public)
	if err != nil {
		t.Fatal(err)
	}
	return private, public, pair
}

// TestReplacedKey: what the old key signed is good as long as it is known.
func TestReplacedKey(t *testing.T) {
	t.Parallel()
	_, oldPublic, oldPair := newKeys(t)
	private, public, _ := newKeys(t)
	both, err := secret.NewKeyPair(private, public+oldPublic)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := secret.NewKeyPair(private, public)
	if err != nil {
		t.Fatal(err)
	}
	tokens := func(keys secret.KeyPair) *account.Tokens {
		return account.NewTokens(keys, publicURL, time.Minute, time.Now)
	}
	token, err := tokens(oldPair).Sign(account.Actor{ID: "u"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := tokens(both).Verify(token); err != nil || id.ID != "u" {
		t.Errorf("%+v, %v", id, err)
	}
	_, err = tokens(alone).Verify(token)
	wantKind(t, "a forgotten key", err, errs.Unauthorized)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Now()}
	tokens := account.NewTokens(accounttest.Keys(t), publicURL, 15*time.Minute, c.Now)
	token, err := tokens.Sign(account.Actor{ID: "u"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is remembered
		if _, err := tokens.Verify(token); err != nil {
			t.Error(err)
		}
	}
	c.pass(15 * time.Minute)
	_, err = tokens.Verify(token)
	wantKind(t, "after 15 minutes", err, errs.Unauthorized)
}

// TestForgedTokens offers tokens that look right.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	keys := accounttest.Keys(t)
	tokens := account.NewTokens(keys, publicURL, time.Minute, time.Now)
	good, err := tokens.Sign(account.Actor{ID: "u", Role: account.User, Session: "s"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	kid := tokens.KeySet().Keys[0].ID
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	b64 := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	claims := part(t, good, 1)
	with := func(name string, value any) map[string]any {
		changed := map[string]any{name: value}
		for other, v := range claims {
			if other != name {
				changed[other] = v
			}
		}
		if value == nil {
			delete(changed, name)
		}
		return changed
	}
	sign := func(alg jose.SignatureAlgorithm, key any, keyID string, payload any) string {
		options := (&jose.SignerOptions{}).WithHeader(jose.HeaderKey("kid"), keyID)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(signer).Claims(payload).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	pieces := strings.Split(good, ".")
	modulus := keys.Sign.N.Bytes()
	for name, token := range map[string]string{
		"nothing":             "",
		"text":                "hello",
		"no signature":        pieces[0] + "." + pieces[1] + ".",
		"alg none":            b64(map[string]string{"alg": "none", "kid": kid}) + "." + pieces[1] + ".",
		"alg None, signed":    b64(map[string]string{"alg": "None", "kid": kid}) + "." + pieces[1] + "." + pieces[2],
		"HMAC of the modulus": sign(jose.HS256, modulus, kid, claims),
		"another algorithm":   sign(jose.PS256, keys.Sign, kid, claims),
		"another's key":       sign(jose.RS256, other, kid, claims),
		"unknown key":         sign(jose.RS256, other, "other", claims),
		"no key id":           sign(jose.RS256, keys.Sign, "", claims),
		"changed claims":      pieces[0] + "." + b64(with("role", "admin")) + "." + pieces[2],
		"another issuer":      sign(jose.RS256, keys.Sign, kid, with("iss", "https://evil.example")),
		"another audience":    sign(jose.RS256, keys.Sign, kid, with("aud", "other")),
		"no expiry":           sign(jose.RS256, keys.Sign, kid, with("exp", nil)),
		"expired":             sign(jose.RS256, keys.Sign, kid, with("exp", time.Now().Unix())),
		"nobody":              sign(jose.RS256, keys.Sign, kid, with("sub", nil)),
		"claims are a list":   pieces[0] + "." + b64([]string{"x"}) + "." + pieces[2],
		"twice":               good + "." + good,
	} {
		if id, err := tokens.Verify(token); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	if _, err := tokens.Verify(sign(jose.RS256, keys.Sign, kid, claims)); err != nil {
		t.Errorf("the test signs wrongly: %v", err)
	}
}

func FuzzTokens(f *testing.F) {
	keys := accounttest.Keys(f)
	tokens := account.NewTokens(keys, publicURL, time.Minute, time.Now)
	good, err := tokens.Sign(account.Actor{ID: "u"}, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if id, err := tokens.Verify(token); err == nil && id.ID != "u" {
			t.Error(fmt.Sprint("accepted ", token))
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	tokens := account.NewTokens(accounttest.Keys(b), publicURL, time.Hour, time.Now)
	token, err := tokens.Sign(account.Actor{ID: "u"}, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := tokens.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTokensThroughARotation: at each step, what was signed at the step before is good,
// and the key that signs was published the step before.
func TestTokensThroughARotation(t *testing.T) {
	t.Parallel()
	private, _, _ := newKeys(t)
	ring, err := secret.ParseRing(private)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	published := map[string]bool{}
	signers := map[string]bool{}
	for step := range 5 {
		public, err := ring.Public()
		if err != nil {
			t.Fatal(err)
		}
		keys, err := secret.NewKeyPair(ring.Private(), public)
		if err != nil {
			t.Fatal(err)
		}
		tokens := account.NewTokens(keys, publicURL, time.Minute, time.Now)
		if step > 0 {
			if _, err := tokens.Verify(token); err != nil {
				t.Errorf("step %d: a token of the step before: %v", step, err)
			}
		}
		if token, err = tokens.Sign(account.Actor{ID: "u"}, 1); err != nil {
			t.Fatal(err)
		}
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		signer := parsed.Headers[0].KeyID
		if signers[signer] = true; step > 0 && !published[signer] {
			t.Errorf("step %d: %s signs and was not published", step, signer)
		}
		published = map[string]bool{}
		for _, key := range tokens.KeySet().Keys {
			published[key.ID] = true
		}
		if len(published) > 3 {
			t.Errorf("step %d: %d keys are published", step, len(published))
		}
		if ring, err = ring.Rotate(time.Now().Add(time.Duration(step) * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if len(signers) != 3 {
		t.Errorf("%d keys have signed in five steps", len(signers))
	}
}

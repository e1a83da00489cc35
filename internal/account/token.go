package account

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/secret"
)

// audience is what our access tokens are for.
const audience = "peisear"

// maxVerified is how many verified tokens are remembered.
const maxVerified = 10_000

// Identity is what an access token says.
type Identity struct {
	Actor
	Epoch   int64 // of the user when the token was made
	Expires time.Time
}

// Tokens makes and verifies access tokens: JWTs signed with RS256. A token that was
// verified is remembered, so that the next request with it costs a hash.
type Tokens struct {
	keys   secret.KeyPair
	keyIDs []string // of keys.Verify
	issuer string
	ttl    time.Duration
	now    func() time.Time

	mu       sync.Mutex
	verified *lru[[sha256.Size]byte, Identity]
}

// NewTokens returns the maker of an issuer's tokens, each good for ttl.
func NewTokens(keys secret.KeyPair, issuer string, ttl time.Duration, now func() time.Time) *Tokens {
	t := &Tokens{
		keys: keys, issuer: issuer, ttl: ttl, now: now,
		verified: newLRU[[sha256.Size]byte, Identity](maxVerified),
	}
	for _, key := range keys.Verify {
		t.keyIDs = append(t.keyIDs, secret.KeyID(key))
	}
	return t
}

// claims is an access token's content.
type claims struct {
	jwt.Claims
	Session string `json:"sid"`
	Role    Role   `json:"role"`
	Epoch   int64  `json:"epoch"`
}

// Sign returns a token for the actor, at the epoch that the user has now.
func (t *Tokens) Sign(by Actor, epoch int64) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader(jose.HeaderKey("kid"), t.keyIDs[0])
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: t.keys.Sign}, options)
	if err != nil {
		return "", err
	}
	now := t.now()
	return jwt.Signed(signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer: t.issuer, Audience: jwt.Audience{audience}, Subject: by.ID, ID: uuid.NewString(),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(t.ttl)),
		},
		Session: by.Session, Role: by.Role, Epoch: epoch,
	}).Serialize()
}

// Verify returns what a token says. Unauthorized: we did not sign it, it was not
// meant for us, or it has expired.
func (t *Tokens) Verify(token string) (Identity, error) {
	sum := sha256.Sum256([]byte(token))
	t.mu.Lock()
	id, ok := t.verified.get(sum)
	t.mu.Unlock()
	if !ok {
		var err error
		if id, err = t.parse(token); err != nil {
			return Identity{}, err
		}
	}
	if !t.now().Before(id.Expires) {
		return Identity{}, errExpired
	}
	if !ok {
		t.mu.Lock()
		t.verified.put(sum, id)
		t.mu.Unlock()
	}
	return id, nil
}

func (t *Tokens) parse(token string) (Identity, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return Identity{}, errs.From(err, errs.Unauthorized, errs.Of(errToken).Message)
	}
	for i, keyID := range t.keyIDs {
		if len(parsed.Headers) != 1 || parsed.Headers[0].KeyID != keyID {
			continue
		}
		var c claims
		if err := parsed.Claims(t.keys.Verify[i], &c); err != nil {
			return Identity{}, errs.From(err, errs.Unauthorized, errs.Of(errToken).Message)
		}
		if c.Issuer != t.issuer || !c.Audience.Contains(audience) || c.Subject == "" || c.Expiry == nil {
			return Identity{}, errToken
		}
		return Identity{Actor{ID: c.Subject, Role: c.Role, Session: c.Session}, c.Epoch, c.Expiry.Time()}, nil
	}
	return Identity{}, errToken
}

// KeySet is the public part of the keys (RFC 7517), for others who verify tokens.
type KeySet struct {
	Keys []PublicKey `json:"keys" nullable:"false"`
}

// PublicKey is an RSA key that verifies.
type PublicKey struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

// KeySet returns all keys that verify, the signing one first.
func (t *Tokens) KeySet() KeySet {
	var set KeySet
	for i, key := range t.keys.Verify {
		set.Keys = append(set.Keys, PublicKey{
			Type: "RSA", Use: "sig", Algorithm: string(jose.RS256), ID: t.keyIDs[i],
			Modulus:  base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(bigEndian(key.E)),
		})
	}
	return set
}

func bigEndian(n int) (bytes []byte) {
	for ; n > 0; n >>= 8 {
		bytes = append([]byte{byte(n)}, bytes...)
	}
	return bytes
}

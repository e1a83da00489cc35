package secret

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KeyID names an RSA key: what is signed says by it which key verifies.
func KeyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Ring is private keys in the order in which NewKeyPair takes them: the first signs.
// A key is replaced in two steps, so that everybody knows the next one before it signs,
// and the former one for as long as what it signed may come.
type Ring struct{ keys []RingKey }

// RingKey is a key of a ring. Made is when Rotate made it; zero for another's.
type RingKey struct {
	Key  *rsa.PrivateKey
	Made time.Time

	block string // as it is kept
}

// madeLine stands before the block of a key that Rotate made; PEM allows such lines.
const madeLine = "Made: "

// ParseRing reads private keys as ParsePrivate does, and when they were made.
func ParseRing(text string) (Ring, error) {
	keys, err := ParsePrivate(text)
	if err != nil {
		return Ring{}, err
	}
	var r Ring
	rest := strings.TrimSpace(text)
	for _, key := range keys {
		block, after := pem.Decode([]byte(rest))
		r.keys = append(r.keys, RingKey{key, madeBefore(rest), string(pem.EncodeToMemory(block))})
		rest = string(after)
	}
	return r, nil
}

// madeBefore reads the line before a text's first block.
func madeBefore(text string) time.Time {
	before, _, _ := strings.Cut(text, "-----BEGIN")
	lines := strings.Split(strings.TrimSpace(before), "\n")
	made, _ := time.Parse(time.RFC3339, strings.TrimSpace(strings.TrimPrefix(lines[len(lines)-1], madeLine)))
	return made
}

// Keys are the ring's keys, the signing one first.
func (r Ring) Keys() []RingKey { return slices.Clone(r.keys) }

// Next is the key that verifies already and will sign; ok: there is one.
func (r Ring) Next() (key RingKey, ok bool) {
	newest := slices.MaxFunc(r.keys, func(a, b RingKey) int { return a.Made.Compare(b.Made) })
	return newest, !newest.Key.Equal(r.keys[0].Key) && newest.Made.After(r.keys[0].Made)
}

// Rotate takes the next step: it adds a key that only verifies, or lets that one sign.
// A former key goes with the step after the next, when all it signed has expired.
func (r Ring) Rotate(now time.Time) (Ring, error) {
	if next, ok := r.Next(); ok {
		return Ring{[]RingKey{next, r.keys[0]}}, nil
	}
	added, err := NewRing(now)
	return Ring{slices.Insert(slices.Clone(r.keys), 1, added.keys...)}, err
}

// NewRing returns a ring of one new key.
func NewRing(now time.Time) (Ring, error) {
	private, _, err := NewPEM()
	if err != nil {
		return Ring{}, err
	}
	return ParseRing(madeLine + now.UTC().Format(time.RFC3339) + "\n" + private)
}

// Private is the ring as it is kept.
func (r Ring) Private() string {
	var all strings.Builder
	for _, k := range r.keys {
		if !k.Made.IsZero() {
			fmt.Fprintf(&all, "%s%s\n", madeLine, k.Made.UTC().Format(time.RFC3339))
		}
		all.WriteString(k.block)
	}
	return all.String()
}

// Public is the public keys of the ring, in its order.
func (r Ring) Public() (string, error) {
	var all strings.Builder
	for _, k := range r.keys {
		text, err := publicPEM(&k.Key.PublicKey)
		if err != nil {
			return "", err
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

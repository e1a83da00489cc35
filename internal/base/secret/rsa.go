package secret

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// MinBits is the least size of an RSA key.
const MinBits = 2048

// KeyPair signs with one key and verifies with all that are known, so that a key
// can be replaced while what the old one signed is still good.
type KeyPair struct {
	Sign   *rsa.PrivateKey
	Verify []*rsa.PublicKey // the signing key's is the first
}

// NewKeyPair returns the pair of private and public keys, both as PEM with one
// block or several: the first private key signs, all verify. Without public keys
// the private ones' are taken. It is an error when the public keys lack the one
// that belongs to the first private key.
func NewKeyPair(private, public string) (KeyPair, error) {
	privates, err := ParsePrivate(private)
	if err != nil {
		return KeyPair{}, fmt.Errorf("private key: %w", err)
	}
	pair := KeyPair{Sign: privates[0]}
	for _, key := range privates {
		pair.add(&key.PublicKey)
	}
	if public == "" {
		return pair, nil
	}
	publics, err := ParsePublic(public)
	if err != nil {
		return KeyPair{}, fmt.Errorf("public key: %w", err)
	}
	matches := false
	for _, key := range publics {
		matches = matches || key.Equal(&pair.Sign.PublicKey)
		pair.add(key)
	}
	if !matches {
		return KeyPair{}, errors.New("the public key does not belong to the private key")
	}
	return pair, nil
}

func (p *KeyPair) add(key *rsa.PublicKey) {
	for _, known := range p.Verify {
		if known.Equal(key) {
			return
		}
	}
	p.Verify = append(p.Verify, key)
}

// NewPEM returns a new pair as PEM.
func NewPEM() (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, MinBits)
	if err != nil {
		return "", "", err
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	public, err = publicPEM(&key.PublicKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})), public, err
}

func publicPEM(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// ParsePrivate reads RSA private keys, PKCS #8 or PKCS #1.
func ParsePrivate(text string) ([]*rsa.PrivateKey, error) {
	return blocks(text, func(b *pem.Block) (*rsa.PrivateKey, error) {
		switch b.Type {
		case "RSA PRIVATE KEY":
			return x509.ParsePKCS1PrivateKey(b.Bytes)
		case "PRIVATE KEY":
			return only[*rsa.PrivateKey](x509.ParsePKCS8PrivateKey(b.Bytes))
		}
		return nil, fmt.Errorf("holds a block %q, not an RSA private key", b.Type)
	}, func(key *rsa.PrivateKey) int { return key.N.BitLen() })
}

// ParsePublic reads RSA public keys, PKIX or PKCS #1.
func ParsePublic(text string) ([]*rsa.PublicKey, error) {
	return blocks(text, func(b *pem.Block) (*rsa.PublicKey, error) {
		switch b.Type {
		case "RSA PUBLIC KEY":
			return x509.ParsePKCS1PublicKey(b.Bytes)
		case "PUBLIC KEY":
			return only[*rsa.PublicKey](x509.ParsePKIXPublicKey(b.Bytes))
		}
		return nil, fmt.Errorf("holds a block %q, not an RSA public key", b.Type)
	}, func(key *rsa.PublicKey) int { return key.N.BitLen() })
}

// blocks reads every PEM block of a text. What the parser says is not repeated: it
// may quote the key.
func blocks[K any](text string, parse func(*pem.Block) (K, error), bits func(K) int) ([]K, error) {
	var all []K
	rest := []byte(strings.TrimSpace(text))
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("is not PEM")
		}
		key, err := parse(block)
		if err != nil {
			return nil, err
		}
		if n := bits(key); n < MinBits {
			return nil, fmt.Errorf("has %d bits, needs at least %d", n, MinBits)
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, errors.New("is empty")
	}
	return all, nil
}

// only returns the key when it is of the wanted kind.
func only[K any](key any, err error) (K, error) {
	wanted, ok := key.(K)
	if err == nil && !ok {
		err = errors.New("is not an RSA key")
	}
	return wanted, err
}

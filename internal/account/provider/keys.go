package provider

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// signingKey is one of the keys that a provider publishes.
type signingKey struct {
	jose.JSONWebKey
	Issuer string // whose tokens it may sign; "" for all of the provider's. Microsoft's only
}

// keySet verifies signatures with a provider's published keys. It fetches them again
// when a token names one that is not there.
type keySet struct {
	address string
	client  *http.Client
	algs    []jose.SignatureAlgorithm
	issuer  func(key signingKey, payload []byte) error // nil: any key signs for any issuer

	mu   sync.Mutex
	keys []signingKey
}

var errSignature = errors.New("no key of the provider's has signed the token")

// VerifySignature returns the payload of a token that one of the keys has signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, s.algs)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errSignature
	}
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	if payload, err := s.verify(signed, keys); !errors.Is(err, errSignature) {
		return payload, err
	}
	if keys, err = fetchKeys(ctx, s.client, s.address); err != nil {
		return nil, fmt.Errorf("the provider's keys: %w", err)
	}
	s.mu.Lock()
	s.keys = keys
	s.mu.Unlock()
	return s.verify(signed, keys)
}

func (s *keySet) verify(signed *jose.JSONWebSignature, keys []signingKey) ([]byte, error) {
	id := signed.Signatures[0].Header.KeyID
	for _, key := range keys {
		if id != "" && key.KeyID != id {
			continue
		}
		payload, err := signed.Verify(key.JSONWebKey)
		if err != nil {
			continue
		}
		if s.issuer != nil {
			err = s.issuer(key, payload)
		}
		return payload, err
	}
	return nil, errSignature
}

// fetchKeys returns the keys that may sign. What cannot be used is left out: a set may
// hold keys for other ends, and of kinds to come.
func fetchKeys(ctx context.Context, client *http.Client, address string) ([]signingKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if _, err := get(ctx, client, address, nil, &set); err != nil {
		return nil, err
	}
	var keys []signingKey
	for _, raw := range set.Keys {
		var key signingKey
		var more struct {
			Issuer string `json:"issuer"`
		}
		if json.Unmarshal(raw, &key.JSONWebKey) != nil || json.Unmarshal(raw, &more) != nil {
			continue
		}
		key.Issuer = more.Issuer
		if key.Use != "enc" && key.IsPublic() && key.Valid() && !weak(key.Key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the set has no key that can sign")
	}
	return keys, nil
}

// weak keys are those that the standards refuse (RFC 7518, 3.3).
func weak(key any) bool {
	k, ok := key.(*rsa.PublicKey)
	return ok && k.N.BitLen() < 2048
}

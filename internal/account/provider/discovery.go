package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// metadata is what a provider publishes about itself (OpenID Connect Discovery 1.0,
// RFC 8414): what is used of it, and what the check looks at.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Scopes        []string `json:"scopes_supported"`
	Claims        []string `json:"claims_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	NeedsPushed   bool     `json:"require_pushed_authorization_requests"`
}

// wellKnown is where an issuer publishes its metadata.
func wellKnown(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// discover asks an issuer for its metadata. genuine tells whether the issuer may call
// itself as it does.
func discover(ctx context.Context, client *http.Client, issuer string, genuine func(claimed string) bool) (*metadata, http.Header, error) {
	m := new(metadata)
	header, err := get(ctx, client, wellKnown(issuer), nil, m)
	if err != nil {
		return nil, header, err
	}
	if !genuine(m.Issuer) {
		return m, header, &issuerError{issuer, m.Issuer}
	}
	return m, header, m.usable(Local(issuer))
}

// issuerError is metadata of another issuer than the one that was asked.
type issuerError struct{ asked, claimed string }

func (e *issuerError) Error() string {
	return fmt.Sprintf("asked for %q, which calls itself %.200q", e.asked, e.claimed)
}

// usable reports what is missing for a sign-in. Only a provider on this machine may
// send us to this machine: what listens here is not for others to ask.
func (m *metadata) usable(local bool) error {
	var all []error
	for _, e := range []struct{ name, address string }{
		{"authorization_endpoint", m.Authorization}, {"token_endpoint", m.Token}, {"jwks_uri", m.JWKS}, {"userinfo_endpoint", m.UserInfo},
	} {
		if e.address == "" && e.name == "userinfo_endpoint" {
			continue
		}
		err := checkAddress(e.address)
		if err == nil && !local && Local(e.address) {
			err = errors.New("is on this machine")
		}
		if err != nil {
			all = append(all, fmt.Errorf("%s %w", e.name, err))
		}
	}
	return errors.Join(all...)
}

// signatures are the ways of signing that both sides know, never one with a secret
// that we share.
func (m *metadata) signatures() []string {
	known := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	if len(m.Algorithms) == 0 {
		return []string{"RS256"} // the one that every provider has
	}
	return slices.DeleteFunc(known, func(alg string) bool { return !slices.Contains(m.Algorithms, alg) })
}

// How long what was learned is good, and how long a provider that gave no answer is
// left alone.
const (
	metadataFresh = time.Hour
	metadataRetry = 3 * time.Second
)

// directory keeps a provider's metadata. It asks when it is needed and not before, so
// a provider that is down when the program starts is merely asked later.
type directory struct {
	ask func(ctx context.Context) (*metadata, error)
	now func() time.Time

	turn  chan struct{} // holds a token while somebody looks or asks; what follows is theirs
	found *metadata
	asked time.Time // the last time
	err   error     // of the last time
}

func newDirectory(now func() time.Time, ask func(ctx context.Context) (*metadata, error)) *directory {
	return &directory{ask: ask, now: now, turn: make(chan struct{}, 1)}
}

// get returns the metadata. One that is old is better than none while the provider
// does not answer.
func (d *directory) get(ctx context.Context) (*metadata, error) {
	select {
	case d.turn <- struct{}{}: // all others wait for the one who asks, and take its answer
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch age := d.now().Sub(d.asked); {
	case d.found != nil && (age < metadataFresh && d.err == nil || age < metadataRetry):
		return d.found, nil
	case d.err != nil && age < metadataRetry:
		return nil, d.err
	}
	found, err := d.ask(ctx)
	if err != nil && ctx.Err() != nil {
		return d.found, orErr(d.found, err) // whoever asked has gone: that says nothing about the provider
	}
	d.asked, d.err = d.now(), err
	if err == nil {
		d.found = found
	}
	return d.found, orErr(d.found, err)
}

// orErr is err where there is nothing better.
func orErr(found *metadata, err error) error {
	if found != nil {
		return nil
	}
	return err
}

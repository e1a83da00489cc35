package provider

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// openid is OpenID Connect with one provider.
type openid struct {
	settings  Settings
	quirks    quirks
	redirect  string
	client    *http.Client
	now       func() time.Time
	directory *directory

	mu   sync.Mutex
	keys *keySet // of the metadata that was last used
}

func newOpenID(s Settings, redirect string, client *http.Client, now func() time.Time) *openid {
	o := &openid{settings: s, quirks: quirksOf(s), redirect: redirect, client: client, now: now}
	o.directory = newDirectory(now, func(ctx context.Context) (*metadata, error) {
		m, _, err := discover(ctx, client, o.quirks.issuer, o.quirks.genuine)
		return m, err
	})
	return o
}

// metadata is what the provider says of itself. Unavailable: it does not answer, or
// not as it should.
func (o *openid) metadata(ctx context.Context) (*metadata, error) {
	m, err := o.directory.get(ctx)
	if _, other := errors.AsType[*issuerError](err); other {
		return nil, o.settings.misconfigured(err)
	}
	if err != nil {
		return nil, o.settings.silent(err)
	}
	return m, nil
}

func (o *openid) begin(ctx context.Context, a Attempt) (string, error) {
	m, err := o.metadata(ctx)
	if err != nil {
		return "", err
	}
	c, err := o.config(m, "")
	if err != nil {
		return "", err
	}
	return c.AuthCodeURL(a.State, o.options(a)...), nil
}

// options are the parameters of an authorization request.
func (o *openid) options(a Attempt) []oauth2.AuthCodeOption {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce)}
	for name, value := range o.quirks.always {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if a.Confirm {
		for name, value := range o.quirks.confirm {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	return options
}

// config is ours at the provider. Unavailable: there is no way to give the secret.
func (o *openid) config(m *metadata, secret string) (oauth2.Config, error) {
	c := oauth2.Config{
		ClientID: o.settings.ClientID, ClientSecret: secret, RedirectURL: o.redirect, Scopes: o.quirks.scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: oauth2.AuthStyleInHeader},
	}
	switch {
	case o.quirks.secretInBody:
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	case len(m.ClientAuth) == 0, slices.Contains(m.ClientAuth, "client_secret_basic"): // what holds where nothing is said
	case slices.Contains(m.ClientAuth, "client_secret_post"):
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	default:
		return c, o.settings.misconfigured(fmt.Errorf("it wants clients to prove themselves by %.200q", m.ClientAuth))
	}
	return c, nil
}

// issued checks the answer's own word on who gives it: an answer of one provider must
// not be taken for another's.
func (o *openid) issued(ctx context.Context, issuer string) error {
	m, err := o.metadata(ctx)
	switch {
	case err != nil:
		return err
	case issuer == "" && m.SendsIssuer:
		return o.settings.unproven(errors.New("the answer does not say who gives it"))
	case issuer != "" && issuer != m.Issuer:
		return o.settings.unproven(fmt.Errorf("the answer is of %.200q", issuer))
	}
	return nil
}

func (o *openid) finish(ctx context.Context, a Attempt, in Answer) (Identity, error) {
	m, err := o.metadata(ctx)
	if err != nil {
		return Identity{}, err
	}
	secret, err := o.quirks.secret(m.Issuer, o.now())
	if err != nil {
		return Identity{}, o.settings.misconfigured(err)
	}
	c, err := o.config(m, secret)
	if err != nil {
		return Identity{}, err
	}
	token, err := o.settings.exchange(ctx, o.client, c, in.Code, a.Verifier)
	if err != nil {
		return Identity{}, err
	}
	got, err := o.verify(ctx, m, token, a)
	if err != nil {
		return Identity{}, err
	}
	if o.quirks.userInfo && m.UserInfo != "" && (got.Email == "" || got.name() == "") {
		if err := o.complete(ctx, m, token, &got); err != nil {
			return Identity{}, err
		}
	}
	return o.quirks.identity(got, in), nil
}

// claims is what an id_token or the userinfo endpoint says.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Party     string   `json:"azp"`
	AuthTime  *float64 `json:"auth_time"`
	Email     string   `json:"email"`
	Verified  truth    `json:"email_verified"`
	Name      string   `json:"name"`
	Given     string   `json:"given_name"`
	Family    string   `json:"family_name"`
	Preferred string   `json:"preferred_username"`
	Tenant    string   `json:"tid"` // Microsoft's
}

func (c claims) name() string {
	if c.Name != "" {
		return c.Name
	}
	return strings.TrimSpace(c.Given + " " + c.Family)
}

// truth is a boolean that some providers write as a string.
type truth bool

// UnmarshalJSON takes true and "true"; everything else is not true.
func (t *truth) UnmarshalJSON(text []byte) error {
	*t = string(text) == "true" || string(text) == `"true"`
	return nil
}

// verify returns what the id_token says, when the provider has made it for this attempt.
func (o *openid) verify(ctx context.Context, m *metadata, token *oauth2.Token, a Attempt) (got claims, err error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return got, o.settings.unproven(errors.New("there is no id_token"))
	}
	keys := o.keySet(m)
	verifier := oidc.NewVerifier(m.Issuer, keys, &oidc.Config{
		ClientID: o.settings.ClientID, SupportedSigningAlgs: m.signatures(), Now: o.now,
		SkipIssuerCheck: o.quirks.tenants, // checked below, tenant by tenant
	})
	parsed, err := verifier.Verify(ctx, raw)
	if err != nil && ctx.Err() != nil {
		return got, o.settings.silent(err)
	}
	if err == nil {
		err = parsed.Claims(&got)
	}
	switch {
	case err != nil:
	case o.quirks.tenants:
		err = fromTenant(m.Issuer, got)
	default:
		got.Issuer = m.Issuer // Google writes it in two ways
	}
	if err == nil && parsed.AccessTokenHash != "" {
		err = parsed.VerifyAccessToken(token.AccessToken)
	}
	if err == nil {
		err = o.meant(parsed, got, a)
	}
	if err != nil {
		return got, o.settings.unproven(err)
	}
	return got, o.fresh(got, a)
}

// meant checks that the token is for us and for this attempt.
func (o *openid) meant(parsed *oidc.IDToken, got claims, a Attempt) error {
	switch {
	case subtle.ConstantTimeCompare([]byte(parsed.Nonce), []byte(a.Nonce)) != 1:
		return errors.New("the id_token is for another attempt")
	case got.Party != "" && got.Party != o.settings.ClientID:
		return fmt.Errorf("the id_token was given to %.200q", got.Party)
	case got.Party == "" && len(parsed.Audience) > 1:
		return errors.New("the id_token is for several and does not say to whom it was given")
	}
	return nil
}

// clockSkew is how far a provider's clock may be from ours.
const clockSkew = time.Minute

// fresh checks, where the person had to sign in anew, that they did so during the
// attempt: by the provider's word. What goes through the browser can be changed there.
func (o *openid) fresh(got claims, a Attempt) error {
	switch {
	case !a.Confirm, got.AuthTime == nil && !o.quirks.tellsWhen:
		return nil
	case got.AuthTime == nil:
		return o.settings.notFresh(errors.New("the id_token has no auth_time"))
	}
	if at := time.Unix(int64(*got.AuthTime), 0); at.Before(a.Begun.Add(-clockSkew)) {
		return o.settings.notFresh(fmt.Errorf("the last sign-in there was at %s", at.UTC()))
	}
	return nil
}

// complete asks the userinfo endpoint for what the id_token lacks.
func (o *openid) complete(ctx context.Context, m *metadata, token *oauth2.Token, got *claims) error {
	var more claims
	header := http.Header{"Authorization": {"Bearer " + token.AccessToken}}
	if _, err := get(ctx, o.client, m.UserInfo, header, &more); err != nil {
		return o.settings.silent(err)
	}
	if more.Subject != got.Subject {
		return o.settings.unproven(errors.New("the userinfo is about somebody else"))
	}
	if got.Email == "" {
		got.Email, got.Verified = more.Email, more.Verified
	}
	if got.name() == "" {
		got.Name = more.name()
	}
	if got.Preferred == "" {
		got.Preferred = more.Preferred
	}
	return nil
}

// keySet keeps the keys for as long as the provider publishes them at one place.
func (o *openid) keySet(m *metadata) *keySet {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keys == nil || o.keys.address != m.JWKS || !slices.Equal(o.keys.algs, algorithms(m)) {
		o.keys = &keySet{address: m.JWKS, client: o.client, algs: algorithms(m)}
		if o.quirks.tenants {
			o.keys.issuer = keyOfTenant
		}
	}
	return o.keys
}

func algorithms(m *metadata) (all []jose.SignatureAlgorithm) {
	for _, name := range m.signatures() {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	return all
}

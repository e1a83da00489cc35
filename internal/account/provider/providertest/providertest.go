// Package providertest is the other side of a sign-in, on loopback: servers that answer
// as Google, Microsoft, Apple and GitHub document it, a real OpenID Connect provider
// (zitadel's), and a browser that goes back and forth between them and the app.
//
// The servers are for what no general provider shows. A test changes what they say
// through their fields, to see it refused.
package providertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/peisear/peisear/internal/account/provider"
)

// The client that all servers know.
const (
	ClientID     = "client-1234567890"
	ClientSecret = "s3cret/with+signs=&%"
)

// Person is who is in front of the browser.
type Person struct {
	Subject  string
	Email    string
	Verified bool
	Name     string
	Tenant   string // Microsoft's
}

// Server is a provider. What a test changes of it counts from the next request on.
type Server struct {
	URL      string
	Redirect string // the one address that is registered

	mu       sync.Mutex
	person   Person
	claims   func(map[string]any)                                       // changes an id_token before it is signed
	signs    func(public jose.JSONWebKey, claims map[string]any) string // signs it instead
	metadata func(map[string]any)                                       // changes what is published
	answer   func(url.Values)                                           // changes the answer that the browser carries
	keys     []jose.JSONWebKey                                          // the first signs
	keyOwner string                                                     // Microsoft's: the issuer that the keys are for
	down     bool
	off      time.Duration // how wrong the clock is
	grants   map[string]grant
	named    bool // Apple has told the name
	fetched  map[string]int
	crowd    int // how many have come, where everybody is somebody else

	t     testing.TB
	kind  provider.ID
	apple *ecdsa.PublicKey
}

// grant is what a code stands for.
type grant struct {
	person    Person
	nonce     string
	challenge string
	redirect  string
	authTime  time.Time
}

// Settings returns what an operator would enter for this server.
func (s *Server) Settings() provider.Settings {
	set := provider.Settings{ID: s.kind, ClientID: ClientID, Secret: ClientSecret, URL: s.URL}
	switch s.kind {
	case provider.Apple:
		private, public := appleKey(s.t)
		set.Secret, set.TeamID, set.KeyID = private, "TEAM123456", "KEY1234567"
		s.apple = public
	case provider.OpenID:
		set.URL, set.Issuer, set.Name = "", s.URL, "Example ID"
	case provider.Google, provider.GitHub, provider.Microsoft:
	}
	return set
}

// SignIn puts a person in front of the browser.
func (s *Server) SignIn(p Person) { s.with(func() { s.person = p }) }

// Crowd puts somebody else in front of every browser from now on.
func (s *Server) Crowd() { s.with(func() { s.crowd = 1 }) }

// Claims changes every id_token before it is signed.
func (s *Server) Claims(f func(map[string]any)) { s.with(func() { s.claims = f }) }

// Sign replaces how id_tokens are signed; public is the key that the server publishes.
func (s *Server) Sign(f func(public jose.JSONWebKey, claims map[string]any) string) {
	s.with(func() { s.signs = f })
}

// Metadata changes what the server publishes about itself.
func (s *Server) Metadata(f func(map[string]any)) { s.with(func() { s.metadata = f }) }

// Answer changes what the browser carries back.
func (s *Server) Answer(f func(url.Values)) { s.with(func() { s.answer = f }) }

// now is the time on the server's clock.
func (s *Server) now() (t time.Time) {
	s.with(func() { t = time.Now().Add(s.off) })
	return t
}

// Down lets the server answer 503 to everything, or not any more.
func (s *Server) Down(down bool) { s.with(func() { s.down = down }) }

// ClockOff sets the server's clock, by so much from ours.
func (s *Server) ClockOff(d time.Duration) { s.with(func() { s.off = d }) }

// KeyOwner lets Microsoft's keys be for one issuer only.
func (s *Server) KeyOwner(issuer string) { s.with(func() { s.keyOwner = issuer }) }

// RotateKeys replaces the key that signs; keep says whether the old one stays published.
func (s *Server) RotateKeys(keep bool) {
	key := newKey(s.t, fmt.Sprint("key-", len(s.keys)+1, rand.Text()[:4]))
	s.with(func() {
		if s.keys = append([]jose.JSONWebKey{key}, s.keys...); !keep {
			s.keys = s.keys[:1]
		}
	})
}

// NoKeys lets the server publish an empty set.
func (s *Server) NoKeys() { s.with(func() { s.keys = nil }) }

// Fetched is how often a path was asked for.
func (s *Server) Fetched(path string) (n int) {
	s.with(func() { n = s.fetched[path] })
	return n
}

func (s *Server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// New starts a server that behaves as the provider; browsers come back to redirect.
func New(t testing.TB, kind provider.ID, redirect string) *Server {
	t.Helper()
	s := &Server{t: t, kind: kind, Redirect: redirect, grants: map[string]grant{}, fetched: map[string]int{}}
	s.keys = []jose.JSONWebKey{newKey(t, "key-1")}
	s.person = Person{Subject: "110169484474386276334", Email: "ann@example.org", Verified: true, Name: "Ann Example", Tenant: "9122040d-6c67-4c5b-b112-36a304b66dad"}
	mux := http.NewServeMux()
	switch kind {
	case provider.GitHub:
		s.person.Subject = "583231"
		s.github(mux)
	default:
		s.openid(mux)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var down bool
		s.with(func() {
			down = s.down
			s.fetched[r.URL.Path]++
			w.Header().Set("Date", time.Now().Add(s.off).UTC().Format(http.TimeFormat))
		})
		if down {
			http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// sign makes an id_token.
func (s *Server) sign(claims map[string]any) string {
	var key jose.JSONWebKey
	s.with(func() {
		if s.claims != nil {
			s.claims(claims)
		}
		if len(s.keys) > 0 {
			key = s.keys[0]
		} else {
			key = newKey(s.t, "gone")
		}
	})
	if s.signs != nil {
		return s.signs(key.Public(), claims)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		s.t.Error(err)
		return ""
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		s.t.Error(err)
	}
	return token
}

// accepts checks a request at the token endpoint and returns what its code stands for,
// or the protocol's word for what is wrong. A code is good once.
func (s *Server) accepts(r *http.Request) (g grant, wrong string) {
	id, secret, basic := r.BasicAuth()
	if basic { // RFC 6749, 2.3.1: both are encoded as in a form
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	good := secret == ClientSecret
	if s.kind == provider.Apple {
		good = !basic && s.appleAccepts(secret)
	}
	if id != ClientID || !good {
		return g, "invalid_client"
	}
	var ok bool
	s.with(func() {
		g, ok = s.grants[r.PostFormValue("code")]
		delete(s.grants, r.PostFormValue("code"))
	})
	proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(proof[:]) != g.challenge {
		return g, "invalid_grant"
	}
	return g, ""
}

// grant keeps what a new code stands for.
func (s *Server) grant(q url.Values) (code string) {
	code = rand.Text()
	s.with(func() {
		who := s.person
		if s.crowd > 0 {
			who.Subject, who.Email = fmt.Sprint(who.Subject, s.crowd), fmt.Sprintf("user%d@example.org", s.crowd)
			s.crowd++
		}
		s.grants[code] = grant{
			person: who, nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), authTime: time.Now().Add(s.off),
		}
	})
	return code
}

// newKey makes keys quickly: all servers of a process share the first.
func newKey(t testing.TB, id string) jose.JSONWebKey {
	t.Helper()
	if id == "key-1" {
		return jose.JSONWebKey{Key: firstKey(), KeyID: id, Algorithm: "RS256", Use: "sig"}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Error(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: "RS256", Use: "sig"}
}

var firstKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func appleKey(t testing.TB) (private string, public *ecdsa.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), &key.PublicKey
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

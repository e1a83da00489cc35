package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/peisear/peisear/internal/account/provider"
)

// places are the paths of a provider's endpoints.
type places struct{ metadata, authorize, token, userInfo, keys string }

func placesOf(kind provider.ID) places {
	switch kind {
	case provider.Google:
		return places{"/.well-known/openid-configuration", "/o/oauth2/v2/auth", "/token", "/v1/userinfo", "/oauth2/v3/certs"}
	case provider.Microsoft:
		return places{"/{tenant}/v2.0/.well-known/openid-configuration", "/{tenant}/oauth2/v2.0/authorize", "/{tenant}/oauth2/v2.0/token", "", "/{tenant}/discovery/v2.0/keys"}
	case provider.Apple:
		return places{"/.well-known/openid-configuration", "/auth/authorize", "/auth/token", "", "/auth/keys"}
	case provider.GitHub, provider.OpenID:
	}
	return places{"/.well-known/openid-configuration", "/authorize", "/token", "/userinfo", "/keys"}
}

func (s *Server) openid(mux *http.ServeMux) {
	at := placesOf(s.kind)
	mux.HandleFunc("GET "+at.metadata, func(w http.ResponseWriter, r *http.Request) { writeJSON(w, http.StatusOK, s.published(at, r)) })
	mux.HandleFunc("GET "+at.authorize, s.authorize)
	mux.HandleFunc("POST "+at.token, s.token)
	mux.HandleFunc("GET "+at.keys, s.jwks)
	if at.userInfo != "" {
		mux.HandleFunc("GET "+at.userInfo, s.userInfo)
	}
}

// published is the metadata; what is not listed here the provider does not publish.
func (s *Server) published(at places, r *http.Request) map[string]any {
	here := func(path string) string { return s.URL + strings.ReplaceAll(path, "{tenant}", r.PathValue("tenant")) }
	m := map[string]any{
		"issuer":                                s.URL,
		"authorization_endpoint":                here(at.authorize),
		"token_endpoint":                        here(at.token),
		"jwks_uri":                              here(at.keys),
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	more := map[provider.ID]map[string]any{
		provider.Google: {
			"userinfo_endpoint": here(at.userInfo), "scopes_supported": []string{"openid", "email", "profile"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
			"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture", "sub"},
			"code_challenge_methods_supported":      []string{"plain", "S256"},
			"response_types_supported":              []string{"code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token", "none"},
		},
		provider.Microsoft: {
			"issuer":                                s.URL + "/{tenantid}/v2.0",
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
			"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
			"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email"},
			"subject_types_supported":               []string{"pairwise"},
		},
		provider.Apple: {
			"token_endpoint_auth_methods_supported": []string{"client_secret_post"},
			"scopes_supported":                      []string{"openid", "email", "name"},
			"response_modes_supported":              []string{"query", "fragment", "form_post"},
			"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "iat", "is_private_email", "iss", "nonce", "nonce_supported", "real_user_status", "sub", "transfer_sub"},
			"subject_types_supported":               []string{"pairwise"},
		},
		provider.OpenID: {
			"userinfo_endpoint": here(at.userInfo), "scopes_supported": []string{"openid", "email", "profile"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
			"claims_supported":                      []string{"sub", "email", "email_verified", "name", "auth_time"},
			"code_challenge_methods_supported":      []string{"S256"},
		},
	}
	maps.Copy(m, more[s.kind])
	if tenant := r.PathValue("tenant"); len(tenant) == 36 {
		m["issuer"] = s.URL + "/" + tenant + "/v2.0"
	}
	s.with(func() {
		if s.metadata != nil {
			s.metadata(m)
		}
	})
	return m
}

// authorize sends the browser back at once: the person agrees to everything.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	wantsForm := s.kind == provider.Apple // who asks for a name or address must take a form
	if q.Get("client_id") != ClientID || q.Get("redirect_uri") != s.Redirect || q.Get("response_type") != "code" ||
		wantsForm != (q.Get("response_mode") == "form_post") {
		http.Error(w, "<h1>invalid request: redirect_uri_mismatch</h1>", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if q.Get("prompt") == "none" {
		answer.Set("error", "login_required")
	} else {
		answer.Set("code", s.grant(q))
	}
	var user string
	s.with(func() {
		if !s.named && wantsForm {
			s.named = true
			first, last, _ := strings.Cut(s.person.Name, " ")
			user = fmt.Sprintf(`{"name":{"firstName":%q,"lastName":%q},"email":%q}`, first, last, s.person.Email)
		}
		if s.answer != nil {
			s.answer(answer)
		}
	})
	if !wantsForm {
		http.Redirect(w, r, s.Redirect+"?"+answer.Encode(), http.StatusFound)
		return
	}
	if user != "" && answer.Get("error") == "" {
		answer.Set("user", user)
	}
	form(w, s.Redirect, answer)
}

// form is the page that posts itself.
func form(w http.ResponseWriter, action string, fields url.Values) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	_, _ = fmt.Fprintf(w, `<html><body onload="document.forms[0].submit()"><form method="post" action="%s">`, html.EscapeString(action))
	for name := range fields {
		_, _ = fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(fields.Get(name)))
	}
	_, _ = fmt.Fprint(w, `</form></body></html>`)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	g, wrong := s.accepts(r)
	if wrong != "" {
		status := http.StatusBadRequest
		if wrong == "invalid_client" && s.kind != provider.Apple {
			status = http.StatusUnauthorized
		}
		writeJSON(w, status, map[string]any{"error": wrong, "error_description": "AADSTS70008: what was sent is not good"})
		return
	}
	access := "access-of-" + g.person.Subject
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 3599, "id_token": s.sign(s.idToken(g, access)),
	})
}

func (s *Server) idToken(g grant, access string) map[string]any {
	now, sum := s.now(), sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": s.URL, "aud": ClientID, "sub": g.person.Subject, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": g.nonce,
	}
	first, last, _ := strings.Cut(g.person.Name, " ")
	hash := base64.RawURLEncoding.EncodeToString(sum[:16])
	switch s.kind {
	case provider.Google:
		maps.Copy(claims, map[string]any{
			"azp": ClientID, "at_hash": hash, "email": g.person.Email, "email_verified": g.person.Verified,
			"name": g.person.Name, "given_name": first, "family_name": last,
		})
	case provider.Microsoft:
		maps.Copy(claims, map[string]any{
			"iss": s.URL + "/" + g.person.Tenant + "/v2.0", "tid": g.person.Tenant, "ver": "2.0", "nbf": now.Unix(), "oid": "00000000-0000-0000-66f3-3332eca7ea81",
			"name": g.person.Name, "preferred_username": g.person.Email, "email": g.person.Email, "email_verified": true,
		})
	case provider.Apple:
		maps.Copy(claims, map[string]any{
			"at_hash": hash, "email": g.person.Email, "email_verified": fmt.Sprint(g.person.Verified), "is_private_email": "false",
			"auth_time": g.authTime.Unix(), "nonce_supported": true, "exp": now.Add(24 * time.Hour).Unix(),
		})
	case provider.OpenID:
		claims["auth_time"] = g.authTime.Unix()
	case provider.GitHub:
	}
	return claims
}

func (s *Server) userInfo(w http.ResponseWriter, r *http.Request) {
	var p Person
	s.with(func() { p = s.person })
	if r.Header.Get("Authorization") != "Bearer access-of-"+p.Subject {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	claims := map[string]any{"sub": p.Subject, "email": p.Email, "email_verified": p.Verified, "name": p.Name}
	s.with(func() {
		if s.kind == provider.OpenID && s.claims != nil {
			s.claims(claims)
		}
	})
	writeJSON(w, http.StatusOK, claims)
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) {
	all := []any{map[string]any{"kty": "OKP", "crv": "X448", "kid": "of-another-kind", "x": "AAAA", "use": "sig"}}
	s.with(func() {
		if s.keys == nil {
			all = []any{}
		}
		for _, k := range s.keys {
			public := map[string]any{}
			text, err := k.Public().MarshalJSON()
			if err != nil {
				s.t.Error(err)
			}
			decode(s.t, text, &public)
			if s.kind == provider.Microsoft {
				if public["issuer"] = s.keyOwner; s.keyOwner == "" {
					public["issuer"] = s.URL + "/{tenantid}/v2.0"
				}
			}
			all = append(all, public)
		}
	})
	writeJSON(w, http.StatusOK, map[string]any{"keys": all})
}

// appleAccepts verifies the client's secret as Apple documents it.
func (s *Server) appleAccepts(secret string) bool {
	token, err := jwt.ParseSigned(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(token.Headers) != 1 || token.Headers[0].KeyID != "KEY1234567" {
		return false
	}
	var claims jwt.Claims
	if token.Claims(s.apple, &claims) != nil || claims.Expiry == nil || claims.IssuedAt == nil {
		return false
	}
	halfYear := time.Duration(15777000) * time.Second
	return claims.Expiry.Time().Before(s.now().Add(halfYear)) &&
		claims.Validate(jwt.Expected{Issuer: "TEAM123456", Subject: ClientID, AnyAudience: jwt.Audience{s.URL}, Time: s.now()}) == nil
}

package provider

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// appleSecretLifetime is short: each is used once. Apple takes half a year.
const appleSecretLifetime = 5 * time.Minute

// apple answers by a form that the browser posts, which is what it asks for where
// somebody wants to know a name. It tells the name the first time only, and beside the
// id_token. It always asks the person, and knows no prompt.
func apple(s Settings, q *quirks) {
	q.issuer = placeOf(s, appleURL)
	q.scopes = []string{"openid", "name", "email"}
	q.always = map[string]string{"response_mode": "form_post"}
	q.confirm, q.tellsWhen = nil, false
	q.secretInBody = true
	q.userInfo = false
	q.secret = func(issuer string, now time.Time) (string, error) { return appleSecret(s, issuer, now) }
	q.identity = func(got claims, in Answer) Identity {
		who := identityOf(got, in)
		if who.Name == "" {
			who.Name = appleName(in.User)
		}
		return who
	}
}

// appleSecret is what Apple takes for a client's secret: our own word, signed.
func appleSecret(s Settings, issuer string, now time.Time) (string, error) {
	key, err := parseAppleKey(s.Secret)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: s.KeyID}}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: s.TeamID, Subject: s.ClientID, Audience: jwt.Audience{issuer},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(appleSecretLifetime)),
	}).Serialize()
}

// appleName reads what Apple posts beside the code. It is not signed: good for a name,
// for nothing else.
func appleName(user string) string {
	var u struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal([]byte(user), &u) != nil {
		return ""
	}
	return strings.TrimSpace(u.Name.First + " " + u.Name.Last)
}

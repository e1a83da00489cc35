// Package accounttest gives the tests of other slices signed-in users. The tokens
// are real; only their keys are the tests' own.
//
//	ann := accounttest.User(t, d, "ann")
//	h := api.Handler(accounttest.Authenticate)
//	basetest.Do(t, h, "GET", "/api/notes", accounttest.Sign(t, ann), "")
package accounttest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/secret"
)

// User adds an active user, name@example.org, who has no password. The database has
// the migrations of live and account.
func User(t testing.TB, d *db.DB, name string) account.Actor {
	t.Helper()
	email := name + "@example.org"
	u, err := db.Write(t.Context(), d, func(tx *db.Tx) (query.User, error) {
		return query.New(tx).CreateUser(t.Context(), query.CreateUserParams{
			ID: uuid.Must(uuid.NewV7()).String(), Email: email, EmailFolded: account.Fold(email),
			DisplayName: name, Role: string(account.User), Now: tx.Micros(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return account.Actor{ID: u.ID, Role: account.User, Session: uuid.NewString()}
}

// Sign returns the headers of a request that the actor makes.
func Sign(t testing.TB, by account.Actor) map[string]string {
	t.Helper()
	tokens, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Sign(by, 1)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"Authorization": "Bearer " + token}
}

// Authenticate is the middleware that accepts what Sign has signed.
func Authenticate(next http.Handler) http.Handler {
	return account.Authenticated(next, func(_ context.Context, token string) (account.Identity, error) {
		tokens, err := shared()
		if err != nil {
			return account.Identity{}, err
		}
		return tokens.Verify(token)
	})
}

// Keys returns the tests' own keys: making a pair takes longer than most tests.
func Keys(t testing.TB) secret.KeyPair {
	t.Helper()
	keys, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// pair and shared are made once per test process.
var (
	pair = sync.OnceValues(func() (secret.KeyPair, error) {
		private, public, err := secret.NewPEM()
		if err != nil {
			return secret.KeyPair{}, fmt.Errorf("test keys: %w", err)
		}
		return secret.NewKeyPair(private, public)
	})
	shared = sync.OnceValues(func() (*account.Tokens, error) {
		keys, err := pair()
		return account.NewTokens(keys, "http://accounttest", time.Hour, time.Now), err
	})
)

package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestNobodyWaitsInAnAccountForItsOwner: where anybody may sign up, whoever takes somebody
// else's address first keeps nothing once the owner sets a password by a mail.
func TestNobodyWaitsInAnAccountForItsOwner(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		a := open(t, database, map[string]string{"REGISTRATION": "open"})
		d, err := db.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ada, _ := signUp(t, a)
		var in struct {
			AccessToken string
			User        struct{ ID string }
		}
		into(t, do(t, a, nil, http.MethodPost, "/api/auth/signup/password", `{"email":"owner@example.org","password":"correct horse","displayName":"Owner"}`, http.StatusCreated), &in)
		eve, id := map[string]string{"Authorization": "Bearer " + in.AccessToken}, in.User.ID
		var token struct{ Token string }
		into(t, do(t, a, eve, http.MethodPost, "/api/account/tokens", `{"name":"t","scope":"write"}`, http.StatusCreated), &token)
		program := map[string]string{"Authorization": "Bearer " + token.Token}
		do(t, a, program, http.MethodGet, "/api/auth/me", "", http.StatusOK)
		ways := []column{{"totp", "user_id"}, {"totp_draft", "user_id"}, {"recovery_code", "user_id"}, {"passkey", "user_id"}, {"identity", "user_id"}, {"oauth_attempt", "user_id"}}
		for _, c := range ways {
			exec(t, d, seeds()[c], id)
		}
		ways = append(ways, column{"session", "user_id"}, column{"api_token", "user_id"})

		sum := sha256.Sum256([]byte("CODE"))
		exec(t, d, "INSERT INTO password_reset (token, user_id, mailed, expires_at) VALUES ('"+hex.EncodeToString(sum[:])+"', $1, TRUE, 9999999999999999)", id)
		var check struct{ Valid, First bool }
		into(t, do(t, a, nil, http.MethodPost, "/api/auth/password/reset/check", `{"code":"CODE"}`, http.StatusOK), &check)
		if !check.Valid || !check.First {
			t.Errorf("%+v", check)
		}
		do(t, a, nil, http.MethodPost, "/api/auth/password/reset", `{"code":"CODE","password":"new password"}`, http.StatusNoContent)
		for _, c := range ways {
			if left := count(t, d, c, id); left != 0 {
				t.Errorf("%s: %d are left", c.table, left)
			}
		}
		do(t, a, program, http.MethodGet, "/api/auth/me", "", http.StatusUnauthorized)
		do(t, a, eve, http.MethodGet, "/api/auth/me", "", http.StatusUnauthorized)
		do(t, a, nil, http.MethodPost, "/api/auth/login", `{"email":"owner@example.org","password":"new password"}`, http.StatusOK)

		var trail struct{ Items []json.RawMessage }
		into(t, do(t, a, ada, http.MethodGet, "/api/admin/audit?entity=password&user="+id, "", http.StatusOK), &trail)
		if len(trail.Items) != 1 {
			t.Errorf("%d entries: %s", len(trail.Items), trail.Items)
		}
	})
}

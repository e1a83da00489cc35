package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// wantConfirm reports an error that is not the question for a proof of identity.
func wantConfirm(t *testing.T, what string, err error) {
	t.Helper()
	if !errs.Is(err, errs.Forbidden) || errs.Of(err).Code != "confirm" {
		t.Errorf("%s: %v", what, err)
	}
}

func TestFreshForFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		s := n.signUp(t, "ann", account.User)
		by := actor(t, n, s)
		login, err := n.Login(ctx, home, "ann@example.org", password)
		if err != nil {
			t.Fatal(err)
		}
		other := actor(t, n, login)
		if err := n.Confirmed(ctx, by); err != nil {
			t.Errorf("right after the sign-in: %v", err)
		}
		n.clock.pass(5*time.Minute - time.Microsecond)
		if err := n.Confirmed(ctx, by); err != nil {
			t.Errorf("before five minutes: %v", err)
		}
		n.clock.pass(time.Microsecond)
		wantConfirm(t, "after five minutes", n.Confirmed(ctx, by))
		if _, err := n.refresh(t, s, "a1"); err != nil {
			t.Fatal(err)
		}
		wantConfirm(t, "a refresh is no proof", n.Confirmed(ctx, by))

		until, err := n.ConfirmPassword(ctx, home, by, password)
		if err != nil || until.Sub(n.clock.Now()).Round(time.Millisecond) != 5*time.Minute {
			t.Errorf("%v, %v", until, err)
		}
		if err := n.Confirmed(ctx, by); err != nil {
			t.Errorf("confirmed: %v", err)
		}
		wantConfirm(t, "another session of the same user", n.Confirmed(ctx, other))

		bob := actor(t, n, n.signUp(t, "bob", account.User))
		wantKind(t, "in another's session", n.Confirmed(ctx, account.Actor{ID: bob.ID, Session: by.Session}), errs.Unauthorized)
		_, err = n.Confirm(ctx, account.Actor{ID: bob.ID, Session: by.Session}, nil)
		wantKind(t, "confirming another's session", err, errs.Unauthorized)
		wantKind(t, "without a session", n.Confirmed(ctx, account.Actor{ID: bob.ID}), errs.Unauthorized)
		if err := n.EndSessions(ctx, by, "", false, account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "ended", n.Confirmed(ctx, by), errs.Unauthorized)
		_, err = n.Confirm(ctx, by, nil)
		wantKind(t, "confirming an ended one", err, errs.Unauthorized)
	})
}

// TestConfirmIsUsedWithItsProof: a proof that cannot be used up confirms nothing.
func TestConfirmIsUsedWithItsProof(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		by := actor(t, n, n.signUp(t, "ann", account.User))
		n.clock.pass(time.Hour)
		refused := errs.New(errs.Conflict, "used before")
		_, err := n.Confirm(t.Context(), by, func(context.Context, *db.Tx) error { return refused })
		if !errors.Is(err, refused) {
			t.Error(err)
		}
		wantConfirm(t, "after it", n.Confirmed(t.Context(), by))
		_, err = n.Confirm(t.Context(), by, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE users SET display_name = 'used'")
			return err
		})
		if err != nil || n.count(t, "users", "display_name = 'used'") != 1 || n.Confirmed(t.Context(), by) != nil {
			t.Errorf("a good one: %v", err)
		}
	})
}

// TestConfirmingIsAsSlowAsALogin: the password is guessed nowhere else, and both count
// together.
func TestConfirmingIsAsSlowAsALogin(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		by := actor(t, n, n.signUp(t, "ann", account.User))
		for i := range 5 {
			_, err := n.ConfirmPassword(t.Context(), home, by, "wrong password")
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.password" {
				t.Errorf("%d: %v", i, err)
			}
			wantKind(t, "login", n.login(t, home.IP.String(), "ann@example.org", "wrong password"), errs.Unauthorized)
		}
		for i := range 2 {
			_, err := n.ConfirmPassword(t.Context(), home, by, password)
			wantKind(t, fmt.Sprint("after ten ", i), err, errs.RateLimited)
		}
		if n.clock.waited() != 9*time.Second {
			t.Errorf("waited %v between ten", n.clock.waited())
		}
		n.clock.pass(time.Minute)
		if _, err := n.ConfirmPassword(t.Context(), home, by, password); err != nil {
			t.Error(err)
		}
		n.exec(t, "UPDATE users SET password_hash = NULL")
		_, err := n.ConfirmPassword(t.Context(), home, by, password)
		wantKind(t, "without a password", err, errs.Invalid)
	})
}

func TestConfirmOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		n.clock.pass(6 * time.Minute)
		own := decode[map[string]any](t, n.send(t, http.MethodGet, "/api/account", bearer(s.AccessToken), ""))
		if own["confirmedUntil"] != nil {
			t.Errorf("%v", own)
		}
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "wrong", Method: "POST", Path: "/api/account/confirm", Header: bearer(s.AccessToken), Body: `{"password":"wrong password"}`, Status: 422, Has: []string{`"body.password"`}},
			{Name: "right", Method: "POST", Path: "/api/account/confirm", Header: bearer(s.AccessToken), Body: `{"password":"correct horse"}`, Status: 200, Has: []string{`"confirmedUntil":"`}},
			{Name: "nobody", Method: "POST", Path: "/api/account/confirm", Body: `{"password":"correct horse"}`, Status: 401},
		})
		own = decode[map[string]any](t, n.send(t, http.MethodGet, "/api/account", bearer(s.AccessToken), ""))
		if own["confirmedUntil"] == nil {
			t.Errorf("%v", own)
		}
	})
}

package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		own, err := n.Own(t.Context(), actor(t, n, s))
		if err != nil || own.Profile != s.User || !own.HasPassword || own.PendingEmail != nil ||
			time.Since(own.CreatedAt) > time.Hour || own.ConfirmedUntil == nil {
			t.Errorf("%+v, %v", own, err)
		}
		got := decode[map[string]any](t, n.send(t, http.MethodGet, "/api/account", bearer(s.AccessToken), ""))
		for _, field := range []string{"id", "email", "displayName", "role", "hasPassword", "pendingEmail", "createdAt", "confirmedUntil"} {
			if _, ok := got[field]; !ok {
				t.Errorf("%s is missing: %v", field, got)
			}
		}
		if len(got) != 8 {
			t.Errorf("more than that: %v", got)
		}
	})
}

func TestRename(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		header := bearer(s.AccessToken)
		header["Idempotency-Key"] = "m1"
		for range 2 { // sent again, it happens once
			got := decode[map[string]any](t, n.send(t, http.MethodPatch, "/api/account", header, `{"displayName":" Ann B. "}`))
			if got["displayName"] != "Ann B." || got["id"] != s.User.ID {
				t.Errorf("%v", got)
			}
		}
		id := s.User.ID
		if log := n.logged(t, "org"); strings.Count(log, "update person") != 1 ||
			!strings.Contains(log, fmt.Sprintf(`update person %s {"displayName":"Ann B."} {"displayName":"ann"}`, id)) {
			t.Error(log)
		}
		if log := n.logged(t, "admin"); strings.Count(log, "update user "+id) != 1 {
			t.Error(log)
		}
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "the same", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":"Ann B."}`, Status: 200},
			{Name: "nothing", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{}`, Status: 200, Has: []string{`"Ann B."`}},
			{Name: "null", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":null}`, Status: 422, Has: []string{"body.displayName"}},
			{Name: "empty", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":""}`, Status: 422, Has: []string{"body.displayName"}},
			{Name: "blank", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":"  "}`, Status: 422, Has: []string{"body.displayName"}},
			{Name: "shows nothing", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":"\u200b\u2060\u3164"}`, Status: 422, Has: []string{"body.displayName"}},
			{Name: "long", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"displayName":"` + strings.Repeat("ü", 101) + `"}`, Status: 422, Has: []string{"body.displayName"}},
			{Name: "role", Method: "PATCH", Path: "/api/account", Header: bearer(s.AccessToken), Body: `{"role":"admin"}`, Status: 422, Has: []string{"role"}},
			{Name: "stranger", Method: "PATCH", Path: "/api/account", Body: `{"displayName":"x"}`, Status: 401},
		})
		if strings.Count(n.logged(t, "org"), "update person") != 1 {
			t.Error("the same name is a change")
		}
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		s := n.signUp(t, "ann", account.User)
		bob := n.signUp(t, "bob", account.User)
		by, other := actor(t, n, s), n.loginFrom(t, "192.0.2.2", firefox, "ann")
		n.clock.pass(time.Hour) // a fresh sign-in is not asked for: the password is
		other, err := n.refresh(t, other, "a")
		if err != nil {
			t.Fatal(err)
		}
		if s, err = n.refresh(t, s, "a"); err != nil {
			t.Fatal(err)
		}
		if bob, err = n.refresh(t, bob, "a"); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct{ current, password, field string }{
			"wrong":      {"wrong password", "new password", "body.current"},
			"no current": {"", "new password", "body.current"},
			"short":      {password, "1234567", "body.password"},
			"NUL":        {password, "12345678\x00", "body.password"},
			"long":       {strings.Repeat("x", 129), "new password", "body.current"},
		} {
			err := n.ChangePassword(ctx, home, by, c.current, c.password, account.KeepPrograms)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != c.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n.me(t, other) != http.StatusOK {
			t.Error("a refused change has ended a session")
		}
		if err := n.ChangePassword(ctx, home, by, password, "new password", account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		for who, c := range map[string]struct {
			s    account.SignedIn
			want int
		}{"this session": {s, 200}, "the other": {other, 401}, "another user's": {bob, 200}} {
			if status := n.me(t, c.s); status != c.want {
				t.Errorf("%s: %d", who, status)
			}
		}
		_, err = n.refresh(t, other, "b")
		wantKind(t, "the other's refresh", err, errs.Unauthorized)
		wantKind(t, "the old password", n.login(t, "192.0.2.3", "ann@example.org", password), errs.Unauthorized)
		if err := n.login(t, "192.0.2.4", "ann@example.org", "new password"); err != nil {
			t.Errorf("the new one: %v", err)
		}
		if log := n.logged(t, "admin"); !strings.Contains(log, `create password `+by.ID+` {"event":"changed"}`) ||
			strings.Contains(log, "argon2") || strings.Contains(log, "new password") {
			t.Error(log)
		}
	})
}

// TestFirstPassword is for somebody who came by a provider: it needs a fresh sign-in.
func TestFirstPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s, err := n.SignUpWith(t.Context(), home, newcomer(n.invite(t, account.InviteDraft{}), "ann"))
		if err != nil {
			t.Fatal(err)
		}
		by := actor(t, n, s)
		n.clock.pass(5 * time.Minute)
		wantConfirm(t, "later", n.ChangePassword(t.Context(), home, by, "", password, account.KeepPrograms))
		if _, err := n.Confirm(t.Context(), by, nil); err != nil {
			t.Fatal(err)
		}
		if err := n.ChangePassword(t.Context(), home, by, "", password, account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		if err := n.login(t, "192.0.2.1", "ann@example.org", password); err != nil {
			t.Error(err)
		}
		err = n.ChangePassword(t.Context(), home, by, "", "another password", account.KeepPrograms)
		wantKind(t, "the second needs the first", err, errs.Invalid)
	})
}

// TestGuessingTheCurrentPasswordIsSlow, as it is at the login.
func TestGuessingTheCurrentPasswordIsSlow(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		by := actor(t, n, n.signUp(t, "ann", account.User))
		for range 10 {
			wantKind(t, "guess", n.ChangePassword(t.Context(), home, by, "wrong password", "new password", account.KeepPrograms), errs.Invalid)
		}
		wantKind(t, "the eleventh", n.ChangePassword(t.Context(), home, by, password, "new password", account.KeepPrograms), errs.RateLimited)
	})
}

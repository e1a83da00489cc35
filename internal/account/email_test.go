package account_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

// askFor asks for another address and returns the code that goes there.
func (n *node) askFor(t *testing.T, server *mailtest.Server, by account.Actor, email string) string {
	t.Helper()
	if err := n.ChangeEmail(t.Context(), by, email); err != nil {
		t.Fatal(err)
	}
	m := server.Next(t)
	if m.To != email || m.Subject() != "Confirm this e-mail address" {
		t.Errorf("%+v", m)
	}
	return codeIn(t, m, "verify")
}

func TestAskForAnotherAddress(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		by := actor(t, n, n.signUp(t, "ann", account.User))
		code := n.askFor(t, server, by, "Ann.B@example.net")
		n.Deliver(t.Context())
		if m := server.Next(t); m.To != "ann@example.org" || !strings.Contains(m.Text, "Ann.B@example.net") || strings.Contains(m.Text, code) {
			t.Errorf("the old address is told: %+v", m)
		}
		own, err := n.Own(t.Context(), by)
		if err != nil || own.Email != "ann@example.org" || own.PendingEmail == nil || *own.PendingEmail != "Ann.B@example.net" {
			t.Errorf("nothing changes yet: %+v, %v", own, err)
		}
		if n.count(t, "email_change", "token = $1", code) != 0 {
			t.Error("the code is kept as it is")
		}
	})
}

func TestVerifyAnotherAddress(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		s := n.signUp(t, "ann", account.User)
		by := actor(t, n, s)
		link, code := n.forgotten(t, server, "ann@example.org"), n.askFor(t, server, by, "Ann.B@example.net")
		n.Deliver(t.Context())
		server.Next(t) // the notice of the request
		answer := n.send(t, http.MethodPost, "/api/auth/email/verify", nil, body(map[string]any{"code": code}))
		if got := decode[map[string]any](t, answer); answer.StatusCode != http.StatusOK || got["email"] != "Ann.B@example.net" {
			t.Errorf("%d %v", answer.StatusCode, got)
		}
		n.Deliver(t.Context())
		if m := server.Next(t); m.To != "ann@example.org" || m.Subject() != "Your e-mail address was changed" {
			t.Errorf("%+v", m)
		}
		if own, err := n.Own(t.Context(), by); err != nil || own.Email != "Ann.B@example.net" || own.PendingEmail != nil || n.me(t, s) != http.StatusOK {
			t.Errorf("%+v, %v", own, err)
		}
		if err := n.login(t, "192.0.2.1", "ANN.B@example.net", password); err != nil {
			t.Error(err)
		}
		wantKind(t, "the old address", n.login(t, "192.0.2.1", "ann@example.org", password), errs.Unauthorized)
		wantKind(t, "a link that went there", checked(n.CheckReset(t.Context(), home.IP, link)), errs.Invalid)
		_, err := n.VerifyEmail(t.Context(), home.IP, code)
		wantKind(t, "once more", err, errs.Invalid)
		n.wantAudit(t, []string{
			`create email ` + by.ID + ` {"email":"Ann.B@example.net"}`, `delete email ` + by.ID,
			`update user ` + by.ID + ` {"email":"Ann.B@example.net"} {"email":"ann@example.org"}`,
		}, code, link)
		if strings.Contains(n.logged(t, "org"), "example.net") {
			t.Error("everybody is told the address")
		}
	})
}

// wantAudit reports entries that the audit log lacks, and texts that it must not have.
func (n *node) wantAudit(t *testing.T, has []string, hasNot ...string) {
	t.Helper()
	log := n.logged(t, "admin")
	for _, text := range has {
		if !strings.Contains(log, text) {
			t.Errorf("%s is missing in %s", text, log)
		}
	}
	for _, text := range append(hasNot, "argon2") {
		if strings.Contains(log, text) {
			t.Errorf("%s is in %s", text, log)
		}
	}
}

func TestWhoMayChangeToWhat(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n, mailtest.Refuse("nobody@example.net"))
		ctx := t.Context()
		n.signUp(t, "bob", account.User)
		by := actor(t, n, n.signUp(t, "ann", account.User))
		for email, kind := range map[string]errs.Kind{
			"ann@example.org": errs.Invalid, "ann": errs.Invalid, "": errs.Invalid, "Ann <a@example.net>": errs.Invalid,
			"a@example.net\r\nBcc: b@example.net": errs.Invalid, "BOB@example.org": errs.Conflict,
		} {
			wantKind(t, email, n.ChangeEmail(ctx, by, email), kind)
		}
		err := n.ChangeEmail(ctx, by, "nobody@example.net")
		if !errs.Is(err, errs.Unavailable) || errs.Of(err).Code != "mail" || n.count(t, "email_change", "1 = 1") != 0 {
			t.Errorf("an address that takes no mail: %v", err)
		}
		if _, err := n.VerifyEmail(ctx, home.IP, n.askFor(t, server, by, "ANN@example.org")); err != nil {
			t.Errorf("the same in capitals: %v", err)
		}
		n.clock.pass(5 * time.Minute)
		wantConfirm(t, "later", n.ChangeEmail(ctx, by, "ann@example.net"))
		n.Deliver(ctx)
		if server.Waiting() != 2 { // the notices of the one that was asked for and done
			t.Errorf("%d mails", server.Waiting())
		}
	})
}

func TestPendingAddressesEnd(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, n *node, server *mailtest.Server, by account.Actor){
		"after a day": func(_ *testing.T, n *node, _ *mailtest.Server, _ account.Actor) { n.clock.pass(24 * time.Hour) },
		"withdrawn": func(t *testing.T, n *node, _ *mailtest.Server, by account.Actor) {
			for range 2 { // none is no error
				if err := n.WithdrawEmail(t.Context(), by, ""); err != nil {
					t.Error(err)
				}
			}
		},
		"with another request": func(t *testing.T, n *node, server *mailtest.Server, by account.Actor) {
			n.askFor(t, server, by, "third@example.net")
		},
		"with a new password": func(t *testing.T, n *node, _ *mailtest.Server, by account.Actor) {
			if err := n.ChangePassword(t.Context(), home, by, password, "new password", account.KeepPrograms); err != nil {
				t.Error(err)
			}
		},
		"with the account": func(t *testing.T, n *node, _ *mailtest.Server, by account.Actor) {
			if _, err := n.SetDisabled(t.Context(), account.Operator(), by.ID, true); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				n, server := mailing(t, n)
				n.signUp(t, "admin", account.Admin)
				by := actor(t, n, n.signUp(t, "ann", account.User))
				code := n.askFor(t, server, by, "second@example.net")
				end(t, n, server, by)
				_, err := n.VerifyEmail(t.Context(), home.IP, code)
				if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.code" || n.count(t, "users", "email = 'ann@example.org'") != 1 {
					t.Error(err)
				}
			})
		})
	}
}

// TestAnAddressIsTakenMeanwhile: whoever verifies first has it.
func TestAnAddressIsTakenMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		codes := []string{}
		for _, name := range []string{"ann", "bob", "carol"} {
			codes = append(codes, n.askFor(t, server, actor(t, n, n.signUp(t, name, account.User)), "new@example.net"))
		}
		var wg sync.WaitGroup
		var good atomic.Int64
		for _, code := range codes {
			wg.Go(func() {
				if _, err := n.VerifyEmail(t.Context(), home.IP, code); err == nil {
					good.Add(1)
				} else if !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if users := n.count(t, "users", "email_folded = $1", account.Fold("new@example.net")); good.Load() != 1 || users != 1 {
			t.Errorf("%d have it, %d succeeded", users, good.Load())
		}
	})
}

func TestEmailOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		s := n.signUp(t, "ann", account.User)
		header := bearer(s.AccessToken)
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "ask", Method: "POST", Path: "/api/account/email", Header: header, Body: `{"email":"new@example.net"}`, Status: 202},
			{Name: "pending", Path: "/api/account", Header: header, Status: 200, Has: []string{`"pendingEmail":"new@example.net"`}},
			{Name: "withdraw", Method: "DELETE", Path: "/api/account/email", Header: header, Status: 204},
			{Name: "none", Path: "/api/account", Header: header, Status: 200, Has: []string{`"pendingEmail":null`}},
		})
		n.clock.pass(5 * time.Minute)
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "its code", Method: "POST", Path: "/api/auth/email/verify", Body: body(map[string]any{"code": codeIn(t, server.Next(t), "verify")}), Status: 422, Has: []string{"body.code"}},
			{Name: "not fresh", Method: "POST", Path: "/api/account/email", Header: header, Body: `{"email":"new@example.net"}`, Status: 403, Has: []string{`"code":"confirm"`}},
			{Name: "stranger", Method: "POST", Path: "/api/account/email", Body: `{"email":"new@example.net"}`, Status: 401},
		})
	})
}

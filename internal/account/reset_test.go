package account_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
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

// mailing is a node that sends mail, and the server it sends to.
func mailing(t *testing.T, n *node, options ...mailtest.Option) (*node, *mailtest.Server) {
	t.Helper()
	server := mailtest.Start(t, options...)
	return newNode(t, n.db, func(s *account.Settings) { s.Mail = server.Sender(t) }), server
}

// codeIn returns the code of the one link in a mail.
func codeIn(t *testing.T, m mailtest.Mail, page string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(publicURL)+"/"+page+`#code=(\w+)\n`).FindAllStringSubmatch(m.Text, -1)
	if len(found) != 1 {
		t.Fatalf("%d links in %s", len(found), m.Text)
	}
	return found[0][1]
}

// forgotten asks for a new password and returns the code that comes by mail.
func (n *node) forgotten(t *testing.T, server *mailtest.Server, email string) string {
	t.Helper()
	if err := n.Forgot(t.Context(), home, email); err != nil {
		t.Fatal(err)
	}
	n.Deliver(t.Context())
	m := server.Next(t)
	for m.Subject() != "Set a new password" { // notices
		m = server.Next(t)
	}
	return codeIn(t, m, "reset")
}

func TestAskForANewPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		s := n.signUp(t, "ann", account.User)
		if err := n.Forgot(t.Context(), home, " ANN@example.org"); err != nil {
			t.Fatal(err)
		}
		if server.Waiting() != 0 {
			t.Error("the answer waits for the mail")
		}
		n.Deliver(t.Context())
		m := server.Next(t)
		code := codeIn(t, m, "reset")
		if m.To != "ann@example.org" || m.Subject() != "Set a new password" || !strings.Contains(m.Text, "30 minutes") || n.me(t, s) != http.StatusOK {
			t.Errorf("%+v", m)
		}
		if n.count(t, "password_reset", "token = $1", code) != 0 || n.count(t, "password_reset", "1 = 1") != 1 {
			t.Error("the code is kept as it is, or not at all")
		}
	})
}

func TestForgottenPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		ctx, ip := t.Context(), home.IP
		s, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		n.exec(t, "UPDATE users SET email_proven_at = 1")
		other, code := n.loginFrom(t, "192.0.2.2", firefox, "ann"), n.forgotten(t, server, "ann@example.org")
		for range 2 { // looking does not use it up
			if err := checked(n.CheckReset(ctx, ip, code)); err != nil {
				t.Error(err)
			}
		}
		wantKind(t, "a short password", n.Reset(ctx, ip, code, "1234567", account.EndPrograms), errs.Invalid)
		if err := n.Reset(ctx, ip, " "+code+"\n", "new password", account.EndPrograms); err != nil {
			t.Fatal(err)
		}
		for who, c := range map[string]struct {
			s    account.SignedIn
			want int
		}{"one session": {s, 401}, "the other": {other, 401}, "another user's": {bob, 200}} {
			if status := n.me(t, c.s); status != c.want {
				t.Errorf("%s: %d", who, status)
			}
		}
		wantKind(t, "the old password", n.login(t, "192.0.2.9", "ann@example.org", password), errs.Unauthorized)
		if err := n.login(t, "192.0.2.9", "ann@example.org", "new password"); err != nil {
			t.Error(err)
		}
		wantKind(t, "used", n.Reset(ctx, ip, code, "new password", account.EndPrograms), errs.Invalid)
		wantKind(t, "used", checked(n.CheckReset(ctx, ip, code)), errs.Invalid)
		n.Deliver(ctx)
		if m := server.Next(t); m.To != "ann@example.org" || m.Subject() != "Your password was changed" {
			t.Errorf("%+v", m)
		}
		n.wantAudit(t, []string{
			`create password ` + s.User.ID + ` {"event":"mail asked for"}`, `create password ` + s.User.ID + ` {"event":"reset"}`,
		}, code, "new password")
	})
}

// TestForgotTellsNothing: neither by the answer, nor by the limits, nor by work that is
// done before it.
func TestForgotTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		n.signUp(t, "admin", account.Admin)
		n.signUp(t, "ann", account.User)
		gone := n.signUp(t, "gone", account.User)
		if _, err := n.SetDisabled(t.Context(), account.Operator(), gone.User.ID, true); err != nil {
			t.Fatal(err)
		}
		for i := range 4 { // three, and one too many
			answers := map[string]bool{}
			for _, name := range []string{"ann", "gone", "nobody"} {
				before := n.Waiting()
				answer := n.send(t, http.MethodPost, "/api/auth/password/forgot", nil, body(map[string]any{"email": name + "@example.org"}))
				text, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				answer.Header.Del("X-Request-Id")
				answers[fmt.Sprint(answer.StatusCode, answer.Header, string(text), n.Waiting()-before)] = true
				if want := []int{202, 202, 202, 429}[i]; answer.StatusCode != want {
					t.Errorf("%d for %s: %d", i, name, answer.StatusCode)
				}
			}
			if len(answers) != 1 {
				t.Errorf("can be told apart: %v", answers)
			}
		}
		n.Deliver(t.Context())
		for range 3 {
			if m := server.Next(t); m.To != "ann@example.org" {
				t.Errorf("a mail to %s", m.To)
			}
		}
		if n.count(t, "password_reset", "1 = 1") != 3 || server.Waiting() != 0 {
			t.Errorf("%d more mails", server.Waiting())
		}
	})
}

func TestMailsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, _ = mailing(t, n)
		ask := func(ip, email string) error {
			return n.Forgot(t.Context(), account.Device{IP: netip.MustParseAddr(ip)}, email)
		}
		for i := range 3 {
			if err := ask(fmt.Sprint("192.0.2.", i), "ann@example.org"); err != nil {
				t.Fatal(err)
			}
		}
		err := ask("192.0.2.9", "ANN@example.org")
		if !errs.Is(err, errs.RateLimited) || errs.Of(err).RetryAfter.Round(time.Second) != 20*time.Minute {
			t.Errorf("the fourth to one address: %v", err)
		}
		for i := range 20 {
			if err := ask("198.51.100.1", fmt.Sprintf("user%d@example.org", i)); err != nil {
				t.Fatal(err)
			}
		}
		wantKind(t, "the twenty-first from one address", ask("198.51.100.1", "new@example.org"), errs.RateLimited)
		n.clock.pass(20 * time.Minute)
		if err := ask("192.0.2.9", "ann@example.org"); err != nil {
			t.Error(err)
		}
		n.Deliver(t.Context())
		var busy error
		for i := 0; busy == nil && i < 300; i++ {
			busy = ask(fmt.Sprintf("10.%d.%d.1", i/200, i%200), fmt.Sprintf("other%d@example.org", i))
		}
		if !errs.Is(busy, errs.Unavailable) || errs.Of(busy).RetryAfter == 0 || n.Waiting() != 256 {
			t.Errorf("%d wait: %v", n.Waiting(), busy)
		}
	})
}

// TestUnusableLinksLookTheSame, whatever the reason.
func TestUnusableLinksLookTheSame(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		n.signUp(t, "admin", account.Admin)
		gone, ann := n.signUp(t, "gone", account.User), n.signUp(t, "ann", account.User)
		disabled := n.forgotten(t, server, "gone@example.org")
		if _, err := n.SetDisabled(t.Context(), account.Operator(), gone.User.ID, true); err != nil {
			t.Fatal(err)
		}
		old := n.forgotten(t, server, "ann@example.org")
		n.clock.pass(30 * time.Minute)
		used, sibling := n.forgotten(t, server, "ann@example.org"), n.forgotten(t, server, "ann@example.org")
		if err := n.Reset(t.Context(), home.IP, used, "new password", account.EndPrograms); err != nil {
			t.Fatal(err)
		}
		n.clock.pass(time.Hour)
		changed := n.forgotten(t, server, "ann@example.org")
		if err := n.ChangePassword(t.Context(), home, actor(t, n, n.again(t, "ann", "new password")), "new password", password, account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		kept := n.text(t, "SELECT token FROM sign_in UNION SELECT 'x'")
		answers := map[string]bool{}
		for name, code := range map[string]string{
			"unknown": "AAAAAAAAAAAAAAAAAAAAAAAAAA", "empty": "", "too old": old, "used": used, "of an earlier mail": sibling,
			"after a change": changed, "of a disabled user": disabled, "as it is kept": kept, "long": strings.Repeat("A", 64),
		} {
			for _, path := range []string{"/api/auth/password/reset/check", "/api/auth/password/reset"} {
				fields := map[string]any{"code": code}
				if strings.HasSuffix(path, "reset") {
					fields["password"] = "another password"
				}
				answer := n.send(t, http.MethodPost, path, nil, body(fields))
				text, err := io.ReadAll(answer.Body)
				if err != nil || answer.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s at %s: %d %s", name, path, answer.StatusCode, text)
				}
				answers[string(text)] = true
			}
		}
		if len(answers) != 1 {
			t.Errorf("several answers: %v", answers)
		}
		if err := n.login(t, "192.0.2.77", ann.User.Email, password); err != nil {
			t.Errorf("the password is another: %v", err)
		}
	})
}

// again signs in with a password of their own.
func (n *node) again(t *testing.T, name, secret string) account.SignedIn {
	t.Helper()
	s, err := n.Login(t.Context(), account.Device{IP: netip.MustParseAddr("203.0.113.9")}, name+"@example.org", secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestALinkWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		n.signUp(t, "ann", account.User)
		code := n.forgotten(t, server, "ann@example.org")
		var wg sync.WaitGroup
		var good atomic.Int64
		for i := range 10 {
			wg.Go(func() {
				if err := n.Reset(t.Context(), home.IP, code, fmt.Sprint("new password ", i), account.EndPrograms); err == nil {
					good.Add(1)
				} else if !errs.Is(err, errs.Invalid) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if good.Load() != 1 {
			t.Errorf("%d passwords were set", good.Load())
		}
	})
}

// TestNoOldPasswordOutlivesAReset: of those who sign in with it meanwhile, nobody stays.
func TestNoOldPasswordOutlivesAReset(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		n.signUp(t, "ann", account.User)
		code := n.forgotten(t, server, "ann@example.org")
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				if i == 10 {
					if err := n.Reset(t.Context(), home.IP, code, "new password", account.EndPrograms); err != nil {
						t.Error(err)
					}
				}
				_ = n.login(t, fmt.Sprint("198.51.100.", i), "ann@example.org", password) // it depends
			})
		}
		wg.Wait()
		if left := n.count(t, "session", "1 = 1"); left != 0 {
			t.Errorf("%d sessions are left", left)
		}
	})
}

// TestAResetEndsWhatAnIntruderBegan: a sign-in that awaits its second factor, and a
// change of the address.
func TestAResetEndsWhatAnIntruderBegan(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		by := actor(t, n, n.signUp(t, "ann", account.User))
		n.exec(t, "UPDATE users SET email_proven_at = 1") // else the second factor would end, too
		if err := n.ChangeEmail(t.Context(), by, "eve@example.org"); err != nil {
			t.Fatal(err)
		}
		verify := codeIn(t, server.Next(t), "verify")
		n.Deliver(t.Context())
		server.Next(t) // the notice to Ann
		twoFactors(n)
		token := n.pending(t, "ann")
		if err := n.Reset(t.Context(), home.IP, n.forgotten(t, server, "ann@example.org"), "new password", account.EndPrograms); err != nil {
			t.Fatal(err)
		}
		_, err := n.Complete(t.Context(), home, token, enter(true))
		wantKind(t, "the sign-in", err, errs.Unauthorized)
		_, err = n.VerifyEmail(t.Context(), home.IP, verify)
		wantKind(t, "the address", err, errs.Invalid)
		if s, err := n.Login(t.Context(), home, "ann@example.org", "new password"); err != nil || s.Pending == nil {
			t.Errorf("the second factor stays: %+v, %v", s, err)
		}
	})
}

func TestLinkOfAnAdmin(t *testing.T) {
	each(t, func(t *testing.T, n *node) { // a node without mail
		admin, s := actor(t, n, n.signUp(t, "admin", account.Admin)), n.signUp(t, "ann", account.User)
		ann := actor(t, n, s)
		link, expires, err := n.ResetLink(t.Context(), admin, ann.ID)
		code, ok := strings.CutPrefix(link, publicURL+"/reset#code=")
		if err != nil || !ok || expires.Sub(n.clock.Now()).Round(time.Minute) != 24*time.Hour {
			t.Fatalf("%s, %v, %v", link, expires, err)
		}
		for name, by := range map[string]account.Actor{"a user": ann, "nobody": {}, "who claims to be one": {ID: ann.ID, Role: account.Admin}} {
			_, _, err := n.ResetLink(t.Context(), by, admin.ID)
			wantKind(t, name, err, errs.Forbidden)
		}
		_, _, err = n.ResetLink(t.Context(), admin, "nobody")
		wantKind(t, "nobody", err, errs.NotFound)
		if n.me(t, s) != http.StatusOK {
			t.Error("making a link ends sessions")
		}
		n.clock.pass(23 * time.Hour)
		if err := n.Reset(t.Context(), home.IP, code, "new password", account.EndPrograms); err != nil {
			t.Error(err)
		}
		if n.me(t, s) != http.StatusUnauthorized {
			t.Error("using it ends none")
		}
		if log := n.logged(t, "admin"); !strings.Contains(log, `create password `+ann.ID+` {"event":"link made"}`) || strings.Contains(log, code) {
			t.Error(log)
		}
		if _, err := n.SetDisabled(t.Context(), admin, ann.ID, true); err != nil {
			t.Fatal(err)
		}
		_, _, err = n.ResetLink(t.Context(), admin, ann.ID)
		wantKind(t, "disabled", err, errs.Conflict)
	})
}

func TestWithoutMail(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		s := n.signUp(t, "ann", account.User)
		basetest.RunScenarios(t, n.http, []basetest.Scenario{
			{Name: "forgot", Method: "POST", Path: "/api/auth/password/forgot", Body: `{"email":"ann@example.org"}`, Status: 503, Has: []string{`"code":"mail"`, "ask an admin"}},
			{Name: "forgot, nobody", Method: "POST", Path: "/api/auth/password/forgot", Body: `{"email":"nobody@example.org"}`, Status: 503, Has: []string{`"code":"mail"`}},
			{Name: "e-mail", Method: "POST", Path: "/api/account/email", Header: bearer(s.AccessToken), Body: `{"email":"new@example.org"}`, Status: 503, Has: []string{`"code":"mail"`, "SMTP_URL"}},
		})
		if err := n.ChangePassword(t.Context(), home, actor(t, n, s), password, "new password", account.KeepPrograms); err != nil || n.Waiting() != 0 {
			t.Errorf("%d notices wait, %v", n.Waiting(), err)
		}
	})
}

func TestLinksArePurged(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		by := actor(t, n, n.signUp(t, "ann", account.User))
		n.forgotten(t, server, "ann@example.org")
		if err := n.ChangeEmail(t.Context(), by, "new@example.org"); err != nil {
			t.Fatal(err)
		}
		twoFactors(n)
		n.pending(t, "ann")
		rows := func() string {
			if err := n.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(n.count(t, "password_reset", "1 = 1"), n.count(t, "email_change", "1 = 1"), n.count(t, "sign_in", "1 = 1"))
		}
		for _, c := range []struct {
			pass time.Duration
			want string
		}{{0, "1 1 1"}, {10 * time.Minute, "1 1 0"}, {20 * time.Minute, "0 1 0"}, {24 * time.Hour, "0 0 0"}} {
			n.clock.pass(c.pass)
			if got := rows(); got != c.want {
				t.Errorf("after %v: %s", c.pass, got)
			}
		}
	})
}

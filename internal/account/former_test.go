package account_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// waysIn are all ways to begin a session as ann, from a device.
func (n *node) waysIn(t *testing.T, ann account.SignedIn) map[string]func(from account.Device) (account.SignedIn, error) {
	t.Helper()
	code := func() string { return n.invite(t, account.InviteDraft{}) }
	return map[string]func(from account.Device) (account.SignedIn, error){
		"a password": func(from account.Device) (account.SignedIn, error) {
			return n.Login(t.Context(), from, "ann@example.org", password)
		},
		"a passkey": func(from account.Device) (account.SignedIn, error) {
			return n.SignIn(t.Context(), from, account.Proof{UserID: ann.User.ID, Method: "passkey", Strong: true})
		},
		"a provider": func(from account.Device) (account.SignedIn, error) {
			return n.SignIn(t.Context(), from, account.Proof{UserID: ann.User.ID, Method: "github"})
		},
		"a sign-up": func(from account.Device) (account.SignedIn, error) {
			return n.SignUp(t.Context(), from, account.SignUp{Code: code(), Email: "bob@example.org", Password: password, DisplayName: "bob"})
		},
		"a sign-up with a provider": func(from account.Device) (account.SignedIn, error) {
			return n.SignUpWith(t.Context(), from, account.Newcomer{Code: code(), Email: "cy@example.org", DisplayName: "cy", Method: "github"})
		},
	}
}

// TestSigningInEndsTheFormerSession of the same browser, and no other: whichever the way
// in, and whoever it was.
func TestSigningInEndsTheFormerSession(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann, other := n.signUp(t, "ann", account.User), n.signUp(t, "other", account.User)
		for name, enter := range n.waysIn(t, ann) {
			for whose, former := range map[string]account.SignedIn{"the same user's": n.again(t, "ann", password), "another user's": n.again(t, "other", password)} {
				if whose == "another user's" && name[:6] == "a sign" {
					continue // the way makes one user
				}
				from := home
				from.Former = former.Refresh
				now, err := enter(from)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if n.me(t, former) != http.StatusUnauthorized || n.me(t, now) != http.StatusOK {
					t.Errorf("%s, %s: before %d, now %d", name, whose, n.me(t, former), n.me(t, now))
				}
				_, err = n.refresh(t, former, "a")
				wantKind(t, name+", "+whose, err, errs.Unauthorized)
				if _, err = n.refresh(t, now, "a"); err != nil {
					t.Errorf("%s, %s: %v", name, whose, err)
				}
			}
		}
		for _, bystander := range []account.SignedIn{ann, other} {
			if status := n.me(t, bystander); status != http.StatusOK {
				t.Errorf("%s in another browser: %d", bystander.User.DisplayName, status)
			}
		}
	})
}

// TestTheFormerSessionEndsWithTheSecondFactor, not before.
func TestTheFormerSessionEndsWithTheSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		former := n.signUp(t, "ann", account.User)
		twoFactors(n)
		from := home
		from.Former = former.Refresh
		s, err := n.Login(t.Context(), from, "ann@example.org", password)
		if err != nil || s.Pending == nil {
			t.Fatalf("%+v, %v", s, err)
		}
		_, err = n.Complete(t.Context(), from, s.Pending.Token, enter(false))
		wantKind(t, "a wrong code", err, errs.Unauthorized)
		if status := n.me(t, former); status != http.StatusOK {
			t.Errorf("before: %d", status)
		}
		if _, err = n.Complete(t.Context(), from, s.Pending.Token, enter(true)); err != nil {
			t.Fatal(err)
		}
		if status := n.me(t, former); status != http.StatusUnauthorized {
			t.Errorf("after: %d", status)
		}
	})
}

// TestNothingEndsWithoutANewSession, nor by a token that is not the session's.
func TestNothingEndsWithoutANewSession(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		former := n.signUp(t, "ann", account.User)
		from := home
		from.Former = former.Refresh
		_, err := n.Login(t.Context(), from, "ann@example.org", "another password")
		wantKind(t, "a wrong password", err, errs.Unauthorized)
		_, err = n.SignIn(t.Context(), from, account.Proof{UserID: former.User.ID, Use: func(context.Context, *db.Tx) error { return errWrong }})
		wantKind(t, "a proof that was used", err, errs.Unauthorized)
		_, err = n.SignUp(t.Context(), from, account.SignUp{
			Code: n.invite(t, account.InviteDraft{}), Email: "ann@example.org", Password: password, DisplayName: "Ann",
		})
		wantKind(t, "an address that is taken", err, errs.Conflict)
		for _, token := range []string{"x", former.Refresh[:len(former.Refresh)-2] + "AA", n.again(t, "ann", password).Refresh[:20] + former.Refresh[20:]} {
			from.Former = token
			if _, err := n.Login(t.Context(), from, "ann@example.org", password); err != nil {
				t.Fatal(err)
			}
		}
		if status := n.me(t, former); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	})
}

// TestTheFormerSessionIsTheCookies: the one that counts here.
func TestTheFormerSessionIsTheCookies(t *testing.T) {
	const login = `{"email":"ann@example.org","password":"correct horse"}`
	each(t, func(t *testing.T, n *node) {
		n.signUp(t, "ann", account.User)
		secure := newNode(t, n.db, func(s *account.Settings) { s.SecureCookie = true })
		for name, c := range map[string]struct {
			node   *node
			cookie string
			ends   bool
		}{
			"plain":                {n, "peisear_refresh", true},
			"https":                {secure, "__Secure-peisear_refresh", true},
			"the plain over https": {secure, "peisear_refresh", false},
			"another":              {n, "peisear_attempt", false},
		} {
			former := c.node.again(t, "ann", password)
			answer := c.node.send(t, http.MethodPost, "/api/auth/login", map[string]string{"Cookie": c.cookie + "=" + former.Refresh}, login)
			if status := c.node.me(t, former); answer.StatusCode != http.StatusOK || (status == http.StatusUnauthorized) != c.ends {
				t.Errorf("%s: %d, then %d", name, answer.StatusCode, status)
			}
		}
	})
}

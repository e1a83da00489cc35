package account_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

// checked leaves the error of a check alone.
func checked(_ bool, err error) error { return err }

// TestWhoseAnAddressIs: what proves it, and that the first proof by a mail is the only one
// that ends what was there before.
func TestWhoseAnAddressIs(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		ctx := t.Context()
		var claimed []string
		n.Claimed.Subscribe(func(_ context.Context, _ *live.Tx, c account.Claim) error {
			claimed = append(claimed, c.UserID)
			return nil
		})
		join := func(code, name string) string {
			t.Helper()
			s, err := n.join(t, code, name+"@example.org")
			if err != nil {
				t.Fatal(err)
			}
			return s.User.ID
		}
		bound := func(name string, mailed bool) string {
			t.Helper()
			i, code, err := n.Invite(ctx, account.Operator(), "", account.InviteDraft{Email: new(name + "@example.org"), Role: account.User})
			if err != nil {
				t.Fatal(err)
			}
			if mailed && !n.MailInvite(ctx, i, code) {
				t.Fatal("not sent")
			}
			return join(code, name)
		}
		provider := func(name string, verified bool) string {
			t.Helper()
			s, err := n.SignUpWith(ctx, home, account.Newcomer{Code: n.invite(t, account.InviteDraft{}), Email: name + "@example.org", Verified: verified, DisplayName: name, Method: "oidc"})
			if err != nil {
				t.Fatal(err)
			}
			return s.User.ID
		}
		created, err := n.Create(ctx, account.Operator(), account.Draft{Email: "made@example.org", DisplayName: "made", Role: account.User})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, id string
			proven   bool
		}{
			{"any", join(n.invite(t, account.InviteDraft{}), "any"), false},
			{"mailed", bound("mailed", true), true},
			{"handed", bound("handed", false), false},
			{"verified", provider("verified", true), true},
			{"said", provider("said", false), false},
			{"made", created.ID, true},
		} {
			claimed = nil
			n.resetsTwice(t, server, c.name, !c.proven)
			if got := len(claimed) == 1 && claimed[0] == c.id; got == c.proven {
				t.Errorf("%s: claimed %v", c.name, claimed)
			}
			if log := n.logged(t, "admin"); strings.Count(log, c.id+` {"event":"reset by the first proof of the address"}`) != len(claimed) {
				t.Error(log)
			}
		}
	})
}

// resetsTwice sets a password by mail and another one; only the first can be the first proof.
func (n *node) resetsTwice(t *testing.T, server *mailtest.Server, name string, first bool) {
	t.Helper()
	ctx := t.Context()
	for i, want := range []bool{first, false} {
		code := n.forgotten(t, server, name+"@example.org")
		if got, err := n.CheckReset(ctx, home.IP, code); err != nil || got != want {
			t.Errorf("%s, %d: the page says %t, %v", name, i, got, err)
		}
		if err := n.Reset(ctx, home.IP, code, fmt.Sprint("new password ", i), account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		n.Deliver(ctx)
		if m := server.Next(t); strings.Contains(m.Text, "first proof") != want {
			t.Errorf("%s, %d: %s", name, i, m.Text)
		}
	}
}

// TestLinksOfAdminsProveNoAddress: they are handed over.
func TestLinksOfAdminsProveNoAddress(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ann := n.signUp(t, "ann", account.User)
		link, _, err := n.ResetLink(t.Context(), account.Operator(), ann.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if first, err := n.CheckReset(t.Context(), home.IP, codeOf(link)); err != nil || first {
			t.Errorf("%t, %v", first, err)
		}
		if err := n.Reset(t.Context(), home.IP, codeOf(link), "new password", account.KeepPrograms); err != nil {
			t.Fatal(err)
		}
		if n.count(t, "users", "email_proven_at IS NOT NULL") != 0 {
			t.Error("proven")
		}
	})
}

// TestOpenSignUpsAreLimited: twenty from one network, and then one every three minutes.
// Those that come to nothing do not count, and invites are not asked.
func TestOpenSignUpsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		join := func(ip, name, code string) error {
			_, err := n.SignUp(t.Context(), account.Device{IP: netip.MustParseAddr(ip)}, account.SignUp{Code: code, Email: name + "@example.org", Password: password, DisplayName: name})
			return err
		}
		var wg sync.WaitGroup
		var in atomic.Int64
		for i := range 25 {
			wg.Go(func() {
				if err := join(fmt.Sprintf("2001:db8::%x", i+1), fmt.Sprint("user", i), ""); err == nil {
					in.Add(1)
				} else if !errs.Is(err, errs.RateLimited) && !errs.Is(err, errs.Unavailable) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range 25 { // those who were told to come again
			if err := join("2001:db8::ff", fmt.Sprint("more", i), ""); err == nil {
				in.Add(1)
			}
		}
		if in.Load() != 20 {
			t.Errorf("%d accounts", in.Load())
		}
		err := join("2001:db8::ff", "late", "")
		if !errs.Is(err, errs.RateLimited) || errs.Of(err).RetryAfter <= 0 || errs.Of(err).RetryAfter > 3*time.Minute {
			t.Errorf("one more: %v", err)
		}
		if err := join("2001:db8::ff", "invited", n.invite(t, account.InviteDraft{})); err != nil {
			t.Errorf("with an invite: %v", err)
		}
		if err := join("2001:db8:0:1::1", "elsewhere", ""); err != nil {
			t.Errorf("from another network: %v", err)
		}
		n.clock.pass(3 * time.Minute)
		wantKind(t, "a taken address", join("2001:db8::ff", "invited", ""), errs.Conflict)
		if err := join("2001:db8::ff", "late", ""); err != nil {
			t.Errorf("later: %v", err)
		}
	}, func(s *account.Settings) { s.Registration = account.OpenRegistration })
}

package account_test

import (
	"net/http"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestTokensAreGoodForOneThing: each of our tokens, offered wherever another is asked for.
func TestTokensAreGoodForOneThing(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		s, invite := n.signUp(t, "ann", account.User), n.invite(t, account.InviteDraft{})
		link, _, err := n.ResetLink(ctx, account.Operator(), s.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		twoFactors(n)
		tokens := map[string]string{
			"access": s.AccessToken, "refresh": s.Refresh, "pending": n.pending(t, "ann"), "invite": invite,
			"reset": link[len(publicURL+"/reset#code="):],
		}
		for what, token := range tokens {
			doors := map[string]func() error{
				"refresh": func() error { _, err := n.Refresh(ctx, home, token, "a"); return err },
				"pending": func() error { _, err := n.Complete(ctx, home, token, enter(true)); return err },
				"invite":  func() error { _, err := n.CheckInvite(ctx, home.IP, token); return err },
				"reset":   func() error { return checked(n.CheckReset(ctx, home.IP, token)) },
				"address": func() error { _, err := n.VerifyEmail(ctx, home.IP, token); return err },
			}
			delete(doors, what) // its own
			for door, enter := range doors {
				if err := enter(); !errs.Is(err, errs.Unauthorized) && !errs.Is(err, errs.Invalid) {
					t.Errorf("the %s token for %s: %v", what, door, err)
				}
			}
			want := http.StatusUnauthorized
			if what == "access" {
				want = http.StatusOK
			}
			if status := n.me(t, account.SignedIn{AccessToken: token}); status != want {
				t.Errorf("the %s token as a bearer: %d", what, status)
			}
		}
	})
}

package account_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// newcomer is somebody whom a provider vouches for.
func newcomer(code, name string) account.Newcomer {
	return account.Newcomer{Code: code, Email: name + "@example.org", Verified: true, DisplayName: name, Method: "github"}
}

func TestNewcomer(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		var proven string
		in := newcomer(" "+n.invite(t, account.InviteDraft{Role: account.Admin})+" ", "ann")
		in.Proven = func(ctx context.Context, tx *live.Tx, userID string) error {
			proven = userID
			_, err := tx.ExecContext(ctx, "UPDATE users SET display_name = 'proven' WHERE id = $1", userID)
			return err
		}
		s, err := n.SignUpWith(t.Context(), home, in)
		if err != nil || s.User.ID != proven || s.User.Role != account.Admin || s.Pending != nil || n.me(t, s) != 200 {
			t.Fatalf("%+v, %v", s, err)
		}
		if n.count(t, "users", "password_hash IS NULL AND display_name = 'proven'") != 1 || n.text(t, "SELECT method FROM session") != "github" {
			t.Error("the user has a password, or the session another method")
		}
		own, err := n.Own(t.Context(), actor(t, n, s))
		if err != nil || own.HasPassword {
			t.Errorf("%+v, %v", own, err)
		}
		wantKind(t, "no password signs in", n.login(t, "192.0.2.1", "ann@example.org", ""), errs.Unauthorized)
	})
}

// TestNewcomersAddress: an invite for an address needs a provider who has verified it.
func TestNewcomersAddress(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		email := "Ann@Example.org"
		bound := n.invite(t, account.InviteDraft{Email: &email})
		try := func(code, email string, verified bool) error {
			in := newcomer(code, "ann")
			in.Email, in.Verified = email, verified
			_, err := n.SignUpWith(t.Context(), home, in)
			return err
		}
		for name, err := range map[string]error{
			"unverified":             try(bound, "ann@example.org", false),
			"another":                try(bound, "bob@example.org", true),
			"another and unverified": try(bound, "bob@example.org", false),
			"no code":                try("", "ann@example.org", true),
			"an unknown code":        try("x", "ann@example.org", true),
		} {
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.code" {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"no address":    try(bound, "", true),
			"two addresses": try(bound, "ann@example.org, bob@example.org", true),
		} {
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.email" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := try(bound, "ann@example.org", true); err != nil {
			t.Errorf("verified: %v", err)
		}
		free := n.invite(t, account.InviteDraft{})
		wantKind(t, "taken", try(free, "ANN@example.org", true), errs.Conflict)
		if err := try(free, "bob@example.org", false); err != nil {
			t.Errorf("an invite for anybody needs no verified address: %v", err)
		}
	})
}

func TestNewcomersProofUndoesAll(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		in := newcomer(n.invite(t, account.InviteDraft{}), "ann")
		in.Proven = func(context.Context, *live.Tx, string) error {
			return errs.New(errs.Conflict, "this identity has an account")
		}
		_, err := n.SignUpWith(t.Context(), home, in)
		wantKind(t, "an identity that is taken", err, errs.Conflict)
		if n.count(t, "users", "1 = 1") != 0 || n.count(t, "session", "1 = 1") != 0 || n.count(t, "invite_codes", "used_at IS NULL") != 1 {
			t.Error("half of it happened")
		}
		in.Proven = nil
		if _, err := n.SignUpWith(t.Context(), home, in); err != nil {
			t.Errorf("with the same invite: %v", err)
		}
	})
}

func TestNewcomerWhereRegistrationIsOpen(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		if s, err := n.SignUpWith(t.Context(), home, newcomer("", "ann")); err != nil || s.User.Role != account.User {
			t.Errorf("%+v, %v", s, err)
		}
	}, func(s *account.Settings) { s.Registration = account.OpenRegistration })
}

// TestFiftyNewcomersWithOneCode come on both paths: one gets in.
func TestFiftyNewcomersWithOneCode(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		code := n.invite(t, account.InviteDraft{})
		var wg sync.WaitGroup
		var good atomic.Int64
		for i := range 50 {
			wg.Go(func() {
				var err error
				if i%5 == 0 {
					_, err = n.join(t, code, fmt.Sprintf("user%d@example.org", i))
				} else {
					_, err = n.SignUpWith(t.Context(), home, newcomer(code, fmt.Sprint("user", i)))
				}
				if err == nil {
					good.Add(1)
				} else if !errs.Is(err, errs.Invalid) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if users := n.count(t, "users", "1 = 1"); good.Load() != 1 || users != 1 {
			t.Errorf("%d got in, %d users", good.Load(), users)
		}
	})
}

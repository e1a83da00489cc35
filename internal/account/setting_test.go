package account_test

import (
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestAdminsOpenRegistration(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		other := newNode(t, n.db)
		_, err := n.join(t, "", "early@example.org")
		wantKind(t, "before", err, errs.Invalid)
		for range 2 { // the same again is no change
			if err := n.SetRegistration(ctx, admin, "", account.OpenRegistration); err != nil {
				t.Fatal(err)
			}
		}
		if n.Registration() != account.OpenRegistration || n.RegistrationLocked() {
			t.Error("not open on the node that opened it")
		}
		if _, err := n.join(t, "", "ann@example.org"); err != nil {
			t.Errorf("open: %v", err)
		}
		if err := other.CatchUp(ctx); err != nil || other.Registration() != account.OpenRegistration {
			t.Errorf("another node has not heard: %v", err)
		}
		if err := n.SetRegistration(ctx, admin, "", account.InviteRegistration); err != nil {
			t.Fatal(err)
		}
		// The other node believes still that it is open; the database does not.
		_, err = other.join(t, "", "late@example.org")
		wantKind(t, "closed meanwhile", err, errs.Invalid)
		if err := other.CatchUp(ctx); err != nil || other.Registration() != account.InviteRegistration {
			t.Errorf("another node has not heard: %v", err)
		}
		if users := n.count(t, "users", "1 = 1"); users != 2 {
			t.Errorf("%d users", users)
		}
		if changes := n.count(t, "change", "scope = 'admin' AND entity = 'setting'"); changes != 2 {
			t.Errorf("%d changes recorded", changes)
		}
	})
}

func TestTheOperatorLocksRegistration(t *testing.T) {
	for _, r := range []account.Registration{account.InviteRegistration, account.OpenRegistration} {
		t.Run(string(r), func(t *testing.T) {
			each(t, func(t *testing.T, n *node) {
				// What was decided before the operator did does not count.
				n.exec(t, "INSERT INTO setting (name, value, updated_at) VALUES ('registration', 'open', 1)")
				if err := n.CatchUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, to := range []account.Registration{account.InviteRegistration, account.OpenRegistration} {
					wantKind(t, string(to), n.SetRegistration(t.Context(), account.Operator(), "", to), errs.Conflict)
				}
				if n.Registration() != r || !n.RegistrationLocked() {
					t.Errorf("registration is %s", n.Registration())
				}
				if _, err := n.join(t, "", "ann@example.org"); (err == nil) != (r == account.OpenRegistration) {
					t.Errorf("signing up: %v", err)
				}
			}, func(s *account.Settings) { s.Registration = r })
		})
	}
}

func TestSettingsRefuse(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		user := actor(t, n, n.signUp(t, "ann", account.User))
		wantKind(t, "a user", n.SetRegistration(ctx, user, "", account.OpenRegistration), errs.Forbidden)
		wantKind(t, "no such mode", n.SetRegistration(ctx, account.Operator(), "", "closed"), errs.Invalid)
		if n.Registration() != account.InviteRegistration {
			t.Error("open")
		}
		var wg sync.WaitGroup
		for range 8 { // all admins at once
			wg.Go(func() {
				if err := n.SetRegistration(ctx, account.Operator(), "", account.OpenRegistration); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if rows := n.count(t, "setting", "value = 'open'"); rows != 1 {
			t.Errorf("%d rows", rows)
		}
	})
}

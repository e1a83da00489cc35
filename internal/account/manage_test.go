package account_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
)

// refusesOthers: a mutation's id used for somebody else, and a version that is not the
// newest, change nothing.
func refusesOthers(t *testing.T, n *node, admin account.Actor, id string) {
	t.Helper()
	ctx := t.Context()
	_, err := n.Manage(ctx, admin, "tx", admin.ID, account.Standing{Disabled: new(true)})
	wantKind(t, "the id of another mutation", err, errs.Conflict)
	_, err = n.Manage(ctx, admin, "tx", id, account.Standing{Disabled: new(false)})
	wantKind(t, "the id of another change of the same user", err, errs.Conflict)
	_, err = n.Manage(ctx, admin, "", id, account.Standing{Role: new(account.User), Version: new(int64(1))})
	wantKind(t, "stale", err, errs.Conflict)
	if now, ok := errs.Of(err).Current.(account.Managed); !ok || now.Version != 2 || !now.Disabled {
		t.Errorf("current is %+v", errs.Of(err).Current)
	}
}

// becomesBoth makes somebody an admin and disables them, in one change.
func becomesBoth(t *testing.T, n *node, admin account.Actor, id string) {
	t.Helper()
	ctx := t.Context()
	for range 2 { // the answer may have been lost
		both, err := n.Manage(ctx, admin, "tx", id, account.Standing{Role: new(account.Admin), Disabled: new(true), Version: new(int64(1))})
		if err != nil || both.Role != account.Admin || !both.Disabled || both.Version != 2 {
			t.Errorf("%+v, %v", both, err)
		}
	}
}

func TestManage(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		ann := n.signUp(t, "ann", account.User)
		m, err := n.ManagedUser(ctx, admin, ann.User.ID)
		if err != nil || m.Profile != ann.User || m.Disabled || m.Version != 1 || m.LastSeenAt == nil || m.CreatedAt.IsZero() {
			t.Fatalf("%+v, %v", m, err)
		}
		same, err := n.Manage(ctx, admin, "", m.ID, account.Standing{Role: new(account.User), Disabled: new(false), Version: new(int64(1))})
		if err != nil || same.Version != 1 || n.me(t, ann) != http.StatusOK {
			t.Errorf("the same again: %+v, %v", same, err)
		}
		becomesBoth(t, n, admin, m.ID)
		if status := n.me(t, ann); status != http.StatusUnauthorized {
			t.Errorf("disabled, and let in: %d", status)
		}
		refusesOthers(t, n, admin, m.ID)
		back, err := n.Manage(ctx, admin, "", m.ID, account.Standing{Disabled: new(false)})
		if err != nil || back.Disabled || back.Role != account.Admin {
			t.Errorf("%+v, %v", back, err)
		}
		log := n.logged(t, "admin")
		if !strings.Contains(log, `update user `+m.ID+` {"disabled":true,"role":"admin"} {"disabled":false,"role":"user"}`) {
			t.Error(log)
		}
	})
}

// TestWhoIsOutLetsNobodyIn: the invites of somebody who is disabled are withdrawn.
func TestWhoIsOutLetsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "admin", account.Admin)
		bob := actor(t, n, n.signUp(t, "bob", account.Admin))
		_, theirs, err := n.Invite(ctx, bob, "", account.InviteDraft{Role: account.Admin})
		if err != nil {
			t.Fatal(err)
		}
		others := n.invite(t, account.InviteDraft{})
		if _, err := n.SetDisabled(ctx, account.Operator(), bob.ID, true); err != nil {
			t.Fatal(err)
		}
		_, err = n.join(t, theirs, "back@example.org")
		wantKind(t, "their invite", err, errs.Invalid)
		if _, err := n.join(t, others, "new@example.org"); err != nil {
			t.Errorf("somebody else's: %v", err)
		}
	})
}

// TestWhoIsNoAdminAnyMoreKeepsNoWayIn: what somebody made as an admin, to be used later,
// ends when they are none: else an invite of theirs would make them one again, and a link
// would give them somebody else's account.
func TestWhoIsNoAdminAnyMoreKeepsNoWayIn(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin, ann := actor(t, n, n.signUp(t, "admin", account.Admin)), n.signUp(t, "ann", account.User).User.ID
		for name, end := range map[string]func(id string) error{
			"demoted":  func(id string) error { _, err := n.SetRole(ctx, admin, id, account.User); return err },
			"disabled": func(id string) error { _, err := n.SetDisabled(ctx, admin, id, true); return err },
			"deleted": func(id string) error {
				return n.Delete(ctx, admin, "", id, account.Deletion{Work: account.Unassign})
			},
		} {
			bob := actor(t, n, n.signUp(t, name, account.Admin))
			_, invite, err := n.Invite(ctx, bob, "", account.InviteDraft{Role: account.Admin})
			theirs, _, linkErr := n.ResetLink(ctx, bob, ann)
			others, _, otherErr := n.ResetLink(ctx, admin, ann)
			if err := errors.Join(err, linkErr, otherErr, end(bob.ID)); err != nil {
				t.Fatal(err)
			}
			_, err = n.join(t, invite, "back@example.org")
			wantKind(t, name+": an invite", err, errs.Invalid)
			wantKind(t, name+": a link", checked(n.CheckReset(ctx, home.IP, codeOf(theirs))), errs.Invalid)
			if err := checked(n.CheckReset(ctx, home.IP, codeOf(others))); err != nil {
				t.Errorf("%s: somebody else's link: %v", name, err)
			}
		}
	})
}

func codeOf(link string) string {
	_, code, _ := strings.Cut(link, "#code=")
	return code
}

func TestSignOutUser(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx, other := t.Context(), newNode(t, n.db)
		ann, bob := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User)
		second, err := n.Login(ctx, home, "ann@example.org", password)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := n.SignOutUser(ctx, account.Operator(), "", ann.User.ID, account.KeepPrograms); err != nil {
				t.Fatal(err)
			}
		}
		for _, node := range []*node{n, other} {
			if err := node.CatchUp(ctx); err != nil {
				t.Fatal(err)
			}
			for name, c := range map[string]struct {
				session account.SignedIn
				status  int
			}{"one": {ann, 401}, "the other": {second, 401}, "somebody else's": {bob, 200}} {
				if status := node.me(t, c.session); status != c.status {
					t.Errorf("%s: %d", name, status)
				}
			}
		}
		_, err = n.Refresh(ctx, home, second.Refresh, "")
		wantKind(t, "refresh", err, errs.Unauthorized)
		if again, err := n.Login(ctx, home, "ann@example.org", password); err != nil || n.me(t, again) != http.StatusOK {
			t.Errorf("signing in again: %v", err)
		}
		wantKind(t, "nobody", n.SignOutUser(ctx, account.Operator(), "", "nobody", account.KeepPrograms), errs.NotFound)
	})
}

func TestSetPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann := n.signUp(t, "ann", account.User)
		wantKind(t, "a short one", n.SetPassword(ctx, account.Operator(), ann.User.ID, "1234567", account.EndPrograms), errs.Invalid)
		wantKind(t, "of nobody", n.SetPassword(ctx, account.Operator(), "nobody", "another horse", account.EndPrograms), errs.NotFound)
		off := n.signUp(t, "off", account.User).User
		if _, err := n.SetDisabled(ctx, account.Operator(), off.ID, true); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "of somebody disabled", n.SetPassword(ctx, account.Operator(), off.ID, "another horse", account.EndPrograms), errs.Conflict)
		if err := n.SetPassword(ctx, account.Operator(), ann.User.ID, "another horse", account.EndPrograms); err != nil {
			t.Fatal(err)
		}
		if status := n.me(t, ann); status != http.StatusUnauthorized {
			t.Errorf("the session goes on: %d", status)
		}
		_, err := n.Login(ctx, home, "ann@example.org", password)
		wantKind(t, "the old password", err, errs.Unauthorized)
		n.clock.pass(time.Minute)
		if _, err := n.Login(ctx, home, "ann@example.org", "another horse"); err != nil {
			t.Errorf("the new password: %v", err)
		}
		if log := n.logged(t, "admin"); !strings.Contains(log, "create password "+ann.User.ID+` {"event":"set"} {}`) || strings.Contains(log, "argon2") {
			t.Error(log)
		}
	})
}

// TestNobodySlipsIn signs in over and over while the account is being disabled.
func TestNobodySlipsIn(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "admin", account.Admin)
		ann := n.signUp(t, "ann", account.User)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					s, err := n.SignIn(ctx, home, account.Proof{UserID: ann.User.ID, Method: "password"})
					if err == nil {
						_, err = n.Refresh(ctx, home, s.Refresh, "")
					}
					if err != nil && !errs.Is(err, errs.Unauthorized) {
						t.Error(err)
					}
				}
			})
		}
		if _, err := n.SetDisabled(ctx, account.Operator(), ann.User.ID, true); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if left := n.count(t, "session", "user_id = $1", ann.User.ID); left != 0 {
			t.Errorf("%d sessions are left", left)
		}
	})
}

func TestUserWithoutAPassword(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		p, err := n.Create(t.Context(), account.Operator(), account.Draft{Email: "ann@example.org", DisplayName: "Ann", Role: account.User})
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.Login(t.Context(), home, p.Email, "")
		wantKind(t, "no password", err, errs.Unauthorized)
		if m, err := n.ManagedUser(t.Context(), account.Operator(), p.ID); err != nil || m.LastSeenAt != nil {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestNamesAreSpelledAnew: the keys of before are what the program makes by now.
func TestNamesAreSpelledAnew(t *testing.T) {
	const foldVersion = 20261124161001
	versions, err := db.KnownVersions(live.Migrations, account.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	some, err := db.Subset(slices.DeleteFunc(versions, func(v int64) bool { return v == foldVersion }), live.Migrations, account.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		n := newNode(t, d)
		const name = "Łukasz Øresund Ðæœþđħıς"
		n.exec(t, `INSERT INTO users (id, email, email_folded, display_name, name_folded, created_at, updated_at)
			VALUES ('u', 'e', 'e', $1, 'łukasz øresund ðæœþđħıς', 1, 1)`, name)
		if err := d.Migrate(t.Context(), live.Migrations, account.Migrations); err != nil {
			t.Fatal(err)
		}
		if n.count(t, "users", "name_folded = $1", fold.Key(name)) != 1 {
			t.Error("the name has another key")
		}
	}, some)
}

// TestFoldNames completes rows from before names were folded.
func TestFoldNames(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		const many = 450
		for i := range many {
			n.exec(t, "INSERT INTO users (id, email, email_folded, display_name, created_at, updated_at) VALUES ($1, $1, $1, 'Größe', 1, 1)", string(rune('a'+i%26))+strings.Repeat("x", i/26))
		}
		if err := n.FoldNames(t.Context()); err != nil {
			t.Fatal(err)
		}
		if done := n.count(t, "users", "name_folded = 'grosse'"); done != many {
			t.Errorf("%d of %d", done, many)
		}
	})
}

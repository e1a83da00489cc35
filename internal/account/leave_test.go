package account_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// unassign is the plainest deletion.
var unassign = account.Deletion{Work: account.Unassign}

// nothingLeft fails for every row that tells of a deleted user called Gone Girl.
func nothingLeft(t *testing.T, n *node, id string) {
	t.Helper()
	for table, where := range map[string]string{
		"users":   "email LIKE '%gone%' OR email_folded LIKE '%gone%' OR display_name LIKE '%one%' OR name_folded LIKE '%one%' OR (deleted_at IS NOT NULL AND password_hash IS NOT NULL)",
		"session": "user_id = '" + id + "'", "sign_in": "user_id = '" + id + "'",
		"invite_codes": "lower(email) LIKE '%gone%'", "change": "lower(patch || prior) LIKE '%gone%' OR scope = 'user:" + id + "'",
	} {
		if left := n.count(t, table, where); left != 0 {
			t.Errorf("%s: %d rows tell of them", table, left)
		}
	}
}

// grown fails for every scope that has no more changes than before.
func grown(t *testing.T, n *node, before map[string]int64) {
	t.Helper()
	for scope, had := range before {
		if has := n.count(t, "change", "scope = $1", scope); has <= had {
			t.Errorf("%s: %d changes, %d before", scope, has, had)
		}
	}
}

func TestDeleteLeavesNothingPersonal(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		_, code, err := n.Invite(ctx, admin, "", account.InviteDraft{Role: account.User, Email: new("Gone@Example.org")})
		if err != nil {
			t.Fatal(err)
		}
		gone, err := n.SignUp(ctx, home, account.SignUp{Code: code, Email: "gone@example.org", Password: password, DisplayName: "Gone Girl"})
		if err != nil {
			t.Fatal(err)
		}
		id := gone.User.ID
		open, stillOpen, err := n.Invite(ctx, admin, "", account.InviteDraft{Role: account.User, Email: new("GONE@example.org")})
		if err != nil {
			t.Fatal(err)
		}
		n.exec(t, "INSERT INTO invite_codes (code, email) VALUES ('by hand', 'gone@example.org')")
		own := func(tx *live.Tx) (struct{}, error) {
			return struct{}{}, tx.Record("note", "1", nil, map[string]string{"title": "secret"})
		}
		if _, _, err := live.Write(ctx, n.log, live.Mutation{Scopes: []string{"user:" + id}, Actor: id}, own); err != nil {
			t.Fatal(err)
		}
		if _, err := n.SetRole(ctx, admin, id, account.Admin); err != nil {
			t.Fatal(err)
		}
		heads := map[string]int64{}
		for _, scope := range []string{"admin", "org"} {
			heads[scope] = n.count(t, "change", "scope = $1", scope)
		}
		for range 2 {
			if err := n.Delete(ctx, admin, "tx", id, unassign); err != nil {
				t.Fatal(err)
			}
		}
		if status := n.me(t, gone); status != http.StatusUnauthorized {
			t.Errorf("let in: %d", status)
		}
		nothingLeft(t, n, id)
		grown(t, n, heads)
		_, err = n.CheckInvite(ctx, home.IP, stillOpen)
		wantKind(t, "an invite to their address", err, errs.Invalid)
		if i, _, err := n.Invites(ctx, admin, "", 50); err != nil || len(i) < 3 {
			t.Errorf("%v of %s, %v", i, open.ID, err)
		}
		if log := n.logged(t, "admin"); !strings.Contains(log, "delete user "+id+` {} {"disabled":false,"displayName":"","email":"","id":"`+id+`","role":"admin"}`) {
			t.Error(log)
		}
		if log := n.logged(t, "org"); !strings.Contains(log, "update person "+id+` {"deleted":true,"displayName":""} {"displayName":""}`) {
			t.Error(log)
		}
		wantKind(t, "again", n.Delete(ctx, admin, "", id, unassign), errs.NotFound)
	})
}

// TestTheDeletedAreNobody: no operation finds them, and their address is free.
func TestTheDeletedAreNobody(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		gone := n.signUp(t, "gone", account.User)
		id := gone.User.ID
		if err := n.Delete(ctx, admin, "", id, unassign); err != nil {
			t.Fatal(err)
		}
		_, err := n.Manage(ctx, admin, "", id, account.Standing{Disabled: new(false)})
		wantKind(t, "Manage", err, errs.NotFound)
		_, err = n.Get(ctx, id)
		wantKind(t, "Get", err, errs.NotFound)
		_, err = n.ManagedUser(ctx, admin, id)
		wantKind(t, "ManagedUser", err, errs.NotFound)
		wantKind(t, "SignOutUser", n.SignOutUser(ctx, admin, "", id, account.KeepPrograms), errs.NotFound)
		wantKind(t, "SetPassword", n.SetPassword(ctx, admin, id, password, account.EndPrograms), errs.NotFound)
		wantKind(t, "Rename", n.Rename(ctx, account.Actor{ID: id, Role: account.User}, "", "Late"), errs.NotFound)
		_, err = db.Write(ctx, n.db, func(tx *db.Tx) (struct{}, error) { return struct{}{}, account.MustBeThere(ctx, tx, id) })
		wantKind(t, "MustBeThere", err, errs.Unauthorized)
		_, err = n.SignIn(ctx, home, account.Proof{UserID: id, Method: "passkey"})
		wantKind(t, "SignIn", err, errs.Unauthorized)
		_, err = n.Refresh(ctx, home, gone.Refresh, "")
		wantKind(t, "Refresh", err, errs.Unauthorized)
		for _, email := range []string{"gone@example.org", "deleted:" + id} {
			_, err = n.Login(ctx, home, email, password)
			wantKind(t, "Login "+email, err, errs.Unauthorized)
		}
		rows, err := db.Read(ctx, n.db, func(ctx context.Context, c db.Conn) (any, error) {
			return account.Feature(n.Service).Parts[0].Rows(ctx, c, "org")
		})
		if diff := cmp.Diff([]account.Person{{ID: admin.ID, DisplayName: "admin"}, {ID: id, Deleted: true}}, rows); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if again := n.signUp(t, "gone", account.User); again.User.ID == id || n.me(t, again) != http.StatusOK {
			t.Errorf("the address again: %+v", again.User)
		}
	})
}

func TestDeleteRefuses(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		ann, off := n.signUp(t, "ann", account.User).User, n.signUp(t, "off", account.User).User
		if _, err := n.SetDisabled(ctx, admin, off.ID, true); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			id    string
			d     account.Deletion
			kind  errs.Kind
			field string
		}{
			"no word of the work": {ann.ID, account.Deletion{}, errs.Invalid, "body.work"},
			"no heir":             {ann.ID, account.Deletion{Work: account.HandOver}, errs.Invalid, "body.heirId"},
			"their own heir":      {ann.ID, account.Deletion{Work: account.HandOver, HeirID: ann.ID}, errs.Invalid, "body.heirId"},
			"an unknown heir":     {ann.ID, account.Deletion{Work: account.HandOver, HeirID: "nobody"}, errs.Invalid, "body.heirId"},
			"a disabled heir":     {ann.ID, account.Deletion{Work: account.Unassign, HeirID: off.ID}, errs.Invalid, "body.heirId"},
			"nobody":              {"nobody", unassign, errs.NotFound, ""},
			"the last admin":      {admin.ID, unassign, errs.Conflict, ""},
		} {
			err := n.Delete(ctx, admin, "", c.id, c.d)
			if wantKind(t, name, err, c.kind); errs.Of(err).Field != c.field {
				t.Errorf("%s names %q", name, errs.Of(err).Field)
			}
		}
		wantKind(t, "by a user", n.Delete(ctx, account.Actor{ID: ann.ID, Role: account.Admin}, "", off.ID, unassign), errs.Forbidden)
		if users := n.count(t, "users", "deleted_at IS NULL"); users != 3 {
			t.Errorf("%d users", users)
		}
		n.signUp(t, "second", account.Admin)
		if err := n.Delete(ctx, admin, "", admin.ID, unassign); err != nil {
			t.Errorf("oneself, with another admin: %v", err)
		}
	})
}

// TestLeavingIsPartOfTheTransaction: who is told may refuse, and then nothing has
// happened.
func TestLeavingIsPartOfTheTransaction(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		n.signUp(t, "admin", account.Admin)
		ann, heir := n.signUp(t, "ann", account.User), n.signUp(t, "bob", account.User).User
		var told []account.Leave
		refuse := errs.New(errs.Conflict, "not yet")
		n.ReachOf(func(_ context.Context, userID string) ([]string, error) { return []string{"project:of-" + userID}, nil })
		n.Leaving.Subscribe(func(_ context.Context, tx *live.Tx, l account.Leave) error {
			tx.AfterCommit(func() { told = append(told, l) })
			return tx.RecordIn("project:of-"+l.UserID, "member", l.UserID, map[string]string{"role": "owner"}, nil)
		})
		n.Leaving.Subscribe(func(context.Context, *live.Tx, account.Leave) error { return refuse })
		d := account.Deletion{Work: account.HandOver, HeirID: heir.ID}
		if err := n.Delete(ctx, account.Operator(), "", ann.User.ID, d); !errors.Is(err, refuse) {
			t.Errorf("refused with %v", err)
		}
		if told != nil || n.me(t, ann) != http.StatusOK || n.logged(t, "project:of-"+ann.User.ID) != "" {
			t.Errorf("half deleted: %v", told)
		}
		refuse = nil
		if err := n.Delete(ctx, account.Operator(), "", ann.User.ID, d); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]account.Leave{{UserID: ann.User.ID, Deletion: d}}, told); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFormerAddressesAreForgotten: also in invites that nobody has used, unless the address
// is somebody else's by now.
func TestFormerAddressesAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n, server := mailing(t, n)
		ctx := t.Context()
		ann := actor(t, n, n.signUp(t, "ann", account.User))
		for _, email := range []string{"second@example.org", "third@example.org", "last@example.org"} {
			if _, err := n.VerifyEmail(ctx, home.IP, n.askFor(t, server, ann, email)); err != nil {
				t.Fatal(err)
			}
			n.clock.pass(time.Hour)
			n.exec(t, "UPDATE session SET confirmed_at = $1", n.clock.Now().UnixMicro())
		}
		for _, name := range []string{"ann", "second", "third", "other"} {
			n.invite(t, account.InviteDraft{Email: new(name + "@example.org")})
		}
		n.signUp(t, "third", account.User) // the address was free
		if err := n.Delete(ctx, account.Operator(), "", ann.ID, account.Deletion{Work: account.Unassign}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			kept int64
		}{{"ann", 0}, {"second", 0}, {"third", 1}, {"other", 1}} {
			if got := n.count(t, "invite_codes", "email = $1", c.name+"@example.org"); got != c.kept {
				t.Errorf("%s: %d invites", c.name, got)
			}
			if c.kept == 0 && strings.Contains(n.logged(t, "admin"), c.name+"@example.org") {
				t.Errorf("%s is in the log: %s", c.name, n.logged(t, "admin"))
			}
		}
		if n.count(t, "invite_codes", "email IS NULL AND used_at IS NULL AND revoked_at IS NULL") != 0 {
			t.Error("anybody can use one that was for a former address")
		}
	})
}

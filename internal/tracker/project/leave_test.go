package project_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project"
)

// leave runs what this slice does while a user is being deleted.
func leave(t *testing.T, w world, l account.Leave) error {
	t.Helper()
	_, _, err := live.Write(t.Context(), w.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (struct{}, error) {
		return struct{}{}, w.Leave(t.Context(), tx, l)
	})
	return err
}

func handOver(to account.Actor) account.Deletion {
	return account.Deletion{Work: account.HandOver, HeirID: to.ID}
}

// newAdmin makes an admin of the instance.
func newAdmin(t *testing.T, w world) account.Actor {
	t.Helper()
	admin := accounttest.User(t, w.db, "admin")
	exec(t, w.db, "UPDATE users SET role = 'admin' WHERE id = $1", admin.ID)
	admin.Role = account.Admin
	return admin
}

func TestWhatOneOwnsGoesToTheHeir(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		shared := create(t, w, w.owner, "SHARED")
		if _, err := w.AddMember(ctx, w.owner, "", "SHARED", "maintainer@example.org", project.Owner); err != nil {
			t.Fatal(err)
		}
		var left []project.Departure
		w.Left.Subscribe(func(_ context.Context, tx *live.Tx, d project.Departure) error {
			tx.AfterCommit(func() { left = append(left, d) })
			return nil
		})
		if err := leave(t, w, account.Leave{UserID: w.owner.ID, Deletion: handOver(w.viewer)}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"MESOS", "SHARED"} {
			_, err := w.Get(ctx, w.owner, key)
			wantKind(t, key+" of who left", err, errs.NotFound)
		}
		if p, err := w.Get(ctx, w.viewer, "MESOS"); err != nil || p.Role != project.Owner {
			t.Errorf("the heir: %+v, %v", p, err)
		}
		_, err := w.Get(ctx, w.viewer, "SHARED")
		wantKind(t, "what somebody else owns too", err, errs.NotFound)
		want := []project.Departure{{w.p.ID, w.owner.ID, w.viewer.ID}, {shared.ID, w.owner.ID, w.viewer.ID}}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Error(diff)
		}
		names := w.names()
		if got := history(t, w, "admin", names); got != "1 : create ownership viewer" {
			t.Error(got)
		}
		told := history(t, w, project.Scope(w.p.ID), names)
		if !strings.HasSuffix(told, ": update member viewer role; delete member owner") {
			t.Error(told)
		}
	})
}

func TestLeavingWithoutAnHeir(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		nobody := account.Deletion{Work: account.Unassign}
		for i := range 22 {
			create(t, w, w.owner, fmt.Sprintf("P%02d", i))
		}
		err := leave(t, w, account.Leave{UserID: w.owner.ID, Deletion: nobody})
		if wantKind(t, "the only owner", err, errs.Conflict); !strings.Contains(err.Error(), "MESOS, P00") || !strings.Contains(err.Error(), "P18 and others") {
			t.Error(err)
		}
		if p, err := w.Get(ctx, w.owner, "MESOS"); err != nil || p.Role != project.Owner {
			t.Errorf("%+v, %v", p, err)
		}
		// An owner who is disabled does not count.
		add(t, w, w.stranger, "stranger", project.Owner)
		exec(t, w.db, "UPDATE users SET disabled_at = 1 WHERE id = $1", w.stranger.ID)
		err = leave(t, w, account.Leave{UserID: w.owner.ID, Deletion: nobody})
		if wantKind(t, "with a disabled one", err, errs.Conflict); !strings.Contains(err.Error(), "MESOS") {
			t.Error(err)
		}
		for _, who := range []account.Actor{w.viewer, w.member, w.maintainer} {
			if err := leave(t, w, account.Leave{UserID: who.ID, Deletion: nobody}); err != nil {
				t.Error(err)
			}
			_, err := w.Get(ctx, who, "MESOS")
			wantKind(t, "after leaving", err, errs.NotFound)
		}
		// With an heir ownership goes on, and the work is nobody's.
		heir := accounttest.User(t, w.db, "heir")
		w.Left.Subscribe(func(_ context.Context, _ *live.Tx, d project.Departure) error {
			if d.HeirID != "" {
				t.Errorf("work goes to %s", d.HeirID)
			}
			return nil
		})
		if err := leave(t, w, account.Leave{UserID: w.owner.ID, Deletion: account.Deletion{Work: account.Unassign, HeirID: heir.ID}}); err != nil {
			t.Fatal(err)
		}
		if p, err := w.Get(ctx, heir, "P21"); err != nil || p.Role != project.Owner {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// ownerless returns the keys of the projects that have lost their last owner.
func ownerless(t *testing.T, w world, admin account.Actor) (keys []string) {
	t.Helper()
	page, more, err := w.Names(t.Context(), admin, true, "", 10)
	if err != nil || more {
		t.Fatal(more, err)
	}
	for _, p := range page {
		keys = append(keys, p.Key)
	}
	return keys
}

func TestTakeOver(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, admin := t.Context(), newAdmin(t, w)
		create(t, w, w.stranger, "OTHER")
		ownerless := func() []string { return ownerless(t, w, admin) }
		if keys := ownerless(); keys != nil {
			t.Errorf("ownerless: %v", keys)
		}
		_, err := w.TakeOver(ctx, admin, "", w.p.ID)
		wantKind(t, "an owned one", err, errs.Conflict)
		_, err = w.TakeOver(ctx, admin, "", "01900000-0000-7000-8000-000000000000")
		wantKind(t, "none", err, errs.NotFound)
		exec(t, w.db, "UPDATE users SET disabled_at = 1 WHERE id = $1", w.owner.ID)
		if diff := cmp.Diff([]string{"MESOS"}, ownerless()); diff != "" {
			t.Error(diff)
		}
		for _, by := range []account.Actor{w.maintainer, w.stranger, {ID: w.member.ID, Role: account.Admin}} {
			_, err = w.TakeOver(ctx, by, "", w.p.ID)
			wantKind(t, "by a user", err, errs.Forbidden)
			_, _, err = w.Names(ctx, by, true, "", 10)
			wantKind(t, "names for a user", err, errs.Forbidden)
		}
		for range 2 { // the answer may have been lost
			p, err := w.TakeOver(ctx, admin, "tx", w.p.ID)
			if err != nil || p.Role != project.Owner || p.Key != "MESOS" {
				t.Errorf("%+v, %v", p, err)
			}
		}
		if keys := ownerless(); keys != nil {
			t.Errorf("ownerless still: %v", keys)
		}
		if p, err := w.Get(ctx, admin, "MESOS"); err != nil || p.Role != project.Owner {
			t.Errorf("%+v, %v", p, err)
		}
		names := w.names()
		names[admin.ID] = "admin"
		for scope, want := range map[string]string{"admin": "1 admin: create ownership admin", admin.Scope(): "1 admin: create membership MESOS"} {
			if got := history(t, w, scope, names); got != want {
				t.Error(got)
			}
		}
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, admin := t.Context(), newAdmin(t, w)
		create(t, w, w.stranger, "AAA")
		create(t, w, w.stranger, "ZZZ")
		var keys []string
		after := ""
		for more := true; more; {
			var page []project.Nameplate
			var err error
			if page, more, err = w.Names(ctx, admin, false, after, 1); err != nil || len(page) != 1 {
				t.Fatalf("%v, %v", page, err)
			}
			after = page[0].Key
			keys = append(keys, page[0].Key+" "+page[0].Name)
		}
		if diff := cmp.Diff([]string{"AAA Project AAA", "MESOS Project MESOS", "ZZZ Project ZZZ"}, keys); diff != "" {
			t.Error(diff)
		}
		for _, limit := range []int{0, project.MaxPage + 1} {
			_, _, err := w.Names(ctx, admin, false, "", limit)
			wantKind(t, "limit", err, errs.Invalid)
		}
		basetest.RunScenarios(t, handler(w), []basetest.Scenario{
			{Name: "no more than names", Path: "/api/admin/projects", Header: as(t, admin, nil), Status: 200, Has: []string{`"key":"AAA"`, `"nextCursor":null`}, HasNot: []string{"description", "version"}},
			{Name: "page", Path: "/api/admin/projects?limit=2", Header: as(t, admin, nil), Status: 200, Has: []string{`"nextCursor":"MESOS"`}},
			{Name: "cursor", Path: "/api/admin/projects?cursor=x", Header: as(t, admin, nil), Status: 422, Has: []string{"cursor"}},
			{Name: "still a stranger", Path: "/api/projects/MESOS", Header: as(t, admin, nil), Status: 404},
		})
	})
}

// TestWhoMayTakeOver: everybody who is no admin is refused, in a project or not.
func TestWhoMayTakeOver(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		admin := newAdmin(t, w)
		program := admin
		program.Session, program.Role = "", account.User // a token without the scope admin
		var all []basetest.Scenario
		for _, c := range []struct{ method, path string }{
			{"GET", "/api/admin/projects?ownerless=true"}, {"POST", "/api/admin/projects/" + w.p.ID + "/take-over"},
		} {
			add := func(who string, header map[string]string, status int) {
				all = append(all, basetest.Scenario{Name: c.method + " " + who, Method: c.method, Path: c.path, Header: header, Status: status})
			}
			add("a stranger", nil, 401)
			add("a user", as(t, w.stranger, nil), 403)
			for _, role := range roles()[1:] {
				add("a "+string(role), as(t, w.asRole(role), nil), 403)
			}
			add("a program", as(t, program, nil), 403)
			add("an admin", as(t, admin, nil), map[string]int{"GET": 200, "POST": 409}[c.method])
		}
		basetest.RunScenarios(t, handler(w), all)
	})
}

func TestVet(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		give := func(role string) string { return `{"project":"` + w.p.ID + `","role":"` + role + `"}` }
		for name, c := range map[string]struct {
			by    account.Actor
			grant string
			known bool
			good  bool
		}{
			"an owner's":              {w.owner, give("owner"), true, true},
			"a maintainer's":          {w.maintainer, give("maintainer"), true, true},
			"above one's own":         {w.maintainer, give("owner"), true, false},
			"a member's":              {w.member, give("viewer"), true, false},
			"a stranger's":            {w.stranger, give("viewer"), true, false},
			"an admin's, a stranger":  {newAdmin(t, w), give("viewer"), true, false},
			"the operator's":          {account.Operator(), give("owner"), true, true},
			"the operator's, nowhere": {account.Operator(), `{"project":"x","role":"viewer"}`, true, false},
			"no such role":            {w.owner, give("chief"), true, false},
			"no role":                 {w.owner, `{"project":"` + w.p.ID + `"}`, true, false},
			"another slice's":         {w.owner, `{"team":7}`, false, true},
			"a number":                {w.owner, `7`, false, true},
		} {
			known, err := db.Read(t.Context(), w.db, func(ctx context.Context, c2 db.Conn) (bool, error) {
				return w.Vet(ctx, c2, c.by, json.RawMessage(c.grant))
			})
			if (err == nil) != c.good || err == nil && known != c.known {
				t.Errorf("%s: %v, %v", name, known, err)
			}
			if err != nil && (!errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.grants") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestPromise(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		if none, err := w.Promise(ctx, nil); len(none) != 0 || err != nil {
			t.Errorf("%v, %v", none, err)
		}
		grants, err := w.Promise(ctx, []string{"mesos:member"})
		text, _ := json.Marshal(grants)
		if want := `[{"project":"` + w.p.ID + `","role":"member"}]`; err != nil || string(text) != want {
			t.Errorf("%s, %v", text, err)
		}
		for text, kind := range map[string]errs.Kind{"MESOS": errs.Invalid, "MESOS:chief": errs.Invalid, "": errs.Invalid, "NONE:member": errs.NotFound} {
			_, err := w.Promise(ctx, []string{text})
			wantKind(t, text, err, kind)
		}
	})
}

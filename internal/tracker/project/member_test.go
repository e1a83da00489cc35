package project_test

import (
	"context"
	"fmt"
	"sync"
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

// operation is something to do in MESOS, and the role it takes.
type operation struct {
	name string
	need project.Role
	run  func(t *testing.T, w world, as project.Role) error
}

// operations can each be done over and over, but for the last.
func operations() []operation {
	return []operation{
		{"get", project.Viewer, func(t *testing.T, w world, as project.Role) error {
			p, err := w.Get(t.Context(), w.asRole(as), "MESOS")
			if err == nil && p.Role != as {
				err = fmt.Errorf("told of the role %s", p.Role)
			}
			return err
		}},
		{"statuses", project.Viewer, func(t *testing.T, w world, as project.Role) error {
			_, err := w.Statuses(t.Context(), w.asRole(as), "MESOS")
			return err
		}},
		{"members", project.Viewer, func(t *testing.T, w world, as project.Role) error {
			_, _, err := w.Members(t.Context(), w.asRole(as), "MESOS", "", 10)
			return err
		}},
		{"update", project.Maintainer, func(t *testing.T, w world, as project.Role) error {
			name := "called so by " + string(as)
			_, err := w.Update(t.Context(), w.asRole(as), "", "MESOS", project.Edit{Name: &name})
			return err
		}},
		{"add member", project.Maintainer, func(t *testing.T, w world, as project.Role) error {
			name := "new-" + string(as)
			accounttest.User(t, w.db, name)
			_, err := w.AddMember(t.Context(), w.asRole(as), "", "MESOS", name+"@example.org", project.Viewer)
			return err
		}},
		{"set role", project.Maintainer, func(t *testing.T, w world, as project.Role) error {
			other := accounttest.User(t, w.db, "promoted-"+string(as))
			add(t, w, other, "promoted-"+string(as), project.Viewer)
			_, err := w.SetRole(t.Context(), w.asRole(as), "", "MESOS", other.ID, project.Member)
			return err
		}},
		{"remove member", project.Maintainer, func(t *testing.T, w world, as project.Role) error {
			other := accounttest.User(t, w.db, "removed-"+string(as))
			add(t, w, other, "removed-"+string(as), project.Viewer)
			return w.RemoveMember(t.Context(), w.asRole(as), "", "MESOS", other.ID)
		}},
		{"delete", project.Owner, func(t *testing.T, w world, as project.Role) error {
			return w.Delete(t.Context(), w.asRole(as), "", "MESOS")
		}},
	}
}

// TestRoles does everything as everybody.
func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, op := range operations() {
			for _, role := range roles() {
				err := op.run(t, w, role)
				switch {
				case role == "" && !errs.Is(err, errs.NotFound),
					role != "" && !role.May(op.need) && !errs.Is(err, errs.Forbidden),
					role != "" && role.May(op.need) && err != nil:
					t.Errorf("%s as %q: %v", op.name, role, err)
				}
			}
		}
	})
}

// TestNobodyGrantsAboveTheirOwn: nor do they take a role that is above their own.
func TestNobodyGrantsAboveTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, by := range []project.Role{project.Maintainer, project.Owner} {
			for _, role := range roles()[1:] {
				addsAndRemoves(t, w, by, role)
				for _, now := range roles()[1:] {
					changes(t, w, by, role, now)
				}
			}
		}
		wantKind(t, "a maintainer removes an owner", w.RemoveMember(t.Context(), w.maintainer, "", "MESOS", w.owner.ID), errs.Forbidden)
	})
}

// addsAndRemoves has by bring somebody in with the role, and take them out again.
func addsAndRemoves(t *testing.T, w world, by, role project.Role) {
	t.Helper()
	name := fmt.Sprintf("%s-adds-%s", by, role)
	accounttest.User(t, w.db, name)
	p, err := w.AddMember(t.Context(), w.asRole(by), "", "MESOS", name+"@example.org", role)
	if !by.May(role) {
		wantKind(t, name, err, errs.Forbidden)
		return
	}
	wantKind(t, name, err, nil)
	wantKind(t, name+" and removes", w.RemoveMember(t.Context(), w.asRole(by), "", "MESOS", p.UserID), nil)
}

// changes has by give somebody whose role is old the role now.
func changes(t *testing.T, w world, by, old, now project.Role) {
	t.Helper()
	name := fmt.Sprintf("%s-makes-%s-%s", by, old, now)
	user := accounttest.User(t, w.db, name)
	add(t, w, user, name, old)
	_, err := w.SetRole(t.Context(), w.asRole(by), "", "MESOS", user.ID, now)
	if by.May(old) && by.May(now) || old == now {
		wantKind(t, name, err, nil)
	} else {
		wantKind(t, name, err, errs.Forbidden)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		_, err := w.SetRole(ctx, w.owner, "", "MESOS", w.owner.ID, project.Member)
		wantKind(t, "the last owner steps down", err, errs.Conflict)
		wantKind(t, "the last owner leaves", w.RemoveMember(ctx, w.owner, "", "MESOS", w.owner.ID), errs.Conflict)
		add(t, w, w.stranger, "stranger", project.Owner)
		var wg sync.WaitGroup
		left := make(chan error, 2)
		for _, by := range []project.Role{project.Owner, ""} { // both want to leave at once
			wg.Go(func() { left <- w.RemoveMember(ctx, w.asRole(by), "", "MESOS", w.asRole(by).ID) })
		}
		wg.Wait()
		a, b := <-left, <-left
		if (a == nil) == (b == nil) || a != nil && !errs.Is(a, errs.Conflict) || b != nil && !errs.Is(b, errs.Conflict) {
			t.Errorf("two owners left with %v and %v", a, b)
		}
		owner, err := w.FirstOwner(ctx, "MESOS")
		if err != nil || owner.ID != w.owner.ID && owner.ID != w.stranger.ID {
			t.Errorf("%+v, %v", owner, err)
		}
	})
}

func TestLeaving(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		var left []project.Departure
		w.Left.Subscribe(func(_ context.Context, tx *live.Tx, d project.Departure) error {
			tx.AfterCommit(func() { left = append(left, d) })
			return nil
		})
		for _, who := range []project.Role{project.Viewer, project.Member, project.Maintainer} {
			for range 2 { // the answer may have been lost
				if err := w.RemoveMember(ctx, w.asRole(who), "leave", "MESOS", w.asRole(who).ID); err != nil {
					t.Errorf("%s leaves: %v", who, err)
				}
			}
			if _, err := w.Get(ctx, w.asRole(who), "MESOS"); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s after leaving: %v", who, err)
			}
			wantKind(t, "leaving again", w.RemoveMember(ctx, w.asRole(who), "leave again", "MESOS", w.asRole(who).ID), errs.NotFound)
		}
		want := []project.Departure{{w.p.ID, w.viewer.ID, ""}, {w.p.ID, w.member.ID, ""}, {w.p.ID, w.maintainer.ID, ""}}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMembers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		var all []project.Person
		after := ""
		for more := true; more; {
			var page []project.Person
			var err error
			if page, more, err = w.Members(ctx, w.viewer, "MESOS", after, 2); err != nil || len(page) == 0 || len(page) > 2 {
				t.Fatalf("%v, %v", page, err)
			}
			all = append(all, page...)
			after = page[len(page)-1].UserID
		}
		want := []project.Person{
			{w.owner.ID, "owner@example.org", "owner", project.Owner},
			{w.maintainer.ID, "maintainer@example.org", "maintainer", project.Maintainer},
			{w.member.ID, "member@example.org", "member", project.Member},
			{w.viewer.ID, "viewer@example.org", "viewer", project.Viewer},
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Error(diff)
		}
		for _, limit := range []int{0, project.MaxPage + 1} {
			_, _, err := w.Members(ctx, w.viewer, "MESOS", "", limit)
			wantKind(t, "limit", err, errs.Invalid)
		}
	})
}

func TestAddMember(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		gone := accounttest.User(t, w.db, "gone")
		exec(t, w.db, "UPDATE users SET disabled_at = 1 WHERE id = $1", gone.ID)
		for _, email := range []string{"nobody@example.org", "gone@example.org", "", "stranger"} {
			_, err := w.AddMember(ctx, w.owner, "", "MESOS", email, project.Member)
			if wantKind(t, email, err, errs.Invalid); errs.Of(err).Field != "body.email" {
				t.Errorf("%s: names %q", email, errs.Of(err).Field)
			}
		}
		_, err := w.AddMember(ctx, w.owner, "", "MESOS", "stranger@example.org", "chief")
		wantKind(t, "an unknown role", err, errs.Invalid)
		for range 2 { // sent again it says the same
			p, err := w.AddMember(ctx, w.owner, "a1", "MESOS", "Stranger@Example.ORG", project.Member)
			if err != nil || p != (project.Person{w.stranger.ID, "stranger@example.org", "stranger", project.Member}) {
				t.Errorf("%+v, %v", p, err)
			}
		}
		_, err = w.AddMember(ctx, w.owner, "a2", "MESOS", "stranger@example.org", project.Viewer)
		if wantKind(t, "twice", err, errs.Conflict); errs.Of(err).Field != "body.email" {
			t.Errorf("names %q", errs.Of(err).Field)
		}
		if p, err := w.Get(ctx, w.stranger, "MESOS"); err != nil || p.Role != project.Member {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestSetRole(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		_, err := w.SetRole(ctx, w.owner, "", "MESOS", w.stranger.ID, project.Member)
		wantKind(t, "of a stranger", err, errs.NotFound)
		_, err = w.SetRole(ctx, w.owner, "", "MESOS", w.viewer.ID, "chief")
		wantKind(t, "an unknown role", err, errs.Invalid)
		wantKind(t, "removing a stranger", w.RemoveMember(ctx, w.owner, "", "MESOS", w.stranger.ID), errs.NotFound)
		scope := project.Scope(w.p.ID)
		before := head(t, w, scope)
		for range 2 {
			p, err := w.SetRole(ctx, w.owner, "s1", "MESOS", w.viewer.ID, project.Member)
			if err != nil || p.Role != project.Member || p.DisplayName != "viewer" {
				t.Errorf("%+v, %v", p, err)
			}
		}
		if _, err := w.SetRole(ctx, w.owner, "s2", "MESOS", w.viewer.ID, project.Member); err != nil {
			t.Errorf("the role that they have: %v", err)
		}
		for range 2 {
			wantKind(t, "remove", w.RemoveMember(ctx, w.owner, "r1", "MESOS", w.viewer.ID), nil)
		}
		if got := head(t, w, scope); got != before+2 {
			t.Errorf("the log went from %d to %d", before, got)
		}
	})
}

func head(t *testing.T, w world, scope string) int64 {
	t.Helper()
	seq, err := w.log.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func exec(t *testing.T, d *db.DB, text string, args ...any) {
	t.Helper()
	if err := try(t.Context(), d, text, args...); err != nil {
		t.Fatal(err)
	}
}

func try(ctx context.Context, d *db.DB, text string, args ...any) error {
	_, err := db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(ctx, text, args...)
		return struct{}{}, err
	})
	return err
}

// TestMembershipIsObeyedAtOnce, whatever was asked just before.
func TestMembershipIsObeyedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		api, path := handler(w), "/api/sync/"+project.Scope(w.p.ID)+"?since=0"
		sees := func(by account.Actor, want int) {
			t.Helper()
			for range 2 { // the second may come from memory
				if status, _ := basetest.Do(t, api, "GET", path, as(t, by, nil), ""); status != want {
					t.Errorf("status %d, want %d", status, want)
				}
			}
		}
		sees(w.stranger, 404)
		add(t, w, w.stranger, "stranger", project.Viewer)
		sees(w.stranger, 200)
		if err := w.RemoveMember(t.Context(), w.owner, "", "MESOS", w.stranger.ID); err != nil {
			t.Fatal(err)
		}
		sees(w.stranger, 404)
		sees(w.viewer, 200)
		if err := w.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		sees(w.viewer, 404)
		sees(w.owner, 404)
	})
}

package project_test

import (
	"fmt"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/project"
)

// limitedTo is the actor by a token for some scopes of the change log.
func limitedTo(by account.Actor, scopes ...string) account.Actor {
	by.Session = ""
	by.Grant = &account.Grant{ID: "token", Scope: account.ScopeWrite, LogScopes: scopes}
	return by
}

// TestLimitedTokens: for a token that is limited to another project, whatever its user
// may do here, nothing is here; also when memory knows the project.
func TestLimitedTokens(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		if _, err := w.Find(ctx, w.owner, "MESOS"); err != nil {
			t.Fatal(err)
		}
		here, elsewhere := limitedTo(w.owner, "org", project.Scope(w.p.ID)), limitedTo(w.owner, w.owner.Scope(), project.Scope(w.owner.ID))
		name := "Renamed"
		for what, call := range map[string]func(by account.Actor) error{
			"find":       func(by account.Actor) error { _, err := w.Find(ctx, by, "MESOS"); return err },
			"find again": func(by account.Actor) error { _, err := w.FindAgain(ctx, by, "MESOS"); return err },
			"get":        func(by account.Actor) error { _, err := w.Get(ctx, by, "mesos"); return err },
			"update": func(by account.Actor) error {
				_, err := w.Update(ctx, by, "", "MESOS", project.Edit{Name: &name})
				return err
			},
			"statuses": func(by account.Actor) error { _, err := w.Statuses(ctx, by, "MESOS"); return err },
			"members":  func(by account.Actor) error { _, _, err := w.Members(ctx, by, "MESOS", "", 9); return err },
			"set role": func(by account.Actor) error {
				_, err := w.SetRole(ctx, by, "", "MESOS", w.viewer.ID, project.Member)
				return err
			},
		} {
			wantKind(t, what, call(elsewhere), errs.NotFound)
			if err := call(here); err != nil {
				t.Errorf("%s, within: %v", what, err)
			}
		}
		_, err := w.AddMember(ctx, elsewhere, "", "MESOS", "stranger@example.org", project.Viewer)
		wantKind(t, "add", err, errs.NotFound)
		wantKind(t, "remove", w.RemoveMember(ctx, elsewhere, "", "MESOS", w.viewer.ID), errs.NotFound)
		wantKind(t, "leave", w.RemoveMember(ctx, elsewhere, "", "MESOS", w.owner.ID), errs.NotFound)
		wantKind(t, "delete", w.Delete(ctx, elsewhere, "", "MESOS"), errs.NotFound)
		if err := w.Delete(ctx, here, "", "MESOS"); err != nil {
			t.Errorf("delete, within: %v", err)
		}
	})
}

// TestLimitedTokensListTheirProjects in pages, and none that the user is not in.
func TestLimitedTokensListTheirProjects(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		scopes := []string{"org", project.Scope(create(t, w, w.stranger, "AAA").ID)}
		for _, key := range []string{"ZZ", "BB", "AA"} {
			scopes = append(scopes, project.Scope(create(t, w, w.owner, key).ID))
		}
		create(t, w, w.owner, "CC")
		by := limitedTo(w.owner, scopes...)
		var got []string
		for after, more := "", true; more; {
			page, next, err := w.List(t.Context(), by, after, 2)
			if err != nil || len(page) == 0 {
				t.Fatal(page, err)
			}
			for _, p := range page {
				got = append(got, p.Key+" "+string(p.Role))
			}
			after, more = page[len(page)-1].Key, next
		}
		if text := fmt.Sprint(got); text != "[AA owner BB owner ZZ owner]" {
			t.Error(text)
		}
	})
}

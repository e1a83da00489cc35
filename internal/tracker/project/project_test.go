package project_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project"
)

func TestProjectLives(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		p, err := w.Create(ctx, w.stranger, "", project.Draft{Key: "XD", Name: "  Spring XD ", Description: "text"})
		if err != nil || p.Key != "XD" || p.Name != "Spring XD" || p.Version != 1 || p.Role != project.Owner || p.CreatedAt.IsZero() {
			t.Fatalf("created %+v, %v", p, err)
		}
		name := "Other"
		changed, err := w.Update(ctx, w.stranger, "", "XD", project.Edit{Name: &name})
		if err != nil || changed.Name != name || changed.Description != "text" || changed.Version != 2 || changed.ID != p.ID {
			t.Errorf("changed %+v, %v", changed, err)
		}
		got, err := w.Get(ctx, w.stranger, "xd") // a key is found in any case
		if diff := cmp.Diff(changed, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		wantKind(t, "delete", w.Delete(ctx, w.stranger, "", "XD"), nil)
		_, err = w.Get(ctx, w.stranger, "XD")
		wantKind(t, "after delete", err, errs.NotFound)
		create(t, w, w.owner, "XD") // the key is free again
	})
}

func TestNewProjectHasItsStatuses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all, err := w.Statuses(t.Context(), w.viewer, "MESOS")
		if err != nil || len(all) != 3 {
			t.Fatalf("%v, %v", all, err)
		}
		for i, want := range []project.Status{
			{Name: "Open", Category: project.Open, Color: "gray"},
			{Name: "In Progress", Category: project.InProgress, Color: "amber"},
			{Name: "Done", Category: project.Done, Color: "green"},
		} {
			want.ID, want.Rank = all[i].ID, all[i].Rank
			if all[i] != want || i > 0 && all[i].Rank <= all[i-1].Rank {
				t.Errorf("status %d is %+v", i, all[i])
			}
		}
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, long := t.Context(), strings.Repeat
		for name, c := range map[string]struct {
			draft project.Draft
			field string // "" when the draft is good
		}{
			"longest":          {project.Draft{Key: "ABCDEFGHIJ", Name: long("ü", 120), Description: long("ü", 10_000)}, ""},
			"shortest":         {project.Draft{Key: "A1", Name: "n"}, ""},
			"one letter":       {project.Draft{Key: "A", Name: "n"}, "body.key"},
			"eleven letters":   {project.Draft{Key: "ABCDEFGHIJK", Name: "n"}, "body.key"},
			"a digit first":    {project.Draft{Key: "1A", Name: "n"}, "body.key"},
			"small letters":    {project.Draft{Key: "mesos", Name: "n"}, "body.key"},
			"a dash":           {project.Draft{Key: "A-B", Name: "n"}, "body.key"},
			"a line break":     {project.Draft{Key: "AB\n", Name: "n"}, "body.key"},
			"not ASCII":        {project.Draft{Key: "ÄB", Name: "n"}, "body.key"},
			"no key":           {project.Draft{Name: "n"}, "body.key"},
			"no name":          {project.Draft{Key: "BB", Name: " \t"}, "body.name"},
			"name too long":    {project.Draft{Key: "BB", Name: long("ü", 121)}, "body.name"},
			"much description": {project.Draft{Key: "BB", Name: "n", Description: long("x", 10_001)}, "body.description"},
			"quotes and such":  {project.Draft{Key: "CC", Name: `'; DROP TABLE project; --`, Description: "$1 ?1 \" \\ \u2028"}, ""},
		} {
			p, err := w.Create(ctx, w.stranger, "", c.draft)
			switch {
			case c.field == "" && (err != nil || p.Name != c.draft.Name || p.Description != c.draft.Description):
				t.Errorf("%s: %+v, %v", name, p, err)
			case c.field != "" && (!errs.Is(err, errs.Invalid) || errs.Of(err).Field != c.field):
				t.Errorf("%s: %v", name, err)
			}
		}
		blank, much := " ", long("x", project.MaxDescription+1)
		for _, e := range []project.Edit{{Name: &blank}, {Description: &much}} {
			if _, err := w.Update(ctx, w.owner, "", "MESOS", e); !errs.Is(err, errs.Invalid) {
				t.Errorf("edit: %v", err)
			}
		}
		if kept, err := w.Get(ctx, w.owner, "MESOS"); err != nil || kept != w.p {
			t.Errorf("refused edits left %+v, %v", kept, err)
		}
	})
}

func TestKeyIsTaken(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		_, err := w.Create(t.Context(), w.stranger, "", project.Draft{Key: "MESOS", Name: "mine"})
		if !errs.Is(err, errs.Conflict) || errs.Of(err).Field != "body.key" || !strings.Contains(errs.Of(err).Message, "MESOS") {
			t.Errorf("%v", err)
		}
		if head, err := w.log.Head(t.Context(), w.stranger.Scope()); head != 0 || err != nil {
			t.Errorf("head %d, %v", head, err)
		}
	})
}

// TestKeyIsTakenOnce: of many who want a key at once, one gets it.
func TestKeyIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var wg sync.WaitGroup
		made := make(chan project.Project, 16)
		for range cap(made) {
			wg.Go(func() {
				p, err := w.Create(t.Context(), w.stranger, "", project.Draft{Key: "XD", Name: "n"})
				if err == nil {
					made <- p
				} else if !errs.Is(err, errs.Conflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(made) != 1 {
			t.Errorf("%d projects", len(made))
		}
	})
}

func TestStaleVersion(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		name, seen := "two", w.p.Version
		changed, err := w.Update(ctx, w.owner, "", "MESOS", project.Edit{Name: &name, Version: &seen})
		if err != nil {
			t.Fatal(err)
		}
		name = "three"
		_, err = w.Update(ctx, w.owner, "", "MESOS", project.Edit{Name: &name, Version: &seen})
		if !errs.Is(err, errs.Conflict) || errs.Of(err).Current != changed {
			t.Errorf("%v carries %+v", err, errs.Of(err).Current)
		}
		same, err := w.Update(ctx, w.owner, "", "MESOS", project.Edit{Name: &changed.Name})
		if err != nil || same != changed {
			t.Errorf("an edit that changes nothing: %+v, %v", same, err)
		}
	})
}

func TestListIsPaged(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, key := range []string{"CC", "AA", "ZZ", "BB"} {
			create(t, w, w.viewer, key)
		}
		var got []string
		after := ""
		for more := true; more; {
			var page []project.Project
			var err error
			if page, more, err = w.List(t.Context(), w.viewer, after, 2); err != nil || len(page) == 0 || len(page) > 2 {
				t.Fatalf("%v, %v", page, err)
			}
			for _, p := range page {
				got = append(got, p.Key+" "+string(p.Role))
				after = p.Key
			}
		}
		if diff := cmp.Diff([]string{"AA owner", "BB owner", "CC owner", "MESOS viewer", "ZZ owner"}, got); diff != "" {
			t.Error(diff)
		}
		for _, limit := range []int{0, -1, project.MaxPage + 1} {
			if _, _, err := w.List(t.Context(), w.viewer, "", limit); !errs.Is(err, errs.Invalid) {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	})
}

func TestResend(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		var wg sync.WaitGroup
		var ids [8]string
		for i := range ids {
			wg.Go(func() {
				p, err := w.Create(ctx, w.stranger, "c1", project.Draft{Key: "XD", Name: "once"})
				if err != nil || p.Role != project.Owner {
					t.Errorf("%+v, %v", p, err)
				}
				ids[i] = p.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("made %v", ids)
			}
		}
		name, later := "first", "later"
		_, err := w.Update(ctx, w.stranger, "u1", "XD", project.Edit{Name: &name})
		wantKind(t, "update", err, nil)
		_, err = w.Update(ctx, w.stranger, "u2", "XD", project.Edit{Name: &later})
		wantKind(t, "update", err, nil)
		if p, err := w.Update(ctx, w.stranger, "u1", "XD", project.Edit{Name: &name}); err != nil || p.Name != later || p.Version != 3 {
			t.Errorf("an update sent again: %+v, %v", p, err)
		}
		for range 2 {
			wantKind(t, "deletion", w.Delete(ctx, w.stranger, "d1", "XD"), nil)
		}
		wantKind(t, "another deletion", w.Delete(ctx, w.stranger, "d2", "XD"), errs.NotFound)
		wantKind(t, "a deletion under the creation's id", w.Delete(ctx, w.stranger, "c1", "XD"), errs.NotFound)
		_, err = w.Create(ctx, w.stranger, "c1", project.Draft{Key: "XD", Name: "once"})
		wantKind(t, "the creation sent again after the deletion", err, errs.NotFound)
	})
}

// TestStranger calls every method that reads or changes a project.
func TestStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, name := t.Context(), "yours"
		calls := map[string]error{
			"Delete":       w.Delete(ctx, w.stranger, "", "MESOS"),
			"RemoveMember": w.RemoveMember(ctx, w.stranger, "", "MESOS", w.viewer.ID),
			"leave":        w.RemoveMember(ctx, w.stranger, "", "MESOS", w.stranger.ID),
		}
		_, calls["Get"] = w.Get(ctx, w.stranger, "MESOS")
		_, calls["Update"] = w.Update(ctx, w.stranger, "", "MESOS", project.Edit{Name: &name})
		_, calls["Statuses"] = w.Statuses(ctx, w.stranger, "MESOS")
		_, _, calls["Members"] = w.Members(ctx, w.stranger, "MESOS", "", 10)
		_, calls["AddMember"] = w.AddMember(ctx, w.stranger, "", "MESOS", "stranger@example.org", project.Viewer)
		_, calls["AddMember of nobody"] = w.AddMember(ctx, w.stranger, "", "MESOS", "nobody@example.org", project.Viewer)
		_, calls["SetRole"] = w.SetRole(ctx, w.stranger, "", "MESOS", w.viewer.ID, project.Owner)
		for name, err := range calls {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		all, more, err := w.List(ctx, w.stranger, "", project.MaxPage)
		if err != nil || len(all) != 0 || more {
			t.Errorf("listed %v, %v, %v", all, more, err)
		}
		if kept, err := w.Get(ctx, w.owner, "MESOS"); err != nil || kept != w.p {
			t.Errorf("%+v, %v", kept, err)
		}
		if scopes, err := project.Feature(w.Service).Scopes(ctx, w.stranger.ID); err != nil || len(scopes) != 0 {
			t.Errorf("may follow %v, %v", scopes, err)
		}
	})
}

func TestEveryChangeIsLogged(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, name, names := t.Context(), "other", w.names()
		if _, err := w.Update(ctx, w.maintainer, "", "MESOS", project.Edit{Name: &name}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SetRole(ctx, w.owner, "", "MESOS", w.viewer.ID, project.Member); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveMember(ctx, w.viewer, "", "MESOS", w.viewer.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Delete(ctx, w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		want := `1 owner: create project MESOS; create member owner; create status; create status; create status
2 owner: create member maintainer
3 owner: create member member
4 owner: create member viewer
5 maintainer: update project MESOS name,updatedAt,version
6 owner: update member viewer role
7 viewer: delete member viewer
8 owner: delete member owner; delete member maintainer; delete member member; delete project MESOS`
		if diff := cmp.Diff(want, history(t, w, project.Scope(w.p.ID), names)); diff != "" {
			t.Error(diff)
		}
		for who, want := range map[string]string{
			w.owner.Scope():    "1 owner: create membership MESOS\n2 owner: delete membership MESOS",
			w.member.Scope():   "1 owner: create membership MESOS\n2 owner: delete membership MESOS",
			w.viewer.Scope():   "1 owner: create membership MESOS\n2 owner: update membership MESOS role\n3 viewer: delete membership MESOS",
			w.stranger.Scope(): "",
		} {
			if diff := cmp.Diff(want, history(t, w, who, names)); diff != "" {
				t.Errorf("%s: %s", who, diff)
			}
		}
	})
}

func TestSnapshot(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for scope, want := range map[string][]string{
			project.Scope(w.p.ID): {"project", "status", live.Member},
			w.viewer.Scope():      {"membership"},
		} {
			s, err := w.log.Snapshot(t.Context(), scope)
			if err != nil || len(s.Entities) != len(want) {
				t.Fatalf("%+v, %v", s, err)
			}
			for _, entity := range want {
				// A snapshot holds what the log's creations and updates come to.
				if diff := cmp.Diff(replay(t, w, scope, entity), decode(t, s.Entities[entity])); diff != "" {
					t.Errorf("%s %s: %s", scope, entity, diff)
				}
			}
		}
	})
}

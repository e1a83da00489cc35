package issue_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/project/projecttest"
)

// TestNumbers: 64 who create at once all succeed, with numbers 1 to n; one that was
// handed out is never handed out again.
func TestNumbers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const creators, each = 64, 3
		seen := createAtOnce(t, w, creators, each)
		for n := int64(1); n <= creators*each; n++ {
			if !seen[n] {
				t.Errorf("number %d was given to nobody", n)
			}
		}
		ranks := count(t, w, "SELECT COUNT(DISTINCT rank) FROM issue WHERE status_id = $1", w.open)
		if ranks != creators*each || head(t, w) != int64(creators*each+3) {
			t.Errorf("%d ranks, log at %d", ranks, head(t, w))
		}
		for _, n := range []int64{creators * each, 1} { // the newest, too
			if err := w.Delete(t.Context(), w.member, "", issue.Key{Project: "MESOS", Number: n}); err != nil {
				t.Error(err)
			}
		}
		if i := create(t, w, issue.Draft{Title: "next"}); i.Number != creators*each+1 {
			t.Errorf("number %d after deletions", i.Number)
		}
		_, err := w.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "refused", AssigneeID: &w.stranger.ID})
		wantKind(t, "refused", err, errs.Invalid)
		if i := create(t, w, issue.Draft{Title: "next but one"}); i.Number != creators*each+2 {
			t.Errorf("number %d after one that was refused", i.Number)
		}
		if i := foreign(t, w); i.Number != 1 || i.Key != "XD-1" {
			t.Errorf("in another project %s", i.Key)
		}
	})
}

// createAtOnce returns which numbers were handed out.
func createAtOnce(t *testing.T, w world, creators, each int) map[int64]bool {
	t.Helper()
	var wg sync.WaitGroup
	numbers := make(chan int64, creators*each)
	for n := range creators {
		wg.Go(func() {
			by := []account.Actor{w.member, w.owner}[n%2]
			for range each {
				i, err := w.Create(t.Context(), by, "", "MESOS", issue.Draft{Title: fmt.Sprint("by ", n)})
				if err != nil {
					t.Error(err)
				}
				numbers <- i.Number
			}
		})
	}
	wg.Wait()
	close(numbers)
	seen := map[int64]bool{}
	for n := range numbers {
		seen[n] = true
	}
	return seen
}

func TestResend(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, before := t.Context(), head(t, w)
		id := createOnce(t, w, "c1")
		k := issue.Key{Project: "MESOS", Number: 1}
		title := func(text string) issue.Edit { return func(d *issue.Draft) { d.Title = text } }
		for _, tx := range []string{"u1", "u2", "u1"} {
			if _, err := w.Update(ctx, w.member, tx, k, nil, title(tx)); err != nil {
				t.Error(err)
			}
		}
		if i, err := w.Update(ctx, w.member, "u1", k, nil, title("x")); err != nil || i.Title != "u2" || i.Version != 3 {
			t.Errorf("%+v, %v", i, err)
		}
		other, err := w.Create(ctx, w.owner, "c1", "MESOS", issue.Draft{Title: "another's"})
		if err != nil || other.ID == id {
			t.Errorf("another's mutation with the same id: %+v, %v", other, err)
		}
		for range 2 {
			if err := w.Delete(ctx, w.member, "d1", k); err != nil {
				t.Error(err)
			}
		}
		wantKind(t, "deleted again", w.Delete(ctx, w.member, "d2", k), errs.NotFound)
		_, err = w.Create(ctx, w.member, "c1", "MESOS", issue.Draft{Title: "once"})
		wantKind(t, "created again after its deletion", err, errs.NotFound)
		_, err = w.Update(ctx, w.member, "u1", k, nil, title("x"))
		wantKind(t, "changed again after its deletion", err, errs.NotFound)
		if got := head(t, w); got != before+5 {
			t.Errorf("the log went from %d to %d", before, got)
		}
	})
}

// createOnce sends one creation several times at once.
func createOnce(t *testing.T, w world, tx string) (id string) {
	t.Helper()
	var wg sync.WaitGroup
	var ids [8]string
	for n := range ids {
		wg.Go(func() {
			i, err := w.Create(t.Context(), w.member, tx, "MESOS", issue.Draft{Title: "once"})
			if err != nil {
				t.Error(err)
			}
			ids[n] = i.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("made %v", ids)
		}
	}
	return ids[0]
}

// changes are what the log holds of MESOS after seq: op, issue and the fields that
// it names, but for those which every update has.
func changes(t *testing.T, w world, seq int64) (lines []string) {
	t.Helper()
	entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), seq)
	if err != nil {
		t.Fatal(err)
	}
	number := map[string]string{}
	for n := range int64(20) {
		if i, err := w.Get(t.Context(), w.viewer, issue.Key{Project: "MESOS", Number: n + 1}); err == nil {
			number[i.ID] = i.Key
		}
	}
	for _, e := range entries {
		var all []string
		for _, c := range e.Changes {
			var patch map[string]any
			if err := json.Unmarshal(c.Patch, &patch); err != nil {
				t.Fatal(err)
			}
			_, hasVersion := patch["version"]
			_, hasTime := patch["updatedAt"]
			if c.Entity == "issue" && c.Op == live.Update && (!hasVersion || !hasTime) {
				t.Errorf("patch %s", c.Patch)
			}
			maps.DeleteFunc(patch, func(name string, _ any) bool { return name == "version" || name == "updatedAt" })
			fields := strings.Join(slices.Sorted(maps.Keys(patch)), ",")
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.Op, c.Entity, number[c.ID], fields)))
		}
		lines = append(lines, strings.Join(all, "; "))
	}
	return lines
}

func TestEveryChangeIsLogged(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		before := head(t, w)
		parent := create(t, w, issue.Draft{Title: "parent"})
		one := create(t, w, issue.Draft{Title: "one", Description: "text", ParentID: &parent.ID, AssigneeID: &w.viewer.ID})
		create(t, w, issue.Draft{Title: "two", ParentID: &parent.ID})
		three := create(t, w, issue.Draft{Title: "three", AssigneeID: &w.viewer.ID, StatusID: w.done})
		for _, edit := range []issue.Edit{
			func(d *issue.Draft) { d.Title = "new"; d.Effort = new(int64) },
			func(d *issue.Draft) { d.Description = "other" },
			func(d *issue.Draft) { d.StatusID = w.done },
			func(d *issue.Draft) { d.Effort = nil },
			func(d *issue.Draft) { d.Priority = issue.Medium }, // it is that already
		} {
			if _, err := update(t, w, one, edit); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Delete(t.Context(), w.member, "", key(t, parent.Key)); err != nil {
			t.Fatal(err)
		}
		if err := w.projects.RemoveMember(t.Context(), w.viewer, "", "MESOS", w.viewer.ID); err != nil {
			t.Fatal(err)
		}
		join(t, w, "viewer", project.Viewer) // to look
		const all = "assigneeId,authorId,createdAt,description,dueOn,effort,id,key,number,parentId,priority,rank,statusId,title"
		want := []string{
			"create issue  " + all, "create issue MESOS-2 " + all, "create issue MESOS-3 " + all, "create issue MESOS-4 " + all,
			"update issue MESOS-2 effort,title", "update issue MESOS-2 description", "update issue MESOS-2 statusId", // its rank fits there
			"update issue MESOS-2 effort",
			"update issue MESOS-2 parentId; update issue MESOS-3 parentId; delete issue",
			"delete member; update issue MESOS-2 assigneeId; update issue MESOS-4 assigneeId",
			"create member  id,role",
		}
		if diff := cmp.Diff(want, changes(t, w, before)); diff != "" {
			t.Error(diff)
		}
		if got := get(t, w, one); got.ParentID != nil || got.AssigneeID != nil || got.Version != 7 {
			t.Errorf("%+v", got)
		}
		if got := get(t, w, three); got.AssigneeID != nil || got.Version != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// TestRemovedMember: somebody else removes them, and their issues are nobody's.
func TestRemovedMember(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := create(t, w, issue.Draft{Title: "mine", AssigneeID: &w.member.ID})
		other := create(t, w, issue.Draft{Title: "not mine", AssigneeID: &w.owner.ID})
		if err := w.projects.RemoveMember(t.Context(), w.owner, "", "MESOS", w.member.ID); err != nil {
			t.Fatal(err)
		}
		if got := get(t, w, i); got.AssigneeID != nil || got.AuthorID != w.member.ID {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff(other, get(t, w, other)); diff != "" {
			t.Error(diff)
		}
		_, err := w.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "t"})
		wantKind(t, "from outside", err, errs.NotFound)
	})
}

// TestProjectTakesItsIssuesAlong counts rows after the project's deletion.
func TestProjectTakesItsIssuesAlong(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		parent := create(t, w, issue.Draft{Title: "parent"})
		create(t, w, issue.Draft{Title: "child", ParentID: &parent.ID, StatusID: w.done, AssigneeID: &w.viewer.ID})
		source := issue.Source{Alias: "A-1", Draft: issue.Draft{Title: "imported"}}
		if _, err := w.Import(t.Context(), w.member, "MESOS", []issue.Source{source}); err != nil {
			t.Fatal(err)
		}
		kept := foreign(t, w)
		if err := w.projects.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		projecttest.Purge(t, w.db, w.projects)
		for _, table := range []string{"issue", "issue_number", "issue_alias", "status", "project_member"} {
			if n := count(t, w, "SELECT COUNT(*) FROM "+table+" WHERE project_id = $1", w.p.ID); n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		if got, err := w.Get(t.Context(), w.stranger, key(t, kept.Key)); err != nil || got.ID != kept.ID {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestSnapshot: it holds what a list holds, but for the descriptions, and begins with the
// tops of the columns.
func TestSnapshot(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		effort, due := int64(500), "2026-12-31"
		one := create(t, w, issue.Draft{Title: "one", Description: "long text"})
		create(t, w, issue.Draft{Title: "two", AssigneeID: &w.viewer.ID, Effort: &effort, DueOn: &due, ParentID: &one.ID, StatusID: w.done})
		create(t, w, issue.Draft{Title: "three"})
		foreign(t, w)
		s, err := w.log.Snapshot(t.Context(), project.Scope(w.p.ID))
		if err != nil || s.Seq != head(t, w) {
			t.Fatalf("%+v, %v", s, err)
		}
		page, err := w.List(t.Context(), w.viewer, "MESOS", issue.Filter{Sort: "number", Limit: 10})
		if err != nil || page.Next != "" {
			t.Fatalf("%+v, %v", page, err)
		}
		var want []issue.Header
		for _, i := range page.Items {
			want = append(want, i.Header)
		}
		want = []issue.Header{want[2], want[0], want[1]}
		var got []issue.Header
		if err := json.Unmarshal(s.Entities["issue"], &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || strings.Contains(string(s.Entities["issue"]), "description") {
			t.Error(diff)
		}
	})
}

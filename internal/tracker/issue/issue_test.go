package issue_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
)

func TestIssueLives(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		i, err := w.Create(ctx, w.member, "", "mesos", issue.Draft{Title: " first ", Description: "text"})
		if err != nil {
			t.Fatal(err)
		}
		want := issue.Issue{Description: "text", Header: issue.Header{
			ID: i.ID, Key: "MESOS-1", Number: 1, Title: "first", StatusID: w.open, Priority: issue.Medium, Rank: "a0",
			AuthorID: w.member.ID, CreatedAt: i.CreatedAt, UpdatedAt: i.CreatedAt, Version: 1,
		}}
		if diff := cmp.Diff(want, i); diff != "" || i.CreatedAt.IsZero() {
			t.Error(diff)
		}
		effort, due := int64(2500), "2026-12-31"
		changed, err := w.Update(ctx, w.owner, "", key(t, "mesos-1"), &i.Version, func(d *issue.Draft) {
			*d = issue.Draft{
				Title: "second", Description: "more", StatusID: w.done, Priority: issue.Urgent,
				AssigneeID: &w.viewer.ID, Effort: &effort, DueOn: &due,
			}
		})
		points := 2.5
		want.Title, want.Description, want.StatusID, want.Priority = "second", "more", w.done, issue.Urgent
		want.AssigneeID, want.Effort, want.DueOn, want.Version, want.UpdatedAt = &w.viewer.ID, &points, &due, 2, changed.UpdatedAt
		if diff := cmp.Diff(want, changed); err != nil || diff != "" || !changed.UpdatedAt.After(i.UpdatedAt) {
			t.Errorf("%v %s", err, diff)
		}
		if diff := cmp.Diff(changed, get(t, w, i)); diff != "" {
			t.Error(diff)
		}
		cleared, err := w.Update(ctx, w.owner, "", key(t, "MESOS-1"), nil, func(d *issue.Draft) {
			d.AssigneeID, d.Effort, d.DueOn, d.Description = nil, nil, nil, ""
		})
		if err != nil || cleared.AssigneeID != nil || cleared.Effort != nil || cleared.DueOn != nil || cleared.Title != "second" {
			t.Errorf("%+v, %v", cleared, err)
		}
		if err := w.Delete(ctx, w.member, "", key(t, "MESOS-1")); err != nil {
			t.Error(err)
		}
		_, err = w.Get(ctx, w.member, key(t, "MESOS-1"))
		wantKind(t, "after delete", err, errs.NotFound)
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		long, text := strings.Repeat, func(s string) *string { return &s }
		for name, c := range map[string]struct {
			draft issue.Draft
			field string // "" when the draft is good
		}{
			"longest":           {issue.Draft{Title: long("ü", 200), Description: long("ü", 100_000)}, ""},
			"quotes and such":   {issue.Draft{Title: `'; DROP TABLE issue; --`, Description: "$1 ?1 \" \\ \u2028 %s"}, ""},
			"no title":          {issue.Draft{Title: " \t\n"}, "body.title"},
			"title too long":    {issue.Draft{Title: long("ü", 201)}, "body.title"},
			"much description":  {issue.Draft{Title: "t", Description: long("x", 100_001)}, "body.description"},
			"unknown priority":  {issue.Draft{Title: "t", Priority: "x"}, "body.priority"},
			"a leap day":        {issue.Draft{Title: "t", DueOn: text("2028-02-29")}, ""},
			"no leap day":       {issue.Draft{Title: "t", DueOn: text("2027-02-29")}, "body.dueOn"},
			"a time":            {issue.Draft{Title: "t", DueOn: text("2027-02-20T10:00:00Z")}, "body.dueOn"},
			"an empty date":     {issue.Draft{Title: "t", DueOn: text("")}, "body.dueOn"},
			"unknown status":    {issue.Draft{Title: "t", StatusID: uuid.NewString()}, "body.statusId"},
			"another's status":  {issue.Draft{Title: "t", StatusID: w.elsewhere}, "body.statusId"},
			"unknown assignee":  {issue.Draft{Title: "t", AssigneeID: text(uuid.NewString())}, "body.assigneeId"},
			"assigned stranger": {issue.Draft{Title: "t", AssigneeID: &w.stranger.ID}, "body.assigneeId"},
			"unknown parent":    {issue.Draft{Title: "t", ParentID: text(uuid.NewString())}, "body.parentId"},
			"another's parent":  {issue.Draft{Title: "t", ParentID: text(foreign(t, w).ID)}, "body.parentId"},
		} {
			i, err := w.Create(t.Context(), w.member, "", "MESOS", c.draft)
			if c.field != "" {
				wantField(t, name, err, c.field)
			} else if err != nil || i.Title != c.draft.Title || i.Description != c.draft.Description {
				t.Errorf("%s: %+v, %v", name, i, err)
			}
			one := create(t, w, issue.Draft{Title: "one"})
			_, err = update(t, w, one, func(d *issue.Draft) {
				*d = c.draft
				if d.StatusID == "" {
					d.StatusID = w.open
				}
			})
			if c.field != "" {
				wantField(t, name+", changed", err, c.field)
				if diff := cmp.Diff(one, get(t, w, one)); diff != "" {
					t.Errorf("%s left %s", name, diff)
				}
			} else if err != nil {
				t.Errorf("%s, changed: %v", name, err)
			}
		}
	})
}

func TestEffort(t *testing.T) {
	t.Parallel()
	for points, want := range map[float64]int64{
		0: 0, 0.001: 1, 0.5: 500, 0.1: 100, 0.3: 300, 1: 1000, 2.675: 2675, 13: 13_000, 40: 40_000, 9999.999: 9_999_999, 10_000: 10_000_000,
	} {
		if got, err := issue.Effort(&points); err != nil || *got != want {
			t.Errorf("%v: %v, %v", points, got, err)
		}
	}
	for _, points := range []float64{-1, -0.001, 1e9, 10_000.001, 0.0001, 0.0005, 1e-10, 1.00000000001} {
		_, err := issue.Effort(&points)
		wantField(t, "effort", err, "body.effort")
	}
	if got, err := issue.Effort(nil); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestParents(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		a := create(t, w, issue.Draft{Title: "a"})
		b := create(t, w, issue.Draft{Title: "b", ParentID: &a.ID})
		c := create(t, w, issue.Draft{Title: "c", ParentID: &b.ID})
		for name, parent := range map[string]string{"itself": a.ID, "its child": b.ID, "its grandchild": c.ID} {
			_, err := update(t, w, a, func(d *issue.Draft) { d.ParentID = &parent })
			wantField(t, name, err, "body.parentId")
		}
		if c, err := update(t, w, c, func(d *issue.Draft) { d.ParentID = &a.ID }); err != nil || *c.ParentID != a.ID {
			t.Errorf("%+v, %v", c, err)
		}
		if c, err := update(t, w, c, func(d *issue.Draft) { d.ParentID = nil }); err != nil || c.ParentID != nil {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestDeepNesting: there is a bound, and an issue that came below it with its parent
// can still be changed otherwise.
func TestDeepNesting(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		chain := func() (first, last issue.Issue) {
			first = create(t, w, issue.Draft{Title: "first"})
			last = first
			for range 49 {
				last = create(t, w, issue.Draft{Title: "next", ParentID: &last.ID})
			}
			return first, last
		}
		first, last := chain()
		deepest := create(t, w, issue.Draft{Title: "the last that may", ParentID: &last.ID})
		_, err := w.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "one too deep", ParentID: &deepest.ID})
		wantField(t, "one too deep", err, "body.parentId")
		_, below := chain()
		if _, err := update(t, w, first, func(d *issue.Draft) { d.ParentID = &below.ID }); err != nil {
			t.Fatal(err)
		}
		if i, err := update(t, w, deepest, func(d *issue.Draft) { d.Title = "new" }); err != nil || i.Title != "new" {
			t.Errorf("%+v, %v", i, err)
		}
	})
}

func TestStaleVersion(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := create(t, w, issue.Draft{Title: "one"})
		title := func(text string) issue.Edit { return func(d *issue.Draft) { d.Title = text } }
		changed, err := w.Update(t.Context(), w.owner, "", key(t, i.Key), &i.Version, title("two"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Update(t.Context(), w.member, "", key(t, i.Key), &i.Version, title("three"))
		wantKind(t, "stale", err, errs.Conflict)
		if diff := cmp.Diff(changed, errs.Of(err).Current); diff != "" {
			t.Error(diff)
		}
		before := head(t, w)
		same, err := update(t, w, i, title(" two "))
		if diff := cmp.Diff(changed, same); err != nil || diff != "" || head(t, w) != before {
			t.Errorf("an edit that changes nothing: %v %s", err, diff)
		}
	})
}

// TestFieldsMerge: edits that name no version change what they name, all at once.
func TestFieldsMerge(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := create(t, w, issue.Draft{Title: "one"})
		due, effort := "2026-12-31", int64(8000)
		edits := []issue.Edit{
			func(d *issue.Draft) { d.Title = "two" }, func(d *issue.Draft) { d.Priority = issue.High },
			func(d *issue.Draft) { d.DueOn = &due }, func(d *issue.Draft) { d.Effort = &effort },
			func(d *issue.Draft) { d.StatusID = w.done }, func(d *issue.Draft) { d.AssigneeID = &w.owner.ID },
			func(d *issue.Draft) { d.Description = "text" },
		}
		var wg sync.WaitGroup
		for _, edit := range edits {
			wg.Go(func() {
				if _, err := update(t, w, i, edit); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		points := 8.0
		want := i
		want.Title, want.Priority, want.DueOn, want.Effort = "two", issue.High, &due, &points
		want.StatusID, want.AssigneeID, want.Description = w.done, &w.owner.ID, "text"
		got := get(t, w, i)
		want.Version, want.UpdatedAt, want.Rank = 8, got.UpdatedAt, got.Rank
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNewOnesStandFirst: in the column they enter, by creation or by a new status.
func TestNewOnesStandFirst(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, title := range []string{"a", "b"} {
			create(t, w, issue.Draft{Title: title})
			create(t, w, issue.Draft{Title: title + " done", StatusID: w.done})
		}
		c := create(t, w, issue.Draft{Title: "c"})
		if got := column(t, w, w.open); got != "c b a" {
			t.Error(got)
		}
		if _, err := update(t, w, c, func(d *issue.Draft) { d.StatusID = w.done }); err != nil {
			t.Fatal(err)
		}
		if got := column(t, w, w.open) + ", " + column(t, w, w.done); got != "b a, c b done a done" {
			t.Error(got)
		}
	})
}

func column(t *testing.T, w world, status string) string {
	t.Helper()
	page, err := w.List(t.Context(), w.viewer, "MESOS", issue.Filter{Statuses: []string{status}, Sort: "rank", Limit: issue.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	titles := make([]string, len(page.Items))
	for n, i := range page.Items {
		titles[n] = i.Title
	}
	return strings.Join(titles, " ")
}

package issue_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// titles are awkward to search for and to sort: equal ones, some that differ in case
// or diacritics only, and characters that mean something to LIKE.
func titles() []string {
	return []string{
		"100% done", "1000 done", "a_b", "axb", `back\slash`, `it's "quoted"`, "Größe", "grosse", "GROSSE", "Café au lait",
		"same", "same", "same", "Zebra", "änderung", "日本語", "$1 ?1 %s", "[a-z]* .", "MESOS-3", "end",
	}
}

// filled is a world whose project has issues of every kind; it returns all of them.
func filled(t *testing.T, w world) []issue.Issue {
	t.Helper()
	statuses := []string{w.open, w.doing, w.done}
	priorities := []issue.Priority{issue.Low, issue.Medium, issue.High, issue.Urgent}
	assignees := []*string{nil, &w.member.ID, &w.viewer.ID, nil, &w.owner.ID}
	for n, title := range titles() {
		create(t, w, issue.Draft{Title: title, StatusID: statuses[n%3], Priority: priorities[n%4], AssigneeID: assignees[n%5]})
	}
	foreign(t, w)
	for _, n := range []int64{7, 3, 12} { // so that updates come in another order
		if _, err := w.Update(t.Context(), w.owner, "", issue.Key{Project: "MESOS", Number: n}, nil, func(d *issue.Draft) { d.Description = "new" }); err != nil {
			t.Fatal(err)
		}
	}
	page, err := w.List(t.Context(), w.viewer, "MESOS", issue.Filter{Limit: issue.MaxPage})
	if err != nil || len(page.Items) != len(titles()) || page.Next != "" {
		t.Fatalf("%d issues, %q, %v", len(page.Items), page.Next, err)
	}
	return page.Items
}

// walk reads all pages of a list.
func walk(t *testing.T, w world, f issue.Filter) (keys []string) {
	t.Helper()
	for {
		page, err := w.List(t.Context(), w.viewer, "MESOS", f)
		if err != nil || len(page.Items) > f.Limit || page.Next != "" && len(page.Items) < f.Limit || len(keys) > 100 {
			t.Fatalf("%+v gave %d, %v", f, len(page.Items), err)
		}
		for _, i := range page.Items {
			keys = append(keys, i.Key)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return keys
		}
	}
}

// model does in Go what the list does in SQL.
func model(w world, all []issue.Issue, f issue.Filter) (keys []string) {
	category := map[string]string{w.open: "open", w.doing: "in_progress", w.done: "done"}
	var kept []issue.Issue
	for _, i := range all {
		assignee := issue.Nobody
		if i.AssigneeID != nil {
			assignee = *i.AssigneeID
		}
		among := func(wanted []string, is ...string) bool {
			return len(wanted) == 0 || slices.ContainsFunc(is, func(v string) bool { return slices.Contains(wanted, v) })
		}
		me := assignee == w.viewer.ID && slices.Contains(f.Assignees, issue.Me)
		if among(f.Statuses, i.StatusID, category[i.StatusID]) && (me || among(f.Assignees, assignee)) &&
			(len(f.Priorities) == 0 || slices.Contains(f.Priorities, i.Priority)) &&
			(strings.Contains(fold.Key(i.Title), fold.Key(f.Text)) || strings.EqualFold(f.Text, i.Key)) {
			kept = append(kept, i)
		}
	}
	name, descending := strings.CutPrefix(f.Sort, "-")
	slices.SortFunc(kept, func(a, b issue.Issue) int {
		if descending {
			a, b = b, a
		}
		return cmp.Or(compare(name, a, b), cmp.Compare(a.ID, b.ID))
	})
	for _, i := range kept {
		keys = append(keys, i.Key)
	}
	return keys
}

func compare(order string, a, b issue.Issue) int {
	switch order {
	case "created":
		return a.CreatedAt.Compare(b.CreatedAt)
	case "updated":
		return a.UpdatedAt.Compare(b.UpdatedAt)
	case "title":
		return cmp.Compare(fold.Key(a.Title), fold.Key(b.Title))
	case "priority":
		levels := []issue.Priority{issue.Low, issue.Medium, issue.High, issue.Urgent}
		return cmp.Compare(slices.Index(levels, a.Priority), slices.Index(levels, b.Priority))
	case "rank":
		return cmp.Compare(a.Rank, b.Rank)
	}
	return cmp.Compare(a.Number, b.Number)
}

// TestSorts pages each order by two, in both directions.
func TestSorts(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all := filled(t, w)
		for _, name := range issue.Sorts() {
			for _, sort := range []string{name, "-" + name} {
				f := issue.Filter{Sort: sort, Limit: 2}
				got := walk(t, w, f)
				if diff := gocmp.Diff(model(w, all, f), got); diff != "" || len(got) != len(all) {
					t.Errorf("%s: %s", sort, diff)
				}
			}
		}
	})
}

// TestFilters tries every combination of conditions, so that every statement that
// can be built runs on both engines.
func TestFilters(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all := filled(t, w)
		n := 0
		for _, statuses := range [][]string{nil, {w.open}, {"done", w.doing}, {"backlog"}} {
			for _, assignees := range [][]string{nil, {issue.Me}, {issue.Nobody}, {w.owner.ID, issue.Nobody}} {
				for _, priorities := range [][]issue.Priority{nil, {issue.Low, issue.Urgent}} {
					for _, text := range []string{"", "e", "mesos-3"} {
						for _, name := range issue.Sorts() {
							f := issue.Filter{Statuses: statuses, Assignees: assignees, Priorities: priorities, Text: text, Sort: name, Limit: 7}
							if n++; n%2 == 0 {
								f.Sort = "-" + f.Sort
							}
							if diff := gocmp.Diff(model(w, all, f), walk(t, w, f)); diff != "" {
								t.Errorf("%+v: %s", f, diff)
							}
						}
					}
				}
			}
		}
	})
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		filled(t, w)
		for text, want := range map[string]string{
			"%": "100% done|$1 ?1 %s", "100%": "100% done", "_": "a_b", "a_b": "a_b", `\`: `back\slash`, `k\s`: `back\slash`,
			"'": `it's "quoted"`, `"`: `it's "quoted"`, "GROSSE": "Größe|grosse|GROSSE", "größe": "Größe|grosse|GROSSE",
			"cafe": "Café au lait", "CAFÉ": "Café au lait", "ander": "änderung", "本": "日本語", "$1": "$1 ?1 %s", "?1": "$1 ?1 %s",
			"[a-z]": "[a-z]* .", "*": "[a-z]* .", "  zebra  ": "Zebra", "nowhere": "", "' OR 1=1 --": "", "MESOS-3": "a_b|MESOS-3",
			"mesos-20": "end", "MESOS-99": "", "XD-1": "", "mesos": "MESOS-3", "-": "[a-z]* .|MESOS-3",
		} {
			page, err := w.List(t.Context(), w.viewer, "MESOS", issue.Filter{Text: text, Sort: "number", Limit: 20})
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			var got []string
			for _, i := range page.Items {
				got = append(got, i.Title)
			}
			if strings.Join(got, "|") != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
	})
}

// TestAlias: an imported issue is found by the key it had, as a whole and in part,
// and never answers to it.
func TestAlias(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var sources []issue.Source
		for n := range 3 {
			sources = append(sources, issue.Source{Alias: fmt.Sprintf("MESOS-%d", n+2), Draft: issue.Draft{Title: fmt.Sprint("imported ", n)}})
		}
		for taken := 0; taken < len(sources); {
			outcomes, err := w.Import(t.Context(), w.member, "MESOS", sources[taken:])
			if err != nil || len(outcomes) == 0 {
				t.Fatalf("%v, %v", outcomes, err)
			}
			taken += len(outcomes)
		}
		// MESOS-2 was MESOS-3 elsewhere, and MESOS-1 was MESOS-2.
		if i, err := w.Get(t.Context(), w.viewer, key(t, "MESOS-2")); err != nil || i.Title != "imported 1" {
			t.Errorf("%+v, %v", i, err)
		}
		_, err := w.Get(t.Context(), w.viewer, key(t, "MESOS-4"))
		wantKind(t, "by an alias", err, errs.NotFound)
		for text, want := range map[string]string{"MESOS-4": "MESOS-3", "mesos-2": "MESOS-1 MESOS-2", "mesos": "MESOS-1 MESOS-2 MESOS-3"} {
			got := walk(t, w, issue.Filter{Text: text, Sort: "number", Limit: 1})
			if strings.Join(got, " ") != want {
				t.Errorf("%s finds %v", text, got)
			}
		}
	})
}

func TestListRefuses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all := filled(t, w)
		list := func(f issue.Filter) (issue.Page, error) { return w.List(t.Context(), w.viewer, "MESOS", f) }
		first, err := list(issue.Filter{Sort: "title", Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		// with is a cursor of the titles' order; $ stands for an id.
		with := func(text string) issue.Filter {
			text = strings.ReplaceAll(text, "$", all[0].ID)
			return issue.Filter{Limit: 2, Sort: "title", Cursor: base64.RawURLEncoding.EncodeToString([]byte(text))}
		}
		if _, err := list(with(`{"s":"title","v":"a","i":"$"}`)); err != nil {
			t.Error(err) // all others are wrong in what they differ
		}
		for field, filters := range map[string][]issue.Filter{
			"query.limit": {{}, {Limit: -1}, {Limit: issue.MaxPage + 1}},
			"query.cursor": {
				{Limit: 2, Cursor: "x"}, {Limit: 2, Cursor: first.Next}, {Limit: 2, Sort: "-title", Cursor: first.Next},
				{Limit: 2, Sort: "title", Cursor: first.Next[1:]}, {Limit: 2, Cursor: "bnVsbA"}, {Limit: 2, Cursor: "e30"},
				{Limit: 2, Sort: "number", Cursor: "eyJzIjoibnVtYmVyIiwidiI6IngiLCJpIjoieCJ9"}, // {"s":"number","v":"x","i":"x"}
				with(`{"s":"title","v":"a\u0000b","i":"$"}`), with(`{"s":"title","v":"a","i":"\u0000"}`), with("{\"s\":\"title\",\"v\":\"a\xff\",\"i\":\"$\"}"),
				with(`{"s":"title","v":"\ud800","i":"$"}`), with(`{"s":"title","v":"a","i":"x"}`), with(`{"S":"title","V":"a","I":"$"}`),
				with(`{"s":"title","v":"a","i":"$"} `), with(`{"s":"title","v":"a","i":"$","x":1}`),
			},
			"query.sort":     {{Limit: 2, Sort: "effort"}, {Limit: 2, Sort: "--title"}, {Limit: 2, Sort: "i.title; DROP TABLE issue"}},
			"query.status":   {{Limit: 2, Statuses: []string{"closed"}}, {Limit: 2, Statuses: []string{w.open, ""}}},
			"query.assignee": {{Limit: 2, Assignees: []string{"ann"}}, {Limit: 2, Assignees: []string{issue.Me, ""}}},
			"query.priority": {{Limit: 2, Priorities: []issue.Priority{"x"}}},
		} {
			for _, f := range filters {
				_, err := list(f)
				wantField(t, fmt.Sprintf("%+v", f), err, field)
			}
		}
		// What is well-formed and absent is in no issue.
		none, err := list(issue.Filter{Limit: 2, Statuses: []string{uuid.NewString()}, Assignees: []string{uuid.NewString()}})
		if err != nil || len(none.Items) != 0 {
			t.Errorf("%v, %v", none, err)
		}
		_, err = w.List(t.Context(), w.stranger, "MESOS", issue.Filter{Limit: 2})
		wantKind(t, "a stranger", err, errs.NotFound)
		// A page goes on where the one before ended, whatever has come or gone since.
		last := first.Items[1]
		if err := w.Delete(t.Context(), w.member, "", key(t, last.Key)); err != nil {
			t.Fatal(err)
		}
		next, err := list(issue.Filter{Sort: "title", Limit: 2, Cursor: first.Next})
		want := model(w, all, issue.Filter{Sort: "title"})[2:4]
		if err != nil || next.Items[0].Key != want[0] || next.Items[1].Key != want[1] {
			t.Errorf("%v, want %v, %v", next.Items, want, err)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]issue.Key{"MESOS-12": {Project: "MESOS", Number: 12}, "mesos-1": {Project: "MESOS", Number: 1}} {
		if got, err := issue.ParseKey(text); err != nil || got != want || got.String() != strings.ToUpper(text) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "MESOS", "MESOS-", "MESOS-0", "MESOS--1", "MESOS-+1", "MESOS-01", "MESOS-1 ", "MESOS-1x", "MESOS-1-2", "MESOS-1.0",
		"MESOS-９", "MESOS-9223372036854775808", "12", uuid.NewString(),
	} {
		_, err := issue.ParseKey(text)
		wantKind(t, text, err, errs.NotFound)
	}
}

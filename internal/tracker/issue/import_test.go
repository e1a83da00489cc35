package issue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
)

func sources(n int) (all []issue.Source) {
	for i := range n {
		all = append(all, issue.Source{Alias: fmt.Sprint("OLD-", i+1), Draft: issue.Draft{Title: fmt.Sprint("t", i+1)}})
	}
	return all
}

// importAll takes as many transactions as the service wants, and counts what it made.
func importAll(t *testing.T, w world, all []issue.Source) (made, known int) {
	t.Helper()
	for len(all) > 0 {
		outcomes, err := w.Import(t.Context(), w.member, "MESOS", all)
		if err != nil || len(outcomes) == 0 || len(outcomes) > len(all) {
			t.Fatalf("%d outcomes, %v", len(outcomes), err)
		}
		for _, o := range outcomes {
			if o.Made {
				made++
			} else {
				known++
			}
		}
		all = all[len(outcomes):]
	}
	return made, known
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, issue.Draft{Title: "before"})
		all := sources(250)
		effort := int64(500)
		all[0].Draft = issue.Draft{Title: "t1", Description: "text", StatusID: w.done, Priority: issue.High, Effort: &effort}
		if made, known := importAll(t, w, all); made != 250 || known != 0 {
			t.Errorf("made %d, known %d", made, known)
		}
		points := 0.5
		first := get(t, w, issue.Issue{Header: issue.Header{Key: "MESOS-2"}})
		want := first
		want.Title, want.Description, want.StatusID, want.Priority, want.Effort = "t1", "text", w.done, issue.High, &points
		want.AuthorID, want.Version = w.member.ID, 1
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		// They stand below what was there, in their order, and by their numbers too.
		var titles []string
		for n := range 249 {
			titles = append(titles, fmt.Sprint("t", n+2))
		}
		got := column(t, w, w.open) // one page of it
		if want := "before " + strings.Join(titles[:199], " "); got != want {
			t.Errorf("got %s", got)
		}
		at := head(t, w)
		if made, known := importAll(t, w, all); made != 0 || known != 250 || head(t, w) != at {
			t.Errorf("again: made %d, known %d, log from %d to %d", made, known, at, head(t, w))
		}
		found, err := w.Known(t.Context(), w.member, "MESOS", []string{"OLD-1", "OLD-250", "OLD-251", "old-1"})
		if diff := cmp.Diff(map[string]bool{"OLD-1": true, "OLD-250": true, "OLD-251": false, "old-1": false}, found); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

// TestImportRefuses: a draft that cannot be made undoes its batch, and one that was
// deleted comes back when it is imported again.
func TestImportRefuses(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		all := sources(3)
		all[2].Draft.StatusID = w.elsewhere
		for len(all) > 0 {
			outcomes, err := w.Import(t.Context(), w.member, "MESOS", all)
			if err != nil {
				wantField(t, "another project's status", err, "body.statusId")
				break
			}
			all = all[len(outcomes):]
		}
		if len(all) == 0 {
			t.Error("all were imported")
		}
		if made, known := importAll(t, w, sources(2)); made+known != 2 {
			t.Errorf("made %d, known %d", made, known)
		}
		if err := w.Delete(t.Context(), w.member, "", key(t, "MESOS-1")); err != nil {
			t.Fatal(err)
		}
		if made, known := importAll(t, w, sources(2)); made != 1 || known != 1 {
			t.Errorf("after a deletion: made %d, known %d", made, known)
		}
	})
}

// TestAliasesArePerProject: two projects may hold the same key from elsewhere, one
// project holds it once.
func TestAliasesArePerProject(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		importAll(t, w, sources(1))
		outcomes, err := w.Import(t.Context(), w.stranger, "XD", sources(1))
		if err != nil || len(outcomes) != 1 || !outcomes[0].Made {
			t.Errorf("%v, %v", outcomes, err)
		}
		i := create(t, w, issue.Draft{Title: "another"})
		err = try(t, w.db, "INSERT INTO issue_alias (project_id, alias, alias_folded, issue_id) VALUES ($1, 'OLD-1', 'old-1', $2)", w.p.ID, i.ID)
		wantKind(t, "the same alias twice", err, errs.Conflict)
	})
}

package search_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project/projecttest"
	"github.com/peisear/peisear/internal/tracker/search"
)

// TestIndexFollows: what is changed is found as it is, and what is removed not at all.
func TestIndexFollows(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := w.write(t, "first title", "first text")
		w.write(t, "other", "text")
		w.edit(t, i, func(d *issue.Draft) { d.Title = "second title" })
		for text, want := range map[string]string{"first": "1", "second": "1", "title": "1", "text": "2 1"} {
			if got := w.find(t, w.viewer, text); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		w.edit(t, i, func(d *issue.Draft) { d.Description = "" })
		if got := w.find(t, w.viewer, "first"); got != "" {
			t.Errorf("the old text finds %q", got)
		}
		if err := w.issues.Delete(t.Context(), w.member, "", keyOf(t, i)); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.viewer, "second") + w.find(t, w.viewer, "MESOS-1"); got != "" {
			t.Errorf("a removed issue is found: %q", got)
		}
		w.wantDocs(t, 1)
		if err := w.projects.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.owner, "other"); got != "" {
			t.Errorf("an issue of a removed project is found: %q", got)
		}
		projecttest.Purge(t, w.db, w.projects)
		w.wantDocs(t, 0)
	})
}

// wantDocs checks how many texts the index has, in both of its parts.
func (w world) wantDocs(t *testing.T, want int) {
	t.Helper()
	docs, index := w.count(t, "SELECT COUNT(*) FROM search_doc"), w.count(t, "SELECT COUNT(*) FROM search_index")
	if docs != want || index != want {
		t.Errorf("%d texts and %d in the index, want %d", docs, index, want)
	}
}

// TestMovesDoNotTouchTheIndex, nor does anything that changes no words.
func TestMovesDoNotTouchTheIndex(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		i := w.write(t, "one", "")
		all, err := w.projects.Statuses(t.Context(), w.member, "MESOS")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.edit(t, i, func(d *issue.Draft) {
			d.StatusID, d.Priority, d.AssigneeID, d.Effort = all[len(all)-1].ID, issue.High, &w.member.ID, new(int64)
		})
		_, err = w.issues.Place(t.Context(), w.member, "", keyOf(t, i), nil, func(context.Context, db.Conn, string, string, issue.Spot) (issue.Spot, []issue.Ranked, error) {
			return issue.Spot{StatusID: all[0].ID, Rank: "b00"}, nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.projects.RemoveMember(t.Context(), w.owner, "", "MESOS", w.member.ID); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "SELECT COUNT(*) FROM search_todo"); n != 0 {
			t.Errorf("%d texts to do", n)
		}
		if _, err := w.issues.Update(t.Context(), w.owner, "", keyOf(t, i), nil, func(d *issue.Draft) { d.Description = "new" }); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "SELECT COUNT(*) FROM search_todo"); n != 1 {
			t.Errorf("%d texts to do, want 1", n)
		}
	}, migrations()...)
}

// TestFill: what the index lacks it gets, the newest first, be it an issue or a comment;
// what it has stays, and what is of an older form is made anew. What is written meanwhile
// is newer.
func TestFill(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		discussed := w.write(t, "discussed", "")
		written := []string{"discussed"} // by its age, the oldest first
		for i := range 150 {
			title, body := fmt.Sprint("issue ", i), fmt.Sprint("comment ", i)
			w.write(t, title, "lacking")
			written = append(written, title)
			if i%5 != 0 {
				w.comment(t, discussed, body+" lacking")
				written = append(written, body+" lacking")
			}
		}
		w.exec(t, "DELETE FROM search_todo")
		w.write(t, "lacking no more", "")
		if err := w.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantDocs(t, 1)
		if err := w.Fill(t.Context()); err != nil {
			t.Fatal(err)
		}
		written = append(written, "lacking no more")
		slices.Reverse(written)
		w.wantDocs(t, len(written))
		if diff := cmp.Diff(written[:len(written)-1], w.texts(t, "lacking")); diff != "" {
			t.Error(diff)
		}
		w.exec(t, "UPDATE search_doc SET form = 0 WHERE doc < (SELECT MIN(doc) FROM search_doc) + 2")
		w.exec(t, map[string]string{
			"sqlite":   "DELETE FROM search_index WHERE rowid < (SELECT MIN(doc) FROM search_doc) + 2",
			"postgres": "DELETE FROM search_index WHERE doc < (SELECT MIN(doc) FROM search_doc) + 2",
		}[d.Engine()])
		if err := w.Fill(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wantDocs(t, len(written))
		if diff := cmp.Diff(written[:len(written)-1], w.texts(t, "lacking")); diff != "" {
			t.Error(diff)
		}
	}, migrations()...)
}

// texts are the titles of the issues and the bodies of the comments that are found, on
// all pages.
func (w world) texts(t *testing.T, text string) (all []string) {
	t.Helper()
	for q := (search.Query{Text: text, Limit: search.MaxPage}); ; {
		page := w.page(t, w.viewer, q)
		for _, h := range page.Hits {
			of := h.Title
			if h.Kind == search.Comment {
				of = h.Text
			}
			all = append(all, strings.NewReplacer("[", "", "]", "").Replace(marked(of)))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func (w world) exec(t *testing.T, text string) {
	t.Helper()
	_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(context.WithoutCancel(t.Context()), text)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFarApart: what was written long after something else is found beside it.
func TestFarApart(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for i := range 5 {
			w.write(t, "common", "")
			if err := w.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.exec(t, fmt.Sprintf(`INSERT INTO search_doc (doc, issue_id, comment_id, form)
				SELECT MAX(doc) + %d, MAX(issue_id), 'between %d', 1 FROM search_doc`, 3<<(5*i), i))
		}
		if got := w.find(t, w.viewer, "common"); got != "5 4 3 2 1" {
			t.Error(got)
		}
		w.exec(t, "DELETE FROM search_doc WHERE comment_id <> ''")
		if got := w.find(t, w.viewer, "common"); got != "5 4 3 2 1" {
			t.Error(got)
		}
	}, migrations()...)
}

// TestOthersMayFollow: several processes on one database, which others write to.
func TestOthersMayFollow(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 3 {
			another(t, w).follow(t)
		}
		i := w.write(t, "text 0", "")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 15 {
					w.write(t, "more", "")
				}
			})
		}
		for range 15 {
			w.edit(t, i, func(d *issue.Draft) { d.Title = "text " + d.Title })
		}
		w.edit(t, i, func(d *issue.Draft) { d.Title = "last" })
		all.Wait()
		if got := w.find(t, w.viewer, "last"); got != "1" {
			t.Errorf("the last text finds %q", got)
		}
		if got := w.find(t, w.viewer, "text"); got != "" {
			t.Errorf("a text before finds %q", got)
		}
		w.wantDocs(t, 61)
	}, migrations()...)
}

// TestRemovedBeforeIndexed: the todo may name what is not there any more.
func TestRemovedBeforeIndexed(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		i := w.write(t, "gone", "")
		newProject(t, w, w.owner, "P2")
		w.writeIn(t, w.owner, "P2", "gone, too", "")
		if err := w.issues.Delete(t.Context(), w.member, "", keyOf(t, i)); err != nil {
			t.Fatal(err)
		}
		if err := w.projects.Delete(t.Context(), w.owner, "", "P2"); err != nil {
			t.Fatal(err)
		}
		if got := w.find(t, w.owner, "gone"); got != "" {
			t.Error(got)
		}
		projecttest.Purge(t, w.db, w.projects)
		w.wantDocs(t, 0)
		if n := w.count(t, "SELECT COUNT(*) FROM search_todo"); n != 0 {
			t.Errorf("%d texts to do", n)
		}
	}, migrations()...)
}

package search_test

import (
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// TestOvertaken: who has read what is to do, and puts it into the index only when another
// has done so, changes nothing: neither does it take what was written since for done, nor
// does it bring back a text as it was.
func TestOvertaken(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		slow := another(t, w)
		for _, since := range []struct {
			what  string
			write func(i issue.Issue)
			found string
		}{
			{"another text", func(issue.Issue) { w.write(t, "since", "") }, "2"},
			{"the same text", func(i issue.Issue) { w.edit(t, i, func(d *issue.Draft) { d.Title = "since" }) }, "3 2"},
		} {
			i := w.write(t, "early", "")
			rest, err := slow.Half(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			since.write(i)
			if err := rest(t.Context()); !errs.Is(err, errs.NotFound) {
				t.Errorf("%s: the slow one is answered %v", since.what, err)
			}
			if got := w.find(t, w.viewer, "since"); got != since.found {
				t.Errorf("%s: %q is found, want %q", since.what, got, since.found)
			}
			if got := w.find(t, w.viewer, "early"); got != "1" {
				t.Errorf("%s: the early text finds %q", since.what, got)
			}
		}
		w.wantDocs(t, 3)
	}, migrations()...)
}

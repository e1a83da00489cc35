package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

// TestKeys come first, and those of an import are keys, too.
func TestKeys(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for i := range 12 {
			w.write(t, fmt.Sprintf("issue %d", i+1), "")
		}
		w.write(t, "mesos-3 is named in a title", "")
		w.bring(t, []issue.Source{
			{Alias: "OLD-771", Draft: issue.Draft{Title: "imported"}}, {Alias: "MESOS-3", Draft: issue.Draft{Title: "imported too"}},
		})
		for text, want := range map[string]string{
			"MESOS-12": "12", " mesos-12 ": "12", "OLD-771": "14", "old-771": "14", "OLD-77": "14", "old": "14",
			"MESOS-3": "3 15 13", "MESOS-99": "", "XD-1": "", "MESOS-03": "",
		} {
			if got := w.find(t, w.viewer, text); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		for _, text := range []string{"Fälle-1", "fälle-1", "FALLE-1"} {
			if got := w.find(t, w.viewer, text); got != "" {
				t.Errorf("%q finds %q", text, got)
			}
		}
		page := w.page(t, w.viewer, search.Query{Text: "mesos-3", Limit: 9})
		for i, named := range []bool{true, true, false} {
			if page.Hits[i].Named != named {
				t.Errorf("%s named: %v", page.Hits[i].Key, page.Hits[i].Named)
			}
		}
		w.bring(t, []issue.Source{{Alias: "Fälle-1", Draft: issue.Draft{Title: "in mixed case"}}})
		for _, text := range []string{"Fälle-1", "fälle-1", " FALLE-1"} {
			page := w.page(t, w.viewer, search.Query{Text: text, Limit: 9})
			if keys(page) != "16" || !page.Hits[0].Named {
				t.Errorf("%q finds %q", text, keys(page))
			}
		}
		if got := w.find(t, w.stranger, "MESOS-12") + w.find(t, w.stranger, "OLD-77") + w.find(t, w.stranger, "issue"); got != "" {
			t.Errorf("a stranger finds %q", got)
		}
	})
}

// TestKeysAreTheSameElsewhere: an issue that has the number that it was imported with is
// one hit, and of issues with one key those count that are looked for.
func TestKeysAreTheSameElsewhere(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		same := []issue.Source{{Alias: "MESOS-1", Draft: issue.Draft{Title: "moved here"}}}
		w.bring(t, same)
		if page := w.page(t, w.owner, search.Query{Text: "mesos-1", Limit: 9}); keys(page) != "1" || page.Found != 1 || !page.Hits[0].Named {
			t.Errorf("%s, found %d", keys(page), page.Found)
		}
		for i := range 12 {
			p := newProject(t, w, w.owner, fmt.Sprintf("P%d", i))
			if _, err := w.issues.Import(t.Context(), w.owner, p.Key, same); err != nil {
				t.Fatal(err)
			}
		}
		page := w.page(t, w.owner, search.Query{Text: "mesos-1", Project: "P0", Limit: 9})
		if keys(page) != "P0-1" || !page.Hits[0].Named {
			t.Errorf("in a project: %q", keys(page))
		}
		if got := w.find(t, limited(w.owner, project.Scope(w.p.ID)), "mesos-1"); got != "1" {
			t.Errorf("a token finds %q", got)
		}
		if page := w.page(t, w.owner, search.Query{Text: "mesos-1", Limit: 99}); page.Found != 13 || named(page) != 11 {
			t.Errorf("found %d, %d of them named", page.Found, named(page))
		}
	})
}

func named(p search.Page) (n int) {
	for _, h := range p.Hits {
		if h.Named {
			n++
		}
	}
	return n
}

// TestMarks: the answer shows where it matches, in the text as it was written.
func TestMarks(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.write(t, "Crashes in the Café", "")
		w.write(t, "Nothing", strings.Repeat("filler words ", 30)+"the CRASH-log\n\n  of Caf\u00e9 <b>"+strings.Repeat(" and so on", 60))
		for _, c := range []struct{ text, key, title, excerpt string }{
			{"cafe crash", "MESOS-1", "[Crashes] in the [Café]", ""},
			{"crash cafe", "MESOS-2", "Nothing", "…filler words filler words filler words filler words the [CRASH]-log of [Café] <b> and so on"},
			{"crash-log", "MESOS-2", "Nothing", "…filler words filler words filler words filler words the [CRASH-log] of Café <b> and so on"},
			{"nothi", "MESOS-2", "[Nothing]", ""},
		} {
			page := w.page(t, w.viewer, search.Query{Text: c.text, Limit: 9})
			at := slices.IndexFunc(page.Hits, func(h search.Hit) bool { return h.Key == c.key })
			if at < 0 {
				t.Errorf("%q does not find %s", c.text, c.key)
				continue
			}
			if h := page.Hits[at]; marked(h.Title) != c.title || !strings.HasPrefix(marked(h.Text), c.excerpt) || (len(h.Text) == 0) != (c.excerpt == "") {
				t.Errorf("%q: %q, %q", c.text, marked(h.Title), marked(h.Text))
			} else if n := len(marked(h.Text)); n > 300 {
				t.Errorf("%q: %d bytes", c.text, n)
			}
		}
	})
}

// TestLongPages: of each text a page reads its share, and what is below that is found
// though not shown.
func TestLongPages(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const many = search.MaxPage - 3
		sources := make([]issue.Source, many)
		for i := range sources {
			sources[i] = issue.Source{Alias: fmt.Sprint("A-", i), Draft: issue.Draft{Title: "short", Description: "with a needle"}}
		}
		w.bring(t, sources)
		long := strings.Repeat("filler ", 2_000) + "needle"
		w.comment(t, w.write(t, "of a comment", ""), long)
		w.write(t, "of an issue", long)
		w.write(t, "the needle is in a title", long)
		for _, c := range []struct {
			limit int
			want  [3]string // how the texts end
		}{{3, [3]string{"filler [needle]", "filler [needle]", "filler [needle]"}}, {search.MaxPage, [3]string{"", "filler fi…", "filler fi…"}}} {
			page := w.page(t, w.viewer, search.Query{Text: "needle", Limit: c.limit})
			for i, want := range c.want {
				text := marked(page.Hits[i].Text)
				if !strings.HasSuffix(text, want) || len(text) > 300 || (text == "") != (want == "") {
					t.Errorf("of %d: %s is shown as %q", c.limit, marked(page.Hits[i].Title), text)
				}
			}
			if last := page.Hits[len(page.Hits)-1]; c.limit > many && marked(last.Text) != "with a [needle]" {
				t.Errorf("a short text is shown as %q", marked(last.Text))
			}
		}
	})
}

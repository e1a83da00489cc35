package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/search"
)

// spread is an issue, as it is shown, and its title.
type spread struct{ key, title string }

// spreadOut writes issues on 150 shelves, in three projects: one's are all old, and two
// take turns. It returns them newest first.
func spreadOut(t *testing.T, w world) (newest []spread) {
	t.Helper()
	for _, key := range []string{"EARLY", "ODD"} {
		newProject(t, w, w.owner, key)
	}
	count := map[string]int{}
	for shelf := range 150 {
		key := "MESOS"
		switch {
		case shelf < 20:
			key = "EARLY"
		case shelf%2 == 1:
			key = "ODD"
		}
		sources := make([]issue.Source, 12)
		for i := range sources {
			title := "common words stand"
			switch {
			case i == 0 && shelf%7 == 0:
				title = "seldom wordy common"
			case shelf < 100:
				title = "common words stand of old"
			}
			sources[i] = issue.Source{Alias: fmt.Sprintf("%d-%d", shelf, i), Draft: issue.Draft{Title: title}}
			count[key]++
			newest = append(newest, spread{strings.TrimPrefix(fmt.Sprintf("%s-%d", key, count[key]), "MESOS-"), title})
		}
		w.bringTo(t, w.owner, key, sources)
		if err := w.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DELETE FROM search_doc WHERE comment_id = 'gap'")
		w.exec(t, "INSERT INTO search_doc (doc, issue_id, comment_id, form) SELECT MAX(doc) + 1024, MAX(issue_id), 'gap', 1 FROM search_doc")
	}
	slices.Reverse(newest)
	return newest
}

// TestManyShelves: what is asked for is found newest first, and all of it, however it is
// spread over time and projects. Only PostgreSQL has shelves.
func TestManyShelves(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		newest := spreadOut(t, w)
		for text, has := range map[string]string{ // what the titles have
			"common ": "common", "comm": "common", "stand": "stand", "wordy": "wordy", "se": "seldom", "old": "old", `"stand of ol`: "old",
			`"common wor`: "common words", `"wordy common"`: "wordy common", `"common seldom`: "none", "common absent": "none",
		} {
			for _, only := range []string{"", "EARLY", "ODD", "MESOS"} {
				var want []string
				for _, i := range newest {
					in, _, other := strings.Cut(i.key, "-")
					if !other {
						in = "MESOS"
					}
					if strings.Contains(i.title, has) && (only == "" || in == only) && len(want) < search.MaxFound {
						want = append(want, i.key)
					}
				}
				if got := w.all(t, search.Query{Text: text, Project: only, Limit: search.MaxPage}); !slices.Equal(got, want) {
					t.Errorf("%s in %q: %d, want %d\n%v\n%v", text, only, len(got), len(want), got, want)
				}
			}
		}
	}, migrations()...)
}

// all reads every page.
func (w world) all(t *testing.T, q search.Query) (found []string) {
	t.Helper()
	for {
		page := w.page(t, w.owner, q)
		found = append(found, strings.Fields(keys(page))...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return found
		}
	}
}

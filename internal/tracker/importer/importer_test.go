package importer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/importer"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/search"
)

// lines are the imported issues as text.
func lines(t *testing.T, w world) (all []string) {
	t.Helper()
	names := map[string]string{}
	for _, s := range w.statuses {
		names[s.ID] = s.Name
	}
	for _, i := range imported(t, w) {
		effort := "none"
		if i.Effort != nil {
			effort = fmt.Sprint(*i.Effort)
		}
		all = append(all, fmt.Sprintf("%s %q %q %s %s %s", i.Key, i.Title, i.Description, effort, names[i.StatusID], i.Priority))
	}
	return all
}

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		out, progress, err := run(t, w, "testdata/team.csv")
		if err != nil || out != "5 imported, 0 there already, 0 refused\n" {
			t.Errorf("%q, %v", out, err)
		}
		if want := "[##############################] 5 of 5 rows\n"; progress != want {
			t.Errorf("progress %q", progress)
		}
		if out, _, err = runIn(t, w, "mesos", "--as", "member@example.org", "testdata/other.csv"); err != nil || out != "3 imported, 0 there already, 0 refused\n" {
			t.Errorf("%q, %v", out, err)
		}
		want := []string{
			`MESOS-1 "Say \"hello\", world" "First line\n\nthird line, with a comma" 3 Open medium`,
			`MESOS-2 "Größe und Café 日本語 😀" "" 0.5 Open medium`,
			`MESOS-3 "Two  spaces   inside" "  kept as it is  " none Open medium`,
			`MESOS-4 "A title over two lines" "plain" 40 Open medium`,
			`MESOS-5 "Not estimated" "" none Open medium`,
			`MESOS-6 "Semicolons" "a; b" 8 In Progress high`,
			`MESOS-7 "All by default" "" none Open medium`,
			`MESOS-8 "Done" "" 0 Done low`,
		}
		if diff := cmp.Diff(want, lines(t, w)); diff != "" {
			t.Error(diff)
		}
		if all := imported(t, w); all[0].AuthorID != w.owner.ID || all[7].AuthorID != w.member.ID {
			t.Errorf("authors %s and %s", all[0].AuthorID, all[7].AuthorID)
		}
		at := head(t, w)
		if out, _, err = run(t, w, "testdata/team.csv"); err != nil || out != "0 imported, 5 there already, 0 refused\n" || head(t, w) != at {
			t.Errorf("again: %q, %v, log from %d to %d", out, err, at, head(t, w))
		}
	})
}

func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		at := head(t, w)
		out, progress, err := run(t, w, "--dry-run", "testdata/team.csv")
		if err != nil || out != "5 to import (dry run, nothing was changed), 0 there already, 0 refused\n" || progress != "" {
			t.Errorf("%q, %q, %v", out, progress, err)
		}
		out, _, err = run(t, w, "--dry-run", "testdata/refused.csv")
		if err == nil || !strings.HasSuffix(out, "3 to import (dry run, nothing was changed), 0 there already, 13 refused\n") {
			t.Errorf("%q, %v", out, err)
		}
		if len(imported(t, w)) != 0 || head(t, w) != at {
			t.Error("something was changed")
		}
		if _, _, err := run(t, w, "testdata/team.csv"); err != nil {
			t.Fatal(err)
		}
		if out, _, err = run(t, w, "--dry-run", "testdata/team.csv"); err != nil || !strings.HasPrefix(out, "0 to import") || !strings.Contains(out, "5 there already") {
			t.Errorf("after it: %q, %v", out, err)
		}
	})
}

// TestRefusedRows: they are listed with their lines, the rest comes in, and the
// command's status tells.
func TestRefusedRows(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		out, _, err := run(t, w, "testdata/refused.csv")
		if err == nil || !strings.Contains(err.Error(), "some rows were not imported") {
			t.Errorf("%v", err)
		}
		if !strings.HasPrefix(out, "line 3: has no key\nline 4: title: an issue needs a title\nline 7: ") ||
			!strings.HasSuffix(out, "\nline 17: the key is longer than 100 characters\n3 imported, 0 there already, 13 refused\n") {
			t.Errorf("%s", out)
		}
		want := []string{
			`MESOS-1 "good" "" 1 Open medium`, `MESOS-2 "a title over lines" "" 1 Open medium`, `MESOS-3 "the last" "" 1 Done urgent`,
		}
		if diff := cmp.Diff(want, lines(t, w)); diff != "" {
			t.Error(diff)
		}
		many := file(t, "key,title\n"+strings.Repeat(",t\n", 150))
		out, progress, _ := run(t, w, many)
		if strings.Count(out, "\n") != 151 || !strings.HasSuffix(out, "\nline 151: has no key\n0 imported, 0 there already, 150 refused\n") {
			t.Errorf("%s", out)
		}
		if progress != "" {
			t.Errorf("there was nothing to do, and it came so far: %s", progress)
		}
	})
}

// TestNothingIsImported: of broken files, into what is not there, by whom may not.
func TestNothingIsImported(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		at := head(t, w)
		refused := func(name, says, key string, args ...string) {
			t.Helper()
			out, _, err := runIn(t, w, key, args...)
			if err == nil || !strings.Contains(err.Error(), says) || strings.ContainsAny(err.Error(), "\n") || out != "" {
				t.Errorf("%s: %q, %v", name, out, err)
			}
		}
		for name, c := range broken() {
			path := file(t, c.in)
			refused(name, c.says, "MESOS", path)
			refused(name, path, "MESOS", path)
			refused(name, "nothing was imported", "MESOS", path)
			refused(name+", dry", c.says, "MESOS", "--dry-run", path)
		}
		const good = "testdata/team.csv"
		refused("no such file", "no such file", "MESOS", "testdata/none.csv")
		refused("a folder", "is a directory", "MESOS", "testdata")
		refused("no such project", "there is no project NONE", "none", good)
		refused("nobody", "nobody has an account with the address x@example.org", "MESOS", "--as", "x@example.org", good)
		for _, dry := range [][]string{{good}, {"--dry-run", good}} {
			refused("a stranger", "project MESOS: no such project", "MESOS", append([]string{"--as", "stranger@example.org"}, dry...)...)
			refused("a viewer", "your role in this project does not allow this", "MESOS", append([]string{"--as", "viewer@example.org"}, dry...)...)
		}
		if len(imported(t, w)) != 0 || head(t, w) != at {
			t.Error("something was changed")
		}
	})
}

// TestImportedIsFound by a server beside, by its words and its old key.
func TestImportedIsFound(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		if _, _, err := run(t, w, "testdata/team.csv"); err != nil {
			t.Fatal(err)
		}
		if err := w.search.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]string{"grosse cafe": "MESOS-2", "third line": "MESOS-1", "T-5": "MESOS-5"} {
			page, err := w.search.Find(t.Context(), w.member, search.Query{Text: text, Limit: 9})
			if err != nil || len(page.Hits) != 1 || page.Hits[0].Key != want {
				t.Errorf("%q: %+v, %v", text, page, err)
			}
		}
	})
}

// TestBesideAServer: others create issues while a file comes in. All succeed, and
// everything has a number of its own.
func TestBesideAServer(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const rows, creators, each = 300, 8, 10
		var in strings.Builder
		in.WriteString("key,title\n")
		for n := range rows {
			fmt.Fprintf(&in, "A-%d,imported %d\n", n, n)
		}
		path := file(t, in.String())
		var wg sync.WaitGroup
		wg.Go(func() {
			if out, _, err := run(t, w, path); err != nil || out != "300 imported, 0 there already, 0 refused\n" {
				t.Errorf("%q, %v", out, err)
			}
		})
		for range creators {
			wg.Go(func() {
				for range each {
					if _, err := w.issues.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "by hand"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		next := 0
		for n, i := range imported(t, w) {
			if i.Number != int64(n+1) {
				t.Fatalf("after %d comes %d", n, i.Number)
			}
			if strings.HasPrefix(i.Title, "imported") {
				if want := fmt.Sprint("imported ", next); i.Title != want {
					t.Errorf("%s where %s comes next", i.Title, want)
				}
				next++
			}
		}
		if next != rows {
			t.Errorf("%d of %d", next, rows)
		}
	})
}

// TestInterrupted: what was done stays, and running again goes on from there.
func TestInterrupted(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		rows := make([]importer.Row, 500)
		for n := range rows {
			rows[n] = importer.Row{Line: n + 2, Fields: map[string]string{"key": fmt.Sprint("A-", n), "title": "t"}}
		}
		plan := importer.NewPlan(rows, w.statuses)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var told []int
		first, err := plan.Run(ctx, w.issues, w.owner, "MESOS", func(done int) {
			told = append(told, done)
			cancel()
		})
		if err == nil || len(told) != 1 || first.Made != told[0] || first.Made == 0 || len(imported(t, w)) != first.Made {
			t.Fatalf("%+v, told %v, %v", first, told, err)
		}
		second, err := plan.Run(t.Context(), w.issues, w.owner, "MESOS", func(done int) { told = append(told, done) })
		if err != nil || second.Known != first.Made || second.Made != 500-first.Made || told[len(told)-1] != 500 {
			t.Errorf("%+v, told %v, %v", second, told, err)
		}
		_, err = plan.Run(t.Context(), w.issues, w.owner, "NONE", func(int) { t.Error("progress") })
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("%v", err)
		}
	})
}

// dataFile finds a file of real issues: in PEISEAR_DATA, or in shared/data beside the
// checkout or above it. It is no part of the repository.
func dataFile(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv("PEISEAR_DATA"); dir != "" {
		return filepath.Join(dir, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("%s is not here: set PEISEAR_DATA to the folder that holds it to import real issues", name)
		}
		dir = parent
	}
}

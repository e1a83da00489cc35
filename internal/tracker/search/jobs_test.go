package search_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

// watched is the world as a process knows it that calls begin in each transaction that
// purges issues, before all others.
func watched(w world, begin func(ctx context.Context, tx *db.Tx) error) world {
	log := live.New(w.db, live.NewHub())
	w.projects = project.New(w.db, log)
	w.issues = issue.New(w.db, log, w.projects)
	w.issues.OnPurge(func(ctx context.Context, tx *db.Tx, _ []string, _ int) (int, error) { return 0, begin(ctx, tx) })
	w.comments = comment.New(w.db, log, w.projects, w.issues)
	w.Service = search.New(w.db, w.issues, w.comments)
	w.projects.OnPurge(w.Purge)
	return w
}

// crowd fills MESOS: issues that were imported, of which one has more sub-issues and one
// more comments than go in one transaction.
func (w world) crowd(t *testing.T, n int) {
	t.Helper()
	parent := w.write(t, "parent of many", "")
	said := w.write(t, "much said", "")
	for i := range db.BatchRows + 60 {
		w.comment(t, said, fmt.Sprint("comment ", i))
	}
	sources := make([]issue.Source, n)
	for i := range sources {
		sources[i] = issue.Source{Alias: fmt.Sprint("OLD-", i), Draft: issue.Draft{Title: fmt.Sprint("crowded ", i)}}
		if i%4 == 0 {
			sources[i].Draft.ParentID = &parent.ID
		}
	}
	w.bring(t, sources)
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// remove deletes MESOS, a while ago.
func (w world) remove(t *testing.T) {
	t.Helper()
	if err := w.projects.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "UPDATE project SET deleted_at = 1 WHERE deleted_at IS NOT NULL")
}

// rows are what a purge removes, or changes.
func rows(ctx context.Context, c db.Conn) (all [5]int, err error) {
	for i, of := range []string{"issue", "issue_alias", "comment", "search_doc", "issue WHERE parent_id IS NOT NULL"} {
		if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+of).Scan(&all[i]); err != nil {
			return all, err
		}
	}
	return all, nil
}

// transactions are those of a purge. In one, another write begins, and when it was done as
// the next one begins, it came between them.
type transactions struct {
	t          *testing.T
	world      world
	before     [5]int
	n, between int
	writing    chan struct{} // closed when the write is done
}

func (s *transactions) begin(ctx context.Context, tx *db.Tx) error {
	now, err := rows(ctx, tx)
	if err != nil {
		return err
	}
	removed := 0
	for i := range 4 {
		removed += s.before[i] - now[i]
	}
	if removed > db.BatchRows || s.before[4]-now[4] > db.BatchRows {
		s.t.Errorf("a transaction has removed %d rows: %v, then %v", removed, s.before, now)
	}
	s.before = now
	s.n++
	select {
	case <-s.writing:
		s.between++
		s.writing = nil
	default:
	}
	if s.writing == nil {
		s.writing = make(chan struct{})
		go s.write(s.writing)
	}
	return nil
}

func (s *transactions) write(done chan<- struct{}) {
	defer close(done)
	if _, err := s.world.issues.Create(context.WithoutCancel(s.t.Context()), s.world.stranger, "", "XD", issue.Draft{Title: "between"}); err != nil {
		s.t.Error(err)
	}
}

// TestPurge: a project that is deleted is gone at once, and its key free. Its rows go in
// small transactions, between which others write, and nothing is left of it.
func TestPurge(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		const issues = 2000
		w.crowd(t, issues)
		traces := w.traces(t)
		w.remove(t)
		if got := w.find(t, w.owner, "crowded"); got != "" {
			t.Errorf("found: %q", got)
		}
		if n := w.count(t, "SELECT COUNT(*) FROM issue WHERE project_id = $1", w.p.ID); n != issues+2 {
			t.Fatalf("%d issues wait to be purged", n)
		}
		renewed := newProject(t, w, w.owner, "MESOS")
		if i := w.writeIn(t, w.owner, "MESOS", "anew", ""); i.Key != "MESOS-1" {
			t.Errorf("%+v", i)
		}

		seen := transactions{t: t, world: w}
		if err := watched(w, seen.begin).projects.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if seen.writing != nil {
			<-seen.writing
		}
		if seen.n < issues/50 || seen.between < 2 {
			t.Errorf("%d transactions, with %d writes between them", seen.n, seen.between)
		}
		w.wantNoTrace(t, traces)
		if got := w.find(t, w.owner, "anew"); got != "1" {
			t.Errorf("in the new project: %q", got)
		}
		if p, err := w.projects.Get(t.Context(), w.owner, "MESOS"); err != nil || p != renewed {
			t.Errorf("%+v, %v", p, err)
		}
	}, migrations()...)
}

// TestPurgeGoesOn: what one process has begun when it ended, another one brings to its end.
func TestPurgeGoesOn(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.crowd(t, 400)
		traces := w.traces(t)
		w.remove(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		transactions := 0
		p := watched(w, func(context.Context, *db.Tx) error {
			if transactions++; transactions == 12 {
				stop()
			}
			return nil
		})
		if err := p.projects.Purge(ctx); err == nil || ctx.Err() == nil {
			t.Fatalf("the process goes on: %v", err)
		}
		if n := w.count(t, "SELECT COUNT(*) FROM issue WHERE project_id = $1", w.p.ID); n == 0 || n >= 402 {
			t.Fatalf("%d issues are left", n)
		}
		lost := errors.New("lost")
		p = watched(w, func(context.Context, *db.Tx) error { return lost })
		if err := p.projects.Purge(t.Context()); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		for range 2 { // the second finds nothing to do
			if err := watched(w, func(context.Context, *db.Tx) error { return nil }).projects.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.wantNoTrace(t, traces)
	}, migrations()...)
}

// traces are ids by which rows of MESOS are known.
func (w world) traces(t *testing.T) []string {
	t.Helper()
	all := []string{w.p.ID}
	for _, text := range []string{
		"SELECT id FROM issue WHERE project_id = $1",
		"SELECT comment.id FROM comment JOIN issue ON issue.id = comment.issue_id WHERE issue.project_id = $1",
		"SELECT id FROM status WHERE project_id = $1",
	} {
		ids, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (ids []string, err error) {
			found, err := c.QueryContext(ctx, text, w.p.ID)
			if err != nil {
				return nil, err
			}
			for found.Next() {
				ids = append(ids, "")
				if err := found.Scan(&ids[len(ids)-1]); err != nil {
					return nil, errors.Join(err, found.Close())
				}
			}
			return ids, errors.Join(found.Err(), found.Close())
		})
		if err != nil || len(ids) == 0 {
			t.Fatal(text, err)
		}
		all = append(all, ids[0], ids[len(ids)-1])
	}
	return all
}

// wantNoTrace looks for ids in all columns of all tables. Only in their own scopes, who was
// a member knows that there was a project.
func (w world) wantNoTrace(t *testing.T, ids []string) {
	t.Helper()
	tables, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) ([]db.Table, error) { return w.db.Tables(ctx, c) })
	if err != nil || len(tables) < 10 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		var columns []string
		for _, column := range table.Columns {
			columns = append(columns, fmt.Sprintf(`COALESCE(CAST("%s" AS TEXT), '')`, column.Name))
		}
		for _, id := range ids {
			text := `SELECT COUNT(*) FROM "` + table.Name + `" WHERE ` + strings.Join(columns, " || ' ' || ") + " LIKE $1"
			if table.Name == "change" {
				text += " AND scope NOT LIKE 'user:%'"
			}
			if n := w.count(t, text, "%"+id+"%"); n != 0 {
				t.Errorf("%d rows of %s have %s", n, table.Name, id)
			}
		}
	}
	if docs, words := w.count(t, "SELECT COUNT(*) FROM search_doc"), w.count(t, "SELECT COUNT(*) FROM search_index"); docs != words {
		t.Errorf("%d texts, and words of %d", docs, words)
	}
}

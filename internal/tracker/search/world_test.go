package search_test

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is a database with the project MESOS and three people in it, and a stranger
// who has the project XD; and the index, which somebody follows.
type world struct {
	*search.Service
	projects *project.Service
	issues   *issue.Service
	comments *comment.Service
	db       *db.DB
	log      *live.Log
	p        project.Project

	owner, member, viewer, stranger account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.follow(t)
		test(t, w)
	}, migrations()...)
}

func migrations() []fs.FS {
	return []fs.FS{live.Migrations, account.Migrations, project.Migrations, issue.Migrations, comment.Migrations, search.Migrations}
}

func newDB(t testing.TB, engine string) *db.DB {
	t.Helper()
	return basetest.NewDB(t, engine, migrations()...)
}

func newWorld(t testing.TB, d *db.DB) world {
	t.Helper()
	log := live.New(d, live.NewHub())
	projects := project.New(d, log)
	issues := issue.New(d, log, projects)
	comments := comment.New(d, log, projects, issues)
	w := world{
		Service: search.New(d, issues, comments), projects: projects, issues: issues, comments: comments, db: d, log: log,
		owner: accounttest.User(t, d, "owner"), member: accounttest.User(t, d, "member"),
		viewer: accounttest.User(t, d, "viewer"), stranger: accounttest.User(t, d, "stranger"),
	}
	w.p = newProject(t, w, w.owner, "MESOS")
	newProject(t, w, w.stranger, "XD")
	for name, role := range map[string]project.Role{"member": project.Member, "viewer": project.Viewer} {
		if _, err := projects.AddMember(t.Context(), w.owner, "", "MESOS", name+"@example.org", role); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// another is the same world as another process knows it.
func another(t testing.TB, w world) world {
	t.Helper()
	log := live.New(w.db, live.NewHub())
	w.projects = project.New(w.db, log)
	w.issues = issue.New(w.db, log, w.projects)
	w.comments = comment.New(w.db, log, w.projects, w.issues)
	w.Service = search.New(w.db, w.issues, w.comments)
	return w
}

func newProject(t testing.TB, w world, by account.Actor, key string) project.Project {
	t.Helper()
	p, err := w.projects.Create(t.Context(), by, "", project.Draft{Key: key, Name: "Project " + key})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// follow runs the service until the test ends.
func (w world) follow(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
}

// write makes an issue of MESOS.
func (w world) write(t testing.TB, title, description string) issue.Issue {
	t.Helper()
	return w.writeIn(t, w.member, "MESOS", title, description)
}

func (w world) writeIn(t testing.TB, by account.Actor, key, title, description string) issue.Issue {
	t.Helper()
	i, err := w.issues.Create(t.Context(), by, "", key, issue.Draft{Title: title, Description: description})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (w world) edit(t testing.TB, i issue.Issue, edit issue.Edit) {
	t.Helper()
	if _, err := w.issues.Update(t.Context(), w.member, "", keyOf(t, i), nil, edit); err != nil {
		t.Fatal(err)
	}
}

// bring imports issues into MESOS.
func (w world) bring(t testing.TB, sources []issue.Source) {
	t.Helper()
	w.bringTo(t, w.member, "MESOS", sources)
}

func (w world) bringTo(t testing.TB, by account.Actor, key string, sources []issue.Source) {
	t.Helper()
	for len(sources) > 0 {
		done, err := w.issues.Import(t.Context(), by, key, sources)
		if err != nil {
			t.Fatal(err)
		}
		sources = sources[len(done):]
	}
}

// comment adds one to an issue.
func (w world) comment(t testing.TB, i issue.Issue, body string) comment.Comment {
	t.Helper()
	c, err := w.comments.Create(t.Context(), w.member, "", keyOf(t, i), body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func keyOf(t testing.TB, i issue.Issue) issue.Key {
	t.Helper()
	key, err := issue.ParseKey(i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// find returns the keys of what somebody finds, in order, as one text.
func (w world) find(t testing.TB, by account.Actor, text string) string {
	t.Helper()
	return keys(w.page(t, by, search.Query{Text: text, Limit: search.MaxPage}))
}

// page is Find when the index has everything.
func (w world) page(t testing.TB, by account.Actor, q search.Query) search.Page {
	t.Helper()
	if err := w.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := w.Find(t.Context(), by, q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	return page
}

func keys(p search.Page) string {
	all := make([]string, len(p.Hits))
	for i, h := range p.Hits {
		all[i] = strings.TrimPrefix(h.Key, "MESOS-")
	}
	return strings.Join(all, " ")
}

// marked writes segments as one text, with what is marked in brackets.
func marked(all []search.Segment) string {
	var b strings.Builder
	for _, s := range all {
		if s.Marked {
			b.WriteString("[" + s.Text + "]")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func (w world) count(t testing.TB, text string, args ...any) int {
	t.Helper()
	n, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, text, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w world) api() *web.API {
	api := web.New(slog.New(slog.DiscardHandler), nil)
	search.Feature(w.Service).Routes(api)
	return api
}

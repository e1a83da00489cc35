package comment_test

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is a database with the project MESOS, its people and the issue MESOS-1, and a
// stranger who has the project XD with XD-1.
type world struct {
	*comment.Service
	projects *project.Service
	issues   *issue.Service
	db       *db.DB
	log      *live.Log
	p        project.Project
	issue    issue.Key

	owner, maintainer, member, other, viewer, stranger account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) }, migrations()...)
}

func migrations() []fs.FS {
	return []fs.FS{live.Migrations, account.Migrations, project.Migrations, issue.Migrations, comment.Migrations}
}

func newWorld(t testing.TB, d *db.DB) world {
	t.Helper()
	log := live.New(d, live.NewHub())
	projects := project.New(d, log)
	issues := issue.New(d, log, projects)
	w := world{
		Service: comment.New(d, log, projects, issues), projects: projects, issues: issues, db: d, log: log,
		issue: issue.Key{Project: "MESOS", Number: 1},
		owner: accounttest.User(t, d, "owner"), maintainer: accounttest.User(t, d, "maintainer"),
		member: accounttest.User(t, d, "member"), other: accounttest.User(t, d, "other"),
		viewer: accounttest.User(t, d, "viewer"), stranger: accounttest.User(t, d, "stranger"),
	}
	w.p = newProject(t, w, w.owner, "MESOS")
	newProject(t, w, w.stranger, "XD")
	for name, role := range map[string]project.Role{
		"maintainer": project.Maintainer, "member": project.Member, "other": project.Member, "viewer": project.Viewer,
	} {
		if _, err := w.projects.AddMember(t.Context(), w.owner, "", "MESOS", name+"@example.org", role); err != nil {
			t.Fatal(err)
		}
	}
	newIssue(t, w, w.owner, "MESOS")
	newIssue(t, w, w.stranger, "XD")
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

func newIssue(t testing.TB, w world, by account.Actor, projectKey string) issue.Issue {
	t.Helper()
	i, err := w.issues.Create(t.Context(), by, "", projectKey, issue.Draft{Title: "an issue"})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// create comments on MESOS-1.
func create(t testing.TB, w world, by account.Actor, body string) comment.Comment {
	t.Helper()
	c, err := w.Create(t.Context(), by, "", w.issue, body)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// update changes a comment at the version that is given with it.
func update(t *testing.T, w world, by account.Actor, c comment.Comment, body string) (comment.Comment, error) {
	t.Helper()
	return w.Update(t.Context(), by, "", c.ID, c.Version, &body)
}

func get(t *testing.T, w world, c comment.Comment) comment.Comment {
	t.Helper()
	got, err := w.Get(t.Context(), w.viewer, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func head(t *testing.T, w world) int64 {
	t.Helper()
	seq, err := w.log.Head(t.Context(), project.Scope(w.p.ID))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// wantKind checks an error's kind.
func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v, want kind %d", what, err, kind)
	}
}

// count runs a SELECT of one number.
func count(t *testing.T, w world, text string, args ...any) int {
	t.Helper()
	n, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, text, args...).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newAPI(w world) *web.API {
	api := web.New(slog.New(slog.DiscardHandler), nil)
	comment.Feature(w.Service).Routes(api)
	return api
}

// as is the headers of a request that the user makes, and more.
func as(t *testing.T, by account.Actor, more map[string]string) map[string]string {
	t.Helper()
	header := accounttest.Sign(t, by)
	maps.Copy(header, more)
	return header
}

package issue_test

import (
	"context"
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
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is a database with the project MESOS and three people in it, and a stranger
// who has the project XD.
type world struct {
	*issue.Service
	projects *project.Service
	db       *db.DB
	log      *live.Log
	p        project.Project

	open, doing, done, elsewhere    string // ids of statuses; the last is one of XD
	owner, member, viewer, stranger account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) },
		live.Migrations, account.Migrations, project.Migrations, issue.Migrations)
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	log := live.New(d, live.NewHub())
	projects := project.New(d, log)
	w := world{
		Service: issue.New(d, log, projects), projects: projects, db: d, log: log,
		owner: accounttest.User(t, d, "owner"), member: accounttest.User(t, d, "member"),
		viewer: accounttest.User(t, d, "viewer"), stranger: accounttest.User(t, d, "stranger"),
	}
	log.Offer(issue.Feature(w.Service).Parts...)
	var all []project.Status
	w.p, all = newProject(t, w, w.owner, "MESOS")
	w.open, w.doing, w.done = all[0].ID, all[1].ID, all[2].ID
	_, all = newProject(t, w, w.stranger, "XD")
	w.elsewhere = all[0].ID
	join(t, w, "member", project.Member)
	join(t, w, "viewer", project.Viewer)
	return w
}

func newProject(t *testing.T, w world, by account.Actor, key string) (project.Project, []project.Status) {
	t.Helper()
	p, err := w.projects.Create(t.Context(), by, "", project.Draft{Key: key, Name: "Project " + key})
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.projects.Statuses(t.Context(), by, key)
	if err != nil {
		t.Fatal(err)
	}
	return p, all
}

// join makes the user with the name a member of MESOS.
func join(t *testing.T, w world, name string, role project.Role) {
	t.Helper()
	if _, err := w.projects.AddMember(t.Context(), w.owner, "", "MESOS", name+"@example.org", role); err != nil {
		t.Fatal(err)
	}
}

// create makes an issue of MESOS.
func create(t *testing.T, w world, d issue.Draft) issue.Issue {
	t.Helper()
	i, err := w.Create(t.Context(), w.member, "", "MESOS", d)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// foreign makes an issue of XD.
func foreign(t *testing.T, w world) issue.Issue {
	t.Helper()
	i, err := w.Create(t.Context(), w.stranger, "", "XD", issue.Draft{Title: "foreign"})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func update(t *testing.T, w world, i issue.Issue, edit issue.Edit) (issue.Issue, error) {
	t.Helper()
	return w.Update(t.Context(), w.member, "", key(t, i.Key), nil, edit)
}

func key(t *testing.T, text string) issue.Key {
	t.Helper()
	k, err := issue.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func get(t *testing.T, w world, i issue.Issue) issue.Issue {
	t.Helper()
	got, err := w.Get(t.Context(), w.viewer, key(t, i.Key))
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

// wantField checks that an error is Invalid and names the field.
func wantField(t *testing.T, what string, err error, field string) {
	t.Helper()
	if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != field {
		t.Errorf("%s: %v names %q, want %q", what, err, errs.Of(err).Field, field)
	}
}

// wantKind checks an error's kind.
func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("%s: %v, want kind %d", what, err, kind)
	}
}

func try(t *testing.T, d *db.DB, text string, args ...any) error {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(context.WithoutCancel(t.Context()), text, args...)
		return struct{}{}, err
	})
	return err
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
	issue.Feature(w.Service).Routes(api)
	return api
}

// as is the headers of a request that the user makes, and more.
func as(t *testing.T, by account.Actor, more map[string]string) map[string]string {
	t.Helper()
	header := accounttest.Sign(t, by)
	maps.Copy(header, more)
	return header
}

package importer_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/importer"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is what a running server has open: a database with the project MESOS. The
// command opens the same database beside it.
type world struct {
	url      string
	log      *live.Log
	projects *project.Service
	issues   *issue.Service
	search   *search.Service
	p        project.Project
	statuses []project.Status

	owner, member account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachURL(t, func(t *testing.T, url string) { test(t, newWorld(t, url)) })
}

func newWorld(t *testing.T, url string) world {
	t.Helper()
	d, log, err := open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), live.Migrations, account.Migrations, project.Migrations, issue.Migrations, comment.Migrations, search.Migrations); err != nil {
		t.Fatal(err)
	}
	w := world{url: url, log: log, projects: project.New(d, log)}
	w.issues = issue.New(d, log, w.projects)
	w.search = search.New(d, w.issues, comment.New(d, log, w.projects, w.issues))
	w.owner, w.member = accounttest.User(t, d, "owner"), accounttest.User(t, d, "member")
	accounttest.User(t, d, "viewer")
	accounttest.User(t, d, "stranger")
	if w.p, err = w.projects.Create(t.Context(), w.owner, "", project.Draft{Key: "MESOS", Name: "Apache Mesos"}); err != nil {
		t.Fatal(err)
	}
	if w.statuses, err = w.projects.Statuses(t.Context(), w.owner, "MESOS"); err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]project.Role{"member": project.Member, "viewer": project.Viewer} {
		if _, err := w.projects.AddMember(t.Context(), w.owner, "", "MESOS", name+"@example.org", role); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func open(ctx context.Context, url string) (*db.DB, *live.Log, error) {
	d, err := db.Open(ctx, url)
	if err != nil {
		return nil, nil, err
	}
	return d, live.New(d, live.NewHub()), nil
}

// run is peisear import csv --project MESOS with more arguments.
func run(t *testing.T, w world, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return runIn(t, w, "MESOS", args...)
}

func runIn(t *testing.T, w world, key string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := importer.Command()
	parser, err := kong.New(&struct{}{}, kong.Name("peisear"), kong.DynamicCommand(command.Name, command.Help, "", command.Parse))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"import", "csv", "--project", key}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	err = parsed.Run(&feature.Host{
		Ctx: t.Context(), Stdout: &out, Stderr: &progress,
		Open: func(ctx context.Context) (*db.DB, *live.Log, error) { return open(ctx, w.url) },
	})
	return out.String(), progress.String(), err
}

// file writes a file and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// imported is all issues of MESOS, by number.
func imported(t *testing.T, w world) (all []issue.Issue) {
	t.Helper()
	f := issue.Filter{Sort: "number", Limit: issue.MaxPage}
	for {
		page, err := w.issues.List(t.Context(), w.owner, "MESOS", f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if f.Cursor = page.Next; f.Cursor == "" {
			return all
		}
	}
}

func head(t *testing.T, w world) int64 {
	t.Helper()
	seq, err := w.log.Head(t.Context(), project.Scope(w.p.ID))
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

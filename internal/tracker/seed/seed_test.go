package seed_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
	"github.com/peisear/peisear/internal/tracker/seed"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// each runs the test with a database that has a user in it, and the command line.
func each(t *testing.T, test func(t *testing.T, projects *project.Service, issues *issue.Service, by account.Actor, command func(args ...string) error)) {
	t.Helper()
	basetest.EachURL(t, func(t *testing.T, url string) {
		open := func(ctx context.Context) (*db.DB, *live.Log, error) {
			d, err := db.Open(ctx, url)
			if err != nil {
				return nil, nil, err
			}
			return d, live.New(d, live.NewHub()), nil
		}
		d, log, err := open(t.Context())
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
		projects := project.New(d, log)
		test(t, projects, issue.New(d, log, projects), accounttest.User(t, d, "ada"), func(args ...string) error {
			parser, err := kong.New(seed.Command().Parse)
			if err != nil {
				return err
			}
			parsed, err := parser.Parse(args)
			if err != nil {
				return err
			}
			return parsed.Run(&feature.Host{Ctx: t.Context(), Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Open: open})
		})
	})
}

// state tells how many issues each project has, and the first issue of the first.
func state(t *testing.T, projects *project.Service, issues *issue.Service, by account.Actor, n int) (text string) {
	t.Helper()
	for i := range n {
		page, err := issues.List(t.Context(), by, seed.Key(i), issue.Filter{Sort: "number", Limit: issue.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s %d %s; ", seed.Key(i), len(page.Items), page.Items[0].Title)
	}
	return text
}

// TestSeed: the issues are shared as asked, the same ones again, and only once.
func TestSeed(t *testing.T) {
	each(t, func(t *testing.T, projects *project.Service, issues *issue.Service, by account.Actor, command func(...string) error) {
		seeded := func() string {
			t.Helper()
			if err := command("seed", "--as", "ada@example.org", "--issues", "25", "--projects", "3", "--largest", "10"); err != nil {
				t.Fatal(err)
			}
			return state(t, projects, issues, by, 3)
		}
		first := seeded()
		const want = "SEED1 10 Client agent image schema; " +
			"SEED2 8 Client repeats always handler each fails clock retry history member; SEED3 7 Board payload memory bookmark; "
		if first != want {
			t.Errorf("%s\nwant %s", first, want)
		}
		if again := seeded(); again != first {
			t.Errorf("again: %s", again)
		}
	})
}

// TestSeedGoesOn where it was broken off.
func TestSeedGoesOn(t *testing.T) {
	each(t, func(t *testing.T, projects *project.Service, issues *issue.Service, by account.Actor, _ func(...string) error) {
		ctx, stop := context.WithCancel(t.Context())
		plan := seed.Plan{Issues: 1000, Projects: 2, Largest: 700}
		if err := plan.Run(ctx, projects, issues, by, func(int) { stop() }); !errs.Is(err, errs.Unavailable) && ctx.Err() == nil {
			t.Errorf("%v", err)
		}
		last := 0
		if err := plan.Run(t.Context(), projects, issues, by, func(done int) { last = done }); err != nil || last != 1000 {
			t.Errorf("%d, %v", last, err)
		}
	})
}

func TestSeedRefuses(t *testing.T) {
	for _, p := range []seed.Plan{
		{Issues: 5, Projects: 0, Largest: 5}, {Issues: 5, Projects: 10_000, Largest: 1}, {Issues: 5, Projects: 2, Largest: 6},
		{Issues: 5, Projects: 2, Largest: -1}, {Issues: 5, Projects: 1, Largest: 4},
	} {
		if err := p.Check(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	each(t, func(t *testing.T, _ *project.Service, _ *issue.Service, _ account.Actor, command func(...string) error) {
		if err := command("seed", "--as", "nobody@example.org"); err == nil {
			t.Error("nobody's issues are made")
		}
	})
}

package seed_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
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

// world is a database, with a search that hears of what is written in this process.
type world struct {
	seed.Tracker
	search *search.Service
}

// each runs the test with a database that has a user in it, and the command line.
func each(t *testing.T, test func(t *testing.T, w world, by account.Actor, command func(args ...string) error)) {
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
		var w world
		w.Projects = project.New(d, log)
		w.Issues = issue.New(d, log, w.Projects)
		w.Comments = comment.New(d, log, w.Projects, w.Issues)
		w.search = search.New(d, w.Issues, w.Comments)
		test(t, w, accounttest.User(t, d, "ada"), func(args ...string) error {
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

// state tells how many issues each project has, and the first one's title.
func (w world) state(t *testing.T, by account.Actor, n int) (text string) {
	t.Helper()
	for i := range n {
		page, err := w.Issues.List(t.Context(), by, seed.Key(i), issue.Filter{Sort: "number", Limit: issue.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s %d %s; ", seed.Key(i), len(page.Items), page.Items[0].Title)
	}
	return text
}

// TestSeed: the issues are shared as asked, the same ones again, and only once.
func TestSeed(t *testing.T) {
	each(t, func(t *testing.T, w world, by account.Actor, command func(...string) error) {
		seeded := func() string {
			t.Helper()
			if err := command("seed", "--as", "ada@example.org", "--issues", "25", "--projects", "3", "--largest", "10"); err != nil {
				t.Fatal(err)
			}
			return w.state(t, by, 3)
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

// texts returns the comments on a project's issues, with the issue's key.
func (w world) texts(t *testing.T, by account.Actor, n int) (all []string) {
	t.Helper()
	f := issue.Filter{Sort: "number", Limit: issue.MaxPage}
	for more := true; more; more = f.Cursor != "" {
		page, err := w.Issues.List(t.Context(), by, seed.Key(n), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			key := issue.Key{Project: seed.Key(n), Number: i.Number}
			comments, _, err := w.Comments.List(t.Context(), by, key, comment.Range{Limit: comment.MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range comments {
				all = append(all, c.IssueKey+" "+c.Body)
			}
		}
		f.Cursor = page.Next
	}
	return all
}

// TestSeedComments: as many as asked, the same ones again, more when more are asked for,
// beside the same issues as without them; and the search finds them.
func TestSeedComments(t *testing.T) {
	each(t, func(t *testing.T, w world, by account.Actor, command func(...string) error) {
		seeded := func(comments string) []string {
			t.Helper()
			if err := command("seed", "--as", "ada@example.org", "--issues", "12", "--projects", "2", "--largest", "9", "--comments", comments); err != nil {
				t.Fatal(err)
			}
			return w.texts(t, by, 0)
		}
		const second = "SEED1-6 Module balance link reader error buffer shadow history form. Follows archive method lists always slowly handler."
		few := seeded("0.34")
		if len(few) != 3 || few[1] != second {
			t.Errorf("%q", few)
		}
		if again := seeded("0.34"); !slices.Equal(few, again) {
			t.Errorf("again: %q", again)
		}
		if got := w.state(t, by, 1); got != "SEED1 9 Client agent image schema; " {
			t.Error(got)
		}
		if err := w.search.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(few[0], " ")
		page, err := w.search.Find(t.Context(), by, search.Query{Text: `"` + strings.TrimSuffix(body, ".") + `"`, Limit: 10})
		if err != nil || len(page.Hits) != 1 || page.Hits[0].Kind != search.Comment {
			t.Errorf("%+v, %v", page, err)
		}
		if many := seeded("2.5"); len(many) != 22 {
			t.Errorf("%d: %q", len(many), many)
		}
	})
}

// TestSeedGoesOn where it was broken off.
func TestSeedGoesOn(t *testing.T) {
	each(t, func(t *testing.T, w world, by account.Actor, _ func(...string) error) {
		ctx, stop := context.WithCancel(t.Context())
		plan := seed.Plan{Issues: 1000, Projects: 2, Largest: 700, Comments: 0.4}
		if err := plan.Run(ctx, w.Tracker, by, func(int) { stop() }); !errs.Is(err, errs.Unavailable) && ctx.Err() == nil {
			t.Errorf("%v", err)
		}
		last := 0
		if err := plan.Run(t.Context(), w.Tracker, by, func(done int) { last = done }); err != nil || last != 1000 {
			t.Errorf("%d, %v", last, err)
		}
		if texts := len(w.texts(t, by, 0)) + len(w.texts(t, by, 1)); texts != 400 {
			t.Errorf("%d comments", texts)
		}
	})
}

func TestSeedRefuses(t *testing.T) {
	for _, p := range []seed.Plan{
		{Issues: 5, Projects: 0, Largest: 5}, {Issues: 5, Projects: 10_000, Largest: 1}, {Issues: 5, Projects: 2, Largest: 6},
		{Issues: 5, Projects: 2, Largest: -1}, {Issues: 5, Projects: 1, Largest: 5, Comments: -0.1},
		{Issues: 5, Projects: 1, Largest: 5, Comments: math.NaN()}, {Issues: 5, Projects: 1, Largest: 5, Comments: comment.MaxPage + 1}, {Issues: 5, Projects: 1, Largest: 4},
	} {
		if err := p.Check(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	each(t, func(t *testing.T, _ world, _ account.Actor, command func(...string) error) {
		if err := command("seed", "--as", "nobody@example.org"); err == nil {
			t.Error("nobody's issues are made")
		}
	})
}

package seed

import (
	"errors"
	"fmt"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/progress"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

// Command is peisear bench, which the help does not list: it fills a database for those
// who measure the program.
func Command() feature.Command {
	return feature.Command{Name: "bench", Help: "Fill a database in order to measure.", Parse: new(benchCommand), Hidden: true}
}

type benchCommand struct {
	Seed seedCommand `cmd:"" help:"Make projects full of issues, SEED1, SEED2 and so on. Broken off, it goes on when it is called again."`
}

type seedCommand struct {
	As       string `required:"" placeholder:"EMAIL" help:"Whose projects and issues they are."`
	Issues   int    `default:"1000000" help:"How many issues there will be in all."`
	Projects int    `default:"100" help:"How many projects share them."`
	Largest  int    `default:"200000" help:"How many of the issues the first project has."`

	Comments float64 `default:"0" help:"How many comments an issue has on an average; 0.5 is one on every other."`
}

// Run makes the issues beside a server that may be running.
func (c *seedCommand) Run(host *feature.Host) (err error) {
	plan := Plan{Issues: c.Issues, Projects: c.Projects, Largest: c.Largest, Comments: c.Comments}
	if err := plan.Check(); err != nil {
		return errs.Plain(err)
	}
	d, log, err := host.Open(host.Ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	projects := project.New(d, log)
	by, err := projects.FindUser(host.Ctx, c.As)
	if errs.Is(err, errs.NotFound) {
		return fmt.Errorf("nobody has an account with the address %s", c.As)
	}
	if err != nil {
		return errs.Plain(err)
	}
	issues := issue.New(d, log, projects)
	comments := comment.New(d, log, projects, issues)
	search.New(d, issues, comments) // hears of them, so that they are found
	bar := progress.New(host.Stderr, int64(plan.Issues), "issues")
	defer bar.End()
	return errs.Plain(plan.Run(host.Ctx, Tracker{projects, issues, comments}, by, func(done int) { bar.Set(int64(done)) }))
}

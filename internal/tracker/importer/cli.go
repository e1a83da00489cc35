package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/progress"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search"
)

// Command is peisear import.
func Command() feature.Command {
	return feature.Command{Name: "import", Help: "Bring issues in from a file.", Parse: new(importCommand)}
}

type importCommand struct {
	CSV csvCommand `cmd:"" name:"csv" help:"Import a CSV file. It needs columns for key and title; description, storypoint, status and priority are used where they are there."`
}

type csvCommand struct {
	Project string `required:"" placeholder:"KEY" help:"The project that gets the issues."`
	As      string `placeholder:"EMAIL" help:"Who imports; by default the project's first owner."`
	DryRun  bool   `help:"Say what would happen, and change nothing."`
	File    string `arg:"" help:"The file, or - for standard input."`
}

var errRefused = errors.New("some rows were not imported")

// Run imports the file beside a server that may be running.
func (c *csvCommand) Run(host *feature.Host) (err error) {
	rows, err := c.read()
	if err != nil {
		return fmt.Errorf("%s: %w; nothing was imported", c.File, errs.Plain(err))
	}
	d, log, err := host.Open(host.Ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	r, err := c.run(host, d, log, rows)
	if err == nil || r.Made+r.Known > 0 {
		if printed := c.summary(host.Stdout, r); printed != nil {
			return errors.Join(err, printed)
		}
	}
	if err == nil && len(r.Refused) > 0 {
		err = errRefused
	}
	return errs.Plain(err)
}

func (c *csvCommand) read() ([]Row, error) {
	text, err := c.bytes()
	if err != nil {
		return nil, err
	}
	return ReadCSV(text)
}

func (c *csvCommand) bytes() ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(c.File)
}

func (c *csvCommand) run(host *feature.Host, d *db.DB, log *live.Log, rows []Row) (Result, error) {
	projects := project.New(d, log)
	issues := issue.New(d, log, projects)
	search.New(d, issues, comment.New(d, log, projects, issues)) // hears of them, so that they are found
	key := strings.ToUpper(c.Project)
	by, err := c.actor(host.Ctx, projects, key)
	if err != nil {
		return Result{}, err
	}
	statuses, err := projects.Statuses(host.Ctx, by, key)
	if err != nil {
		return Result{}, fmt.Errorf("project %s: %w", key, errs.Plain(err))
	}
	plan := NewPlan(rows, statuses)
	if c.DryRun {
		return plan.Try(host.Ctx, issues, by, key)
	}
	bar := progress.New(host.Stderr, int64(len(plan.Sources)), "rows")
	defer bar.End()
	return plan.Run(host.Ctx, issues, by, key, func(done int) { bar.Set(int64(done)) })
}

func (c *csvCommand) actor(ctx context.Context, projects *project.Service, key string) (account.Actor, error) {
	if c.As == "" {
		by, err := projects.FirstOwner(ctx, key)
		if errs.Is(err, errs.NotFound) {
			err = fmt.Errorf("there is no project %s", key)
		}
		return by, err
	}
	by, err := projects.FindUser(ctx, c.As)
	if errs.Is(err, errs.NotFound) {
		err = fmt.Errorf("nobody has an account with the address %s", c.As)
	}
	return by, err
}

// summary prints what happened, refused rows first.
func (c *csvCommand) summary(w io.Writer, r Result) error {
	var text strings.Builder
	for _, refused := range r.Refused {
		fmt.Fprintf(&text, "line %d: %s\n", refused.Line, refused.Reason)
	}
	made := "imported"
	if c.DryRun {
		made = "to import (dry run, nothing was changed)"
	}
	fmt.Fprintf(&text, "%d %s, %d there already, %d refused\n", r.Made, made, r.Known, len(r.Refused))
	_, err := io.WriteString(w, text.String())
	return err
}

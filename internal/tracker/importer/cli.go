package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
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
	bar := newBar(host.Stderr, len(plan.Sources))
	defer bar.end()
	return plan.Run(host.Ctx, issues, by, key, bar.set)
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

const (
	barWidth = 30
	barEvery = 100 * time.Millisecond
)

// bar shows progress: redrawn in place on a terminal, and one last line elsewhere.
type bar struct {
	w        io.Writer
	total    int
	done     int
	terminal bool
	drawn    time.Time
}

func newBar(w io.Writer, total int) *bar {
	b := &bar{w: w, total: total}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		b.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return b
}

func (b *bar) set(done int) {
	b.done = done
	if b.terminal && time.Since(b.drawn) >= barEvery {
		b.drawn = time.Now()
		b.draw("\r")
	}
}

// end draws how far it came, if anything was done.
func (b *bar) end() {
	if b.done == 0 {
		return
	}
	if b.terminal {
		_, _ = io.WriteString(b.w, "\r")
	}
	b.draw("")
	_, _ = io.WriteString(b.w, "\n")
}

func (b *bar) draw(before string) {
	full := barWidth * b.done / b.total
	_, _ = fmt.Fprintf(b.w, "%s[%s%s] %d of %d rows", before, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), b.done, b.total)
}

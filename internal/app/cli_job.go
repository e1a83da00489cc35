package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
)

type jobCommand struct {
	List  jobListCommand  `cmd:"" help:"List the jobs in the queue, those that were given up first."`
	Retry jobRetryCommand `cmd:"" help:"Try jobs again that were given up."`
	Drop  jobDropCommand  `cmd:"" help:"Forget jobs that were given up, or that wait."`
}

// jobs works on the queue beside a server that may be running, and says its errors in
// plain words.
func (p *process) jobs(do func(ctx context.Context, q *job.Queue) error) (err error) {
	c, err := p.config()
	if err != nil {
		return err
	}
	built, err := p.beside(p.ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, built.db.Close()) }()
	return errs.Plain(do(p.ctx, built.queue))
}

type jobListCommand struct {
	State string `enum:"due,later,running,dead," default:"" help:"Only those that are due, later, running, or dead, which were given up."`
	Kind  string `help:"Only those of a kind."`
	Limit int    `default:"100" help:"How many at most; 0: all."`
}

// Run prints the queue as a table.
func (c *jobListCommand) Run(p *process) error {
	return p.jobs(func(ctx context.Context, q *job.Queue) error {
		all, err := q.List(ctx, job.Filter{Kind: c.Kind, State: job.State(c.State), Limit: c.Limit})
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		lines := []string{"ID\tKIND\tSTATE\tSINCE\tATTEMPTS\tERROR"}
		for _, l := range all {
			text := strings.Join(strings.Fields(l.Error), " ") // of one line
			lines = append(lines, strings.Join([]string{l.ID, l.Kind, string(l.State), l.At.Format("2006-01-02 15:04"), strconv.FormatInt(l.Attempts, 10), text}, "\t"))
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

// whichJobs is embedded in commands that clear jobs.
type whichJobs struct {
	IDs  []string `arg:"" optional:"" name:"id" help:"The jobs, as peisear job list shows them."`
	Kind string   `help:"In place of ids: all of a kind that were given up."`
}

// Validate is for kong.
func (w *whichJobs) Validate() error {
	if (len(w.IDs) > 0) == (w.Kind != "") {
		return errors.New("say which jobs: their ids, or --kind KIND for all of a kind that were given up")
	}
	return nil
}

// each does something to each of the jobs and says to how many. One that refuses does not
// keep the others from it.
func (w *whichJobs) each(p *process, did string, do func(ctx context.Context, q *job.Queue, id string) error) error {
	return p.jobs(func(ctx context.Context, q *job.Queue) error {
		ids := w.IDs
		if w.Kind != "" {
			dead, err := q.DeadOf(ctx, w.Kind)
			if err != nil {
				return err
			}
			ids = dead
		}
		n, refused := 0, []error(nil)
		for _, id := range ids {
			if err := do(ctx, q, id); err != nil {
				refused = append(refused, fmt.Errorf("%s: %w", id, errs.Plain(err)))
				continue
			}
			n++
		}
		_, err := fmt.Fprintf(p.stderr, "%d %s.\n", n, did)
		return errors.Join(append(refused, err)...)
	})
}

type jobRetryCommand struct{ whichJobs }

// Run lets the server take them again.
func (c *jobRetryCommand) Run(p *process) error {
	return c.each(p, "will be tried again", func(ctx context.Context, q *job.Queue, id string) error { return q.Retry(ctx, id) })
}

type jobDropCommand struct{ whichJobs }

// Run removes them.
func (c *jobDropCommand) Run(p *process) error {
	return c.each(p, "dropped", func(ctx context.Context, q *job.Queue, id string) error { return q.Drop(ctx, id) })
}

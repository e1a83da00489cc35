// Package seed fills a database with as many issues as a benchmark asks for. They go
// through tracker/issue like those of an import, so that the change log and everything
// that follows it grow with them, and the same numbers make the same issues everywhere.
package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Plan says how many issues there will be: Issues in all, of which the first project has
// Largest and the others share the rest.
type Plan struct {
	Issues   int
	Projects int
	Largest  int
}

// Check returns what is wrong with the plan. Invalid: the numbers cannot be.
func (p Plan) Check() error {
	switch {
	case p.Projects < 1 || p.Projects > maxProjects:
		return errs.New(errs.Invalid, "expected from 1 to %d projects", maxProjects)
	case p.Largest < 0 || p.Issues < p.Largest:
		return errs.New(errs.Invalid, "expected as many issues as the largest project has, or more")
	case p.Projects == 1 && p.Issues != p.Largest:
		return errs.New(errs.Invalid, "one project has all issues: %d", p.Issues)
	}
	return nil
}

// size is how many issues the project with the number has, counted from 0.
func (p Plan) size(n int) int {
	if n == 0 {
		return p.Largest
	}
	rest, others := p.Issues-p.Largest, p.Projects-1
	size := rest / others
	if n <= rest%others {
		size++
	}
	return size
}

// maxProjects keeps the keys within their length.
const maxProjects = 9999

// Key is the key of the project with the number, counted from 0: SEED1, SEED2…
func Key(n int) string { return fmt.Sprint("SEED", n+1) }

// workers is how many projects are filled at once: one transaction's work is another's
// time to wait for the disk.
const workers = 4

// Run makes what is missing of the plan, in the actor's name, and calls progress with the
// number of issues that are there, one call at a time. It does not pause for others, as an
// import does. Broken off, it goes on from there when it is run again. NotFound: a project
// with such a key is somebody else's.
func (p Plan) Run(ctx context.Context, projects *project.Service, issues *issue.Service, by account.Actor, progress func(done int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var telling sync.Mutex
	done := 0
	more := func(n int) {
		telling.Lock()
		defer telling.Unlock()
		done += n
		progress(done)
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < p.Projects && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
				if err := p.fill(ctx, projects, issues, by, n, more); err != nil {
					stop(fmt.Errorf("project %s: %w", Key(n), err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// fill makes a project and its issues.
func (p Plan) fill(ctx context.Context, projects *project.Service, issues *issue.Service, by account.Actor, n int, more func(int)) error {
	_, err := projects.Create(ctx, by, "", project.Draft{Key: Key(n), Name: fmt.Sprintf("Benchmark %d", n+1)})
	if err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	statuses, err := projects.Statuses(ctx, by, Key(n))
	if err != nil {
		return err
	}
	w := &writer{random: rand.New(rand.NewPCG(uint64(n), 1)), words: words(), columns: columns(statuses)} // the same text everywhere
	for size := p.size(n); w.made < size; {
		w.fill(min(size-w.made, maxAhead))
		taken, err := issues.Import(ctx, by, Key(n), w.ahead)
		if err != nil {
			return err
		}
		w.ahead, w.made = w.ahead[len(taken):], w.made+len(taken)
		more(len(taken))
	}
	return nil
}

// columns lists the statuses as often as their share of a project's issues is: most
// work of an old project is done.
func columns(statuses []project.Status) (ids []string) {
	for _, s := range statuses {
		share := 1
		switch s.Category {
		case project.Done:
			share = 8
		case project.Open:
			share = 2
		case project.Backlog, project.InProgress, project.Cancelled:
		}
		for range share {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// maxAhead is how many issues are written before they are imported.
const maxAhead = 200

// writer writes issues as people do: a line, a few sentences, a guess.
type writer struct {
	random  *rand.Rand
	words   []string
	columns []string
	ahead   []issue.Source
	written int
	made    int
}

// fill writes until n are ahead.
func (w *writer) fill(n int) {
	for len(w.ahead) < n {
		w.written++
		w.ahead = append(w.ahead, issue.Source{Alias: fmt.Sprint("seed-", w.written), Draft: w.draft()})
	}
}

func (w *writer) draft() issue.Draft {
	d := issue.Draft{
		Title: w.sentence(4, 10), StatusID: pick(w.random, w.columns),
		Priority: pick(w.random, []issue.Priority{issue.Low, issue.Medium, issue.Medium, issue.High, issue.Urgent}),
	}
	var text strings.Builder
	for range 2 + w.random.IntN(6) {
		text.WriteString(w.sentence(6, 16) + ". ")
	}
	d.Description = strings.TrimSpace(text.String())
	if w.random.IntN(3) > 0 {
		units := 1000 * pick(w.random, []int64{1, 2, 3, 5, 8, 13, 21})
		d.Effort = &units
	}
	return d
}

// sentence is of least to most words.
func (w *writer) sentence(least, most int) string {
	all := make([]string, least+w.random.IntN(most-least+1))
	for i := range all {
		all[i] = pick(w.random, w.words)
	}
	return strings.ToUpper(all[0][:1]) + strings.Join(all, " ")[1:]
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

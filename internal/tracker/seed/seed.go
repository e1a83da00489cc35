// Package seed fills a database with as many issues and comments as a benchmark asks for.
// They go through tracker/issue and tracker/comment like what people write, so that the
// change log and everything that follows it grow with them, and the same numbers make the
// same texts everywhere.
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
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Plan says how many issues there will be: Issues in all, of which the first project has
// Largest and the others share the rest. Each has Comments on an average, 0.5 being one on
// every other.
type Plan struct {
	Issues   int
	Projects int
	Largest  int
	Comments float64
}

// Tracker is where they go.
type Tracker struct {
	Projects *project.Service
	Issues   *issue.Service
	Comments *comment.Service
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
	case !(p.Comments >= 0 && p.Comments <= maxComments):
		return errs.New(errs.Invalid, "expected from 0 to %d comments on an issue", maxComments)
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

const (
	maxProjects = 9999            // keeps the keys within their length
	maxComments = comment.MaxPage // lets one look tell how many there are
)

// Key is the key of the project with the number, counted from 0: SEED1, SEED2…
func Key(n int) string { return fmt.Sprint("SEED", n+1) }

// workers is how many projects are filled at once: one transaction's work is another's
// time to wait for the disk.
const workers = 4

// Run makes what is missing of the plan, in the actor's name, and calls progress with the
// number of issues that are there, one call at a time. It does not pause for others, as an
// import does. Broken off, it goes on from there when it is run again; so it does with more
// comments. NotFound: a project with such a key is somebody else's.
func (p Plan) Run(ctx context.Context, to Tracker, by account.Actor, progress func(done int)) error {
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
				if err := p.fill(ctx, to, by, n, more); err != nil {
					stop(fmt.Errorf("project %s: %w", Key(n), err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// fill makes a project, its issues and their comments.
func (p Plan) fill(ctx context.Context, to Tracker, by account.Actor, n int, more func(int)) error {
	_, err := to.Projects.Create(ctx, by, "", project.Draft{Key: Key(n), Name: fmt.Sprintf("Benchmark %d", n+1)})
	if err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	statuses, err := to.Projects.Statuses(ctx, by, Key(n))
	if err != nil {
		return err
	}
	w := newWriter(n, columns(statuses), p.Comments)
	for size := p.size(n); w.made < size; {
		w.fill(min(size-w.made, maxAhead))
		taken, err := to.Issues.Import(ctx, by, Key(n), w.ahead)
		if err == nil {
			err = to.discuss(ctx, by, n, taken, w.bodies)
		}
		if err != nil {
			return err
		}
		w.ahead, w.bodies, w.made = w.ahead[len(taken):], w.bodies[len(taken):], w.made+len(taken)
		more(len(taken))
	}
	return nil
}

// discuss makes those comments on issues that are not there yet.
func (to Tracker) discuss(ctx context.Context, by account.Actor, n int, issues []issue.Outcome, bodies [][]string) error {
	var missing []comment.Source
	for i, of := range issues {
		all, there := bodies[i], 0
		if !of.Made && len(all) > 0 {
			page, _, err := to.Comments.List(ctx, by, issue.Key{Project: Key(n), Number: of.Number}, comment.Range{Limit: comment.MaxPage})
			if err != nil {
				return err
			}
			there = min(len(page), len(all))
		}
		for _, body := range all[there:] {
			missing = append(missing, comment.Source{Number: of.Number, Body: body})
		}
	}
	for len(missing) > 0 {
		made, err := to.Comments.Import(ctx, by, Key(n), missing)
		if err != nil {
			return err
		}
		missing = missing[made:]
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
	random   *rand.Rand
	words    []string
	columns  []string
	comments float64
	talk     *writer // of comments, so that the issues are the same without them
	ahead    []issue.Source
	bodies   [][]string // of the comments on those
	written  int
	made     int
}

// newWriter writes the same text for the project with the number everywhere.
func newWriter(n int, columns []string, comments float64) *writer {
	all := words()
	return &writer{
		random: rand.New(rand.NewPCG(uint64(n), 1)), words: all, columns: columns,
		comments: comments, talk: &writer{random: rand.New(rand.NewPCG(uint64(n), 2)), words: all},
	}
}

// fill writes until n are ahead.
func (w *writer) fill(n int) {
	for len(w.ahead) < n {
		w.written++
		w.ahead = append(w.ahead, issue.Source{Alias: fmt.Sprint("seed-", w.written), Draft: w.draft()})
		before := int(w.comments * float64(w.written-1))
		bodies := make([]string, int(w.comments*float64(w.written))-before)
		for i := range bodies {
			bodies[i] = w.talk.text(1, 4)
		}
		w.bodies = append(w.bodies, bodies)
	}
}

func (w *writer) draft() issue.Draft {
	d := issue.Draft{
		Title: w.sentence(4, 10), StatusID: pick(w.random, w.columns),
		Priority: pick(w.random, []issue.Priority{issue.Low, issue.Medium, issue.Medium, issue.High, issue.Urgent}),
	}
	d.Description = w.text(2, 7)
	if w.random.IntN(3) > 0 {
		units := 1000 * pick(w.random, []int64{1, 2, 3, 5, 8, 13, 21})
		d.Effort = &units
	}
	return d
}

// text is of least to most sentences.
func (w *writer) text(least, most int) string {
	all := make([]string, least+w.random.IntN(most-least+1))
	for i := range all {
		all[i] = w.sentence(6, 16) + "."
	}
	return strings.Join(all, " ")
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

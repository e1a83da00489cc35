// Package importer brings issues in from what a team used before. It reads a CSV
// file, says of each row that cannot be imported in which line it stands and why,
// and makes issues of the rest through tracker/issue, so that whoever has the board
// open sees them arrive.
//
// The key that an issue had elsewhere makes importing idempotent: a row whose key
// the project knows changes nothing.
package importer

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// between is how long others have the database to themselves after a transaction.
const between = 10 * time.Millisecond

// Result is what became of a file.
type Result struct {
	Made    int       // issues that are new, or would be
	Known   int       // rows that the project knew already
	Refused []Refusal // rows that were not imported, in their order
}

// Refusal is a row that cannot be imported.
type Refusal struct {
	Line   int // of the file, where the row begins
	Reason string
}

// Plan is a file's rows as the project can take them.
type Plan struct {
	Sources []issue.Source
	Refused []Refusal
}

// NewPlan turns rows into drafts for a project with the given statuses.
func NewPlan(rows []Row, statuses []project.Status) Plan {
	var p Plan
	ids := make(map[string]string, len(statuses))
	for _, s := range statuses {
		ids[fold.Key(s.Name)] = s.ID
	}
	seen := map[string]int{}
	for _, row := range rows {
		source, reason := row.source(ids)
		if first, twice := seen[source.Alias]; twice && reason == "" {
			reason = "the key " + source.Alias + " stands in line " + itoa(first) + " already"
		}
		if reason != "" {
			p.Refused = append(p.Refused, Refusal{Line: row.Line, Reason: reason})
			continue
		}
		seen[source.Alias] = row.Line
		p.Sources = append(p.Sources, source)
	}
	return p
}

// Try says what Run would do, and changes nothing. NotFound, Forbidden: as in Run.
func (p Plan) Try(ctx context.Context, issues *issue.Service, by account.Actor, projectKey string) (Result, error) {
	r := Result{Refused: p.Refused}
	aliases := make([]string, len(p.Sources))
	for i, s := range p.Sources {
		aliases[i] = s.Alias
	}
	known, err := issues.Known(ctx, by, projectKey, aliases)
	if err != nil {
		return r, err
	}
	for _, alias := range aliases {
		if known[alias] {
			r.Known++
		} else {
			r.Made++
		}
	}
	return r, nil
}

// Run imports the plan in small transactions, so that others hardly wait, and calls
// progress after each with the number of rows that are done. On an error the result
// tells how far it came; running again goes on from there.
// NotFound, Forbidden, Unavailable: as in issue.Import.
func (p Plan) Run(ctx context.Context, issues *issue.Service, by account.Actor, projectKey string, progress func(done int)) (Result, error) {
	r := Result{Refused: p.Refused}
	for done := 0; done < len(p.Sources); {
		outcomes, err := issues.Import(ctx, by, projectKey, p.Sources[done:])
		if err != nil {
			return r, err
		}
		for _, o := range outcomes {
			if o.Made {
				r.Made++
			} else {
				r.Known++
			}
		}
		done += len(outcomes)
		progress(done)
		if err := pause(ctx); err != nil {
			return r, err
		}
	}
	return r, nil
}

// pause lets a server on the same file write.
func pause(ctx context.Context) error {
	select {
	case <-time.After(between):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

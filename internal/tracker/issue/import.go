package issue

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue/query"
	"github.com/peisear/peisear/internal/tracker/project"
)

// A batch of an import ends at whichever comes first, so that other writers do not
// notice it.
const (
	maxImport     = 200
	maxImportTime = 10 * time.Millisecond
)

// Source is an issue from elsewhere: the key it had there, and what is known of it.
// Without a StatusID it gets the project's first open status.
type Source struct {
	Alias string
	Draft Draft
}

// Outcome is what became of a source: the issue was made now, or stood there before.
type Outcome struct {
	IssueID string
	Number  int64
	Made    bool
}

// Import makes issues of the first few sources, in one transaction, at the bottom of
// their columns, and returns an outcome for each that it has taken: at least one,
// and the caller comes again with the rest. A source whose alias the project knows
// changes nothing.
// NotFound, Forbidden: as in Create. Invalid: a draft; none of the batch is made.
func (s *Service) Import(ctx context.Context, by account.Actor, projectKey string, sources []Source) (_ []Outcome, err error) {
	defer errs.Wrap(&err, "issue.Import(%s)", projectKey)
	projectKey = strings.ToUpper(projectKey)
	outcomes, _, err := project.Write(ctx, s.projects, s.log, by, "", projectKey, func(tx *live.Tx, projectID string) ([]Outcome, error) {
		p, err := project.Enter(ctx, tx, by, projectKey, project.Member)
		if err == nil && p.ID != projectID {
			err = errNoProject
		}
		if err != nil {
			return nil, err
		}
		return s.importSome(ctx, tx, by, p, sources)
	})
	return outcomes, err
}

func (s *Service) importSome(ctx context.Context, tx *live.Tx, by account.Actor, p project.Project, sources []Source) (all []Outcome, err error) {
	before, err := query.New(tx).LastNumber(ctx, p.ID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	last := before
	end := time.Now().Add(maxImportTime)
	for _, source := range sources[:min(len(sources), maxImport)] {
		o, err := s.importOne(ctx, tx, by, p, last+1, source)
		if err != nil {
			return nil, err
		}
		if o.Made {
			last++
		}
		if all = append(all, o); time.Now().After(end) {
			break
		}
	}
	if last > before {
		err = takeNumbers(ctx, tx, by, p.ID, last)
	} else {
		err = nil
	}
	return all, err
}

func (s *Service) importOne(ctx context.Context, tx *live.Tx, by account.Actor, p project.Project, number int64, source Source) (Outcome, error) {
	q := query.New(tx)
	known, err := q.FindAlias(ctx, query.FindAliasParams{ProjectID: p.ID, Alias: source.Alias})
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return Outcome{IssueID: known.ID, Number: known.Number}, err
	}
	d, err := source.Draft.checked()
	if err != nil {
		return Outcome{}, err
	}
	if d.StatusID == "" {
		if d.StatusID, err = q.DefaultStatus(ctx, p.ID); err != nil {
			return Outcome{}, err
		}
	}
	if err := d.refers(ctx, tx, p.ID, ""); err != nil {
		return Outcome{}, err
	}
	at, err := bottom(ctx, tx, p.ID, d.StatusID)
	if err != nil {
		return Outcome{}, err
	}
	i, err := s.insert(ctx, tx, by, place{p.ID, p.Key, number, at}, uuid.Must(uuid.NewV7()).String(), d)
	if err != nil {
		return Outcome{}, err
	}
	err = query.New(tx.Queued()).CreateAlias(ctx, query.CreateAliasParams{
		Alias: source.Alias, AliasFolded: fold.Key(source.Alias), IssueID: i.ID, ProjectID: p.ID, Actor: by.ID,
	})
	return Outcome{IssueID: i.ID, Number: number, Made: true}, err
}

// Check returns what Import would refuse of a draft by itself. Invalid: a field.
func (d Draft) Check() error {
	_, err := d.checked()
	return err
}

// Known returns which of the aliases the project knows already, for whoever may
// import. NotFound, Forbidden: as in Create.
func (s *Service) Known(ctx context.Context, by account.Actor, projectKey string, aliases []string) (_ map[string]bool, err error) {
	defer errs.Wrap(&err, "issue.Known(%s)", projectKey)
	known := map[string]bool{}
	p, err := s.projects.Get(ctx, by, projectKey)
	if err == nil {
		err = p.Role.Require(project.Member)
	}
	for _, alias := range aliases {
		if err != nil {
			break
		}
		known[alias], err = s.knows(ctx, p.ID, alias)
	}
	return known, err
}

package comment

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// maxImportTime is for how long a batch keeps others from writing.
const maxImportTime = 10 * time.Millisecond

// Source is a comment that is made in bulk, on the issue with the number.
type Source struct {
	Number int64
	Body   string
}

// Import makes the first few comments, in one transaction and in their order, and returns
// how many: at least one, and the caller comes again with the rest.
// NotFound, Forbidden, Invalid: as in Create; none of the batch is made.
func (s *Service) Import(ctx context.Context, by account.Actor, projectKey string, sources []Source) (made int, err error) {
	defer errs.Wrap(&err, "comment.Import(%s)", projectKey)
	projectKey = strings.ToUpper(projectKey)
	made, _, err = project.Write(ctx, s.projects, s.log, by, "", projectKey, func(tx *live.Tx, projectID string) (int, error) {
		end := time.Now().Add(maxImportTime)
		for i, source := range sources {
			if err := checked(source.Body); err != nil {
				return 0, err
			}
			of := issue.Key{Project: projectKey, Number: source.Number}
			c, err := create(ctx, tx, by, of, projectID, uuid.Must(uuid.NewV7()).String(), source.Body)
			if err == nil {
				err = s.written(ctx, tx, projectID, nil, c)
			}
			if err != nil {
				return 0, err
			}
			if time.Now().After(end) {
				return i + 1, nil
			}
		}
		return len(sources), nil
	})
	return made, noIssue(err)
}

package project

import (
	"context"
	"errors"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// purge is the schedule that removes what is left of deleted projects. A deletion brings
// its round forward; so that nothing stays when that round was lost, it comes every day.
const (
	purge      = job.Kind[struct{}]("project.purge")
	purgeEvery = 24 * time.Hour
)

// untold is how long the rows of a deleted project stay: until every node has told those
// who follow it, and believes nothing older.
const untold = 5 * time.Second

// OnPurge lets another slice remove its rows of a deleted project, which nobody can see or
// write any more. f does so in transactions that others hardly wait for (db.Batches), goes
// on where it was interrupted when it is called again, and finds nothing to do at last. They
// are called in the order in which they came: who refers to another's rows comes first. It
// is called while the program is put together.
func (s *Service) OnPurge(f func(ctx context.Context, projectID string) error) {
	s.purgers = append(s.purgers, f)
}

// PurgeBy names the queue that purges soon after a deletion. Without one, in a command
// beside the server, the server's next round does. It is called while the program is put
// together.
func (s *Service) PurgeBy(q *job.Queue) { s.queue = q }

func (s *Service) jobs() []job.Handler {
	return []job.Handler{job.Handle(purge, func(ctx context.Context, _ struct{}) error { return s.Purge(ctx) }).Every(purgeEvery)}
}

// purgeSoon asks the queue for a round.
func (s *Service) purgeSoon(ctx context.Context, tx *live.Tx) error {
	if s.queue == nil {
		return nil
	}
	return job.Add(ctx, s.queue, tx.Tx, purge, struct{}{}, job.Options{Key: job.Scheduled, At: tx.Now.Add(untold)})
}

// Purge removes what is left of deleted projects, the oldest deletion first. It waits for
// the time of those that were deleted just now. When it did not come to the end, it goes on
// when it is called again; one that cannot be purged keeps the others from nothing.
func (s *Service) Purge(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "project.Purge")
	for {
		all, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]query.ListDeletedRow, error) {
			return query.New(c).ListDeleted(ctx)
		})
		if err != nil || len(all) == 0 {
			return err
		}
		var undone []error
		for _, p := range all {
			if err := s.purge(ctx, p); ctx.Err() != nil {
				return err
			} else if err != nil {
				undone = append(undone, err)
			}
		}
		if err := errors.Join(undone...); err != nil {
			return err
		}
	}
}

// purge removes the project's row last: as long as it is there, there is something to do.
func (s *Service) purge(ctx context.Context, p query.ListDeletedRow) error {
	wait := time.Until(time.UnixMicro(p.DeletedAt).Add(untold)) // by the clock of who deleted it
	select {
	case <-time.After(min(wait, untold)):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, f := range s.purgers {
		if err := f(ctx, p.ID); err != nil {
			return err
		}
	}
	if err := s.log.Erase(ctx, Scope(p.ID)); err != nil {
		return err
	}
	_, err := db.Write(ctx, s.db, func(tx *db.Tx) (struct{}, error) { // takes its few statuses along
		return struct{}{}, query.New(tx).PurgeProject(ctx, p.ID)
	})
	return err
}

// remove ends the project for everybody, and tells every member in their own scope. Its
// rows are purged later.
func (s *Service) remove(ctx context.Context, tx *live.Tx, by account.Actor, id string) error {
	q := query.New(tx)
	old, err := q.GetProject(ctx, id)
	if err != nil {
		return err
	}
	if _, err := q.DeleteProject(ctx, query.DeleteProjectParams{ID: id, Now: tx.Micros(), Actor: by.ID}); err != nil {
		return err
	}
	members, err := q.AllMembers(ctx, id)
	if err != nil {
		return err
	}
	if err := q.RemoveAllMembers(ctx, id); err != nil {
		return err
	}
	for _, m := range members {
		scope := account.Actor{ID: m.UserID}.Scope()
		if err := tx.RecordIn(scope, "membership", id, membership{ID: id, Role: Role(m.Role)}, nil); err != nil {
			return err
		}
		if err := tx.RecordIn(Scope(id), live.Member, m.UserID, memberRow{ID: m.UserID, Role: Role(m.Role)}, nil); err != nil {
			return err
		}
	}
	if err := tx.RecordIn(Scope(id), "project", id, projectRow(old), nil); err != nil {
		return err
	}
	return s.purgeSoon(ctx, tx)
}

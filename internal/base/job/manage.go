package job

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job/query"
)

// State is what a job waits for.
type State string

// The states.
const (
	Due     State = "due"     // a hand
	Later   State = "later"   // its time
	Running State = "running" // its end
	Dead    State = "dead"    // somebody to look at it: it was given up
)

// Listed is a job as an operator sees it: without its payload, which may be confidential.
type Listed struct {
	ID, Kind string
	State    State
	Round    bool // of a schedule
	Attempts int64
	At       time.Time // when it was, or will be, due; of a dead one when it was given up
	Error    string    // of the last attempt
}

// Filter is which jobs are listed. The zero value is all.
type Filter struct {
	Kind  string
	State State
	Limit int // 0: none
}

// List returns jobs, those given up first and then those that are due the longest.
func (q *Queue) List(ctx context.Context, f Filter) (_ []Listed, err error) {
	defer errs.Wrap(&err, "job.List")
	now := time.Now().UnixMicro()
	return db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) (all []Listed, err error) {
		s := f.statement(now)
		rows, err := c.QueryContext(ctx, s.Text(), s.Args()...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var l Listed
			var at int64
			if err := rows.Scan(&l.ID, &l.Kind, &l.State, &l.Round, &l.Attempts, &at, &l.Error); err != nil {
				return nil, err
			}
			l.At = time.UnixMicro(at).UTC()
			all = append(all, l)
		}
		return all, rows.Err()
	})
}

func (f Filter) statement(now int64) *db.Statement {
	s := new(db.Statement)
	s.Add(`SELECT id, kind, state, round, attempt, at, error FROM (
  SELECT id, kind, attempt, error, COALESCE(dead_at, due_at) AS at, COALESCE(unique_key = ?, FALSE) AS round, CASE`, Scheduled)
	s.Add(" WHEN dead_at IS NOT NULL THEN 'dead' WHEN run_at <= ? THEN 'due' WHEN leased THEN 'running' ELSE 'later' END AS state FROM job) listed WHERE TRUE", now)
	if f.Kind != "" {
		s.Add(" AND kind = ?", f.Kind)
	}
	if f.State != "" {
		s.Add(" AND state = ?", string(f.State))
	}
	s.Add(" ORDER BY CASE state WHEN 'dead' THEN 0 ELSE 1 END, at, id")
	if f.Limit > 0 {
		s.Limit(f.Limit)
	}
	return s
}

// DeadOf returns the ids of those of a kind that were given up, the youngest first.
func (q *Queue) DeadOf(ctx context.Context, kind string) (_ []string, err error) {
	defer errs.Wrap(&err, "job.DeadOf(%s)", kind)
	return db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) ([]string, error) {
		return query.New(c).DeadJobs(ctx, kind)
	})
}

var errNoJob = errs.New(errs.NotFound, "there is no such job")

// Retry lets a job that was given up be tried again at once, as often as a new one.
// NotFound: there is none. Conflict: it was not given up, or a younger one of its key
// waits, which has its place.
func (q *Queue) Retry(ctx context.Context, id string) (err error) {
	defer errs.Wrap(&err, "job.Retry(%s)", id)
	_, err = db.Write(ctx, q.db, func(tx *db.Tx) (struct{}, error) {
		tx.AfterCommit(q.wake)
		rows := query.New(tx)
		n, err := rows.ReviveJob(ctx, query.ReviveJobParams{Now: tx.Micros(), ID: id})
		if err != nil || n > 0 {
			return struct{}{}, err
		}
		j, err := rows.GetJob(ctx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			err = errNoJob
		case err == nil && j.DeadAt == nil:
			err = errs.New(errs.Conflict, "this job was not given up")
		case err == nil:
			err = errs.New(errs.Conflict, "a younger job has this one's place: drop this one")
		}
		return struct{}{}, err
	})
	return err
}

// Drop removes a job that was given up, or that waits.
// NotFound: there is none. Conflict: it runs, or is a round of a schedule, which goes by
// itself when nobody keeps that.
func (q *Queue) Drop(ctx context.Context, id string) (err error) {
	defer errs.Wrap(&err, "job.Drop(%s)", id)
	_, err = db.Write(ctx, q.db, func(tx *db.Tx) (struct{}, error) {
		rows := query.New(tx)
		j, err := rows.GetJob(ctx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return struct{}{}, errNoJob
		case err != nil:
			return struct{}{}, err
		case j.DeadAt == nil && j.UniqueKey != nil && *j.UniqueKey == Scheduled:
			return struct{}{}, errs.New(errs.Conflict, "this is a round of a schedule, which goes by itself when nobody keeps that")
		case j.DeadAt == nil && j.Leased && j.RunAt > tx.Micros():
			return struct{}{}, errs.New(errs.Conflict, "this job runs")
		}
		return struct{}{}, rows.DropJob(ctx, id)
	})
	return err
}

package job

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job/query"
)

// taken is a job that this process has, for as long as it renews the lease.
type taken struct {
	id, kind, payload   string
	due, claim, attempt int64
	round               bool      // of a schedule
	until               time.Time // at least; then it is anybody's
}

// Run does jobs until ctx ends. Those in progress are told to end by their ctx, and Run
// waits for them; what they have not done is anybody's at once.
func (q *Queue) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	freed := make(chan struct{}, q.settings.Workers)
	busy, scheduled, silent := 0, false, false
	for {
		jobs, wait, err := q.round(ctx, &scheduled, q.settings.Workers-busy)
		if ctx.Err() != nil {
			q.giveBack(ctx, jobs)
			return
		}
		if err != nil && !silent {
			q.logger.WarnContext(ctx, "jobs wait: the queue cannot be read", "error", err.Error())
		}
		silent = err != nil
		for _, t := range jobs {
			busy++
			working.Go(func() {
				defer func() { freed <- struct{}{} }()
				q.work(ctx, t)
			})
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-q.woken:
		case <-timer.C:
		case <-freed:
			busy--
		}
		timer.Stop()
	}
}

// round takes what is due, as far as there are hands, and says for how long nothing
// else is.
func (q *Queue) round(ctx context.Context, scheduled *bool, hands int) (jobs []taken, wait time.Duration, err error) {
	if !*scheduled {
		if err := q.schedule(ctx); err != nil {
			return nil, q.settings.Poll, err
		}
		*scheduled = true
	}
	if hands <= 0 {
		return nil, q.settings.Poll, nil
	}
	next, err := q.next(ctx)
	if err != nil {
		return nil, q.settings.Poll, err
	}
	if wait := time.Until(next); wait > 0 {
		return nil, min(wait, q.settings.Poll), nil
	}
	if jobs, err = q.take(ctx, hands); err != nil {
		return nil, q.settings.Poll, err
	}
	if len(jobs) == 0 { // others were faster
		return nil, q.settings.Pause, nil
	}
	return jobs, 0, nil
}

// schedule makes sure that every schedule has its job, and no other.
func (q *Queue) schedule(ctx context.Context) error {
	_, err := db.Write(ctx, q.db, func(tx *db.Tx) (struct{}, error) {
		key := Scheduled
		for _, kind := range slices.Sorted(maps.Keys(q.handlers)) {
			h := q.handlers[kind]
			if h.every == 0 {
				continue
			}
			err := query.New(tx).AddSchedule(ctx, query.AddScheduleParams{ID: newID(), Kind: kind, UniqueKey: &key, Now: tx.Micros()})
			if err != nil {
				return struct{}{}, err
			}
			// The period may have become shorter since the round was set.
			err = query.New(tx).HastenSchedule(ctx, query.HastenScheduleParams{Latest: tx.Now.Add(h.every).UnixMicro(), Kind: kind, UniqueKey: &key})
			if err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, q.forget(ctx, tx)
	})
	return err
}

// unkept is how long after it was due a round that nobody has taken is nobody's: who keeps
// its schedule takes it at the next look.
const unkept = 24 * time.Hour

// forget removes the rounds of schedules that nobody keeps any more. This process cannot
// tell by what it knows itself: another one may be of another version, or be set up
// otherwise.
func (q *Queue) forget(ctx context.Context, tx *db.Tx) error {
	var s db.Statement
	s.Add("DELETE FROM job WHERE unique_key = ? AND dead_at IS NULL AND run_at < ? AND NOT ", Scheduled, tx.Now.Add(-unkept).UnixMicro())
	s.In("kind", q.kinds())
	_, err := tx.ExecContext(ctx, s.Text(), s.Args()...)
	return err
}

// next is when a job that this process can do is due: far in the future when there is
// none. It reads only, so that looking costs no write.
func (q *Queue) next(ctx context.Context) (time.Time, error) {
	at, err := db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) (at sql.NullInt64, err error) {
		var s db.Statement
		s.Add("SELECT MIN(run_at) FROM job WHERE dead_at IS NULL AND ")
		s.In("kind", q.kinds())
		return at, c.QueryRowContext(ctx, s.Text(), s.Args()...).Scan(&at)
	})
	if err != nil || !at.Valid {
		return time.Now().Add(q.settings.Poll), err
	}
	return time.UnixMicro(at.Int64), nil
}

// kinds are those that this process can do: while versions change, another one may know
// more.
func (q *Queue) kinds() []string { return slices.Sorted(maps.Keys(q.handlers)) }

// take leases jobs that are due, the longest due first. They are picked before any is
// taken: PostgreSQL may run a subquery once for each row, and would find others each time.
func (q *Queue) take(ctx context.Context, most int) ([]taken, error) {
	until := time.Now().Add(q.settings.Lease) // not later than what is written below
	return db.Write(ctx, q.db, func(tx *db.Tx) (jobs []taken, err error) {
		var s db.Statement
		s.Add("WITH picked AS MATERIALIZED (SELECT id FROM job WHERE dead_at IS NULL AND run_at <= ? AND ", tx.Micros())
		s.In("kind", q.kinds())
		s.Add(" ORDER BY run_at, id LIMIT CAST(? AS BIGINT)", int64(most))
		if q.db.Engine() == "postgres" {
			s.Add(" FOR UPDATE SKIP LOCKED")
		}
		s.Add(") UPDATE job SET leased = TRUE, again = again AND COALESCE(again_at > ?, FALSE),", tx.Micros()) // the time for that may be yet to come
		s.Add(" claim = claim + 1, attempt = attempt + 1, run_at = ?", tx.Now.Add(q.settings.Lease).UnixMicro())
		s.Add(" WHERE id IN (SELECT id FROM picked) RETURNING id, kind, payload, due_at, claim, attempt, unique_key")
		rows, err := tx.QueryContext(ctx, s.Text(), s.Args()...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			t := taken{until: until}
			var key sql.NullString
			if err := rows.Scan(&t.id, &t.kind, &t.payload, &t.due, &t.claim, &t.attempt, &key); err != nil {
				return nil, err
			}
			t.round = key.String == Scheduled && q.handlers[t.kind].every > 0
			jobs = append(jobs, t)
		}
		return jobs, rows.Err()
	})
}

// giveBack lets others have at once what was taken when the program was told to stop.
func (q *Queue) giveBack(ctx context.Context, jobs []taken) {
	for _, t := range jobs {
		q.release(ctx, t)
	}
}

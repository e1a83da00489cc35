package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job/query"
)

const (
	longestPause = time.Hour
	endCap       = 10 * time.Second // for noting how a job has ended
	maxError     = 2000             // bytes of an error that are kept
)

var (
	errLost     = errors.New("the lease was lost")
	errVanished = errors.New("every attempt ended with its process")
)

// work does a job and notes how it has ended.
func (q *Queue) work(ctx context.Context, t taken) {
	h := q.handlers[t.kind]
	began := time.Now()
	err := errVanished
	if t.attempt <= h.attempts {
		err = q.try(ctx, h, t)
	}
	if err != nil && ctx.Err() != nil {
		q.release(ctx, t)
		return
	}
	logger := q.logger.With("kind", t.kind, "job", t.id, "attempt", t.attempt, "took", time.Since(began).Round(time.Millisecond).String())
	again := time.Duration(0)
	switch {
	case err == nil:
		logger.DebugContext(ctx, "job done")
	case errors.Is(err, errLost):
		logger.WarnContext(ctx, "job is left to others: this process was too slow to renew its lease")
		return
	case !h.last(t, err):
		again = q.pause(t.attempt)
		logger.WarnContext(ctx, "job will be tried again", "in", again.Round(time.Millisecond).String(), "error", err.Error())
	case t.round:
		logger.ErrorContext(ctx, "job is not done in this round", "error", err.Error())
	default:
		logger.ErrorContext(ctx, "job is given up", "error", err.Error())
	}
	q.count(t.kind, err)
	if noted := q.end(ctx, h, t, err, again); noted != nil {
		// Its lease runs out, and it is done once more.
		logger.WarnContext(ctx, "job's end cannot be noted", "error", noted.Error())
	}
}

// last reports whether an attempt that did not succeed was the last.
func (h Handler) last(t taken, err error) bool {
	var hopeless unreadable
	return t.attempt >= h.attempts || errors.As(err, &hopeless)
}

// pause is how long to wait after an attempt. No two wait equally long, so that what went
// wrong together is not tried together.
func (q *Queue) pause(attempt int64) time.Duration {
	pause := longestPause
	if attempt < 20 { // the shift stays small
		pause = min(longestPause, q.settings.Pause<<(attempt-1))
	}
	return pause + rand.N(pause/4+1)
}

// try runs the handler while another goroutine renews the lease.
func (q *Queue) try(ctx context.Context, h Handler, t taken) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		q.renew(ctx, cancel, t)
	}()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		cancel(nil)
		<-renewing
		if errors.Is(context.Cause(ctx), errLost) && err != nil {
			err = errLost
		}
	}()
	if q.tracer == nil {
		return h.run(ctx, []byte(t.payload))
	}
	traced, span := q.tracer.Work(ctx, "job "+h.kind)
	defer span.End()
	if err = h.run(traced, []byte(t.payload)); err != nil {
		span.Wrong("not done")
	}
	return err
}

// renew keeps the lease until ctx ends, and ends ctx when somebody else has the job, or
// may have: when the lease is over, whatever the database does meanwhile.
func (q *Queue) renew(ctx context.Context, cancel context.CancelCauseFunc, t taken) {
	until := t.until
	over := time.AfterFunc(time.Until(until), func() { cancel(errLost) })
	defer over.Stop()
	wait := time.NewTimer(time.Until(until.Add(-q.settings.Lease * 2 / 3)))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		at := time.Now()
		n, err := q.renewOnce(ctx, t, until)
		switch {
		case err != nil: // there is time for more tries
			wait.Reset(q.settings.Lease / 10)
			continue
		case n == 0:
			cancel(errLost)
			return
		}
		until = at.Add(q.settings.Lease)
		over.Reset(time.Until(until))
		wait.Reset(time.Until(at.Add(q.settings.Lease / 3)))
	}
}

// renewOnce asks for another lease while the present one lasts: afterwards somebody else
// may have the job.
func (q *Queue) renewOnce(ctx context.Context, t taken, until time.Time) (int64, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return db.Write(ctx, q.db, func(tx *db.Tx) (int64, error) {
		return query.New(tx).RenewLease(ctx, query.RenewLeaseParams{RunAt: tx.Now.Add(q.settings.Lease).UnixMicro(), ID: t.id, Claim: t.claim})
	})
}

// end notes how a job has ended, if it is still this process's.
func (q *Queue) end(ctx context.Context, h Handler, t taken, outcome error, again time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endCap)
	defer cancel()
	n, err := db.Write(ctx, q.db, func(tx *db.Tx) (int64, error) {
		tx.AfterCommit(q.wake)
		rows := query.New(tx)
		switch {
		case outcome != nil && again > 0:
			return rows.RetryJob(ctx, query.RetryJobParams{RunAt: tx.Now.Add(again).UnixMicro(), Error: short(outcome), ID: t.id, Claim: t.claim})
		case t.round:
			now := tx.Micros()
			p := query.FinishRoundParams{Now: now, Next: nextRound(t.due, h.every, tx.Now).UnixMicro(), Error: short(outcome), ID: t.id, Claim: t.claim}
			if outcome == nil {
				p.DoneAt = &now
			}
			return rows.FinishRound(ctx, p)
		}
		n, err := leave(ctx, rows, tx, t, outcome)
		if err != nil || n > 0 {
			return n, err
		}
		return rows.FinishAndRunAgain(ctx, query.FinishAndRunAgainParams{Now: tx.Micros(), ID: t.id, Claim: t.claim})
	})
	if err == nil && n == 0 {
		err = errLost
	}
	return err
}

// leave removes or buries a job, unless it was asked for again meanwhile.
func leave(ctx context.Context, rows *query.Queries, tx *db.Tx, t taken, outcome error) (int64, error) {
	if outcome == nil {
		return rows.FinishJob(ctx, query.FinishJobParams{ID: t.id, Claim: t.claim})
	}
	now := tx.Micros()
	return rows.BuryJob(ctx, query.BuryJobParams{Now: &now, Error: short(outcome), ID: t.id, Claim: t.claim})
}

// nextRound keeps a schedule's beat; rounds that were missed are not made up for.
func nextRound(due int64, every time.Duration, now time.Time) time.Time {
	next := time.UnixMicro(due).Add(every)
	if late := now.Sub(next); late >= 0 {
		next = now.Add(every - late%every)
	}
	return next
}

// release lets others have the job at once, as if it had not been taken.
func (q *Queue) release(ctx context.Context, t taken) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endCap)
	defer cancel()
	_, err := db.Write(ctx, q.db, func(tx *db.Tx) (int64, error) {
		return query.New(tx).ReleaseJob(ctx, query.ReleaseJobParams{Now: tx.Micros(), ID: t.id, Claim: t.claim})
	})
	if err != nil {
		q.logger.WarnContext(ctx, "job cannot be given back", "kind", t.kind, "job", t.id, "error", err.Error())
	}
}

// short is an error as it is kept.
func short(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) > maxError {
		text = text[:maxError]
	}
	return keepable(text)
}

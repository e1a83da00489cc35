package job

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job/query"
)

// Outcomes counts what this process has done of a kind, since it began.
type Outcomes struct{ Done, Undone int64 }

// Stats is one kind's part of the queue.
type Stats struct {
	Kind    string
	Due     int64         // wait for a hand, also those whose process has died
	Later   int64         // wait for their time: asked for later, or to be tried again
	Running int64         // are leased
	Dead    int64         // were given up
	Age     time.Duration // for which the oldest of those that wait is due; 0: none is
	Outcomes
}

// Stats is what the queue holds, and what this process has done, by kind. Of a round it
// tells only when this process keeps the schedule: whether anybody keeps another one, only
// they know.
func (q *Queue) Stats(ctx context.Context) (_ []Stats, err error) {
	defer errs.Wrap(&err, "job.Stats")
	now, scheduled := time.Now().Truncate(time.Microsecond), Scheduled
	rows, err := db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) ([]query.CountsRow, error) {
		return query.New(c).Counts(ctx, query.CountsParams{Scheduled: &scheduled, Now: now.UnixMicro()})
	})
	if err != nil {
		return nil, err
	}
	kinds := map[string]Stats{}
	for _, r := range rows {
		if r.Rounds > 0 && !q.keeps(r.Kind) {
			continue
		}
		s := kinds[r.Kind]
		s.Due, s.Later, s.Running, s.Dead = s.Due+r.Due, s.Later+r.Later, s.Running+r.Running, s.Dead+r.Dead
		s.Age = max(s.Age, now.Sub(time.UnixMicro(r.Oldest)))
		kinds[r.Kind] = s
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for kind, o := range q.outcomes {
		s := kinds[kind]
		s.Outcomes = o
		kinds[kind] = s
	}
	all := make([]Stats, 0, len(kinds))
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		s := kinds[kind]
		s.Kind = kind
		all = append(all, s)
	}
	return all, nil
}

// keeps reports whether this process can do a kind.
func (q *Queue) keeps(kind string) bool {
	_, ok := q.handlers[kind]
	return ok
}

func (q *Queue) count(kind string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.outcomes[kind]
	if err == nil {
		o.Done++
		q.ended.WithLabelValues(kind, done).Inc()
	} else {
		o.Undone++
		q.ended.WithLabelValues(kind, undone).Inc()
	}
	q.outcomes[kind] = o
}

// Schedule is how a schedule stands, for all processes.
type Schedule struct {
	Next    time.Time // when its next round is due, or the present one was
	Running bool
	Done    time.Time // when it was last done; zero: never
	Error   string    // of the last attempt; "" when that succeeded
}

// Schedule returns how a schedule stands.
// NotFound: no process has run it yet.
func (q *Queue) Schedule(ctx context.Context, kind string) (_ Schedule, err error) {
	defer errs.Wrap(&err, "job.Schedule(%s)", kind)
	key := Scheduled
	row, err := db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) (query.GetScheduleRow, error) {
		return query.New(c).GetSchedule(ctx, query.GetScheduleParams{Kind: kind, UniqueKey: &key})
	})
	if err != nil {
		return Schedule{}, err
	}
	s := Schedule{Next: time.UnixMicro(row.DueAt).UTC(), Running: row.Leased, Error: row.Error}
	if row.DoneAt != nil {
		s.Done = time.UnixMicro(*row.DoneAt).UTC()
	}
	return s, nil
}

// keepable leaves out of a foreign text what a database cannot keep.
func keepable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}

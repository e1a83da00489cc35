package job

import (
	"cmp"
	"context"
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
	Due     int64         // wait for a hand
	Later   int64         // wait for their time: asked for later, or to be tried again
	Running int64         // are leased
	Dead    int64         // were given up
	Age     time.Duration // for which the oldest of those that are not dead is due; 0: none is
	Outcomes
}

// Stats is what the queue holds, and what this process has done, by kind.
func (q *Queue) Stats(ctx context.Context) (_ []Stats, err error) {
	defer errs.Wrap(&err, "job.Stats")
	now := time.Now().Truncate(time.Microsecond)
	rows, err := db.Read(ctx, q.db, func(ctx context.Context, c db.Conn) ([]query.CountsRow, error) {
		return query.New(c).Counts(ctx, now.UnixMicro())
	})
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Stats, 0, len(q.handlers))
	for _, r := range rows {
		age := max(0, now.Sub(time.UnixMicro(r.Oldest)))
		all = append(all, Stats{r.Kind, r.Due, r.Later, r.Running, r.Dead, age, q.outcomes[r.Kind]})
	}
	for kind, o := range q.outcomes {
		if !slices.ContainsFunc(all, func(s Stats) bool { return s.Kind == kind }) {
			all = append(all, Stats{Kind: kind, Outcomes: o})
		}
	}
	slices.SortFunc(all, func(a, b Stats) int { return cmp.Compare(a.Kind, b.Kind) })
	return all, nil
}

func (q *Queue) count(kind string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.outcomes[kind]
	if err == nil {
		o.Done++
	} else {
		o.Undone++
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

// Package job is work that is done later, or again and again: a queue in the database,
// so that what a transaction asks for is done if and only if it commits.
//
//	const Remind = job.Kind[Reminder]("notes.remind")
//
//	err := job.Add(ctx, queue, tx, Remind, Reminder{…}, job.Options{})   // inside db.Write or live.Write
//
//	feature.Feature{Jobs: []job.Handler{
//		job.Handle(Remind, s.remind),                              // does what was added
//		job.Handle(sweep, s.sweep).Every(time.Hour),               // is never added: it comes by itself
//	}}
//
// A job is done at least once: it runs again when its process dies, or when what it did
// could not be noted. A handler therefore does what was done already without harm, and
// returns soon when its ctx ends. One that returns an error, or panics, is tried again,
// after a pause that doubles; after its last attempt the job is a dead letter, which is
// kept for a month for somebody to look at: see List, Retry and Drop. A schedule is never
// given up: it goes on with its next round.
//
// Several processes share the queue. Whoever takes a job has it for a lease, and renews
// that while it runs; the job's ctx ends when that cannot be done in time. Their clocks
// may differ by less than a lease.
package job

import (
	"context"
	"embed"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job/query"
	"github.com/peisear/peisear/internal/base/trace"
)

// Migrations creates the table of the queue.
//
//go:embed migrations
var Migrations embed.FS

// Scheduled is the key of a schedule's own job. Adding one of its kind with this key
// brings the next round forward, or asks for another when one runs.
const Scheduled = "schedule"

// standardAttempts is how often a job is tried: for about an hour.
const standardAttempts = 12

// purge is the queue's own schedule.
const purge = Kind[struct{}]("job.purge")

// Kind names jobs whose payload is a T, which JSON can carry.
type Kind[T any] string

// Handler does the jobs of one kind.
type Handler struct {
	kind     string
	run      func(ctx context.Context, payload []byte) error
	every    time.Duration // 0: no schedule
	attempts int64
}

// Handle lets run do the jobs of a kind.
func Handle[T any](k Kind[T], run func(ctx context.Context, payload T) error) Handler {
	return Handler{kind: string(k), attempts: standardAttempts, run: func(ctx context.Context, text []byte) error {
		var payload T
		if err := json.Unmarshal(text, &payload); err != nil {
			return unreadable{err}
		}
		return run(ctx, payload)
	}}
}

// Every makes a schedule of the handler: it runs when it is first seen, and then once in
// every period, whatever the number of processes and restarts. Its payload is a zero T.
func (h Handler) Every(period time.Duration) Handler {
	h.every = period
	return h
}

// Attempts says how often a job is tried, in place of twelve times.
func (h Handler) Attempts(n int64) Handler {
	h.attempts = n
	return h
}

// unreadable is a payload that no attempt will understand.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// Options says more about a job. The zero value is a job that is due at once.
type Options struct {
	// Key makes the job one with the job of its kind and key that is there: it has the
	// newer payload then, and when it is running already it runs once more.
	Key string

	At time.Time // when it is due; of several that are one it is the earliest
}

// Add adds a job to the transaction. The queue takes it as soon as that commits.
func Add[T any](ctx context.Context, q *Queue, tx *db.Tx, k Kind[T], payload T, o Options) (err error) {
	defer errs.Wrap(&err, "job.Add(%s)", k)
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	at := tx.Now
	if o.At.After(at) {
		at = o.At
	}
	p := query.AddJobParams{ID: newID(), Kind: string(k), Payload: string(text), RunAt: at.UnixMicro(), Now: tx.Micros()}
	if o.Key != "" {
		p.UniqueKey = &o.Key
	}
	if err := query.New(tx).AddJob(ctx, p); err != nil {
		return err
	}
	tx.AfterCommit(q.wake)
	return nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Settings are the queue's measures.
type Settings struct {
	Workers int           // jobs at a time
	Lease   time.Duration // for which a job is its taker's; it is renewed in time
	Poll    time.Duration // how often the queue looks for what other processes have added
	Pause   time.Duration // after the first attempt; each further one doubles it
	Keep    time.Duration // of dead letters
}

// Standard is what a server uses.
func Standard() Settings {
	return Settings{Workers: 4, Lease: time.Minute, Poll: 10 * time.Second, Pause: time.Second, Keep: 30 * 24 * time.Hour}
}

// Queue is the jobs of a database. Run it in processes that shall do them.
type Queue struct {
	db       *db.DB
	logger   *slog.Logger
	settings Settings
	handlers map[string]Handler
	woken    chan struct{}
	tracer   *trace.Tracer // nil: there are no spans

	ended *prometheus.CounterVec

	mu       sync.Mutex
	outcomes map[string]Outcomes
}

// New returns the queue of a database. It does no I/O.
func New(d *db.DB, logger *slog.Logger, s Settings) *Queue {
	q := &Queue{
		db: d, logger: logger, settings: s,
		handlers: map[string]Handler{}, woken: make(chan struct{}, 1),
		ended: newEnded(), outcomes: map[string]Outcomes{},
	}
	q.Offer(Handle(purge, q.purge).Every(24 * time.Hour))
	return q
}

// Offer adds handlers. It is called while the program is put together, before Run. Two
// of one kind are a mistake of the program's.
func (q *Queue) Offer(handlers ...Handler) {
	for _, h := range handlers {
		if _, twice := q.handlers[h.kind]; twice {
			panic("job: two handlers of " + h.kind)
		}
		q.handlers[h.kind] = h
		for _, outcome := range []string{done, undone} {
			q.ended.WithLabelValues(h.kind, outcome) // is there before the first has ended
		}
	}
}

// purge removes old dead letters, and what nobody keeps any more.
func (q *Queue) purge(ctx context.Context, _ struct{}) error {
	_, err := db.Write(ctx, q.db, func(tx *db.Tx) (struct{}, error) {
		before := tx.Now.Add(-q.settings.Keep).UnixMicro()
		if err := query.New(tx).PurgeDead(ctx, &before); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, q.forget(ctx, tx)
	})
	return err
}

// wake lets Run look. It never blocks.
func (q *Queue) wake() {
	select {
	case q.woken <- struct{}{}:
	default:
	}
}

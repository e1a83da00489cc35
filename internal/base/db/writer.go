package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"
)

// A batch ends at whichever comes first.
const (
	maxBatch     = 256
	maxBatchTime = 5 * time.Millisecond
)

// watchEvery is how often the writer looks whether another process has written.
const watchEvery = 250 * time.Millisecond

var errClosed = errors.New("database is closed")

// writer owns SQLite's one writing connection. It runs the closures that wait in
// one transaction, each under a savepoint so that one that fails undoes only
// itself, and answers all of them after the one fsync (group commit).
//
// SQLite drops the whole transaction when a statement is interrupted or the disk
// is full. Statements therefore run under a background context, and when the
// transaction is lost all the same, the closures run again, each alone: but for the
// one that lost it. One that was refused may have been so for what is lost, too.
type writer struct {
	tx      *stmts
	wal     wal
	queue   chan *job
	foreign chan struct{} // holds one token when another process has written
	quit    chan struct{}
	done    chan struct{}
	err     error // of closing the connection; read after done
	meter   *meter

	batchTime time.Duration
}

type job struct {
	ctx  context.Context
	fn   func(*Tx) error
	tx   *Tx
	err  error
	done chan struct{}
}

func startWriter(ctx context.Context, pool *sql.DB, walPath string, m *meter) (*writer, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		tx:      newStmts(conn),
		wal:     wal{path: walPath},
		queue:   make(chan *job), // unbuffered: what is accepted is answered, even while closing
		foreign: make(chan struct{}, 1),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		meter:   m,

		batchTime: maxBatchTime,
	}
	go func() {
		defer close(w.done)
		w.loop()
		w.err = errors.Join(w.tx.close(), conn.Close())
	}()
	return w, nil
}

// do queues fn and waits until it is durable or undone.
func (w *writer) do(ctx context.Context, fn func(*Tx) error) (*Tx, error) {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case w.queue <- j:
		<-j.done
		return j.tx, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.quit:
		return nil, errClosed
	}
}

func (w *writer) stop() error {
	close(w.quit)
	<-w.done
	return w.err
}

func (w *writer) loop() {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	seen := w.dataVersion()
	for {
		select {
		case j := <-w.queue:
			w.batch(j)
			w.wal.used = true
		case now := <-look.C:
			w.tend(now)
			if version := w.dataVersion(); version != seen {
				seen = version
				select {
				case w.foreign <- struct{}{}:
				default: // one token is enough
				}
			}
		case <-w.quit:
			return
		}
	}
}

// dataVersion changes when another connection has written. It is 0 when SQLite
// cannot say; the next look will.
func (w *writer) dataVersion() (version int64) {
	_ = w.tx.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&version)
	return version
}

// batch runs first, and whatever else waits, in one transaction.
func (w *writer) batch(first *job) {
	second := w.next()
	if second == nil {
		w.alone(first)
		w.meter.share(first)
		close(first.done)
		return
	}
	jobs := []*job{first, second}
	end := time.Now().Add(w.batchTime)
	var culprit *job
	err := w.exec("BEGIN IMMEDIATE")
	for i := 0; err == nil && i < len(jobs); i++ {
		if err = w.join(jobs[i]); err != nil {
			culprit = jobs[i]
		}
		if i == len(jobs)-1 && len(jobs) < maxBatch && time.Now().Before(end) {
			if j := w.next(); j != nil {
				jobs = append(jobs, j)
			}
		}
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	w.meter.share(jobs...)
	w.answer(jobs, err, culprit)
}

// answer tells every caller its outcome. When the transaction was lost, the closures run
// again first. The culprit's own error, if it has one, is its outcome.
func (w *writer) answer(jobs []*job, lost error, culprit *job) {
	if lost != nil {
		w.rollback()
	}
	for _, j := range jobs {
		if lost != nil && (j != culprit || j.err == nil) {
			w.alone(j)
		}
		close(j.done)
	}
}

// next returns a waiting job, or nil.
func (w *writer) next() *job {
	select {
	case j := <-w.queue:
		return j
	default:
		return nil
	}
}

// alone runs a job in a transaction of its own, which needs no savepoint.
func (w *writer) alone(j *job) {
	if j.err = w.exec("BEGIN IMMEDIATE"); j.err != nil {
		return
	}
	if w.run(j); j.err == nil {
		j.err = w.exec("COMMIT")
	}
	if j.err != nil {
		w.rollback()
	}
}

// join runs a job inside the open transaction. An error means that the
// transaction is lost; the job's own error is in the job.
func (w *writer) join(j *job) error {
	if err := w.exec("SAVEPOINT job"); err != nil {
		return err
	}
	if w.run(j); j.err != nil {
		if err := w.exec("ROLLBACK TO job"); err != nil {
			return err
		}
	}
	return w.exec("RELEASE job")
}

// run calls the closure, unless its caller has gone.
func (w *writer) run(j *job) {
	if j.err = j.ctx.Err(); j.err == nil {
		c := uninterrupted{w.tx}
		j.tx = newTx(c, touching{c})
		j.err = safely(j.fn, j.tx)
	}
}

func (w *writer) exec(statement string) error {
	_, err := w.tx.ExecContext(context.Background(), statement)
	return err
}

// rollback ends a transaction that may be over already.
func (w *writer) rollback() { _ = w.exec("ROLLBACK") }

// uninterrupted runs statements under a background context: one that is
// interrupted would take the whole batch with it.
type uninterrupted struct{ Conn }

func (u uninterrupted) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	return u.Conn.ExecContext(context.Background(), query, args...)
}

func (u uninterrupted) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	return u.Conn.QueryContext(context.Background(), query, args...)
}

func (u uninterrupted) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	return u.Conn.QueryRowContext(context.Background(), query, args...)
}

// touching makes a change that touches no row an error. There is nobody to save a
// round trip to, so it queues nothing.
type touching struct{ Conn }

func (t touching) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := t.Conn.ExecContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, cmp.Or(err, errUntouched)
	}
	return result, nil
}

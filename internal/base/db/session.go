package db

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// session is a transaction of PostgreSQL, of one closure or of several. Every message
// to the server costs more than most statements, so what needs no answer waits for the
// next statement that does: BEGIN, savepoints, and the changes that closures queue.
// It is the Conn of the closures; their contexts decide nothing here.
type session struct {
	ctx     context.Context //nolint:containedctx // a transaction lives inside one call
	conn    *sql.Conn
	control []string    // of the transaction itself: goes before what waits
	waiting []statement // of the closure that runs
	sent    bool        // the closure has sent something
	err     error       // what the closure queued was refused
}

type statement struct {
	text string
	args []any
}

// endCap bounds how long the end of a transaction may take.
const endCap = 10 * time.Second

const savepoint = "SAVEPOINT job"

var errNotCommitted = errors.New("the server has rolled the transaction back")

func (p *postgres) begin(ctx context.Context) (*session, error) {
	conn, err := p.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{ctx: ctx, conn: conn, control: []string{"BEGIN"}}, nil
}

// run calls a closure, with all that it has queued.
func (s *session) run(j *job) {
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	s.sent, s.err, s.waiting = false, nil, nil
	j.tx = newTx(s, queue{s})
	if j.err = safely(j.fn, j.tx); j.err == nil {
		j.err = s.flush()
	}
	s.waiting = nil
}

// join is run among others. An error means that the transaction is lost; the job's own
// error is in the job.
func (s *session) join(j *job) error {
	s.run(j)
	switch {
	case j.err == nil && s.sent:
		s.control = []string{"RELEASE " + savepoint, savepoint}
	case s.sent: // the savepoint outlives what is undone
		return s.exec("ROLLBACK TO " + savepoint)
	}
	return nil
}

// flush sends what waits. Its error stays: PostgreSQL takes nothing more until the
// closure is undone.
func (s *session) flush() error {
	if s.err == nil && len(s.waiting) > 0 {
		s.err = s.send()
	}
	return s.err
}

func (s *session) send() error {
	batch := new(pgx.Batch)
	for _, text := range s.control {
		batch.Queue(text)
	}
	for _, st := range s.waiting {
		batch.Queue(st.text, st.args...)
	}
	first := len(s.control)
	s.control, s.waiting, s.sent = nil, nil, true
	return s.conn.Raw(func(c any) (err error) {
		results := c.(*stdlib.Conn).Conn().SendBatch(s.ctx, batch) //nolint:forcetypeassert // openPostgres opens no other
		defer func() { err = cmp.Or(err, results.Close()) }()
		for i := range batch.Len() {
			tag, err := results.Exec()
			if err == nil && i >= first && tag.RowsAffected() == 0 {
				err = sql.ErrNoRows
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ready sends what must come before a statement of the closure.
func (s *session) ready() error {
	if s.err == nil && len(s.control)+len(s.waiting) > 0 {
		s.err = s.send()
	}
	s.sent = true
	return s.err
}

func (s *session) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return s.conn.ExecContext(s.ctx, query, args...)
}

func (s *session) PrepareContext(_ context.Context, query string) (*sql.Stmt, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return s.conn.PrepareContext(s.ctx, query)
}

func (s *session) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return s.conn.QueryContext(s.ctx, query, args...)
}

func (s *session) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	if err := s.ready(); err != nil {
		return s.conn.QueryRowContext(s.ctx, query, refusal{err}) // a row has no other way to carry an error
	}
	return s.conn.QueryRowContext(s.ctx, query, args...)
}

// refusal is an argument that makes a statement the error.
type refusal struct{ error }

func (r refusal) Value() (driver.Value, error) { return nil, r.error }

// queue is the session as Tx.Queued.
type queue struct{ *session }

func (q queue) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	for _, arg := range args {
		if _, ok := arg.(refusedText); ok {
			return nil, errUnkeepable
		}
	}
	q.waiting = append(q.waiting, statement{query, args})
	return driver.ResultNoRows, nil
}

// commit ends the transaction. An error that is no PgError leaves its outcome unknown,
// but for errNotCommitted.
func (s *session) commit() error {
	if len(s.control) > 0 && s.control[0] == "BEGIN" {
		return nil // nothing was sent
	}
	ctx, cancel := s.whatever()
	defer cancel()
	return s.conn.Raw(func(c any) error {
		tag, err := c.(*stdlib.Conn).Conn().Exec(ctx, "COMMIT") //nolint:forcetypeassert // as above
		if err == nil && tag.String() != "COMMIT" {
			err = errNotCommitted
		}
		return err
	})
}

// unanswered reports whether a commit's error says that it may have been made.
func unanswered(err error) bool {
	var refused *pgconn.PgError
	return err != nil && !errors.Is(err, errNotCommitted) && !errors.As(err, &refused)
}

func (s *session) exec(statement string) error {
	_, err := s.conn.ExecContext(s.ctx, statement)
	return err
}

// whatever is the context of what must be done even when the caller has gone.
func (s *session) whatever() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(s.ctx), endCap)
}

// end undoes what is not committed, and gives the connection back.
func (s *session) end() {
	ctx, cancel := s.whatever()
	defer cancel()
	_ = s.conn.Raw(func(c any) error {
		conn := c.(*stdlib.Conn).Conn() //nolint:forcetypeassert // as above
		if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
			}
		}
		return nil
	})
	_ = s.conn.Close() // a connection that is broken closes for good
}

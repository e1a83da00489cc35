package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// session is a transaction of PostgreSQL, of one closure or of several, and the Conn that
// they have. Its own context decides: theirs are those of callers who may have gone.
type session struct {
	ctx  context.Context //nolint:containedctx // a transaction lives inside one call
	conn *sql.Conn
	pipe *pipe // of conn
	caps *caps
}

const (
	begin     = "BEGIN"
	savepoint = "SAVEPOINT job"
)

var errNotCommitted = errors.New("the server has rolled the transaction back")

func (p *postgres) begin(ctx context.Context) (*session, error) {
	conn, err := p.writers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{ctx: ctx, conn: conn, caps: p.caps}
	err = conn.Raw(func(c any) error {
		s.pipe = c.(*pipe) //nolint:forcetypeassert // openPostgres opens no other
		s.pipe.control(begin)
		return nil
	})
	return s, err
}

// run calls a closure, with all that it has queued.
func (s *session) run(j *job) {
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	s.pipe.start()
	j.tx = newTx(s, queue{s})
	j.tx.tells = true
	if j.err = safely(j.fn, j.tx); j.err == nil {
		j.err = s.pipe.flush(s.ctx)
	}
	s.pipe.forget()
}

// join is run among others. An error means that the transaction is lost; the job's own
// error is in the job.
func (s *session) join(j *job) error {
	s.run(j)
	switch {
	case j.err == nil && s.pipe.sent:
		s.pipe.control("RELEASE "+savepoint, savepoint)
	case j.err != nil && s.pipe.sent: // the savepoint outlives what is undone
		s.pipe.start()
		_, err := s.ExecContext(s.ctx, "ROLLBACK TO "+savepoint)
		return err
	}
	return nil
}

// commit ends the transaction. Only unanswered errors leave its outcome unknown.
func (s *session) commit() error {
	if w := s.pipe.waiting; len(w) > 0 && w[0].text == begin {
		return nil // nothing was sent
	}
	ctx, cancel := s.whatever()
	defer cancel()
	tag, err := s.pipe.Conn.Conn().Exec(ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		err = errNotCommitted
	}
	return err
}

// unanswered reports whether a commit's error says that it may have been made.
func unanswered(err error) bool {
	var refused *pgconn.PgError
	return err != nil && !errors.Is(err, errNotCommitted) && !errors.As(err, &refused)
}

// whatever is the context of what must be done even when the caller has gone.
func (s *session) whatever() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(s.ctx), s.caps.end)
}

// end undoes what is not committed, and gives the connection back.
func (s *session) end() {
	ctx, cancel := s.whatever()
	defer cancel()
	_ = s.conn.Raw(func(any) error {
		s.pipe.waiting, s.pipe.err = nil, nil
		conn := s.pipe.Conn.Conn()
		if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				return fmt.Errorf("%w: %w", driver.ErrBadConn, err) // it closes for good
			}
		}
		return nil
	})
	_ = s.conn.Close()
}

func (s *session) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	return s.conn.ExecContext(s.ctx, query, args...)
}

// PrepareContext would go past what waits. The driver prepares every statement by itself.
func (s *session) PrepareContext(context.Context, string) (*sql.Stmt, error) {
	return nil, errors.New("a transaction prepares no statements")
}

func (s *session) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.conn.QueryContext(s.ctx, query, args...)
}

func (s *session) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	return s.conn.QueryRowContext(s.ctx, query, args...)
}

// queue is the session as Tx.Queued.
type queue struct{ *session }

func (q queue) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	for _, arg := range args {
		if _, refused := arg.(refusedText); refused {
			return nil, errUnkeepable
		}
	}
	q.pipe.waiting = append(q.pipe.waiting, statement{text: query, args: args})
	return driver.ResultNoRows, nil
}

package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/peisear/peisear/internal/base/errs"
)

// maxAttempts bounds how often a transaction that lost a race is run.
const maxAttempts = 4

// connectTimeout is how long connecting may take where the URL names no connect_timeout.
// The driver would wait for ever, and hold everybody for as long as a server is away that
// answers nothing.
const connectTimeout = 5 * time.Second

// postgres is PostgreSQL through database/sql. The driver caches statements per
// connection, so there is no cache here.
//
// Writes have connections to themselves: slow readers must not hold them, nor must those
// that wait for a row hold readers.
type postgres struct {
	pool    *sql.DB // of all others
	writers *sql.DB
	lanes   lanes
	ear     ear
	meter   *meter
	caps    *caps
}

func openPostgres(ctx context.Context, url string, m *meter, c *caps) (*postgres, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, oneLine(err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: keepAlive()}).DialContext
	p := &postgres{lanes: lanes{waiting: map[string][]*turn{}}, ear: ear{config: config}, meter: m, caps: c}
	p.ear.tell = p.tell
	work := config.Copy()
	work.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) {} // behind a pooler it may be meant for the ear
	p.pool = poolOf(newPipes(work, c, stdlib.OptionAfterConnect(p.planOnce)))
	p.writers = poolOf(newPipes(work, c, stdlib.OptionAfterConnect(p.readyToWrite)))
	if err := p.pool.PingContext(ctx); err != nil { // it is the only one's connection: RefuseShared counts others
		return nil, errors.Join(oneLine(err), p.close())
	}
	return p, nil
}

// idleTime is how long a connection is kept that nobody needs: a server has them for all
// nodes together.
const idleTime = 5 * time.Minute

func poolOf(from driver.Connector) *sql.DB {
	pool := sql.OpenDB(from)
	size := max(8, 3*runtime.NumCPU())
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(idleTime)
	return pool
}

// Pooled reports whether a URL says that its connections may be others' after each
// transaction: it wants no statements prepared, which a pooler in transaction mode loses.
func Pooled(url string) bool {
	config, err := pgx.ParseConfig(url)
	return err == nil && pooled(config)
}

func pooled(config *pgx.ConnConfig) bool {
	mode := config.DefaultQueryExecMode
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
}

func (p *postgres) readyToWrite(ctx context.Context, conn *pgx.Conn) error {
	idle := fmt.Sprint(p.caps.idle.Milliseconds())
	return errors.Join(p.planOnce(ctx, conn), p.set(ctx, conn, "idle_in_transaction_session_timeout", idle))
}

// planOnce lets the server keep the plan that it has made of a statement, as SQLite does.
// Left to itself it compares plans, and where there is much data it makes a new one each
// time: among a million issues that was half of what a delta cost it, and a third of a
// list. No statement here needs another plan for other values.
func (p *postgres) planOnce(ctx context.Context, conn *pgx.Conn) error {
	return p.set(ctx, conn, "plan_cache_mode", "force_generic_plan")
}

// set changes a setting of a session, unless the URL has it, or the session is not ours to
// change. It is a statement, because a pooler between us and the server refuses most
// settings of a new connection. The idle timeout lets the server end a transaction that
// says nothing any more, and with it the locks of a node whose machine has vanished.
func (p *postgres) set(ctx context.Context, conn *pgx.Conn, setting, value string) error {
	if _, chosen := p.ear.config.RuntimeParams[setting]; chosen || pooled(p.ear.config) {
		return nil
	}
	_, err := conn.Exec(ctx, "SELECT set_config($1, $2, false)", setting, value)
	return err
}

// keepAlive finds out within half a minute that the server's machine is not there any more.
// Nothing else does for what has no cap, nor for connections that rest.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// oneLine says on one line what the driver says on one for each address it tried.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func (p *postgres) name() string { return "postgres" }

func (p *postgres) reader() (*sql.DB, Conn) { return p.pool, p.pool }

func (p *postgres) close() error { return errors.Join(p.writers.Close(), p.pool.Close()) }

// migrate holds a lock, so that of several nodes one migrates.
func (p *postgres) migrate(ctx context.Context, files fs.FS) error {
	return p.locked(ctx, func(ctx context.Context) error {
		m, err := prepare(ctx, goose.DialectPostgres, p.pool, files)
		if err != nil {
			return forgotten(err)
		}
		if err := m.up(ctx); err != nil {
			return forgotten(err)
		}
		return p.compareBytes(ctx)
	})
}

// compareBytes gives every text column the collation "C" where the database has
// another: ranks and cursors are compared byte by byte, as SQLite and the browsers
// do. It finds something to do once, after the migration that adds a column.
func (p *postgres) compareBytes(ctx context.Context) error {
	columns, err := p.otherCollations(ctx)
	if err != nil {
		return err
	}
	for _, c := range columns {
		// Both names are quoted by the database itself; a statement takes none as a parameter.
		statement := "ALTER TABLE " + c.table + " ALTER COLUMN " + c.column + ` TYPE TEXT COLLATE "C"` //nolint:gosec // as said
		if _, err := p.pool.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// column names a table's column, both quoted.
type column struct{ table, column string }

func (p *postgres) otherCollations(ctx context.Context) (found []column, err error) {
	rows, err := p.pool.QueryContext(ctx, `
		SELECT quote_ident(c.relname), quote_ident(a.attname)
		FROM pg_attribute a
		JOIN pg_class c ON c.oid = a.attrelid
		JOIN pg_database d ON d.datname = current_database()
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
		  AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'text'::regtype
		  AND a.attcollation <> '"C"'::regcollation
		  AND NOT (a.attcollation = '"default"'::regcollation AND d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX'))
		ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.column); err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, rows.Err()
}

func (p *postgres) pending(ctx context.Context, files fs.FS) (bool, error) {
	m, err := prepare(ctx, goose.DialectPostgres, p.pool, files)
	if err != nil {
		return false, forgotten(err)
	}
	return m.pending(ctx)
}

// write lets those of a lane take turns. Where nobody waits, and outside of any lane, a
// closure has its transaction alone. A server that has fallen silent must not keep them,
// and those behind them, for ever.
func (p *postgres) write(ctx context.Context, lane string, fn func(*Tx) error) (*Tx, error) {
	ctx, cancel := context.WithTimeout(ctx, p.caps.write)
	defer cancel()
	if lane == "" {
		return p.alone(ctx, fn)
	}
	t := newTurn(ctx, fn)
	if !p.lanes.enter(lane, t) {
		leads, err := p.lanes.await(lane, t)
		if err != nil {
			return nil, err
		}
		if !leads {
			return p.outcome(ctx, t)
		}
	}
	all := append([]*turn{t}, p.lanes.take(lane, maxTurn-1)...)
	if len(all) == 1 {
		defer p.lanes.pass(lane)
		return p.alone(ctx, fn)
	}
	all = p.together(ctx, lane, all)
	p.lanes.pass(lane)
	for _, other := range all[1:] {
		close(other.done)
	}
	return p.outcome(ctx, t)
}

// outcome is a turn's, whoever has led it.
func (p *postgres) outcome(ctx context.Context, t *turn) (*Tx, error) {
	switch {
	case t.fate == undone:
		return p.alone(ctx, t.fn)
	case t.fate == settled && t.err != nil:
		return nil, t.err
	case t.fate == settled:
		return t.tx, nil
	}
	if committed, err := p.prove(ctx, t.tx); committed || err != nil {
		return t.tx, err
	}
	return p.alone(ctx, t.fn)
}

// together runs turns, and whoever joins the lane meanwhile, in one transaction, and
// returns all of them with their fates. It has a cap of its own: its statements have
// nobody who could give them up.
func (p *postgres) together(ctx context.Context, lane string, all []*turn) []*turn {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.caps.write)
	defer cancel()
	s, err := p.begin(ctx)
	if err != nil {
		return decide(all, undone, nil)
	}
	defer s.end()
	s.pipe.control(savepoint)
	end := time.Now().Add(maxTurnTime)
	for i := 0; i < len(all); i++ {
		if err := s.join(&all[i].job); err != nil {
			return decide(all, undone, all[i])
		}
		if i == len(all)-1 && len(all) < maxTurn && time.Now().Before(end) {
			all = append(all, p.lanes.take(lane, 1)...)
		}
	}
	p.meter.share(jobsOf(all)...)
	switch err := s.commit(); {
	case err == nil:
		return decide(all, settled, nil)
	case unanswered(err):
		return decide(all, unknown, nil)
	}
	return decide(all, undone, nil)
}

func jobsOf(all []*turn) (jobs []*job) {
	for _, t := range all {
		jobs = append(jobs, &t.job)
	}
	return jobs
}

// decide gives turns their fate. The culprit, in whose closure the transaction was lost,
// has its own error; one that lost a race tries again, and so does one that was refused
// when it cannot be told whether what it was refused for is there.
func decide(all []*turn, f fate, culprit *turn) []*turn {
	for _, t := range all {
		switch t.fate = f; {
		case t == culprit && t.err != nil:
			t.fate = settled
		case lostRace(t.err), t.err != nil && f == unknown:
			t.fate = undone
		}
	}
	return all
}

// alone runs a closure in a transaction of its own, and again, after a short random
// pause, when it lost a race or is proven not to have been committed.
func (p *postgres) alone(ctx context.Context, fn func(*Tx) error) (*Tx, error) {
	for attempt := 1; ; attempt++ {
		tx, err := p.once(ctx, fn)
		if unanswered(err) && tx != nil {
			if committed, err := p.prove(ctx, tx); committed || err != nil {
				return tx, err
			}
		} else if !lostRace(err) {
			return tx, err
		}
		if attempt == maxAttempts {
			return nil, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, attempt int) error {
	select {
	case <-time.After(rand.N(time.Duration(attempt) * 10 * time.Millisecond)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once returns the transaction with an error when it is the commit's.
func (p *postgres) once(ctx context.Context, fn func(*Tx) error) (*Tx, error) {
	s, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.end()
	j := &job{ctx: ctx, fn: fn}
	if s.run(j); j.err != nil {
		return nil, j.err
	}
	p.meter.share(j)
	return j.tx, s.commit()
}

var errLostServer = errs.Later(errs.Unavailable, again, "the database was lost while it kept the change: look whether it is there")

// prove asks whether a transaction was committed whose commit was not answered.
// Unavailable: that cannot be found out.
func (p *postgres) prove(ctx context.Context, tx *Tx) (committed bool, err error) {
	if tx.proof == nil {
		return false, errLostServer
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.caps.end)
	defer cancel()
	for attempt := 1; ; attempt++ {
		s, err := p.begin(ctx)
		if err == nil {
			j := &job{ctx: ctx, fn: func(asking *Tx) (err error) {
				committed, err = tx.proof(ctx, asking)
				return err
			}}
			s.run(j)
			s.end()
			err = j.err
		}
		if err == nil {
			return committed, nil
		}
		if attempt == maxAttempts || pause(ctx, 10*attempt) != nil {
			return false, errors.Join(errLostServer, err)
		}
	}
}

func lostRace(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01") // serialization, deadlock
}

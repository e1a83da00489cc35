// Package db is the house's database: SQLite by default, PostgreSQL by changing
// one URL. There are three doors to SQL and no other way in:
//
//	Read      statements that only look; each sees the latest committed state
//	Snapshot  statements that only look and all see the same state
//	Write     one transaction; returns when it is durable (WriteIn: in turns with others)
//
// SQL is written once, in PostgreSQL's syntax, with $1 for the first parameter.
// All three doors translate a driver's error into the kinds of package errs:
//
//	no row                      NotFound
//	unique or foreign key       Conflict
//	check, not-null, bad text   Invalid
//	busy, cancelled, gone       Unavailable
//	anything else               Internal
package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/errs"
)

// Conn runs statements. It is what sqlc's generated packages ask for.
type Conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is the transaction of one Write.
type Tx struct {
	Conn
	Now    time.Time // one time for all rows of the transaction: UTC, in microseconds
	queued Conn
	tells  bool // the engine can
	batch  int  // how many shared the transaction
	hooks  []func()
	proof  Proof
}

// Queued returns a connection for changes that nobody needs an answer of. What is
// executed there happens in order, before the next statement of the transaction and
// before its end; PostgreSQL is told of all of it in one message. So an error may come
// from a later statement, or from Write. A change that touches no row is NotFound.
func (tx *Tx) Queued() Conn { return tx.queued }

// AfterCommit runs f once the transaction is durable, on the goroutine that
// called Write. Two transactions may run their hooks in either order.
func (tx *Tx) AfterCommit(f func()) { tx.hooks = append(tx.hooks, f) }

// Micros is the column form of Now.
func (tx *Tx) Micros() int64 { return tx.Now.UnixMicro() }

// DB is an open database, safe for concurrent use. Close it.
type DB struct {
	engine
	condition condition
	meter     *meter
	caps      *caps
}

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	write(ctx context.Context, lane string, fn func(*Tx) error) (*Tx, error)
	translate(err error) error
	trouble(err error) Trouble // "" when the error is another one
	probe(tx *Tx) error        // changes something that nobody reads
	reader() (pool *sql.DB, conn Conn)
	migrate(ctx context.Context, files fs.FS) error
	pending(ctx context.Context, files fs.FS) (bool, error)
	watch(ctx context.Context, heard func(text string))
	tell(ctx context.Context, text string) error
	collectors() []prometheus.Collector
	name() string
	close() error
}

// Open opens sqlite://path or postgres://… and checks that it answers. A SQLite
// file and its folder are created when absent. It does not migrate.
// Invalid: the URL names neither engine.
func Open(ctx context.Context, url string) (*DB, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	var e engine
	var err error
	m, c := newMeter(), usual()
	switch scheme {
	case "sqlite":
		e, err = openSQLite(ctx, rest, m)
	case "postgres", "postgresql":
		e, err = openPostgres(ctx, url, m, c)
	default:
		return nil, errs.New(errs.Invalid, "database URL must begin with sqlite:// or postgres://")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", err)
	}
	return &DB{engine: e, condition: condition{calm: calm}, meter: m, caps: c}, nil
}

// Close waits for the write in progress and releases the database.
func (d *DB) Close() error { return d.close() }

// Engine is "sqlite" or "postgres", for the few texts that must differ.
func (d *DB) Engine() string { return d.name() }

func engines() []string { return []string{"sqlite", "postgres"} }

// Watch calls heard, from one goroutine, with what any process Tells, and with "" when
// another may have written something that was not told, until ctx ends. It is called
// once.
func (d *DB) Watch(ctx context.Context, heard func(text string)) { d.watch(ctx, heard) }

// Read runs fn outside of any transaction, for at most ten seconds.
func Read[T any](ctx context.Context, d *DB, fn func(ctx context.Context, c Conn) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, d.caps.read)
	defer cancel()
	_, conn := d.reader()
	ctx, end := d.meter.read(ctx, "db.read")
	v, err := fn(ctx, guarded{conn})
	d.note(ctx, err)
	err = d.translate(err)
	end(err)
	return v, err
}

// Snapshot runs fn in a read-only transaction: its statements see one state. It
// may take ten seconds.
func Snapshot[T any](ctx context.Context, d *DB, fn func(ctx context.Context, c Conn) (T, error)) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.caps.read)
	defer cancel()
	ctx, end := d.meter.read(ctx, "db.snapshot")
	defer func() { end(err) }()
	pool, _ := d.reader()
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		d.note(ctx, err)
		return v, d.translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing to lose
	v, err = fn(ctx, guarded{tx})
	d.note(ctx, err)
	return v, d.translate(err)
}

// Proof tells, from a transaction of its own, whether another one was committed. It
// waits for that one to end.
type Proof func(ctx context.Context, tx *Tx) (committed bool, err error)

// ProvenBy says how to find out whether the transaction was committed, should the
// server be lost while it commits. Without a proof Write then returns Unavailable, and
// nobody knows.
func (tx *Tx) ProvenBy(p Proof) { tx.proof = p }

// Write runs fn in a transaction and returns its value when the transaction is
// durable, or an error when it is undone.
//
// fn may run more than once, and other writers wait for it: it touches nothing but
// tx, returns its results and the first error that a statement gives, and does
// nothing slow (no network, no hashing). It must not call Write. A panic in fn is
// an Internal error. ctx decides whether fn starts; where others share the
// transaction, it does not interrupt a statement. On PostgreSQL a write
// that takes half a minute is given up.
func Write[T any](ctx context.Context, d *DB, fn func(tx *Tx) (T, error)) (T, error) {
	return WriteIn(ctx, d, "", fn)
}

// WriteIn is Write for those who wait for each other anyway, because they lock the
// same row first: those of one lane take turns in one transaction where that saves
// waiting for the disk. Each is answered when it is durable, and what fails undoes only
// itself. "" is no lane.
func WriteIn[T any](ctx context.Context, d *DB, lane string, fn func(tx *Tx) (T, error)) (T, error) {
	var v T
	tx, err := d.meter.write(ctx, func(tx *Tx) (err error) {
		v, err = fn(tx) // the last run's value; Write returns only after it
		return err
	}, func(ctx context.Context, fn func(*Tx) error) (*Tx, error) { return d.write(ctx, lane, fn) })
	if err != nil {
		d.note(ctx, err)
		var zero T
		return zero, d.translate(err)
	}
	d.heal(ctx)
	for _, hook := range tx.hooks {
		hook()
	}
	return v, nil
}

func newTx(c, queued Conn) *Tx {
	return &Tx{Conn: guarded{c}, queued: guarded{queued}, Now: time.Now().UTC().Truncate(time.Microsecond)}
}

// safely runs fn and turns a panic into an error.
func safely(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}

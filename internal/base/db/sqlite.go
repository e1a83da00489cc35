package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/peisear/peisear/internal/base/errs"
)

// keptCopies is how many copies from before a migration are kept.
const keptCopies = 3

// busyTimeout is how long a statement waits for another process that writes.
const busyTimeout = 5 * time.Second

// queryOnly is the pragma of a connection that writes nothing.
const queryOnly = "query_only(1)"

// lite is SQLite: a pool that can only read and one goroutine that writes.
type lite struct {
	path    string
	readers *sql.DB
	cached  *stmts
	writers *sql.DB // a pool of one
	writer  *writer
}

func openSQLite(ctx context.Context, path string, m *meter) (_ *lite, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	ownerOnly(path)
	l := &lite{path: path}
	defer func() {
		if t := l.trouble(err); t != "" { // in SQLite's words it is an I/O error, whatever it is
			err = fmt.Errorf("%s: %w", t, err)
		}
		if err != nil {
			err = errors.Join(obstacle(path, err), l.close())
		}
	}()
	// The writer comes first: it creates the file and turns on WAL.
	if l.writers, err = openPool(ctx, path, 1, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(MEMORY)"); err != nil {
		return nil, err
	}
	// A file that may only be read is opened all the same, and refuses only what writes.
	if _, err = l.writers.ExecContext(ctx, "BEGIN IMMEDIATE; PRAGMA user_version = 0; ROLLBACK"); err != nil {
		return nil, err
	}
	if l.writer, err = startWriter(ctx, l.writers, path+"-wal", m); err != nil {
		return nil, err
	}
	if l.readers, err = openPool(ctx, path, max(4, runtime.NumCPU()), queryOnly); err != nil {
		return nil, err
	}
	l.cached = newStmts(l.readers)
	return l, nil
}

// ownerOnly makes the file, empty, so that nobody else reads it wherever it stands; those
// beside it are made by SQLite with the same rights. What stands in the way is found, and
// told, when SQLite opens it.
func ownerOnly(path string) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = f.Close()
	}
}

// obstacle is the error of opening a file, in the system's words where it has some:
// SQLite is "unable to open" or finds read-only whatever stands in its way.
func obstacle(path string, err error) error {
	f, cause := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case cause == nil:
		_ = f.Close()
	case !errors.Is(cause, fs.ErrNotExist):
		return fmt.Errorf("%s cannot be written: %w", path, errors.Unwrap(cause))
	}
	dir := filepath.Dir(path) // which takes files beside it, too
	if f, cause = os.CreateTemp(dir, "peisear-*"); cause != nil {
		return fmt.Errorf("nothing can be written to %s: %w", dir, errors.Unwrap(cause))
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	return fmt.Errorf("%s: %w", path, err)
}

func openPool(ctx context.Context, path string, size int, pragmas ...string) (*sql.DB, error) {
	return openWith(ctx, path, size, append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}, pragmas...))
}

func openWith(ctx context.Context, path string, size int, pragmas []string) (*sql.DB, error) {
	path, err := filepath.Abs(path) // a URL's path is
	if err != nil {
		return nil, err
	}
	query := url.Values{"_pragma": pragmas}
	if !slices.Contains(pragmas, queryOnly) {
		// SQLite waits for another writer where a transaction begins with writing, not where it
		// goes over to it after a look.
		query.Set("_txlock", "immediate")
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

func (l *lite) name() string { return "sqlite" }

func (l *lite) reader() (*sql.DB, Conn) { return l.readers, l.cached }

// write needs no lanes: there is one, for all.
func (l *lite) write(ctx context.Context, _ string, fn func(*Tx) error) (*Tx, error) {
	return l.writer.do(ctx, fn)
}

// watch asks the writer's own connection, between batches: SQLite counts there what
// other connections have written, and no other connection of ours writes.
func (l *lite) watch(ctx context.Context, heard func(text string)) {
	for {
		select {
		case <-l.writer.foreign:
			heard("")
		case <-ctx.Done():
			return
		}
	}
}

// migrate uses a pool of its own, with foreign keys off: rebuilding a table drops
// the old one, which would cascade. The references are checked before each migration
// commits instead.
func (l *lite) migrate(ctx context.Context, files fs.FS) (err error) {
	pool, err := openPool(ctx, l.path, 1, "foreign_keys(0)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	m, err := l.prepare(ctx, pool, files)
	if err != nil {
		return err
	}
	if pending, err := m.pending(ctx); err != nil || !pending {
		return err
	}
	if m.from > 0 {
		if err := l.copyBefore(ctx, pool, m.from); err != nil {
			return fmt.Errorf("copy before migrating: %w", err)
		}
	}
	return m.up(ctx)
}

func (l *lite) prepare(ctx context.Context, pool *sql.DB, files fs.FS) (*migration, error) {
	store, err := database.NewStore(database.DialectSQLite3, goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	return prepare(ctx, goose.DialectCustom, pool, files, goose.WithStore(checkedStore{store}))
}

// checkedStore notes no migration that has broken a reference. Goose asks it inside of the
// migration's transaction, after all of its statements.
type checkedStore struct{ database.Store }

func (s checkedStore) Insert(ctx context.Context, tx database.DBTxConn, r database.InsertRequest) error {
	if err := checkReferences(ctx, tx); err != nil {
		return err
	}
	return s.Store.Insert(ctx, tx, r)
}

func (l *lite) pending(ctx context.Context, files fs.FS) (_ bool, err error) {
	pool, err := openPool(ctx, l.path, 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	m, err := l.prepare(ctx, pool, files)
	if err != nil {
		return false, err
	}
	return m.pending(ctx)
}

// copyBefore keeps a checked copy of the file as it is, and the newest few of the
// older ones.
func (l *lite) copyBefore(ctx context.Context, pool *sql.DB, version int64) error {
	target := fmt.Sprintf("%s.before-%d", l.path, version)
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := copyInto(ctx, pool, target); err != nil {
		return err
	}
	if err := intact(ctx, target); err != nil {
		return err
	}
	older, err := filepath.Glob(l.path + ".before-*")
	if err != nil || len(older) <= keptCopies {
		return err
	}
	slices.Sort(older)
	var all []error
	for _, name := range older[:len(older)-keptCopies] {
		all = append(all, os.Remove(name))
	}
	return errors.Join(all...)
}

// intact opens a database file and lets SQLite check it.
func intact(ctx context.Context, path string) (err error) {
	pool, err := openPool(ctx, path, 1, queryOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	var verdict string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%s: %s", path, verdict)
	}
	return nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func checkReferences(ctx context.Context, q querier) error {
	var table string
	switch err := q.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("a row of %s refers to something absent", table)
}

func (l *lite) close() error {
	var all []error
	if l.writer != nil {
		all = append(all, l.writer.stop())
	}
	if l.cached != nil {
		all = append(all, l.cached.close())
	}
	for _, pool := range []*sql.DB{l.readers, l.writers} {
		if pool != nil {
			all = append(all, pool.Close())
		}
	}
	return errors.Join(all...)
}

func (l *lite) translate(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return translate(err)
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return errDuplicate(err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return errReference(err)
	case sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return errValue(err)
	}
	if t := l.trouble(err); t != "" {
		return t.error(err)
	}
	switch e.Code() & 0xff { // the primary code
	case sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT:
		return errUnavailable(err)
	}
	return errs.From(err, errs.Internal, "internal error")
}

func (l *lite) trouble(err error) Trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the index of the WAL cannot grow
		return NoSpace
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return NoSpace
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return DiskError
	case sqlite3.SQLITE_READONLY:
		return ReadOnly
	case sqlite3.SQLITE_BUSY:
		return Locked
	}
	return ""
}

// probe writes the first page as it is: to no table, because the base owns none.
func (l *lite) probe(tx *Tx) error {
	ctx := context.Background()
	var version int64
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.FormatInt(version, 10))
	return err
}

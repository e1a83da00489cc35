package db

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"modernc.org/sqlite"

	"github.com/peisear/peisear/internal/base/errs"
)

// Copy writes the database as it is at one moment into a new SQLite file, which is on
// disk and has been checked when Copy returns. Writers go on meanwhile: measured under
// 16 of them, VACUUM INTO takes from them what SQLite's backup interface does, ends when
// ctx does, and leaves a file without holes.
// Invalid: PostgreSQL has no such file.
func (d *DB) Copy(ctx context.Context, path string) (err error) {
	l, ok := d.engine.(*lite)
	if !ok {
		return errs.New(errs.Invalid, "only SQLite's database is one file")
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	pool, err := openPool(ctx, l.path, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := copyInto(ctx, pool, path); err != nil {
		return err
	}
	_, err = CheckFile(ctx, path)
	return err
}

// copyInto copies what a pool has open.
func copyInto(ctx context.Context, pool *sql.DB, path string) error {
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?1", path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Sync(), f.Close())
}

// CheckFile opens a SQLite file, lets SQLite check all of it and every reference, and
// returns its schema's versions. It changes nothing.
func CheckFile(ctx context.Context, path string) (_ []int64, err error) {
	if err := intact(ctx, path); err != nil {
		return nil, err
	}
	pool, err := openPool(ctx, path, 1, queryOnly)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := checkReferences(ctx, pool); err != nil {
		return nil, err
	}
	return versions(ctx, pool)
}

// InUse reports whether another process, or another connection, has a SQLite file open.
func InUse(ctx context.Context, path string) (_ bool, err error) {
	if _, err := os.Stat(path); err != nil {
		return false, err
	}
	pool, err := openWith(ctx, path, 1, []string{"locking_mode(EXCLUSIVE)"}) // it waits for nobody
	if err == nil {
		_, err = pool.ExecContext(ctx, "BEGIN EXCLUSIVE")
		err = errors.Join(err, pool.Close())
	}
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY {
		return true, nil
	}
	return false, err
}

// Companions are the files that SQLite keeps beside an open database.
func Companions(path string) []string { return []string{path + "-wal", path + "-shm"} }

// Versions are the migrations that the database has seen, in order: none when it is
// empty.
func (d *DB) Versions(ctx context.Context) ([]int64, error) {
	pool, _ := d.reader()
	all, err := versions(ctx, pool)
	return all, d.translate(err)
}

func versions(ctx context.Context, pool *sql.DB) (all []int64, err error) {
	rows, err := pool.QueryContext(ctx, "SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 ORDER BY version_id")
	if err != nil {
		if strings.Contains(err.Error(), "goose_db_version") { // both engines name the table that is missing
			return nil, nil
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// KnownVersions are those of the features' migrations, in order. Both engines have them all.
func KnownVersions(folders ...fs.FS) (all []int64, err error) {
	files, err := merge(folders, engines()[0])
	if err != nil {
		return nil, err
	}
	for name := range files {
		v, err := version(name)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	slices.Sort(all)
	return all, nil
}

// version is the number that a migration's name begins with.
func version(name string) (int64, error) {
	number, _, _ := strings.Cut(name, "_")
	return strconv.ParseInt(number, 10, 64)
}

// Others counts the connections of other programs to a PostgreSQL database. For SQLite
// ask InUse, before it is opened.
func (d *DB) Others(ctx context.Context) (n int, err error) {
	pool, _ := d.reader()
	err = pool.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n)
	return n, d.translate(err)
}

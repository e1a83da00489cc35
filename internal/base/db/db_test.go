package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// TestFileIsTheOwners: nobody else on the machine reads what people wrote.
func TestFileIsTheOwners(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	d, err := db.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %o", filepath.Base(name), mode)
		}
	}
}

var schema = fstest.MapFS{"202601010000_test.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);
CREATE TABLE item (
  id     BIGINT NOT NULL PRIMARY KEY,
  parent BIGINT REFERENCES parent (id),
  size   TEXT NOT NULL CHECK (size IN ('s', 'm'))
);`)}}

const insert = "INSERT INTO item (size, id) VALUES ($2, $1)" // out of order: $2 is not the second to appear

// write runs a closure that has no value to return.
func write(ctx context.Context, d *db.DB, fn func(*db.Tx) error) error {
	_, err := db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) { return struct{}{}, fn(tx) })
	return err
}

func add(tx *db.Tx, id int) error {
	_, err := tx.ExecContext(context.Background(), insert, id, "s")
	return err
}

func countItems(ctx context.Context, c db.Conn) (n int, err error) {
	return n, c.QueryRowContext(ctx, "SELECT count(*) FROM item").Scan(&n)
}

func count(t *testing.T, d *db.DB) int {
	t.Helper()
	n, err := db.Read(t.Context(), d, countItems)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKinds(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		run := func(statement string) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := tx.ExecContext(t.Context(), statement)
				return err
			}
		}
		for name, c := range map[string]struct {
			fn   func(*db.Tx) error
			kind errs.Kind
		}{
			"unique":      {run("INSERT INTO parent (id) VALUES (1), (1)"), errs.Conflict},
			"foreign key": {run("INSERT INTO item (id, parent, size) VALUES (1, 77, 's')"), errs.Conflict},
			"check":       {run("INSERT INTO item (id, size) VALUES (1, 'x')"), errs.Invalid},
			"not null":    {run("INSERT INTO item (id) VALUES (1)"), errs.Invalid},
			"no row":      {func(*db.Tx) error { return sql.ErrNoRows }, errs.NotFound},
			"own error":   {func(*db.Tx) error { return errs.New(errs.Forbidden, "no") }, errs.Forbidden},
			"bad SQL":     {run("SELEKT"), errs.Internal},
			"panic":       {func(*db.Tx) error { panic("boom") }, errs.Internal},
		} {
			err := write(t.Context(), d, c.fn)
			if !errs.Is(err, c.kind) {
				t.Errorf("%s: kind %d, want %d: %v", name, errs.Of(err).Kind, c.kind, err)
			}
			for _, leak := range []string{"constraint", "SQL", "boom", "item"} {
				if strings.Contains(errs.Of(err).Message, leak) {
					t.Errorf("%s: message tells %q: %s", name, leak, errs.Of(err).Message)
				}
			}
		}
		if n := count(t, d); n != 0 {
			t.Errorf("%d rows after undone writes", n)
		}
	}, schema)
}

// TestFailureStaysAlone lets good and bad closures meet in the same batches.
func TestFailureStaysAlone(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		const writers = 64
		bad := errors.New("no")
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				err := write(t.Context(), d, func(tx *db.Tx) error {
					if err := add(tx, i); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return bad
					case 2:
						return add(tx, i) // twice: not unique
					case 3:
						panic("boom")
					}
					return nil
				})
				if failed := i%4 != 0; failed != (err != nil) {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != writers/4 {
			t.Errorf("%d rows, want %d", n, writers/4)
		}
	}, schema)
}

func TestCancelledBeforeItStarts(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := write(ctx, d, func(tx *db.Tx) error { return add(tx, 1) })
		if !errs.Is(err, errs.Unavailable) || count(t, d) != 0 {
			t.Errorf("%v, %d rows", err, count(t, d))
		}
	}, schema)
}

func TestAfterCommit(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		var ran []string
		end := func(name string, outcome error) {
			_ = write(t.Context(), d, func(tx *db.Tx) error {
				tx.AfterCommit(func() { ran = append(ran, name) })
				return outcome
			})
		}
		end("kept", nil)
		end("undone", errors.New("no"))
		if len(ran) != 1 || ran[0] != "kept" {
			t.Errorf("ran %v", ran)
		}
	}, schema)
}

func TestSnapshotSeesOneState(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		_, err := db.Snapshot(t.Context(), d, func(ctx context.Context, c db.Conn) (int, error) {
			before, err := countItems(ctx, c)
			if err != nil {
				return 0, err
			}
			if err := write(ctx, d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
				return 0, err
			}
			after, err := countItems(ctx, c)
			if before != after {
				t.Errorf("%d rows, then %d", before, after)
			}
			return after, err
		})
		if err != nil {
			t.Error(err)
		}
	}, schema)
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "sqlite", schema)
	_, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (sql.Result, error) {
		return c.ExecContext(ctx, insert, 1, "s")
	})
	if err == nil {
		t.Error("a reader wrote")
	}
}

func TestWriteAfterClose(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), basetest.URL(t, "sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := write(t.Context(), d, func(*db.Tx) error { return nil }); !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesOtherURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "app.db", "mysql://localhost/app", "sqlite:///proc/nowhere/app.db"} {
		if d, err := db.Open(t.Context(), url); err == nil {
			t.Errorf("%q was opened", url)
			d.Close()
		}
	}
}

func TestMigrations(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		late := fstest.MapFS{"deep/202501010000_late.sql": {Data: []byte("-- +goose Up\nCREATE TABLE late (id TEXT);")}}
		if err := d.Migrate(t.Context(), schema, late); err != nil {
			t.Errorf("a migration that comes late: %v", err)
		}
		if err := d.Migrate(t.Context(), schema, schema); err == nil {
			t.Error("one name twice was accepted")
		}
	}, schema)
}

// TestMigrationsOfOneEngine: what the engines cannot share stands in folders of theirs.
func TestMigrationsOfOneEngine(t *testing.T) {
	both := fstest.MapFS{
		"migrations/sqlite/202601020000_own.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE own (id INTEGER PRIMARY KEY, engine TEXT DEFAULT 'sqlite');")},
		"migrations/postgres/202601020000_own.sql": {Data: []byte("-- +goose Up\nCREATE TABLE own (id SERIAL PRIMARY KEY, engine TEXT DEFAULT 'postgres');")},
	}
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		got, err := db.Write(t.Context(), d, func(tx *db.Tx) (engine string, err error) {
			return engine, tx.QueryRowContext(t.Context(), "INSERT INTO own DEFAULT VALUES RETURNING engine").Scan(&engine)
		})
		if err != nil || got != d.Engine() {
			t.Errorf("%q, %v", got, err)
		}
		some, err := db.Subset([]int64{202601020000}, both)
		if err == nil {
			err = d.Current(t.Context(), schema, some)
		}
		if err != nil {
			t.Error(err)
		}
	}, schema, both)
}

// TestUnkeepableText: what one engine cannot keep, neither takes.
func TestUnkeepableText(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		for name, text := range map[string]string{"NUL": "a\x00b", "not UTF-8": "a\xffb"} {
			err := write(t.Context(), d, func(tx *db.Tx) error {
				_, err := tx.ExecContext(t.Context(), insert, 1, text)
				return err
			})
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%s written: %v", name, err)
			}
			_, err = db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (id int, err error) {
				return id, c.QueryRowContext(ctx, "SELECT id FROM item WHERE size = $1", text).Scan(&id)
			})
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%s read: %v", name, err)
			}
		}
	}, schema)
}

// TestNewerDatabase: a program must not touch what a newer one has made.
func TestNewerDatabase(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		later := fstest.MapFS{"209901010000_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id TEXT);")}}
		if err := d.Migrate(t.Context(), schema, later); err != nil {
			t.Fatal(err)
		}
		err := d.Migrate(t.Context(), schema)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "209901010000") || !strings.Contains(err.Error(), "newest known here is 202601010000") {
			t.Errorf("got %v", err)
		}
	}, schema)
}

// TestCopyBeforeMigration: an existing file is copied, checked, and few copies stay.
func TestCopyBeforeMigration(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "sqlite")
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	files := fstest.MapFS{}
	for i := range 6 {
		name := fmt.Sprintf("20260101000%d_step.sql", i)
		files[name] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE step%d (id TEXT);", i)}
		if err := d.Migrate(t.Context(), files); err != nil {
			t.Fatal(err)
		}
	}
	copies, err := filepath.Glob(strings.TrimPrefix(url, "sqlite://") + ".before-*")
	if err != nil || len(copies) != 3 || !strings.HasSuffix(copies[2], "202601010004") {
		t.Errorf("%v, %v", copies, err)
	}
}

// TestWatch: another process's write is noticed, one's own is not needed for it.
func TestWatch(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Migrate(t.Context(), schema); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		noticed := make(chan struct{}, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Watch(ctx, func(string) {
				select {
				case noticed <- struct{}{}:
				default:
				}
			})
		}()
		other, err := db.Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(ctx, other, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
			t.Error(err)
		}
		<-noticed
		cancel()
		<-ended
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestTextIsComparedByteByByte on a PostgreSQL whose own order is another, where
// "a" stands before "B".
func TestTextIsComparedByteByByte(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), basetest.ForeignOrderURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	words := fstest.MapFS{"202601010000_word.sql": {Data: []byte("-- +goose Up\nCREATE TABLE word (w TEXT NOT NULL PRIMARY KEY, of TEXT REFERENCES word (w));")}}
	for range 2 { // again, with rows in the table
		if err := d.Migrate(t.Context(), words); err != nil {
			t.Fatal(err)
		}
		err = write(t.Context(), d, func(tx *db.Tx) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO word (w) VALUES ('Zz'), ('a0'), ('_'), ('B') ON CONFLICT DO NOTHING")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (w string, err error) {
		return w, c.QueryRowContext(ctx, "SELECT w FROM word WHERE w > 'A' ORDER BY w").Scan(&w)
	})
	if err != nil || first != "B" {
		t.Errorf("%q, %v", first, err)
	}
}

package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestCopyUnderLoad: a copy is one state, whatever is written meanwhile, and has
// everything that was answered before it began.
func TestCopyUnderLoad(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "sqlite", schema)
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for w := range 4 {
		writing.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				err := write(t.Context(), d, func(tx *db.Tx) error {
					id := w*1_000_000 + i
					if _, err := tx.ExecContext(ctx, "INSERT INTO parent (id) VALUES ($1)", id); err != nil {
						return err
					}
					_, err := tx.ExecContext(ctx, "INSERT INTO item (id, parent, size) VALUES ($1, $1, 's')", id)
					return err
				})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		before := count(t, d)
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := d.Copy(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		versions, err := db.CheckFile(t.Context(), path)
		if err != nil || len(versions) != 1 || versions[0] != 202601010000 {
			t.Errorf("versions %v, %v", versions, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		parents, items := pairs(t, path)
		if parents != items || items < before {
			t.Errorf("%d items and %d parents, of at least %d; %v", items, parents, before, err)
		}
	}
	cancel()
	writing.Wait()
}

func pairs(t *testing.T, path string) (parents, items int) {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	parents, err = db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, "SELECT count(*) FROM parent").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return parents, count(t, d)
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "sqlite", schema)
	there := filepath.Join(t.TempDir(), "there.db")
	if err := os.WriteFile(there, []byte("something else, longer than nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Copy(t.Context(), there); err == nil {
		t.Error("a file was overwritten")
	}
	if text, _ := os.ReadFile(there); !strings.HasPrefix(string(text), "something") {
		t.Errorf("the file is %q now", text)
	}
	if _, err := db.CheckFile(t.Context(), there); err == nil {
		t.Error("text passed as a database")
	}
}

// TestDamageIsFound: a file whose pages were changed is not intact.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "sqlite", schema)
	for i := range 2000 {
		if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, i) }); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := d.Copy(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(text[len(text)-3000:], make([]byte, 2000))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CheckFile(t.Context(), path); err == nil {
		t.Error("damage was not found")
	}
}

func TestInUse(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "sqlite")
	path := strings.TrimPrefix(url, "sqlite://")
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	if used, err := db.InUse(t.Context(), path); err != nil || !used {
		t.Errorf("open: %t, %v", used, err)
	}
	if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
		t.Errorf("the question has disturbed: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if used, err := db.InUse(t.Context(), path); err != nil || used {
		t.Errorf("closed: %t, %v", used, err)
	}
}

// wide has every portable type, references within and between tables, and names that
// must be quoted.
var wide = fstest.MapFS{"202601010000_test.sql": {Data: []byte(`-- +goose Up
CREATE TABLE "order" (id TEXT NOT NULL PRIMARY KEY, parent TEXT REFERENCES "order" (id), n BIGINT, yes BOOLEAN, x DOUBLE PRECISION);
CREATE TABLE a_child (b BIGINT NOT NULL, a TEXT NOT NULL REFERENCES "order" (id), "group" TEXT NOT NULL, PRIMARY KEY (a, b));`)}}

func TestTables(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		tables := describe(t, d)
		want := []db.Table{
			{Name: "order", Key: []string{"id"}, Columns: []db.Column{{"id", "TEXT"}, {"parent", "TEXT"}, {"n", "BIGINT"}, {"yes", "BOOLEAN"}, {"x", "DOUBLE PRECISION"}}},
			{Name: "a_child", Key: []string{"a", "b"}, References: []string{"order"}, Columns: []db.Column{{"b", "BIGINT"}, {"a", "TEXT"}, {"group", "TEXT"}}},
		}
		if diff := cmp.Diff(want, tables); diff != "" {
			t.Error(diff)
		}
	}, wide)
}

// describe returns the tables but goose's own.
func describe(t *testing.T, d *db.DB) []db.Table {
	t.Helper()
	tables, err := db.Whole(t.Context(), d, d.Tables)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(tables, func(t db.Table) bool { return t.Name == "goose_db_version" })
}

// TestLoad puts rows in and reads the same ones; a source that ends early changes nothing.
func TestLoad(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		rows := map[string][][]any{
			"order":   {{"a", "b", int64(1) << 60, true, 0.5}, {"b", nil, nil, nil, nil}, {"é\n\"", "a", int64(-1), false, -1e300}},
			"a_child": {{int64(1), "a", "x"}, {int64(2), "a", ""}},
		}
		tables := describe(t, d)
		load := func(broken error) error {
			return d.Load(t.Context(), tables, func(l *db.Loader) error {
				for _, table := range tables {
					left := rows[table.Name]
					n, err := l.Copy(t.Context(), table, func() ([]any, error) {
						if len(left) == 0 {
							return nil, errors.Join(broken, io.EOF)
						}
						row := left[0]
						left = left[1:]
						return row, nil
					})
					if err != nil {
						return err
					}
					if int(n) != len(rows[table.Name]) {
						t.Errorf("%d rows of %s", n, table.Name)
					}
				}
				return broken
			})
		}
		broken := errors.New("the file ends early")
		if err := load(broken); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if got := everything(t, d, tables); len(got) != 0 {
			t.Errorf("left %v", got)
		}
		for range 2 { // what was there before goes
			if err := load(nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rows, everything(t, d, tables)); diff != "" {
				t.Error(diff)
			}
		}
		rows["a_child"][0][1] = "nobody"
		if err := load(nil); err == nil {
			t.Error("a reference to nothing was taken")
		}
	}, wide)
}

// TestLoadKeepsTheReason: what the source of rows says is the error, not what the engine
// makes of a source that ends.
func TestLoadKeepsTheReason(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		tables := describe(t, d)
		reason := errs.New(errs.Invalid, "a row has no column title")
		err := d.Load(t.Context(), tables, func(l *db.Loader) error {
			first := true
			_, err := l.Copy(t.Context(), tables[0], func() ([]any, error) {
				if !first {
					return nil, reason
				}
				first = false
				return []any{"a", nil, nil, nil, nil}, nil
			})
			return err
		})
		if !errors.Is(err, reason) || errs.Of(err).Message != "a row has no column title" {
			t.Errorf("got %v", err)
		}
		if got := everything(t, d, tables); len(got) != 0 {
			t.Errorf("left %v", got)
		}
	}, wide)
}

func everything(t *testing.T, d *db.DB, tables []db.Table) map[string][][]any {
	t.Helper()
	all, err := db.Whole(t.Context(), d, func(ctx context.Context, c db.Conn) (map[string][][]any, error) {
		all := map[string][][]any{}
		for _, table := range tables {
			err := d.Each(ctx, c, table, func(row []any) error {
				all[table.Name] = append(all[table.Name], slices.Clone(row))
				return nil
			})
			if err != nil {
				return nil, err
			}
			if n, err := d.Count(ctx, c, table); err != nil || int(n) != len(all[table.Name]) {
				return nil, fmt.Errorf("%s: %d rows counted; %w", table.Name, n, err)
			}
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestForeignValues: what SQLite keeps and another engine would not let in is named.
func TestForeignValues(t *testing.T) {
	t.Parallel()
	for column, statement := range map[string]string{
		"order.n":   `INSERT INTO "order" (id, n) VALUES ('a', 'many')`,
		"order.yes": `INSERT INTO "order" (id, yes) VALUES ('a', 2)`,
		"order.id":  `INSERT INTO "order" (id) VALUES (x'00ff')`,
	} {
		d := basetest.NewDB(t, "sqlite", wide)
		err := write(t.Context(), d, func(tx *db.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Whole(t.Context(), d, func(ctx context.Context, c db.Conn) (int, error) {
			return 0, d.Each(ctx, c, describe(t, d)[0], func([]any) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), column) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestVersions(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if versions, err := d.Versions(t.Context()); err != nil || len(versions) != 0 {
			t.Errorf("of an empty database: %v, %v", versions, err)
		}
		if err := d.Migrate(t.Context(), schema); err != nil {
			t.Fatal(err)
		}
		versions, err := d.Versions(t.Context())
		known, knownErr := db.KnownVersions(schema)
		if err != nil || knownErr != nil || !slices.Equal(versions, known) || len(known) != 1 {
			t.Errorf("%v, known %v; %v, %v", versions, known, err, knownErr)
		}
		if d.Engine() != "postgres" {
			return
		}
		if err := d.RefuseShared(t.Context()); err != nil { // the connection that had the lock leaves
			t.Error(err)
		}
		other, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if n, err := d.Others(t.Context()); err != nil || n != 1 {
			t.Errorf("%d others, %v", n, err)
		}
	})
}

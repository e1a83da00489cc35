package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/pack"
)

// imported imports, and takes what is left to do for an error.
func imported(ctx context.Context, d *db.DB, p archive.Program, r *pack.Reader) error {
	rest, err := archive.Import(ctx, d, p, r, none)
	return errors.Join(rest, err)
}

func importedInto(ctx context.Context, url string, p archive.Program, r *pack.Reader) error {
	rest, err := archive.ImportInto(ctx, url, p, r, none)
	return errors.Join(rest, err)
}

// TestNotEmpty: an import goes into a new database, or into one that only migrations
// have touched, as an import that was interrupted leaves it.
func TestNotEmpty(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		r := open(t, export(t, d, p))
		err := imported(t.Context(), d, p, r)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("into a full one: %v", err)
		}
		migrated := empty(t, d.Engine())
		if err := migrated.Migrate(t.Context(), p.Migrations...); err != nil {
			t.Fatal(err)
		}
		if err := imported(t.Context(), migrated, p, r); err != nil {
			t.Errorf("into a new one: %v", err)
		}
		beyond, later := empty(t, d.Engine()), program(fstest.MapFS{"202602010000_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id TEXT NOT NULL PRIMARY KEY);")}})
		if err := beyond.Migrate(t.Context(), later.Migrations...); err != nil {
			t.Fatal(err)
		}
		if err := imported(t.Context(), beyond, later, r); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "younger than the archive") {
			t.Errorf("into a later version's: %v", err)
		}
		foreign := empty(t, d.Engine())
		if err := foreign.Migrate(t.Context(), fstest.MapFS{"202501010000_other.sql": {Data: []byte("-- +goose Up\nCREATE TABLE other (id TEXT);")}}); err != nil {
			t.Fatal(err)
		}
		if err := imported(t.Context(), foreign, p, r); !errs.Is(err, errs.Conflict) {
			t.Errorf("into another program's: %v", err)
		}
	}, program().Migrations...)
}

// TestOlderAndNewer: an older archive is migrated after its rows are in; a newer one is
// refused before anything happens.
func TestOlderAndNewer(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		later := program(fstest.MapFS{"202602010000_later.sql": {Data: []byte(`-- +goose Up
ALTER TABLE "order" ADD COLUMN upper_id TEXT NOT NULL DEFAULT '';
UPDATE "order" SET upper_id = upper(id);`)}})
		fill(t, d)
		older := open(t, export(t, d, program()))
		target := empty(t, d.Engine())
		if err := imported(t.Context(), target, later, older); err != nil {
			t.Fatal(err)
		}
		name, err := db.Read(t.Context(), target, func(ctx context.Context, c db.Conn) (s string, err error) {
			return s, c.QueryRowContext(ctx, `SELECT upper_id FROM "order" WHERE id = 'a'`).Scan(&s)
		})
		if err != nil || name != "A" {
			t.Errorf("%q, %v", name, err)
		}
		newer := open(t, export(t, target, later))
		untouched := empty(t, d.Engine())
		err = imported(t.Context(), untouched, program(), newer)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "202602010000") {
			t.Errorf("got %v", err)
		}
		if versions, err := untouched.Versions(t.Context()); err != nil || len(versions) != 0 {
			t.Errorf("the refused import left %v, %v", versions, err)
		}
	}, program().Migrations...)
}

// altered is an archive whose sums are right, with another content and another manifest.
func altered(t *testing.T, good *pack.Reader, change func(text string) string, manifest func(m *pack.Manifest)) *pack.Reader {
	t.Helper()
	var out bytes.Buffer
	w := pack.NewWriter(&out)
	m := good.Manifest
	m.Tables = slices.Clone(m.Tables)
	for _, f := range good.Manifest.Files {
		err := w.Add(f.Name, false, func(w io.Writer) error {
			var text bytes.Buffer
			if err := good.Copy(&text, f.Name); err != nil {
				return err
			}
			_, err := io.WriteString(w, change(text.String()))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	manifest(&m)
	if _, err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	return open(t, out.Bytes())
}

func replace(old, by string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, by, 1) }
}

func same(text string) string { return text }

func asItIs(*pack.Manifest) {}

// TestBrokenContent: sums that are right do not make rows right. What needs no database to
// be found is said by file and line, and changes nothing.
func TestBrokenContent(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		good := open(t, export(t, d, p))
		for said, broken := range map[string]*pack.Reader{
			"tables/a_child.ndjson, line 1: a row has no column b":     altered(t, good, replace(`{"b":`, `{"c":`), asItIs),
			"tables/order.ndjson, line 2: n: ":                         altered(t, good, replace(`"n":-1`, `"n":"one"`), asItIs),
			"tables/order.ndjson, line 3: n: ":                         altered(t, good, replace("9007199254740993", "99999999999999999999"), asItIs),
			"tables/order.ndjson, line 3: id: the text cannot be kept": altered(t, good, replace(`"id":"b"`, `"id":"b\u0000"`), asItIs),
			"tables/head.ndjson, line 1: unexpected EOF":               altered(t, good, func(text string) string { return text[:len(text)-3] }, asItIs),
			"tables/head.ndjson, line 1: invalid character":            altered(t, good, func(string) string { return "x\n" }, asItIs),
			"tables/head.ndjson has 0 rows, not 1":                     altered(t, good, func(text string) string { _, rest, _ := strings.Cut(text, "\n"); return rest }, asItIs),
			"tables/head.ndjson has 2 rows, not 1":                     altered(t, good, func(text string) string { return text + text }, asItIs),
			"the archive's tables are not its files":                   altered(t, good, same, func(m *pack.Manifest) { m.Tables[2].File = m.Tables[0].File }),
			"the archive's tables are not its files (one less)":        altered(t, good, same, func(m *pack.Manifest) { m.Tables = m.Tables[:2] }),
		} {
			said, _, _ = strings.Cut(said, " (")
			target := empty(t, d.Engine())
			err := imported(t.Context(), target, p, broken)
			if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Plain(err).Error(), said) {
				t.Errorf("got %v, not %s", err, said)
			}
			if versions, err := target.Versions(t.Context()); err != nil || len(versions) != 0 {
				t.Errorf("%s: left %v, %v", said, versions, err)
			}
		}
	}, program().Migrations...)
}

// TestRefusedRows: what only the database finds leaves no row, in PostgreSQL the tables,
// and no SQLite file; the good archive goes in afterwards.
func TestRefusedRows(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		good := open(t, export(t, d, p))
		for what, broken := range map[string]*pack.Reader{
			"a lost reference": altered(t, good, replace(`"a":"a"`, `"a":"nobody"`), asItIs),
			"one row twice": altered(t, good, func(text string) string { return text + text }, func(m *pack.Manifest) {
				for i := range m.Tables {
					m.Tables[i].Rows *= 2
				}
			}),
			"a column of another type": altered(t, good, same, func(m *pack.Manifest) {
				m.Tables[0].Columns = slices.Clone(m.Tables[0].Columns)
				m.Tables[0].Columns[0].Name, m.Tables[0].Columns[1].Name = m.Tables[0].Columns[1].Name, m.Tables[0].Columns[0].Name
			}),
		} {
			path := filepath.Join(t.TempDir(), "target.db")
			url := "sqlite://" + path
			if d.Engine() == "postgres" {
				url = basetest.URL(t, "postgres")
			}
			if err := importedInto(t.Context(), url, p, broken); err == nil {
				t.Errorf("%s was taken", what)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s left a file", what)
			}
			if err := importedInto(t.Context(), url, p, good); err != nil {
				t.Errorf("the good one after %s: %v", what, err)
			}
		}
	}, program().Migrations...)
}

// TestRowsStay: what goes wrong once the rows are in is no reason to say that they are not.
func TestRowsStay(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		r := open(t, export(t, d, program()))
		rebuilt := func(rebuild func(context.Context, *db.DB) error) archive.Program {
			p := program()
			p.Derived[0].Rebuild = rebuild
			return p
		}
		var end context.CancelFunc
		for word, p := range map[string]archive.Program{
			"no place for it": rebuilt(func(context.Context, *db.DB) error { return errs.New(errs.Unavailable, "no place for it") }),
			"absent":          program(fstest.MapFS{"202602010000_later.sql": {Data: []byte("-- +goose Up\nSELECT * FROM absent;")}}),
			"canceled": rebuilt(func(ctx context.Context, _ *db.DB) error {
				end()
				return ctx.Err()
			}),
		} {
			var ctx context.Context
			ctx, end = context.WithCancel(t.Context())
			url := basetest.URL(t, d.Engine())
			rest, err := archive.ImportInto(ctx, url, p, r, none)
			end()
			if word == "canceled" && d.Engine() == "sqlite" { // the file was not in its place yet
				if _, gone := os.Stat(strings.TrimPrefix(url, "sqlite://")); err == nil || !errors.Is(gone, fs.ErrNotExist) {
					t.Errorf("%s: %v, %v", word, err, gone)
				}
				continue
			}
			if err != nil || rest == nil || !strings.Contains(rest.Error(), word) {
				t.Errorf("%s: %v, %v", word, rest, err)
				continue
			}
			there, err := db.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tables(r), tables(open(t, export(t, there, program())))); diff != "" {
				t.Errorf("%s: %s", word, diff)
			}
			there.Close()
		}
	}, program().Migrations...)
}

// TestInterrupted: an import that ends among the rows leaves none, and the next one finds
// a database that it takes.
func TestInterrupted(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		r := open(t, export(t, d, p))
		url := basetest.URL(t, d.Engine())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rest, err := archive.ImportInto(ctx, url, p, r, func(done, _ int64) {
			if done == 3 {
				cancel()
			}
		})
		if err == nil || rest != nil {
			t.Errorf("interrupted: %v, %v", rest, err)
		}
		if err := importedInto(t.Context(), url, p, r); err != nil {
			t.Errorf("again: %v", err)
		}
	}, program().Migrations...)
}

// TestImportInto leaves alone what is there, and what somebody uses.
func TestImportInto(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		r := open(t, export(t, d, p))
		dir := t.TempDir()
		path := filepath.Join(dir, "app.db")
		if d.Engine() == "postgres" {
			url := basetest.URL(t, "postgres")
			other, err := db.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			if err := importedInto(t.Context(), url, p, r); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "stop the server") {
				t.Errorf("beside somebody: %v", err)
			}
			other.Close()
			return
		}
		for _, name := range []string{path, path + "-wal"} {
			if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := importedInto(t.Context(), "sqlite://"+path, p, r); !errs.Is(err, errs.Conflict) {
				t.Errorf("beside %s: %v", filepath.Base(name), err)
			}
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := importedInto(t.Context(), "sqlite://"+path, p, r); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the folder has %v, %v", entries, err)
		}
	}, program().Migrations...)
}

package archive_test

import (
	"archive/zip"
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

func TestMain(m *testing.M) { basetest.Main(m) }

// program has every portable type, references within and between tables, a row that a
// migration makes, and a table that is made from another.
func program(later ...fs.FS) archive.Program {
	schema := fstest.MapFS{"202601010000_test.sql": {Data: []byte(`-- +goose Up
CREATE TABLE "order" (id TEXT NOT NULL PRIMARY KEY, parent TEXT REFERENCES "order" (id), n BIGINT, yes BOOLEAN, x DOUBLE PRECISION, body TEXT);
CREATE TABLE a_child (b BIGINT NOT NULL, a TEXT NOT NULL REFERENCES "order" (id), PRIMARY KEY (a, b));
CREATE TABLE head (id BIGINT NOT NULL PRIMARY KEY, seq BIGINT NOT NULL);
CREATE TABLE log_epoch (id BIGINT NOT NULL PRIMARY KEY, epoch TEXT NOT NULL);
CREATE TABLE search_doc (id TEXT NOT NULL PRIMARY KEY);
INSERT INTO head VALUES (1, 0);`)}}
	return archive.Program{
		Version:    "test",
		Migrations: append([]fs.FS{schema}, later...),
		Derived: []archive.Derived{{Table: "search_doc", Rebuild: func(ctx context.Context, d *db.DB) error {
			return exec(ctx, d, `INSERT INTO search_doc SELECT id FROM "order"`)
		}}},
	}
}

func exec(ctx context.Context, d *db.DB, statements ...string) error {
	_, err := db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) {
		for _, s := range statements {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

func fill(t *testing.T, d *db.DB) {
	t.Helper()
	long := strings.Repeat("long ", 100_000)
	err := exec(t.Context(), d,
		`INSERT INTO "order" (id, parent, n, yes, x) VALUES ('b', NULL, 9007199254740993, TRUE, 0.1), ('a', 'b', -1, FALSE, -1e300), ('', NULL, NULL, NULL, NULL)`,
		`INSERT INTO "order" (id) VALUES ('quote " back \ slash / line
break, tab	, bell `+"\a"+`, é, 日本, 🎈 <&>')`,
		`INSERT INTO "order" (id, body) VALUES ('long', '`+long+`')`,
		`INSERT INTO a_child VALUES (2, 'a'), (1, 'b')`,
		`UPDATE head SET seq = 7`,
		`INSERT INTO log_epoch VALUES (1, 'this life')`,
		`INSERT INTO search_doc VALUES ('out of date')`)
	if err != nil {
		t.Fatal(err)
	}
}

func export(t *testing.T, d *db.DB, p archive.Program) []byte {
	t.Helper()
	var out bytes.Buffer
	var done, total int64
	m, err := archive.Export(t.Context(), d, p, &out, func(n, of int64) { done, total = n, of })
	if err != nil {
		t.Fatal(err)
	}
	if done != total || done == 0 || m.Engine != d.Engine() {
		t.Errorf("%d of %d rows from %s", done, total, m.Engine)
	}
	return out.Bytes()
}

func open(t *testing.T, text []byte) *pack.Reader {
	t.Helper()
	r, err := pack.Open(bytes.NewReader(text), int64(len(text)), pack.Archive)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func none(int64, int64) {}

func empty(t *testing.T, engine string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), basetest.URL(t, engine))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func engines() []string {
	if os.Getenv("PEISEAR_TEST_ENGINES") == "sqlite" {
		return []string{"sqlite"}
	}
	return []string{"sqlite", "postgres"}
}

// tables are what the archive's manifest says of each table's content.
func tables(r *pack.Reader) map[string]string {
	all := map[string]string{}
	for _, f := range r.Manifest.Files {
		all[f.Name] = f.SHA256
	}
	return all
}

// TestThereAndBack: from each engine to each, byte for byte the same content.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	for _, from := range engines() {
		for _, to := range engines() {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				p := program()
				source := basetest.NewDB(t, from, p.Migrations...)
				fill(t, source)
				text := export(t, source, p)
				target := empty(t, to)
				if err := archive.Import(t.Context(), target, p, open(t, text), none); err != nil {
					t.Fatal(err)
				}
				first, second := open(t, text), open(t, export(t, target, p))
				if diff := cmp.Diff(tables(first), tables(second)); diff != "" {
					t.Error(diff)
				}
				if len(first.Manifest.Tables) != 3 || first.Has("tables/log_epoch.ndjson") {
					t.Errorf("the archive has %v", first.Manifest.Tables)
				}
				left, err := db.Read(t.Context(), target, func(ctx context.Context, c db.Conn) (s string, err error) {
					return s, c.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM log_epoch) || ' ' || (SELECT count(*) FROM search_doc)`).Scan(&s)
				})
				if err != nil || left != "0 5" {
					t.Errorf("lives of the log and documents: %s, %v", left, err)
				}
			})
		}
	}
}

// TestOneMoment: what is written while an archive is made is in it wholly or not at all.
func TestOneMoment(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		p := program()
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Migrate(t.Context(), p.Migrations...); err != nil {
			t.Fatal(err)
		}
		fill(t, d)
		var out bytes.Buffer
		written := false
		_, err = archive.Export(t.Context(), d, p, &out, func(int64, int64) {
			if !written {
				written = true
				if err := exec(t.Context(), d, `INSERT INTO "order" (id) VALUES ('later')`, `UPDATE head SET seq = 8`, `INSERT INTO a_child VALUES (1, 'later')`); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil || !written {
			t.Fatal(written, err)
		}
		r := open(t, out.Bytes())
		for _, one := range r.Manifest.Tables {
			var text bytes.Buffer
			if err := r.Copy(&text, one.File); err != nil || strings.Contains(text.String(), "later") || strings.Contains(text.String(), `"seq":8`) {
				t.Errorf("%s: %s, %v", one.Name, text.String(), err)
			}
		}
	})
}

// TestNotEmpty: an import goes into a new database, or into one that only migrations
// have touched, as an import that was interrupted leaves it.
func TestNotEmpty(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		p := program()
		fill(t, d)
		r := open(t, export(t, d, p))
		err := archive.Import(t.Context(), d, p, r, none)
		if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("into a full one: %v", err)
		}
		migrated := empty(t, d.Engine())
		if err := migrated.Migrate(t.Context(), p.Migrations...); err != nil {
			t.Fatal(err)
		}
		if err := archive.Import(t.Context(), migrated, p, r, none); err != nil {
			t.Errorf("into a new one: %v", err)
		}
		beyond, later := empty(t, d.Engine()), program(fstest.MapFS{"202602010000_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id TEXT NOT NULL PRIMARY KEY);")}})
		if err := beyond.Migrate(t.Context(), later.Migrations...); err != nil {
			t.Fatal(err)
		}
		if err := archive.Import(t.Context(), beyond, later, r, none); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "younger than the archive") {
			t.Errorf("into a later version's: %v", err)
		}
		foreign := empty(t, d.Engine())
		if err := foreign.Migrate(t.Context(), fstest.MapFS{"202501010000_other.sql": {Data: []byte("-- +goose Up\nCREATE TABLE other (id TEXT);")}}); err != nil {
			t.Fatal(err)
		}
		if err := archive.Import(t.Context(), foreign, p, r, none); !errs.Is(err, errs.Conflict) {
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
		if err := archive.Import(t.Context(), target, later, older, none); err != nil {
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
		err = archive.Import(t.Context(), untouched, program(), newer, none)
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
			err := archive.Import(t.Context(), target, p, broken, none)
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
			if err := archive.ImportInto(t.Context(), url, p, broken, none); err == nil {
				t.Errorf("%s was taken", what)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s left a file", what)
			}
			if err := archive.ImportInto(t.Context(), url, p, good, none); err != nil {
				t.Errorf("the good one after %s: %v", what, err)
			}
		}
	}, program().Migrations...)
}

// TestCheck: an archive is read to the end, rows and all, without a database.
func TestCheck(t *testing.T) {
	t.Parallel()
	p := program()
	d := basetest.NewDB(t, "sqlite", p.Migrations...)
	fill(t, d)
	text := export(t, d, p)
	if err := archive.Check(t.Context(), open(t, text)); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := archive.Check(ctx, open(t, text)); !errors.Is(err, context.Canceled) {
		t.Errorf("when nobody waits any more: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	at, err := z.File[0].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	text[at+5] ^= 1
	if err := archive.Check(t.Context(), open(t, text)); err == nil || !strings.Contains(err.Error(), "the file is damaged") {
		t.Errorf("of damage: %v", err)
	}
}

// TestUnportable: what an archive cannot carry is named, not left out.
func TestUnportable(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"no_key":     "CREATE TABLE no_key (id TEXT)",
		"binary.raw": "CREATE TABLE binary (id TEXT NOT NULL PRIMARY KEY, raw BLOB)",
	} {
		p := program()
		d := basetest.NewDB(t, "sqlite", append(p.Migrations, fstest.MapFS{"202603010000_x.sql": {Data: []byte("-- +goose Up\n" + statement + ";")}})...)
		_, err := archive.Export(t.Context(), d, p, new(bytes.Buffer), none)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
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
			if err := archive.ImportInto(t.Context(), url, p, r, none); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "stop the server") {
				t.Errorf("beside somebody: %v", err)
			}
			other.Close()
			return
		}
		for _, name := range []string{path, path + "-wal"} {
			if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := archive.ImportInto(t.Context(), "sqlite://"+path, p, r, none); !errs.Is(err, errs.Conflict) {
				t.Errorf("beside %s: %v", filepath.Base(name), err)
			}
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.ImportInto(t.Context(), "sqlite://"+path, p, r, none); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the folder has %v, %v", entries, err)
		}
	}, program().Migrations...)
}

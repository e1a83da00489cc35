package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
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
				if err := imported(t.Context(), target, p, open(t, text)); err != nil {
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

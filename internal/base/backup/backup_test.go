package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/pack"
)

func TestMain(m *testing.M) { basetest.Main(m) }

var schema = fstest.MapFS{"202601010000_test.sql": {Data: []byte(`-- +goose Up
CREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY, title TEXT NOT NULL);`)}}

func program(more ...fs.FS) archive.Program {
	return archive.Program{Version: "test", Migrations: append([]fs.FS{live.Migrations, schema}, more...)}
}

// server is one with content, attachments and a secret, whose database is open.
type server struct {
	backup.Server
	db    *db.DB
	log   *live.Log
	close func()
}

func newServer(t *testing.T, url string, p archive.Program) server {
	t.Helper()
	s := server{Server: place(t, url, p)}
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	s.close = sync.OnceFunc(func() { d.Close() })
	t.Cleanup(s.close)
	if err := d.Migrate(t.Context(), p.Migrations...); err != nil {
		t.Fatal(err)
	}
	s.db, s.log = d, live.New(d, live.NewHub())
	_, err = db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		for i := range 500 {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO item (id, title) VALUES ($1, $2)", i, strings.Repeat("title ", i%50)); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(s.DataDir, "cookie-secret"), "nobody can guess")
	put(t, filepath.Join(s.DataDir, "attachments", "ab", "picture"), "a picture")
	put(t, filepath.Join(s.DataDir, "attachments", "empty"), "")
	return s
}

// place is where a server could be.
func place(t *testing.T, url string, p archive.Program) backup.Server {
	t.Helper()
	dir := t.TempDir()
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		dir = filepath.Dir(path)
	}
	return backup.Server{URL: url, DataDir: dir, Program: p, Secrets: []string{"cookie-secret", "key.pem"}}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func made(t *testing.T, s server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "backup.zip")
	if _, err := backup.Make(t.Context(), s.db, s.Server, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// tree is what is in a folder, but the files of open databases.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		within, _ := filepath.Rel(dir, name)
		if err != nil || entry.IsDir() || strings.Contains(within, "app.db") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		all[within] = info.Mode().Perm().String() + " " + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// content is the database's, as an archive has it.
func content(t *testing.T, d *db.DB, p archive.Program) map[string]string {
	t.Helper()
	m, err := archive.Export(t.Context(), d, p, io.Discard, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range m.Files {
		all[f.Name] = f.SHA256
	}
	return all
}

func TestBackupAndRestore(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		from := newServer(t, url, program())
		epoch, err := from.log.Epoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		name := made(t, from)
		if all := tree(t, filepath.Dir(name)); len(all) != 1 || !strings.HasPrefix(all["backup.zip"], "-rw------- ") {
			t.Errorf("%d files; %.20s", len(all), all["backup.zip"])
		}
		if _, err := backup.Make(t.Context(), from.db, from.Server, name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("onto an older one: %v", err)
		}
		to := place(t, basetest.URL(t, from.db.Engine()), program())
		m, err := backup.Restore(t.Context(), name, to)
		if err != nil || m.Rest != nil {
			t.Fatal(m.Rest, err)
		}
		if m.Engine != from.db.Engine() || m.Program != "test" || len(m.Schema) != 3 || m.CreatedAt.IsZero() {
			t.Errorf("manifest %+v", m)
		}
		if diff := cmp.Diff(tree(t, from.DataDir), tree(t, to.DataDir)); diff != "" {
			t.Error(diff)
		}
		restored := compared(t, from, to)
		again, err := live.New(restored, live.NewHub()).Epoch(t.Context())
		if err != nil || again == epoch {
			t.Errorf("the log's life is %s as before, %v", again, err)
		}
	})
}

// compared opens what was restored: its content is as it was.
func compared(t *testing.T, from server, to backup.Server) *db.DB {
	t.Helper()
	restored, err := db.Open(t.Context(), to.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { restored.Close() })
	if err := restored.Current(t.Context(), to.Program.Migrations...); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(content(t, from.db, from.Program), content(t, restored, to.Program)); diff != "" {
		t.Error(diff)
	}
	return restored
}

// TestWithoutClient: where there is no pg_dump, an archive stands for it, and goes into
// either engine.
func TestWithoutClient(t *testing.T) { //nolint:paralleltest // the environment is the process's
	if !slices.Contains(basetest.Engines(), "postgres") {
		t.Skip("PostgreSQL is left out")
	}
	from := newServer(t, basetest.URL(t, "postgres"), program())
	targets := []string{basetest.URL(t, "sqlite"), basetest.URL(t, "postgres")}
	dumped := made(t, from)
	t.Setenv("PATH", t.TempDir())
	name := made(t, from)
	for _, url := range targets {
		to := place(t, url, program())
		if _, err := backup.Restore(t.Context(), name, to); err != nil {
			t.Fatal(err)
		}
		compared(t, from, to)
	}
	restoreEnds(t, from, name)
	_, err := backup.Restore(t.Context(), dumped, place(t, basetest.URL(t, "postgres"), program()))
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "postgresql-client") {
		t.Errorf("a dump without the client: %v", err)
	}
}

// restoreEnds ends a restore when its rows are in: the secrets that belong to them stay. A
// second one changes nothing, and leaves no secrets elsewhere.
func restoreEnds(t *testing.T, from server, name string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := program()
	p.Derived = []archive.Derived{{Table: "made", Rebuild: func(ctx context.Context, _ *db.DB) error {
		cancel()
		return ctx.Err()
	}}}
	to := place(t, basetest.URL(t, "postgres"), p)
	done, err := backup.Restore(ctx, name, to)
	if err != nil || !errors.Is(done.Rest, context.Canceled) || len(tree(t, to.DataDir)) != 3 {
		t.Errorf("ended after the rows: %v, %v, files %v", done.Rest, err, tree(t, to.DataDir))
	}
	compared(t, from, to)
	full := place(t, to.URL, p)
	if _, err = backup.Restore(t.Context(), name, full); !errs.Is(err, errs.Conflict) || len(tree(t, full.DataDir)) != 0 {
		t.Errorf("into a full one: %v, files %v", err, tree(t, full.DataDir))
	}
}

func TestBare(t *testing.T) {
	t.Parallel()
	from := newServer(t, basetest.URL(t, "sqlite"), program())
	name := filepath.Join(t.TempDir(), "copy.db")
	if err := backup.MakeBare(t.Context(), from.db, name); err != nil {
		t.Fatal(err)
	}
	if err := backup.MakeBare(t.Context(), from.db, name); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an older one: %v", err)
	}
	to := place(t, basetest.URL(t, "sqlite"), program())
	if _, err := backup.Restore(t.Context(), name, to); err != nil {
		t.Fatal(err)
	}
	compared(t, from, to)
	for what, text := range map[string]string{"another's database": "", "damage": "SQLite format 3\x00" + strings.Repeat("x", 5000)} {
		path := filepath.Join(t.TempDir(), "other.db")
		if text != "" {
			put(t, path, text)
		} else if d, err := db.Open(t.Context(), "sqlite://"+path); err != nil || d.Close() != nil {
			t.Fatal(err)
		}
		to := place(t, basetest.URL(t, "sqlite"), program())
		if _, err := backup.Restore(t.Context(), path, to); err == nil || len(tree(t, to.DataDir)) != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	inUse := strings.TrimPrefix(from.URL, "sqlite://")
	if _, err := backup.Restore(t.Context(), inUse, place(t, basetest.URL(t, "sqlite"), program())); !errs.Is(err, errs.Conflict) {
		t.Errorf("from a database in use: %v", err)
	}
}

// TestRestoreReplacesNothing: each thing in the way is named, and everything stays as it is.
func TestRestoreReplacesNothing(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		from := newServer(t, url, program(fstest.MapFS{"209901010000_later.sql": {Data: []byte("-- +goose Up\nCREATE TABLE later (id TEXT NOT NULL PRIMARY KEY);")}}))
		newer := made(t, from)
		from = newServer(t, basetest.URL(t, from.db.Engine()), program())
		name := made(t, from)
		engine := from.db.Engine()
		full := newServer(t, basetest.URL(t, engine), program())
		refuse := func(what, name string, to backup.Server, word string) {
			t.Helper()
			before := tree(t, to.DataDir)
			_, err := backup.Restore(t.Context(), name, to)
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v", what, err)
			}
			if diff := cmp.Diff(before, tree(t, to.DataDir)); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		fresh := func() backup.Server { return place(t, basetest.URL(t, engine), program()) }
		refuse("a newer schema", newer, fresh(), "209901010000")

		other := place(t, basetest.URL(t, "sqlite"), program())
		if engine == "sqlite" {
			other.URL = "postgres://nobody@127.0.0.1:1/nothing"
		}
		refuse("the other engine", name, other, "peisear archive export")

		to := fresh()
		put(t, filepath.Join(to.DataDir, "cookie-secret"), "another")
		refuse("another secret", name, to, "cookie-secret")
		to = fresh()
		put(t, filepath.Join(to.DataDir, "attachments", "one"), "another")
		refuse("attachments", name, to, "attachments")

		to = full.Server
		to.DataDir = t.TempDir()
		word := "stop the server"
		refuse("a server that runs", name, to, word)
		full.close()
		word = "not empty"
		if engine == "sqlite" {
			word = "there already"
		}
		refuse("a full database", name, to, word)
		if engine == "sqlite" {
			to = fresh()
			put(t, strings.TrimPrefix(to.URL, "sqlite://")+"-wal", "left over")
			refuse("a WAL", name, to, "-wal")
		}
	})
}

// TestDamageChangesNothing, wherever it is.
func TestDamageChangesNothing(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		from := newServer(t, url, program())
		text, err := os.ReadFile(made(t, from))
		if err != nil {
			t.Fatal(err)
		}
		to := place(t, basetest.URL(t, from.db.Engine()), program())
		for at := 1; at < len(text); at += max(1, len(text)/40) {
			for what, damaged := range map[string][]byte{
				"cut off at": text[:at],
				"changed at": slices.Concat(text[:at], []byte{text[at] ^ 0x10}, text[at+1:]),
			} {
				name := filepath.Join(t.TempDir(), "damaged.zip")
				put(t, name, string(damaged))
				_, err := backup.Restore(t.Context(), name, to)
				if err == nil && what == "changed at" && same(t, text, damaged) {
					// A byte that says nothing, such as a time: the content is what it was.
					to = place(t, basetest.URL(t, from.db.Engine()), program())
					continue
				}
				if err == nil || len(tree(t, to.DataDir)) != 0 {
					t.Fatalf("%s %d of %d: %v, left %v", what, at, len(text), err, slices.Collect(maps.Keys(tree(t, to.DataDir))))
				}
			}
		}
		if _, err := os.Stat(strings.TrimPrefix(to.URL, "sqlite://")); from.db.Engine() == "sqlite" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a database was left: %v", err)
		}
		if from.db.Engine() != "postgres" {
			return
		}
		d, err := db.Open(t.Context(), to.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if versions, err := d.Versions(t.Context()); err != nil || len(versions) != 0 {
			t.Errorf("left %v, %v", versions, err)
		}
	})
}

// same reports whether two packed files hold the same.
func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	files := func(text []byte) []pack.File {
		r, err := pack.Open(bytes.NewReader(text), int64(len(text)), pack.Backup)
		if err != nil || r.Verify(context.Background(), func(int64) {}) != nil {
			return nil
		}
		return r.Manifest.Files
	}
	return files(b) != nil && slices.Equal(files(a), files(b))
}

// TestForeignEntry: a backup with right sums may still name what has no place.
func TestForeignEntry(t *testing.T) {
	t.Parallel()
	from := newServer(t, basetest.URL(t, "sqlite"), program())
	name := made(t, from)
	for _, entry := range []string{"app.db-wal", ".env", "secrets/deep/cookie-secret", "secrets", "attachments"} {
		var out bytes.Buffer
		err := backup.Open(name, func(r *pack.Reader) error {
			w := pack.NewWriter(&out)
			for _, f := range r.Manifest.Files {
				if strings.HasPrefix(f.Name, "app.db") {
					if err := w.Add(f.Name, false, func(w io.Writer) error { return r.Copy(w, f.Name) }); err != nil {
						return err
					}
				}
			}
			if err := w.Add(entry, false, func(io.Writer) error { return nil }); err != nil {
				return err
			}
			_, err := w.Close(r.Manifest)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		forged := filepath.Join(t.TempDir(), "forged.zip")
		put(t, forged, out.String())
		to := place(t, basetest.URL(t, "sqlite"), program())
		if _, err := backup.Restore(t.Context(), forged, to); err == nil || len(tree(t, to.DataDir)) != 0 {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

package app_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/pack"
)

// inNoArchive are the tables whose rows an archive does not carry, and why. A new table is
// in archives by itself; one that is not fails here until its reason is said.
func inNoArchive() map[string]string {
	return map[string]string{
		"goose_db_version": "the manifest has the versions",
		"log_epoch":        "an import begins another life of the change log",
		"search_doc":       "made of what was written",
		"search_index":     "made of what was written",
		"search_todo":      "what the index does not have yet",
		"search_shelf":     "made with the index",
		"search_turn":      "whose turn it is to change the index",
	}
}

// moreSeeds makes rows of tables that lived and seeds leave empty.
func moreSeeds() map[string]string {
	return map[string]string{
		"log_epoch":        "INSERT INTO log_epoch (id, epoch) VALUES (1, 'this life')",
		"ceremony":         "INSERT INTO ceremony (id, purpose, asker, data, expires_at) VALUES ('c', 'enrol', 's', '{}', 9999999999999999)",
		"provider_setting": "INSERT INTO provider_setting (provider, client_id, secret, extra, version, updated_at) VALUES ('github', 'id', 'sealed', '{}', 1, 1)",
		"setting":          "INSERT INTO setting (name, value, updated_at) VALUES ('registration', 'invite', 1)",
		"revocation":       "INSERT INTO revocation (seq, user_id, epoch, session_id, at) VALUES (1, 'u', 1, '', 9999999999999999)",
		"job":              "INSERT INTO job (id, kind, payload, due_at, run_at, created_at) VALUES ('j', 'of.tomorrow', '{}', 1, 1, 1)",
		"issue_alias":      "INSERT INTO issue_alias (project_id, alias, alias_folded, issue_id) SELECT project_id, 'OLD-1', 'old-1', id FROM issue",
	}
}

// TestArchiveHasEveryTable: with rows in every table that there is, an archive goes from
// each engine to the other and back, and every one of them is in it, byte for byte.
func TestArchiveHasEveryTable(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		const secret = "0123456789abcdef0123456789abcdef"
		a, err := app.New(t.Context(), config(t, url, map[string]string{"COOKIE_SECRET": secret}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		closed := sync.OnceFunc(func() { a.Close() })
		t.Cleanup(closed)
		_, _, id := lived(t, a)
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		there := fillAll(t, d, id)
		closed() // so that nothing changes any more
		first := export(t, url)
		for _, table := range there {
			if (first["tables/"+table+".ndjson"] == "") != (inNoArchive()[table] != "") {
				t.Errorf("%s is in no archive, and no reason is said; or the other way round", table)
			}
		}
		if len(first) < 25 {
			t.Errorf("only %d tables", len(first))
		}
		for _, engine := range []string{"sqlite", "postgres"} {
			if os.Getenv("PEISEAR_TEST_ENGINES") == "sqlite" && engine == "postgres" {
				continue
			}
			other, back := basetest.URL(t, engine), basetest.URL(t, d.Engine())
			carry(t, url, other)
			carry(t, other, back)
			if diff := cmp.Diff(first, export(t, back)); diff != "" {
				t.Errorf("by %s: %s", engine, diff)
			}
			again := open(t, back, map[string]string{"COOKIE_SECRET": secret})
			do(t, again, nil, "POST", "/api/auth/login", `{"email":"ann@example.org","password":"correct horse"}`, 200)
		}
	})
}

// TestArchiveIntoMigrated: a database that only the migrations have touched is empty. (On
// SQLite an import makes the file, and takes none that is there.)
func TestArchiveIntoMigrated(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		if !slices.Contains(basetest.Engines(), "postgres") {
			t.Skip("PostgreSQL is left out")
		}
		command(t, url, "migrate")
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, d, moreSeeds()["setting"])
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		target := basetest.URL(t, "postgres")
		command(t, target, "migrate")
		carry(t, url, target)
		if diff := cmp.Diff(export(t, url), export(t, target)); diff != "" {
			t.Error(diff)
		}
	})
}

// fillAll makes a row in every table that has none, and returns the tables' names.
func fillAll(t *testing.T, d *db.DB, userID string) []string {
	t.Helper()
	for _, c := range columns(t, d) {
		if seed, ok := seeds()[c]; ok && count(t, d, c, userID) == 0 {
			exec(t, d, seed, userID)
		}
	}
	there := tableNames(t, d)
	for _, table := range there {
		if rowsOf(t, d, table) > 0 {
			continue
		}
		seed, ok := moreSeeds()[table]
		if !ok && inNoArchive()[table] != "" {
			continue
		}
		if !ok {
			t.Errorf("%s is empty: say here how a row comes about", table)
			continue
		}
		exec(t, d, seed)
	}
	return there
}

// tableNames are all that hold rows, as the database's own catalogue has them.
func tableNames(t *testing.T, d *db.DB) (names []string) {
	t.Helper()
	text := map[string]string{
		"sqlite":   "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite%'",
		"postgres": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
	}[d.Engine()]
	names, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (all []string, err error) {
		rows, err := c.QueryContext(ctx, text)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return nil, err
			}
			all = append(all, name)
		}
		return all, rows.Err()
	})
	if err != nil || len(names) < 25 {
		t.Fatalf("%v, %v", names, err)
	}
	slices.Sort(names)
	return names
}

func rowsOf(t *testing.T, d *db.DB, table string) (n int) {
	t.Helper()
	n, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// command runs the program as an operator does.
func command(t *testing.T, url string, args ...string) string {
	t.Helper()
	var out, errOut strings.Builder
	dir := t.TempDir()
	status := app.Main(t.Context(), args, func(name string) string {
		return map[string]string{"DATABASE_URL": url, "DATA_DIR": dir}[name]
	}, &out, &errOut)
	if status != 0 {
		t.Fatalf("%v: %s", args, errOut.String())
	}
	return out.String()
}

// export returns the sums of an archive's files.
func export(t *testing.T, url string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.zip")
	command(t, url, "archive", "export", path)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := pack.Open(f, info.Size(), pack.Archive)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, f := range r.Manifest.Files {
		sums[f.Name] = f.SHA256
	}
	return sums
}

// carry brings everything from one database to another.
func carry(t *testing.T, from, to string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.zip")
	command(t, from, "archive", "export", path)
	if out := command(t, to, "archive", "import", path); !strings.Contains(out, "rows are in") {
		t.Error(out)
	}
}

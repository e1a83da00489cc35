package backup

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/pack"
)

// TestVerifyOpensTheArchive: outer sums that are right say nothing of what is within.
func TestVerifyOpensTheArchive(t *testing.T) {
	t.Parallel()
	for want, inner := range map[string]string{
		"":             `{"id":"a"}` + "\n",
		"line 1":       `{"other":"a"}` + "\n",
		"has 0 rows":   "",
		"not one that": "no zip",
	} {
		var within, out bytes.Buffer
		add := func(w *pack.Writer, name, text string) {
			err := w.Add(name, true, func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		closed := func(w *pack.Writer, m pack.Manifest) {
			if _, err := w.Close(m); err != nil {
				t.Fatal(err)
			}
		}
		w := pack.NewWriter(&within)
		add(w, "tables/a.ndjson", inner)
		closed(w, pack.Manifest{Format: pack.Archive, Tables: []pack.Table{{Name: "a", File: "tables/a.ndjson", Rows: 1, Columns: []db.Column{{Name: "id", Type: "TEXT"}}}}})
		if inner == "no zip" {
			within.Reset()
			within.WriteString(inner)
		}
		w = pack.NewWriter(&out)
		add(w, archiveName, within.String())
		closed(w, pack.Manifest{Format: pack.Backup})
		name := filepath.Join(t.TempDir(), "backup.zip")
		if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		err := verify(t.Context(), name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", inner, err)
		}
	}
}

// TestConnection: no password stands where other users can read it, and libpq gets no
// name that it refuses.
func TestConnection(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct{ safe, env string }{
		"postgres://ann:s%3Acret@db.example.org:5433/app?sslmode=require": {"postgres://ann@db.example.org:5433/app?sslmode=require", "PGPASSWORD=s:cret"},
		"postgres://postgres@/test?host=/tmp/pg1":                         {"postgres://postgres@/test?host=%2Ftmp%2Fpg1", ""},
		"postgres://db/app?user=ann&password=x&pool_max_conns=5":          {"postgres://db/app?user=ann", "PGPASSWORD=x"},
		"postgres://db/app?search_path=a,b&statement_timeout=5 s":         {"postgres://db/app", `PGOPTIONS=-c search_path=a,b -c statement_timeout=5\ s`},
	} {
		safe, env, err := connection(url)
		slices.Sort(env)
		if err != nil || safe != want.safe || strings.Join(env, "|") != want.env {
			t.Errorf("%s: %s, %q, %v", url, safe, env, err)
		}
	}
}

// TestWithoutEpoch: the life of the change log is left out of the schema's tables, and a
// dump that has none of them is not restored.
func TestWithoutEpoch(t *testing.T) {
	t.Parallel()
	list := `;
; Archive created at 2026-11-24 09:05:00 UTC
3411; 0 16388 TABLE DATA public goose_db_version postgres
215; 1259 16390 TABLE public log_epoch postgres
3412; 0 16390 TABLE DATA public log_epoch postgres
3413; 0 16391 TABLE DATA other log_epoch postgres
`
	kept, err := withoutEpoch([]byte(list), "public")
	want := strings.Replace(list, "3412; 0 16390 TABLE DATA public log_epoch postgres\n", "", 1)
	if diff := cmp.Diff(want, string(kept)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := withoutEpoch([]byte(list), "other"); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "search_path") {
		t.Errorf("of another schema: %v", err)
	}
}

package bench

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// scaleEnv names how many issues there are in the databases of BenchmarkScale, with
// commas between. Without it there is one of 10,000; the real question is
//
//	PEISEAR_BENCH_ISSUES=10000,100000,1000000 go test -run '^$' -bench Scale -timeout 2h ./bench
const scaleEnv = "PEISEAR_BENCH_ISSUES"

// commentsEach is how many comments an issue of those databases has on an average, for the
// search and the change log to hold.
const commentsEach = 0.3

// BenchmarkScale asks whether a request costs more where there is more: in a project of
// 1,000 issues beside many others (LOAD), and in one that has a fifth of all (SEED1).
func BenchmarkScale(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for size := range strings.SplitSeq(cmp.Or(os.Getenv(scaleEnv), "10000"), ",") {
			b.Run(fmt.Sprintf("%s/issues=%s", engine, size), func(b *testing.B) {
				n, err := strconv.Atoi(size)
				if err != nil {
					b.Fatalf("%s: %v", scaleEnv, err)
				}
				database := basetest.URL(b, engine)
				s := startServer(b, database)
				w := seed(b, s)
				grow(b, database, n)
				settle(b, database)
				w.measure(b)
				w.project = "SEED1"
				w.lookAtFirst(b)
				w.measure(b)
			})
		}
	}
}

func (w *world) measure(b *testing.B) {
	b.Helper()
	for _, op := range w.operations() {
		b.Run(w.project+"/"+op.name, func(b *testing.B) {
			w.client = w.server.client(w.token, 8)
			load(b, 8, w.server, op.run)
		})
	}
}

// grow makes n issues beside the running server.
func grow(b *testing.B, database string, n int) {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), path, "bench", "seed", "--as", "load@example.org",
		fmt.Sprint("--issues=", n), "--projects=100", fmt.Sprint("--largest=", n/5), fmt.Sprint("--comments=", commentsEach))
	cmd.Dir = b.TempDir()
	cmd.Env = append(os.Environ(), "DATABASE_URL="+database)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.Logf("%d issues, with %g comments each", n, commentsEach)
}

// settle waits until the search has read what was written, and PostgreSQL has tidied up,
// which it would do by and by: both would be measured along.
func settle(b *testing.B, database string) {
	b.Helper()
	d, err := db.Open(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	start := time.Now()
	for behind := true; behind; {
		behind, err = db.Read(b.Context(), d, func(ctx context.Context, c db.Conn) (behind bool, err error) {
			return behind, c.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM search_todo)").Scan(&behind)
		})
		switch {
		case err != nil:
			b.Fatal(err)
		case time.Since(start) > time.Hour:
			b.Fatal("the search does not come to an end")
		case behind:
			<-time.After(time.Second)
		}
	}
	b.Logf("all can be found %s later", time.Since(start).Round(time.Second))
	if d.Engine() == "sqlite" {
		return
	}
	pool, err := sql.Open("pgx", database)
	if err != nil {
		b.Fatal(err)
	}
	_, err = pool.ExecContext(b.Context(), "VACUUM (ANALYZE)")
	if err = errors.Join(err, pool.Close()); err != nil {
		b.Fatal(err)
	}
}

// lookAtFirst is look for a project whose snapshot may have several pages. What came in
// bulk is followed by a few changes such as people make.
func (w *world) lookAtFirst(b *testing.B) {
	b.Helper()
	var project struct{ ID string }
	w.client.must(b, http.MethodGet, "/api/projects/"+w.project, "", http.StatusOK, &project)
	w.scope = "project:" + project.ID
	var statuses struct{ Items []struct{ ID string } }
	w.client.must(b, http.MethodGet, "/api/projects/"+w.project+"/statuses", "", http.StatusOK, &statuses)
	w.statuses = nil
	for _, status := range statuses.Items {
		w.statuses = append(w.statuses, status.ID)
	}
	for i := range 10 {
		body := fmt.Sprintf(`{"title":"Issue %d after the others"}`, i)
		w.client.must(b, http.MethodPost, "/api/projects/"+w.project+"/issues", body, http.StatusCreated, nil)
	}
	w.look(b)
}

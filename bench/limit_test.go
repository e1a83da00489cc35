package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // the driver that the program uses
)

// BenchmarkEmptyHandler is what HTTP alone costs here.
func BenchmarkEmptyHandler(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(s.Close)
	for _, n := range connections() {
		b.Run(fmt.Sprintf("conns=%d", n), func(b *testing.B) {
			c := newClient(s.URL, "", n)
			load(b, n, nil, func(ctx context.Context, _ int) error { return c.do(ctx, http.MethodGet, "/", "", http.StatusOK, nil) })
		})
	}
}

// BenchmarkBareSQLite is what the database alone can do here: rows like those of an
// issue, each in a durable transaction of its own, as a program does that hands every
// write to the database by itself.
func BenchmarkBareSQLite(b *testing.B) {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Error(err)
		}
	})
	d.SetMaxOpenConns(1)
	if _, err := d.ExecContext(b.Context(), "CREATE TABLE row (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	var one sync.Mutex
	for _, n := range connections() {
		b.Run(fmt.Sprintf("insert/conns=%d", n), func(b *testing.B) {
			load(b, n, nil, func(ctx context.Context, i int) error {
				one.Lock()
				defer one.Unlock()
				_, err := d.ExecContext(ctx, "INSERT INTO row (title, body) VALUES (?, ?)", fmt.Sprintf("Issue %d of the load", i), description)
				return err
			})
		})
	}
}

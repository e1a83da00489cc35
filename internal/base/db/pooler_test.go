package db_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestMigratedOnceThroughAPooler: several processes that start at one time migrate once,
// also where each of their transactions may meet another session of the server.
func TestMigratedOnceThroughAPooler(t *testing.T) {
	t.Parallel()
	server := basetest.NewServer(t)
	url := server.Pooled(t, "postgres", 3) + "&default_query_exec_mode=exec"
	slow := fstest.MapFS{
		"202601010000_table.sql": {Data: []byte("-- +goose Up\nCREATE TABLE counted (n BIGINT NOT NULL);")},
		"202601020000_rows.sql":  {Data: []byte("-- +goose Up\nINSERT INTO counted SELECT 1 FROM (SELECT pg_sleep(0.3)) AS slept;")},
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			d, err := db.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if err := d.Migrate(t.Context(), slow); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
		err = c.QueryRowContext(ctx, "SELECT COUNT(*) FROM counted").Scan(&n)
		return n, err
	})
	if err != nil || rows != 1 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

package db_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestMigrationEndsWithItsLock: who has lost the lock migrates no further, because somebody
// else may begin. One that takes long keeps it.
func TestMigrationEndsWithItsLock(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "postgres")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		db.Cap(d, 3*time.Second)
		return d
	}
	sleep := func(seconds string) fstest.MapFS {
		return fstest.MapFS{"202601010000_slow.sql": {Data: []byte("-- +goose Up\nSELECT pg_sleep(" + seconds + ");")}}
	}
	migrated := make(chan error, 1)
	one := open()
	go func() { migrated <- one.Migrate(t.Context(), sleep("600")) }()
	const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	other := open()
	for ended := 0; ended == 0; {
		var err error
		ended, err = db.Read(t.Context(), other, func(ctx context.Context, c db.Conn) (n int, err error) {
			err = c.QueryRowContext(ctx, end).Scan(&n)
			return n, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-migrated; err == nil {
		t.Error("it has gone on")
	}
	if err := open().Migrate(t.Context(), sleep("4")); err != nil {
		t.Errorf("longer than an idle transaction may be: %v", err)
	}
}

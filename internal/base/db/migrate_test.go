package db_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestBrokenReferencesAreRefused: a migration that breaks a reference is undone, and the
// next start does not take it for done.
func TestBrokenReferencesAreRefused(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), basetest.URL(t, "sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	files := fstest.MapFS{"202601010000_tree.sql": {Data: []byte("-- +goose Up\nCREATE TABLE node (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT REFERENCES node (id) ON DELETE CASCADE);")}}
	if err := d.Migrate(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	err = write(t.Context(), d, func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO node (id, parent) VALUES (1, NULL), (2, 1)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	breaking := maps.Clone(files)
	breaking["202601020000_break.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nDELETE FROM node WHERE id = 1;")}
	for range 2 {
		err := d.Migrate(t.Context(), breaking)
		if err == nil || !strings.Contains(err.Error(), "node refers to something absent") || !strings.Contains(err.Error(), "202601020000") {
			t.Errorf("got %v", err)
		}
		n, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
			return n, c.QueryRowContext(ctx, "SELECT count(*) FROM node").Scan(&n)
		})
		if err != nil || n != 2 {
			t.Errorf("%d rows are left, %v", n, err)
		}
		if err := d.Current(t.Context(), breaking); err == nil {
			t.Error("the migration passes for done")
		}
	}
	mended := maps.Clone(files)
	mended["202601020000_break.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nUPDATE node SET parent = NULL;\nDELETE FROM node WHERE id = 1;")}
	if err := d.Migrate(t.Context(), mended); err != nil {
		t.Error(err)
	}
}

// TestMigrationsWaitForAWriter: whoever writes for a moment, another process or the writer's
// own look after the WAL, is waited for, whatever a migration begins with. SQLite waits for
// nobody in a transaction that has read before it writes.
func TestMigrationsWaitForAWriter(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "sqlite")
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	files := fstest.MapFS{"202601010000_first.sql": {Data: []byte("-- +goose Up\nSELECT 1;")}}
	if err := d.Migrate(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	files["202601020000_second.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;")}
	held, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- write(context.Background(), d, func(*db.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	free := time.AfterFunc(300*time.Millisecond, func() { close(release) })
	defer free.Stop()
	if err := d.Migrate(t.Context(), files); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

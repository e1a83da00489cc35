package db_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/peisear/peisear/internal/base/db"
)

// TestOneFileAfterClose holds that a stopped server's data is one file: whoever copies
// app.db then has copied all of it.
func TestOneFileAfterClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), "sqlite://"+filepath.Join(dir, "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write(t.Context(), d, func(tx *db.Tx) (any, error) {
		_, err := tx.ExecContext(t.Context(), "CREATE TABLE kept (a BIGINT)")
		return nil, err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (n int, err error) {
		err = c.QueryRowContext(ctx, "SELECT count(*) FROM kept WHERE a = $1", 1).Scan(&n)
		return n, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != "app.db" {
		t.Errorf("beside app.db there are %v", files)
	}
}

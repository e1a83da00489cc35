package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/file"
)

// Fill makes a new SQLite file with what fill puts into it: it appears when that is done
// and checked, or not at all.
// Conflict: there is something at its place.
func Fill(ctx context.Context, path string, fill func(ctx context.Context, d *DB) error) error {
	if err := RefuseTaken(ctx, path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // what is in its place is there
	fresh := filepath.Join(folder, "app.db")
	d, err := Open(ctx, "sqlite://"+fresh)
	if err != nil {
		return err
	}
	err = fill(ctx, d)
	if err = errors.Join(err, d.Close()); err != nil { // which brings the WAL into the file
		return err
	}
	if _, err := CheckFile(ctx, fresh); err != nil {
		return err
	}
	return Settle(ctx, fresh, path)
}

// Settle brings a SQLite file that nobody has open to the disk, and gives it its name.
// Conflict: there is something at its place.
func Settle(ctx context.Context, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := RefuseTaken(ctx, to); err != nil {
		return err
	}
	return file.Place(from, to)
}

// RefuseTaken makes sure that there is nothing at the place of a SQLite database, and says
// what to do when there is.
// Conflict: there is.
func RefuseTaken(ctx context.Context, path string) error {
	_, err := os.Lstat(path)
	switch used, _ := InUse(ctx, path); {
	case err == nil && used:
		return errs.New(errs.Conflict, "%s is open: stop the server, and then move the file away (or set DATABASE_URL to another place)", path)
	case err == nil:
		return errs.New(errs.Conflict, "%s is there already: move it away (or set DATABASE_URL to another place)", path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	for _, beside := range Companions(path) {
		if _, err := os.Lstat(beside); err == nil {
			return errs.New(errs.Conflict, "%s is there without its database: a server may still have that open, or it was moved without it. "+
				"Stop the server, and move both to the same place", beside)
		}
	}
	return nil
}

// leaving is how long a program that has just ended may still be seen in PostgreSQL: its
// server takes a moment to clean up, and longer on a busy machine. leavingLook is how often
// to look whether it still is.
const (
	leaving     = 5 * time.Second
	leavingLook = 50 * time.Millisecond
)

// RefuseShared makes sure that no other program uses a PostgreSQL database.
// Conflict: one does.
func (d *DB) RefuseShared(ctx context.Context) error {
	again := time.NewTicker(leavingLook)
	defer again.Stop()
	for began := time.Now(); ; {
		n, err := d.Others(ctx)
		switch {
		case err != nil || n == 0:
			return err
		case time.Since(began) > leaving:
			return errs.New(errs.Conflict, "%s to the database: stop the server, and whatever else uses it", connections(n))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}

func connections(n int) string {
	if n == 1 {
		return "there is another connection"
	}
	return fmt.Sprintf("there are %d other connections", n)
}

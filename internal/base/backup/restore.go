package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/file"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/pack"
)

// Restored is what a restore has put there.
type Restored struct {
	pack.Manifest // the zero value for a bare copy

	// Rest is what went wrong after the rows were in, nil for nothing: a server does what
	// is left when it starts.
	Rest error
}

// Restore puts what a backup, or a bare copy of a SQLite database, holds to where a
// server will look for it. Everything is checked first, and the database comes last: a
// file that is damaged or does not fit changes nothing. The change log begins another
// life, so that clients which know more than the backup take their rows anew.
// Conflict: the backup is of a newer program or of another engine, there is something at
// its place, or a server has that open.
func Restore(ctx context.Context, name string, to Server) (done Restored, err error) {
	switch bare, err := isBare(name); {
	case err != nil:
		return done, err
	case bare:
		return done, restoreBare(ctx, name, to)
	}
	err = Open(name, func(r *pack.Reader) (err error) {
		done.Manifest = r.Manifest
		done.Rest, err = restore(ctx, r, to)
		return err
	})
	return done, err
}

func restore(ctx context.Context, r *pack.Reader, to Server) (rest, err error) {
	what, err := kind(r)
	if err != nil {
		return nil, err
	}
	if err := fits(r, what, to); err != nil {
		return nil, err
	}
	if err := r.Verify(ctx, func(int64) {}); err != nil {
		return nil, err
	}
	if err := checkPlaces(r, to); err != nil {
		return nil, err
	}
	if path, isFile := strings.CutPrefix(to.URL, "sqlite://"); isFile {
		if err := db.RefuseTaken(ctx, path); err != nil {
			return nil, err
		}
	}
	undo, err := placeFiles(r, to)
	if err == nil {
		rest, err = restoreDatabase(ctx, r, what, to)
	}
	if err != nil {
		return nil, errors.Join(err, undo())
	}
	return rest, nil
}

// fits makes sure that what the database is kept as can be restored by this program, to
// the engine of the URL.
func fits(r *pack.Reader, what string, to Server) error {
	if _, err := db.Subset(r.Manifest.Schema, to.Program.Migrations...); err != nil {
		return err
	}
	if isFile := strings.HasPrefix(to.URL, "sqlite://"); what != archiveName && isFile != (what == databaseName) {
		return errs.New(errs.Conflict, "this backup is of a %s database, and DATABASE_URL names another kind: "+
			"restore it there, and carry it over with peisear archive export and import", r.Manifest.Engine)
	}
	return nil
}

// restoreDatabase makes the database from the one of the three that the backup has. When
// it returns an error, no row is there.
func restoreDatabase(ctx context.Context, r *pack.Reader, what string, to Server) (rest, err error) {
	if what == databaseName {
		path := strings.TrimPrefix(to.URL, "sqlite://")
		fits := func(versions []int64) error {
			if !slices.Equal(versions, r.Manifest.Schema) {
				return errs.New(errs.Invalid, "the database in the backup is not of the schema that its manifest says")
			}
			return nil
		}
		return nil, restoreFile(ctx, path, fits, func(w io.Writer) error { return r.Copy(w, databaseName) })
	}
	err = inTemp(to.DataDir, func(folder string) (err error) {
		extracted := filepath.Join(folder, what)
		if err := extract(r, what, extracted); err != nil {
			return err
		}
		if what == archiveName {
			rest, err = restoreArchive(ctx, extracted, to)
			return err
		}
		return restoreDump(ctx, extracted, folder, to)
	})
	return rest, err
}

// restoreFile checks a database's file, and whether its schema fits, before it has its name.
func restoreFile(ctx context.Context, path string, fits func(versions []int64) error, copied func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return inTemp(filepath.Dir(path), func(folder string) error {
		fresh := filepath.Join(folder, databaseName)
		if err := file.Create(fresh, func(f *os.File) error { return copied(f) }); err != nil {
			return err
		}
		versions, err := db.CheckFile(ctx, fresh)
		if err != nil {
			return err
		}
		if err := fits(versions); err != nil {
			return err
		}
		d, err := db.Open(ctx, "sqlite://"+fresh)
		if err != nil {
			return err
		}
		if err := errors.Join(live.BeginAnew(ctx, d), d.Close()); err != nil {
			return err
		}
		return db.Settle(ctx, fresh, path)
	})
}

func restoreBare(ctx context.Context, name string, to Server) error {
	path, isFile := strings.CutPrefix(to.URL, "sqlite://")
	if !isFile {
		return errs.New(errs.Conflict, "this is a SQLite database, and DATABASE_URL names PostgreSQL: "+
			"restore it as SQLite, and carry it over with peisear archive export and import")
	}
	if err := db.RefuseTaken(ctx, path); err != nil {
		return err
	}
	if beside := db.Companions(name); exists(beside[0]) {
		return errs.New(errs.Conflict, "%s is beside the file: it is no backup but a database in use. Make one with peisear backup", beside[0])
	}
	fits := func(versions []int64) error {
		if len(versions) == 0 {
			return errs.New(errs.Invalid, "the file holds no database of this program")
		}
		_, err := db.Subset(versions, to.Program.Migrations...)
		return err
	}
	return restoreFile(ctx, path, fits, func(w io.Writer) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return errors.Join(err, f.Close())
	})
}

func restoreArchive(ctx context.Context, name string, to Server) (rest, err error) {
	err = pack.OpenFile(name, pack.Archive, func(r *pack.Reader) (err error) {
		rest, err = archive.ImportInto(ctx, to.URL, to.Program, r, func(int64, int64) {})
		return err
	})
	return rest, err
}

// restoreDump ends with the one transaction of pg_restore: what comes after the rows could
// go wrong, and the secrets that go with them be taken away.
func restoreDump(ctx context.Context, name, folder string, to Server) error {
	d, err := db.Open(ctx, to.URL)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // what is in the database is there
	if err := d.RefuseShared(ctx); err != nil {
		return err
	}
	tables, err := db.Whole(ctx, d, d.Tables)
	if err != nil {
		return err
	}
	if len(tables) > 0 {
		return errs.New(errs.Conflict, "the database of DATABASE_URL is not empty, it has the table %s: make a new one (createdb)", tables[0].Name)
	}
	return undump(ctx, d, to.URL, name, folder)
}

// checkPlaces makes sure that what goes beside the database replaces nothing.
func checkPlaces(r *pack.Reader, to Server) error {
	for _, f := range r.Manifest.Files {
		switch first, rest := firstOf(f.Name), strings.TrimPrefix(f.Name, firstOf(f.Name)+"/"); {
		case f.Name == databaseName, f.Name == dumpName, f.Name == archiveName:
		case first == attachments && rest != f.Name:
			if folder := filepath.Join(to.DataDir, attachments); exists(folder) {
				return errs.New(errs.Conflict, "%s is there already: move it away", folder)
			}
		case first == secrets && rest != f.Name && filepath.Base(rest) == rest:
			if !slices.Contains(to.Secrets, rest) {
				continue // the operator has given another, or this program knows none of that name
			}
			var backed bytes.Buffer
			if err := r.Copy(&backed, f.Name); err != nil {
				return err
			}
			path := filepath.Join(to.DataDir, rest)
			if there, err := os.ReadFile(path); err == nil && !bytes.Equal(there, backed.Bytes()) {
				return errs.New(errs.Conflict, "%s is there and is not the backup's: move it away", path)
			}
		default:
			return errs.New(errs.Invalid, "the backup holds %q, which this program does not know", f.Name)
		}
	}
	return nil
}

// placeFiles puts secrets and attachments where they belong. undo takes them away again.
func placeFiles(r *pack.Reader, to Server) (undo func() error, err error) {
	var placed []string
	undo = func() error {
		var all []error
		for _, path := range placed {
			all = append(all, os.RemoveAll(path))
		}
		return errors.Join(all...)
	}
	if err := os.MkdirAll(to.DataDir, 0o700); err != nil {
		return undo, err
	}
	return undo, inTemp(to.DataDir, func(folder string) error {
		for _, f := range r.Manifest.Files {
			first := firstOf(f.Name)
			name := strings.TrimPrefix(f.Name, first+"/")
			if first != attachments && (first != secrets || !slices.Contains(to.Secrets, name)) {
				continue
			}
			extracted := filepath.Join(folder, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(extracted), 0o700); err != nil {
				return err
			}
			if err := extract(r, f.Name, extracted); err != nil {
				return err
			}
			if path := filepath.Join(to.DataDir, name); first == secrets && !exists(path) {
				if err := file.Place(extracted, path); err != nil {
					return err
				}
				placed = append(placed, path)
			}
		}
		if from := filepath.Join(folder, attachments); exists(from) {
			path := filepath.Join(to.DataDir, attachments)
			if err := os.Rename(from, path); err != nil {
				return err
			}
			placed = append(placed, path)
		}
		return file.SyncFolder(to.DataDir)
	})
}

// extract writes an entry into a new file.
func extract(r *pack.Reader, name, path string) error {
	return file.Create(path, func(f *os.File) error { return r.Copy(f, name) })
}

// inTemp calls fn with a folder inside another, which goes afterwards.
func inTemp(parent string, fn func(folder string) error) error {
	folder, err := os.MkdirTemp(parent, workspace)
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // what fn has put into its place is there
	return fn(folder)
}

// isBare reports whether a file begins as SQLite's do.
func isBare(name string) (_ bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var head [16]byte
	if _, err := io.ReadFull(f, head[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return string(head[:]) == "SQLite format 3\x00", nil
}

func firstOf(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Package backup keeps copies of everything that a server has: its database, attachments
// and the secrets that it made up for itself.
//
// A backup is a zip with a manifest (package pack). On SQLite it holds the database's file
// as app.db; on PostgreSQL what pg_dump writes, as postgres.dump, or where there is no such
// program an archive of everything, as archive.zip. It is made while the server works,
// and checked by opening it before it has its name.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/file"
	"github.com/peisear/peisear/internal/base/pack"
)

// What a backup holds. Of the first three there is one.
const (
	databaseName = "app.db"
	dumpName     = "postgres.dump"
	archiveName  = "archive.zip"
	secrets      = "secrets"
	attachments  = "attachments"
)

// The folders in which backups are made: how their names begin, and the pattern of them.
const (
	workBefore = ".peisear-backup-"
	workspace  = workBefore + "*"
)

// Server is what is backed up, and where a backup is restored to.
type Server struct {
	URL     string // of the database
	DataDir string
	Program archive.Program

	// Secrets are the names of files in DataDir that the server made up for itself.
	Secrets []string
}

// Make makes a backup in a new file.
// fs.ErrExist: there is a file of that name; it stays as it is.
func Make(ctx context.Context, d *db.DB, s Server, target string) (m pack.Manifest, err error) {
	m = pack.Manifest{Format: pack.Backup, Program: s.Program.Version, Engine: d.Engine(), CreatedAt: time.Now().UTC().Truncate(time.Second)}
	if m.Schema, err = d.Versions(ctx); err != nil {
		return m, err
	}
	err = inWorkspace(target, func(folder string) error {
		made := filepath.Join(folder, "backup.zip")
		err := file.Create(made, func(f *os.File) (err error) {
			m, err = write(ctx, d, s, folder, m, f)
			return err
		})
		if err != nil {
			return err
		}
		if err := verify(ctx, made); err != nil {
			return err
		}
		return file.Place(made, target)
	})
	return m, err
}

// MakeBare makes a copy of a SQLite database in a new file, and nothing else.
// Invalid: the database is another one. fs.ErrExist: as Make.
func MakeBare(ctx context.Context, d *db.DB, target string) (err error) {
	return inWorkspace(target, func(folder string) error {
		made := filepath.Join(folder, databaseName)
		if err := d.Copy(ctx, made); err != nil {
			return err
		}
		return file.Place(made, target)
	})
}

// inWorkspace calls fn with a folder beside the target, which goes afterwards.
func inWorkspace(target string, fn func(folder string) error) (err error) {
	if _, err := os.Lstat(target); err == nil { // said at once, not after the work
		return &fs.PathError{Op: "create", Path: target, Err: fs.ErrExist}
	}
	folder, err := os.MkdirTemp(filepath.Dir(target), workspace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return fn(folder)
}

func write(ctx context.Context, d *db.DB, s Server, folder string, m pack.Manifest, w io.Writer) (pack.Manifest, error) {
	out := pack.NewWriter(w)
	if err := writeDatabase(ctx, d, s, folder, out); err != nil {
		return m, err
	}
	for _, name := range s.Secrets {
		err := add(out, path.Join(secrets, name), filepath.Join(s.DataDir, name), false)
		// One that is not there is for the caller to warn of: see Missing.
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	if err := addFolder(ctx, out, filepath.Join(s.DataDir, attachments)); err != nil {
		return m, err
	}
	return out.Close(m)
}

func writeDatabase(ctx context.Context, d *db.DB, s Server, folder string, out *pack.Writer) error {
	if d.Engine() == "sqlite" {
		copied := filepath.Join(folder, databaseName)
		if err := d.Copy(ctx, copied); err != nil {
			return err
		}
		return errors.Join(add(out, databaseName, copied, false), os.Remove(copied))
	}
	dumped := filepath.Join(folder, dumpName)
	switch err := dump(ctx, d, s.URL, dumped); {
	case err == nil:
		return errors.Join(add(out, dumpName, dumped, true), os.Remove(dumped))
	case !errors.Is(err, errNoClient):
		return err
	}
	return out.Add(archiveName, true, func(w io.Writer) error {
		_, err := archive.Export(ctx, d, s.Program, w, func(int64, int64) {})
		return err
	})
}

// add adds a file. fs.ErrNotExist: there is none, and nothing was added.
func add(out *pack.Writer, name, from string, stored bool) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	return out.Add(name, stored, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// addFolder adds the files of a folder, if it is there. One that goes meanwhile is not
// missed: nothing of the copied database's state needed it any more.
func addFolder(ctx context.Context, out *pack.Writer, folder string) error {
	return filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !entry.Type().IsRegular():
			return nil
		}
		within, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		err = add(out, path.Join(attachments, filepath.ToSlash(within)), name, true)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// verify reads a file from the disk, and compares everything with its sums. Of the three
// that the database can be in, app.db and postgres.dump were opened before they went in.
func verify(ctx context.Context, name string) error {
	return Open(name, func(r *pack.Reader) error {
		if err := r.Verify(ctx, func(int64) {}); err != nil || !r.Has(archiveName) {
			return err
		}
		inner, err := r.Within(archiveName, pack.Archive)
		if err != nil {
			return err
		}
		return archive.Check(ctx, inner)
	})
}

// Open calls fn with a backup.
func Open(name string, fn func(*pack.Reader) error) error {
	return pack.OpenFile(name, pack.Backup, fn)
}

// Kind is what the database is kept as: one of the names above, of which a backup has
// exactly one.
func kind(r *pack.Reader) (string, error) {
	var found []string
	for _, name := range []string{databaseName, dumpName, archiveName} {
		if r.Has(name) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the backup holds %d databases", len(found))
	}
	return found[0], nil
}

// Holds says in a few words what a backup has beside the database.
func Holds(m pack.Manifest) (words []string) {
	count := map[string]int{}
	for _, f := range m.Files {
		if first := firstOf(f.Name); slices.Contains([]string{secrets, attachments}, first) {
			count[first]++
		}
	}
	if n := count[attachments]; n > 0 {
		words = append(words, fmt.Sprintf("%d attachments", n))
	}
	if count[secrets] > 0 {
		words = append(words, "the secrets of local mode")
	}
	return words
}

// Missing are the files of secrets that a backup should have and has not, because they
// were not in DataDir when it was made.
func (s Server) Missing(m pack.Manifest) (paths []string) {
	for _, name := range s.Secrets {
		if !slices.ContainsFunc(m.Files, func(f pack.File) bool { return f.Name == path.Join(secrets, name) }) {
			paths = append(paths, filepath.Join(s.DataDir, name))
		}
	}
	return paths
}

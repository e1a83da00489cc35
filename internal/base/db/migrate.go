package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/peisear/peisear/internal/base/errs"
)

// Migrate brings the schema up to date from the features' folders of *.sql files,
// in the order of the numbers their names begin with. A migration that comes late,
// from a branch merged after a younger one, is applied too. A migration whose
// text the engines cannot share has one name and two texts, in folders named sqlite and
// postgres. On SQLite an existing
// file is copied first, to app.db.before-<version>.
// Conflict: the database holds versions that no file here has; a newer program has
// used it.
func (d *DB) Migrate(ctx context.Context, folders ...fs.FS) error {
	files, err := merge(folders, d.name())
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if err := d.migrate(ctx, files); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Current returns Conflict unless the schema is exactly what the folders make of it:
// a newer program has used the database, or it waits for a migration.
func (d *DB) Current(ctx context.Context, folders ...fs.FS) error {
	files, err := merge(folders, d.name())
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	pending, err := d.pending(ctx, files)
	if err == nil && pending {
		err = errs.New(errs.Conflict, "the database is older than this program: start the server, or run peisear migrate")
	}
	return err
}

// merge lays the files of all folders, at any depth, into one, but those of the other
// engine.
func merge(folders []fs.FS, engine string) (fstest.MapFS, error) {
	all := fstest.MapFS{}
	for _, folder := range folders {
		err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() != engine && slices.Contains(engines(), entry.Name()):
				return fs.SkipDir
			case path.Ext(name) != ".sql":
				return nil
			}
			if all[path.Base(name)] != nil {
				return fmt.Errorf("%s exists twice", path.Base(name))
			}
			text, err := fs.ReadFile(folder, name)
			all[path.Base(name)] = &fstest.MapFile{Data: text}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Subset is those of the folders' migrations that have one of the versions.
// Conflict: one is of no file here; a newer program has made it.
func Subset(versions []int64, folders ...fs.FS) (fs.FS, error) {
	known, err := KnownVersions(folders...)
	if err != nil {
		return nil, err
	}
	if err := refuse(versions, known); err != nil {
		return nil, err
	}
	some := fstest.MapFS{}
	for _, folder := range folders {
		err := fs.WalkDir(folder, ".", func(name string, _ fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".sql" {
				return err
			}
			if v, err := version(path.Base(name)); err == nil && !slices.Contains(versions, v) {
				return nil
			}
			text, err := fs.ReadFile(folder, name)
			some[name] = &fstest.MapFile{Data: text} // in its place: it may be one engine's
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return some, nil
}

// refuse lists the versions in a database that the program has no file for.
func refuse(there, known []int64) error {
	var unknown []string
	for _, v := range there {
		if !slices.Contains(known, v) {
			unknown = append(unknown, strconv.FormatInt(v, 10))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "the database is newer than this program: it holds the versions %s, and the newest known here is %d",
		strings.Join(unknown, ", "), slices.Max(append(known, 0)))
}

// migration is one run of goose over one database.
type migration struct {
	provider *goose.Provider
	pool     *sql.DB
	from     int64 // the newest version before the run, 0 for an empty database
}

// prepare connects goose and refuses a database that a newer program has used.
func prepare(ctx context.Context, dialect goose.Dialect, pool *sql.DB, files fs.FS, options ...goose.ProviderOption) (*migration, error) {
	options = append(options, goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true))
	provider, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return nil, err
	}
	m := &migration{provider: provider, pool: pool}
	if m.from, err = provider.GetDBVersion(ctx); err != nil {
		return nil, err
	}
	return m, m.refuseUnknown(ctx)
}

// refuseUnknown refuses a database that a newer program has used.
func (m *migration) refuseUnknown(ctx context.Context) error {
	var known []int64
	for _, source := range m.provider.ListSources() {
		known = append(known, source.Version)
	}
	there, err := versions(ctx, m.pool)
	if err != nil {
		return err
	}
	return refuse(there, known)
}

// pending reports whether there is anything to apply.
func (m *migration) pending(ctx context.Context) (bool, error) { return m.provider.HasPending(ctx) }

func (m *migration) up(ctx context.Context) error {
	_, err := m.provider.Up(ctx)
	return err
}

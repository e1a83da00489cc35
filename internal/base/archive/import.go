package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/pack"
)

// Import fills an empty database with an archive: the schema is made as it was there, the
// rows go in, in one transaction, and then the schema is brought to this program's version
// and derived tables are made. Everything in the archive is checked before anything is
// changed. When rows are refused the database has an empty schema, and can be filled.
//
// rest is what went wrong after the rows were in, nil for nothing: they stay, and a server
// does what is left when it starts.
// Conflict: the archive is of a newer program, or the database is not empty.
func Import(ctx context.Context, d *db.DB, p Program, r *pack.Reader, progress Progress) (rest, err error) {
	schema, err := db.Subset(r.Manifest.Schema, p.Migrations...)
	if err != nil {
		return nil, err
	}
	if err := Check(ctx, r); err != nil {
		return nil, err
	}
	if err := refuseFilled(ctx, d, p, r.Manifest.Schema); err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, schema); err != nil {
		return nil, err
	}
	tables, err := db.Whole(ctx, d, func(ctx context.Context, c db.Conn) ([]db.Table, error) { return p.Tables(ctx, d, c) })
	if err != nil {
		return nil, err
	}
	if err := compare(tables, r.Manifest.Tables); err != nil {
		return nil, err
	}
	if err := d.Load(ctx, tables, func(l *db.Loader) error { return loadAll(ctx, l, tables, r, progress) }); err != nil {
		return nil, err
	}
	return p.finish(ctx, d), nil
}

// finish does with rows of an older schema what a server does when it starts, so that it
// has nothing to do then.
func (p Program) finish(ctx context.Context, d *db.DB) error {
	if err := d.Migrate(ctx, p.Migrations...); err != nil {
		return err
	}
	for _, derived := range p.Derived {
		if err := derived.Rebuild(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", derived.Table, err)
		}
	}
	return nil
}

// compare makes sure that the archive has the tables of its schema.
func compare(tables []db.Table, described []pack.Table) error {
	for _, t := range tables {
		i := slices.IndexFunc(described, func(one pack.Table) bool { return one.Name == t.Name })
		if i < 0 || !slices.Equal(described[i].Columns, t.Columns) {
			return errs.New(errs.Invalid, "the archive's table %s is not as its schema has it", t.Name)
		}
	}
	if len(described) != len(tables) {
		return errs.New(errs.Invalid, "the archive has %d tables, its schema %d", len(described), len(tables))
	}
	return nil
}

func loadAll(ctx context.Context, l *db.Loader, tables []db.Table, r *pack.Reader, progress Progress) error {
	done, total := int64(0), int64(0)
	for _, t := range r.Manifest.Tables {
		total += t.Rows
	}
	for _, t := range tables {
		described := r.Manifest.Tables[slices.IndexFunc(r.Manifest.Tables, func(one pack.Table) bool { return one.Name == t.Name })]
		err := r.Read(described.File, func(text io.Reader) error {
			next := rowsOf(text, described)
			_, err := l.Copy(ctx, t, func() ([]any, error) {
				row, err := next()
				if err == nil {
					done++
					progress(done, total)
				}
				return row, err
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

var errFilled = errs.New(errs.Conflict, "the database is not empty: an import needs a new one")

// refuseFilled compares the database's rows with those that the migrations which it has
// seen make.
func refuseFilled(ctx context.Context, d *db.DB, p Program, schema []int64) error {
	there, err := p.counts(ctx, d)
	if err != nil || len(there) == 0 {
		return err
	}
	seen, err := d.Versions(ctx)
	if err != nil {
		return err
	}
	made, err := p.made(ctx, seen)
	if err != nil {
		return err
	}
	for table, n := range there {
		if expected, known := made[table]; !known || n != expected {
			return errFilled
		}
	}
	for _, v := range seen {
		if !slices.Contains(schema, v) {
			return errs.New(errs.Conflict, "the database has tables that are younger than the archive (of the version %d): an import needs a new one", v)
		}
	}
	return nil
}

// made are the counts of a database that has seen nothing but migrations.
func (p Program) made(ctx context.Context, versions []int64) (_ map[string]int64, err error) {
	schema, err := db.Subset(versions, p.Migrations...)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "peisear-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	fresh, err := db.Open(ctx, "sqlite://"+filepath.Join(folder, "fresh.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	if err := fresh.Migrate(ctx, schema); err != nil {
		return nil, err
	}
	return p.counts(ctx, fresh)
}

// counts are the rows of all tables but goose's and the derived ones, which hold nothing
// that others do not, and are not of one kind on both engines.
func (p Program) counts(ctx context.Context, d *db.DB) (map[string]int64, error) {
	return db.Whole(ctx, d, func(ctx context.Context, c db.Conn) (map[string]int64, error) {
		tables, err := d.Tables(ctx, c)
		if err != nil {
			return nil, err
		}
		all := map[string]int64{}
		for _, t := range tables {
			if t.Name == "goose_db_version" || p.derives(t.Name) {
				continue
			}
			if all[t.Name], err = d.Count(ctx, c, t); err != nil {
				return nil, err
			}
		}
		return all, nil
	})
}

// ImportInto is Import into the database of a URL. A SQLite file appears when all is in
// it; another database must be there, empty, and used by nobody else.
// Conflict: as Import, and when the SQLite file is there or others use the database.
func ImportInto(ctx context.Context, url string, p Program, r *pack.Reader, progress Progress) (rest, err error) {
	path, isFile := strings.CutPrefix(url, "sqlite://")
	if isFile {
		err = db.Fill(ctx, path, func(ctx context.Context, d *db.DB) (err error) {
			rest, err = Import(ctx, d, p, r, progress)
			return err
		})
		return rest, err
	}
	d, err := db.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // what is in the database is there
	if err := d.RefuseShared(ctx); err != nil {
		return nil, err
	}
	return Import(ctx, d, p, r, progress)
}

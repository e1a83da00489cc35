// Package archive writes everything that a database holds into one file, and fills an
// empty database of either engine with it. The file is a zip of one NDJSON file for each
// table; docs/operations/archive.md describes it for other programs.
//
// Which tables there are, and what is in them, the database itself says: a table of a new
// slice is in the archive without anybody thinking of it. What is left out is named here,
// or by the slice that can make it anew.
package archive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/file"
	"github.com/peisear/peisear/internal/base/pack"
)

// Derived is a table that a slice makes from others. No archive has it; Rebuild fills it
// from what was imported.
type Derived struct {
	Table   string
	Rebuild func(ctx context.Context, d *db.DB) error
}

// Program is what the archive has to know of the program around it.
type Program struct {
	Version    string
	Migrations []fs.FS
	Derived    []Derived
}

// LeftOut is why tables of the foundation are in no archive.
func LeftOut() map[string]string {
	return map[string]string{
		"goose_db_version": "the versions of the schema are in the manifest, and migrations write the table",
		"log_epoch":        "an import begins another life of the change log, so that no client takes its rows for newer than they are",
	}
}

// Tables are those that an archive of the database has, each after those it refers to.
// Internal: one has a column that the other engine does not know, or no primary key.
func (p Program) Tables(ctx context.Context, d *db.DB, c db.Conn) (kept []db.Table, err error) {
	all, err := d.Tables(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if p.derives(t.Name) || LeftOut()[t.Name] != "" {
			continue
		}
		if len(t.Key) == 0 {
			return nil, fmt.Errorf("the table %s has no primary key", t.Name)
		}
		for _, column := range t.Columns {
			if !slices.Contains([]string{"TEXT", "BIGINT", "BOOLEAN", "DOUBLE PRECISION"}, column.Type) {
				return nil, fmt.Errorf("the column %s.%s has the type %s, which is not portable", t.Name, column.Name, column.Type)
			}
		}
		kept = append(kept, t)
	}
	return kept, nil
}

func (p Program) derives(table string) bool {
	return slices.ContainsFunc(p.Derived, func(one Derived) bool { return one.Table == table })
}

// Progress is told how many rows of how many are done.
type Progress func(done, total int64)

// Export writes an archive of the database as it is at one moment, while others write.
func Export(ctx context.Context, d *db.DB, p Program, w io.Writer, progress Progress) (pack.Manifest, error) {
	return db.Whole(ctx, d, func(ctx context.Context, c db.Conn) (m pack.Manifest, err error) {
		m = pack.Manifest{Format: pack.Archive, Program: p.Version, Engine: d.Engine(), CreatedAt: time.Now().UTC().Truncate(time.Second)}
		if m.Schema, err = d.Versions(ctx); err != nil {
			return m, err
		}
		tables, err := p.Tables(ctx, d, c)
		if err != nil {
			return m, err
		}
		total, done := int64(0), int64(0)
		for _, t := range tables {
			n, err := d.Count(ctx, c, t)
			if err != nil {
				return m, err
			}
			total += n
		}
		out := pack.NewWriter(w)
		for _, t := range tables {
			described := pack.Table{Name: t.Name, File: "tables/" + t.Name + ".ndjson", Columns: t.Columns}
			err := out.Add(described.File, false, func(w io.Writer) error {
				return writeTable(ctx, d, c, t, w, func() {
					described.Rows++
					done++
					progress(done, total)
				})
			})
			if err != nil {
				return m, err
			}
			m.Tables = append(m.Tables, described)
		}
		return out.Close(m)
	})
}

// blockSize is how much of a table is written or read at a time.
const blockSize = 1 << 18

func writeTable(ctx context.Context, d *db.DB, c db.Conn, t db.Table, w io.Writer, written func()) error {
	out := bufio.NewWriterSize(w, blockSize)
	var line []byte
	err := d.Each(ctx, c, t, func(row []any) (err error) {
		if line, err = appendRow(line[:0], t.Columns, row); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		written()
		_, err = out.Write(line)
		return err
	})
	return errors.Join(err, out.Flush())
}

// ExportFile is Export into a new file.
func ExportFile(ctx context.Context, d *db.DB, p Program, path string, progress Progress) (m pack.Manifest, err error) {
	err = file.Create(path, func(f *os.File) (err error) {
		m, err = Export(ctx, d, p, f, progress)
		return err
	})
	return m, err
}

// Import fills an empty database with an archive: the schema is made as it was there, the
// rows go in, in one transaction, and then the schema is brought to this program's version.
// Everything in the archive is checked before anything is changed.
// Conflict: the archive is of a newer program, or the database is not empty.
func Import(ctx context.Context, d *db.DB, p Program, r *pack.Reader, progress Progress) (err error) {
	schema, err := db.Subset(r.Manifest.Schema, p.Migrations...)
	if err != nil {
		return err
	}
	if err := r.Verify(ctx, func(int64) {}); err != nil {
		return err
	}
	if err := refuseFilled(ctx, d, p, r.Manifest.Schema); err != nil {
		return err
	}
	if err := d.Migrate(ctx, schema); err != nil {
		return err
	}
	tables, err := db.Whole(ctx, d, func(ctx context.Context, c db.Conn) ([]db.Table, error) { return p.Tables(ctx, d, c) })
	if err != nil {
		return err
	}
	if err := compare(tables, r.Manifest.Tables); err != nil {
		return err
	}
	if err := d.Load(ctx, tables, func(l *db.Loader) error { return loadAll(ctx, l, tables, r, progress) }); err != nil {
		return err
	}
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
			in := bufio.NewReaderSize(text, blockSize)
			n, err := l.Copy(ctx, t, func() ([]any, error) {
				row, err := readRow(in, t.Columns)
				if err == nil {
					done++
					progress(done, total)
				}
				return row, err
			})
			if err == nil && n != described.Rows {
				err = errs.New(errs.Invalid, "the archive has %d rows of %s, not %d", n, t.Name, described.Rows)
			}
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
func ImportInto(ctx context.Context, url string, p Program, r *pack.Reader, progress Progress) (err error) {
	path, isFile := strings.CutPrefix(url, "sqlite://")
	if isFile {
		return db.Fill(ctx, path, func(ctx context.Context, d *db.DB) error { return Import(ctx, d, p, r, progress) })
	}
	d, err := db.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.RefuseShared(ctx); err != nil {
		return err
	}
	return Import(ctx, d, p, r, progress)
}

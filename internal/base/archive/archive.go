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
	"slices"
	"time"

	"github.com/peisear/peisear/internal/base/db"
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

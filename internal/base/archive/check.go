package archive

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/pack"
)

// Check reads all of an archive, row by row. What is right then may still be refused by a
// database: a reference to nothing, a row that is there twice.
// Invalid: something is not as the manifest says, or a line is no row of its table.
func Check(ctx context.Context, r *pack.Reader) error {
	of := map[string]pack.Table{}
	for _, t := range r.Manifest.Tables {
		of[t.File] = t
	}
	for _, f := range r.Manifest.Files {
		if _, named := of[f.Name]; !named || len(of) != len(r.Manifest.Tables) || len(of) != len(r.Manifest.Files) {
			return errs.New(errs.Invalid, "the archive's tables are not its files")
		}
	}
	for _, t := range r.Manifest.Tables {
		var wrong error
		err := r.Read(t.File, func(text io.Reader) error {
			wrong = readAll(ctx, rowsOf(text, t))
			return ctx.Err()
		})
		if err == nil { // the file is what was written, at least
			err = wrong
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readAll(ctx context.Context, next db.Next) error {
	for {
		_, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// rowsOf returns a table's rows as its file has them.
// Invalid: a line is no row, or there are not as many as the manifest says.
func rowsOf(text io.Reader, t pack.Table) db.Next {
	in := bufio.NewReaderSize(text, blockSize)
	n := int64(0)
	return func() ([]any, error) {
		row, err := readRow(in, t.Columns)
		switch {
		case err == nil:
			n++
		case !errors.Is(err, io.EOF):
			err = errs.New(errs.Invalid, "%s, line %d: %v", t.File, n+1, err)
		case n != t.Rows:
			err = errs.New(errs.Invalid, "%s has %d rows, not %d", t.File, n, t.Rows)
		}
		return row, err
	}
}

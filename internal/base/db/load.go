package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Next returns the next row, with a value for each column, or io.EOF.
type Next func() ([]any, error)

// Loader puts rows into tables.
type Loader struct {
	run  func(ctx context.Context, statement string) error
	rows func(ctx context.Context, t Table, next Next) (int64, error)
}

// Copy puts rows into a table, which comes after those that it refers to.
func (l *Loader) Copy(ctx context.Context, t Table, next Next) (n int64, err error) {
	if n, err = l.rows(ctx, t, next); err != nil {
		return n, fmt.Errorf("%s: %w", t.Name, err)
	}
	return n, nil
}

// Load fills a database that nobody else uses, in one transaction: all of fn's rows are
// there afterwards and none that was there before, or nothing has changed. The tables are
// all that fn fills, or leaves empty, in the order that Tables gives.
func (d *DB) Load(ctx context.Context, tables []Table, fn func(l *Loader) error) error {
	load := func(l *Loader) error {
		for _, t := range slices.Backward(tables) {
			if err := l.run(ctx, "DELETE FROM "+quoted(t.Name)); err != nil {
				return err
			}
		}
		return fn(l)
	}
	switch e := d.engine.(type) {
	case *lite:
		return d.translate(e.load(ctx, load))
	case *postgres:
		return d.translate(e.load(ctx, load))
	}
	return errors.ErrUnsupported
}

// load uses a connection with foreign keys off, because a row may refer to a later one
// of its own table. They are checked before the commit.
func (l *lite) load(ctx context.Context, fn func(*Loader) error) (err error) {
	pool, err := openPool(ctx, l.path, 1, "foreign_keys(0)", "synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	err = fn(&Loader{
		run: func(ctx context.Context, statement string) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		},
		rows: func(ctx context.Context, t Table, next Next) (int64, error) { return insertAll(ctx, tx, t, next) },
	})
	if err != nil {
		return err
	}
	if err := checkReferences(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func insertAll(ctx context.Context, tx *sql.Tx, t Table, next Next) (n int64, err error) {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	text := "INSERT INTO " + quoted(t.Name) + " (" + strings.Join(t.names(), ", ") + ") VALUES (" + marks + ")" //nolint:gosec // names that the database itself has given, quoted
	insert, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			_, err = insert.ExecContext(ctx, row...)
		}
		if err != nil {
			return n, err
		}
		n++
	}
}

// load uses COPY, which takes a row in a fraction of a statement's time. The commit is not
// interrupted: nobody would know then whether the rows are in.
func (p *postgres) load(ctx context.Context, fn func(*Loader) error) error {
	conn, err := p.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	return conn.Raw(func(c any) error {
		tx, err := c.(*pipe).Conn.Conn().Begin(ctx) //nolint:forcetypeassert // openPostgres opens no other
		if err != nil {
			return err
		}
		lasting := context.WithoutCancel(ctx)
		defer tx.Rollback(lasting) //nolint:errcheck // after a commit there is nothing to undo
		err = fn(&Loader{
			run: func(ctx context.Context, statement string) error {
				_, err := tx.Exec(ctx, statement)
				return err
			},
			rows: func(ctx context.Context, t Table, next Next) (int64, error) { return copyAll(ctx, tx, t, next) },
		})
		if err != nil {
			return err
		}
		return tx.Commit(lasting)
	})
}

// copyAll returns an error of next as it is: the server knows only that the rows end
// early, and says so in its own way.
func copyAll(ctx context.Context, tx pgx.Tx, t Table, next Next) (int64, error) {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Name
	}
	var broken error
	n, err := tx.CopyFrom(ctx, pgx.Identifier{t.Name}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return nil, nil // which ends it
		}
		broken = err
		return row, err
	}))
	if broken != nil {
		err = broken
	}
	return n, err
}

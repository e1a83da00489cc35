package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/peisear/peisear/internal/base/errs"
)

func (p *postgres) translate(err error) error {
	var e *pgconn.PgError
	switch t := p.trouble(err); {
	case errors.Is(err, errLostServer):
		return err
	case t != "":
		return t.error(err)
	case !errors.As(err, &e):
		return translate(err)
	}
	switch e.Code {
	case "23505":
		return errDuplicate(err)
	case "23503":
		return errReference(err)
	case "23514", "23502":
		return errValue(err)
	case "22021", "22P05": // text that the encoding cannot keep
		return errValue(err)
	}
	switch e.Code[:2] { // the class: lost race, resources, operator
	case "40", "53", "57":
		return errUnavailable(err)
	}
	return errs.From(forgotten(err), errs.Internal, "internal error")
}

// forgotten says more of an error where statements are not where they were made ready: an
// operator reads it in the log, or as the reason why the program does not start.
func forgotten(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "26000" && e.Code != "42P05" {
		return err
	}
	return fmt.Errorf("%w: a pooler before PostgreSQL does not keep prepared statements; add default_query_exec_mode=exec to DATABASE_URL", err)
}

func (p *postgres) trouble(err error) Trouble {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		if lostConnection(err) {
			return Unreachable
		}
		return ""
	}
	switch e.Code {
	case "53100":
		return NoSpace
	case "25006": // a standby
		return ReadOnly
	case "57P01", "57P02", "57P03", "57P05": // it ends, or begins
		return Unreachable
	}
	switch e.Code[:2] { // the class: connection, the system around it
	case "08":
		return Unreachable
	case "58":
		return DiskError
	}
	return ""
}

// lostConnection reports whether an error is the connection's.
func lostConnection(err error) bool {
	var unreachable *pgconn.ConnectError
	var network *net.OpError
	switch {
	case errors.Is(err, context.Canceled): // the caller's doing
		return false
	case errors.As(err, &unreachable), errors.Is(err, errLostServer):
		return true
	case errors.Is(err, context.DeadlineExceeded): // perhaps too
		return false
	}
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// probe makes a table with a row, which nobody else sees, and drops it: a disk that is full
// still takes what finds room in a file that is there.
func (p *postgres) probe(tx *Tx) error {
	for _, statement := range []string{"CREATE TABLE peisear_probe AS SELECT 1 AS one", "DROP TABLE peisear_probe"} {
		if _, err := tx.ExecContext(context.Background(), statement); err != nil {
			return err
		}
	}
	return nil
}

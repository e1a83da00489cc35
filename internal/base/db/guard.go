package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/errs"
)

// guarded refuses text that one of the engines cannot keep: PostgreSQL takes
// neither U+0000 nor invalid UTF-8, SQLite takes both. It is the last door; the web
// package refuses such text earlier and names the field.
type guarded struct{ Conn }

func (g guarded) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return g.Conn.ExecContext(ctx, query, keepable(args)...)
}

func (g guarded) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return g.Conn.QueryContext(ctx, query, keepable(args)...)
}

func (g guarded) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return g.Conn.QueryRowContext(ctx, query, keepable(args)...)
}

// Keepable reports whether both engines can keep the text.
func Keepable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// keepable returns the arguments with unkeepable text replaced by a value that
// makes the statement an error: a row has no other way to carry one.
func keepable(args []any) []any {
	for i, arg := range args {
		if text, ok := textOf(arg); ok && !Keepable(text) {
			args[i] = refusedText{}
		}
	}
	return args
}

func textOf(arg any) (string, bool) {
	switch v := arg.(type) {
	case string:
		return v, true
	case *string:
		if v != nil {
			return *v, true
		}
	}
	return "", false
}

type refusedText struct{}

var errUnkeepable = errs.New(errs.Invalid, "text must be valid UTF-8 and free of U+0000")

func (refusedText) Value() (driver.Value, error) { return nil, errUnkeepable }

package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Table is a table as the database itself describes it.
type Table struct {
	Name       string
	Columns    []Column
	Key        []string // the columns of its primary key, in order
	References []string // other tables that its rows refer to
}

// Column is a table's column. Its type is one of the portable four: TEXT, BIGINT, BOOLEAN
// and DOUBLE PRECISION.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// names are the columns', quoted.
func (t Table) names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quoted(c.Name)
	}
	return names
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// What each engine is asked: table, column, type, place in the primary key (0: none), in
// the order of the columns; and table, referenced table. SQLite's own tables are left
// out, and those that a virtual one keeps its content in.
const (
	liteColumns = `SELECT t.name, c.name, c.type, c.pk FROM pragma_table_list t JOIN pragma_table_info(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND substr(t.name, 1, 7) <> 'sqlite_' ORDER BY t.name, c.cid`
	liteReferences = `SELECT DISTINCT t.name, f."table" FROM pragma_table_list t JOIN pragma_foreign_key_list(t.name) f
		WHERE t.schema = 'main' AND t.type = 'table' ORDER BY 1, 2`
	postgresColumns = `SELECT c.relname, a.attname, upper(format_type(a.atttypid, NULL)), COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)
		FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname, a.attnum`
	postgresReferences = `SELECT DISTINCT c.relname, f.relname FROM pg_constraint k
		JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
		WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace ORDER BY 1, 2`
)

// Tables describes all tables that hold rows, each after those that it refers to.
func (d *DB) Tables(ctx context.Context, c Conn) (_ []Table, err error) {
	columns, references := liteColumns, liteReferences
	if d.Engine() == "postgres" {
		columns, references = postgresColumns, postgresReferences
	}
	all, err := readColumns(ctx, c, columns)
	if err != nil {
		return nil, d.translate(err)
	}
	if err := readReferences(ctx, c, references, all); err != nil {
		return nil, d.translate(err)
	}
	return inOrder(all)
}

func readColumns(ctx context.Context, c Conn, text string) (all []Table, err error) {
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	keys := map[string]map[int]string{}
	for rows.Next() {
		var table, place = "", 0
		var column Column
		if err := rows.Scan(&table, &column.Name, &column.Type, &place); err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].Name != table {
			all = append(all, Table{Name: table})
			keys[table] = map[int]string{}
		}
		t := &all[len(all)-1]
		t.Columns = append(t.Columns, column)
		if place > 0 {
			keys[table][place] = column.Name
		}
	}
	for i, t := range all {
		for place := 1; keys[t.Name][place] != ""; place++ {
			all[i].Key = append(all[i].Key, keys[t.Name][place])
		}
	}
	return all, rows.Err()
}

func readReferences(ctx context.Context, c Conn, text string, all []Table) (err error) {
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var from, to string
		if err := rows.Scan(&from, &to); err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(t Table) bool { return t.Name == from }); i >= 0 && from != to {
			all[i].References = append(all[i].References, to)
		}
	}
	return rows.Err()
}

// inOrder puts every table after those that it refers to.
func inOrder(all []Table) (sorted []Table, err error) {
	done := map[string]bool{}
	for len(sorted) < len(all) {
		before := len(sorted)
		for _, t := range all {
			ready := !slices.ContainsFunc(t.References, func(name string) bool { return !done[name] })
			if ready && !done[t.Name] {
				sorted, done[t.Name] = append(sorted, t), true
			}
		}
		if len(sorted) == before {
			return nil, fmt.Errorf("tables refer to each other in a circle: %s", strings.Join(names(all, done), ", "))
		}
	}
	return sorted, nil
}

func names(all []Table, without map[string]bool) (names []string) {
	for _, t := range all {
		if !without[t.Name] {
			names = append(names, t.Name)
		}
	}
	return names
}

// Whole is Snapshot for as long as it takes, on a connection of its own: for what reads
// everything. Writers go on.
func Whole[T any](ctx context.Context, d *DB, fn func(ctx context.Context, c Conn) (T, error)) (v T, err error) {
	pool, _ := d.reader()
	if l, ok := d.engine.(*lite); ok {
		if pool, err = openPool(ctx, l.path, 1, queryOnly); err != nil {
			return v, d.translate(err)
		}
		defer func() { err = errors.Join(err, pool.Close()) }()
	}
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return v, d.translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing to lose
	v, err = fn(ctx, tx)
	return v, d.translate(err)
}

// Count returns how many rows a table has.
func (d *DB) Count(ctx context.Context, c Conn, t Table) (n int64, err error) {
	err = c.QueryRowContext(ctx, "SELECT count(*) FROM "+quoted(t.Name)).Scan(&n)
	return n, d.translate(err)
}

// Each calls fn with every row of a table, in the order of its primary key: one value for
// each column, nil, string, int64, bool or float64. fn keeps none of them.
func (d *DB) Each(ctx context.Context, c Conn, t Table, fn func(row []any) error) (err error) {
	order := make([]string, len(t.Key))
	for i, column := range t.Key {
		order[i] = quoted(column)
	}
	text := "SELECT " + strings.Join(t.names(), ", ") + " FROM " + quoted(t.Name) + " ORDER BY " + strings.Join(order, ", ")
	rows, err := c.QueryContext(ctx, text)
	if err != nil {
		return d.translate(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, column := range t.Columns {
			if values[i], err = column.value(values[i]); err != nil {
				return fmt.Errorf("%s.%s: %w", t.Name, column.Name, err)
			}
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	return d.translate(rows.Err())
}

// value is a value as the column's type has it. SQLite takes any kind of value in any
// column; one of another kind would not be let in elsewhere.
func (c Column) value(v any) (any, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // the value is NULL
	}
	fits := false
	switch v := v.(type) {
	case string:
		fits = c.Type == "TEXT" && Keepable(v)
	case bool:
		fits = c.Type == "BOOLEAN"
	case float64:
		fits = c.Type == "DOUBLE PRECISION"
	case int64:
		switch c.Type {
		case "BOOLEAN":
			return v == 1, outside(v)
		case "DOUBLE PRECISION":
			return float64(v), nil
		}
		fits = c.Type == "BIGINT"
	}
	if !fits {
		return nil, fmt.Errorf("a value of kind %T is in a column of type %s", v, c.Type)
	}
	return v, nil
}

func outside(n int64) error {
	if n != 0 && n != 1 {
		return fmt.Errorf("%d is in a column of type BOOLEAN", n)
	}
	return nil
}

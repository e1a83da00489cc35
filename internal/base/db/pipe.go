package db

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/peisear/peisear/internal/base/errs"
)

// pipes opens connections that are pipes.
type pipes struct {
	driver.Connector
	caps *caps
}

func newPipes(config *pgx.ConnConfig, c *caps, options ...stdlib.OptionOpenDB) pipes {
	unasked := stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false }) // ResetSession asks
	return pipes{stdlib.GetConnector(*config, append(options, unasked)...), c}
}

func (p pipes) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pipe{Conn: c.(*stdlib.Conn), caps: p.caps}, nil //nolint:forcetypeassert // openPostgres opens no other
}

// pipe is a connection to PostgreSQL. A message to the server and back costs more than
// most statements, so what needs no answer waits here, and goes out with the next
// statement that does.
type pipe struct {
	*stdlib.Conn
	caps    *caps
	used    time.Time
	waiting []statement
	sent    bool  // something, since start
	err     error // what waited was refused: nothing more is taken, until start
}

type statement struct {
	text    string
	args    []any
	control bool // of the transaction itself: it changes nothing, and outlives a closure
}

// rest is how long a connection may be unused and is believed to be alive.
const rest = time.Second

// ResetSession is called before the connection is used again. After a rest the server is
// asked first, and when it is silent the next connection is tried, and then a new one,
// which tells the truth.
func (p *pipe) ResetSession(ctx context.Context) error {
	now := time.Now()
	if now.Sub(p.used) > rest {
		asking, cancel := context.WithTimeout(ctx, p.caps.ask)
		defer cancel()
		if p.Conn.Conn().Ping(asking) != nil {
			return driver.ErrBadConn
		}
	}
	p.used = now
	return p.Conn.ResetSession(ctx)
}

var errUntouched = errs.New(errs.NotFound, "not found")

// start is for a closure that is about to run.
func (p *pipe) start() { p.sent, p.err = false, nil }

// forget drops what a closure has queued, and not what stands before it.
func (p *pipe) forget() {
	kept := p.waiting[:0]
	for _, s := range p.waiting {
		if s.control {
			kept = append(kept, s)
		}
	}
	p.waiting = kept
}

func (p *pipe) control(texts ...string) {
	for _, text := range texts {
		p.waiting = append(p.waiting, statement{text: text, control: true})
	}
}

// flush sends what a closure has queued, if anything.
func (p *pipe) flush(ctx context.Context) error {
	if p.err == nil && len(p.waiting) > 0 && !p.waiting[len(p.waiting)-1].control {
		_, err := p.send(ctx)
		return err
	}
	return p.err
}

// QueryContext sends what waits, and the statement.
func (p *pipe) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	values, err := p.ready(args)
	if err != nil {
		return nil, err
	}
	if p.sent = true; len(p.waiting) == 0 {
		return p.Conn.QueryContext(ctx, query, args)
	}
	return p.send(ctx, statement{text: query, args: values})
}

// ExecContext sends what waits, and the statement.
func (p *pipe) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	values, err := p.ready(args)
	if err != nil {
		return nil, err
	}
	if p.sent = true; len(p.waiting) == 0 {
		return p.Conn.ExecContext(ctx, query, args)
	}
	a, err := p.send(ctx, statement{text: query, args: values})
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(a.affected), nil
}

func (p *pipe) ready(args []driver.NamedValue) ([]any, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		if _, refused := arg.Value.(refusedText); refused {
			return nil, errUnkeepable
		}
		values[i] = arg.Value
	}
	return values, p.err
}

// send sends what waits, and a statement whose answer it returns. When the server refuses
// one, those after it have not happened.
func (p *pipe) send(ctx context.Context, last ...statement) (_ *answer, err error) {
	batch := new(pgx.Batch)
	for _, s := range append(p.waiting, last...) {
		batch.Queue(s.text, s.args...)
	}
	waiting := p.waiting
	p.waiting, p.sent = nil, true
	results := p.Conn.Conn().SendBatch(ctx, batch)
	defer func() {
		if err = cmp.Or(err, results.Close()); err != nil {
			p.err = err
		}
	}()
	for _, s := range waiting {
		tag, err := results.Exec()
		if err == nil && !s.control && tag.RowsAffected() == 0 {
			err = errUntouched
		}
		if err != nil {
			return nil, err
		}
	}
	if len(last) == 0 {
		return nil, nil
	}
	return readAnswer(results)
}

// answer is a statement's rows, all of them.
type answer struct {
	columns  []string
	rows     [][]driver.Value
	affected int64
}

func readAnswer(results pgx.BatchResults) (*answer, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	a := new(answer)
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		row := make([]driver.Value, len(values))
		for i, v := range values {
			if row[i], err = plain(v); err != nil {
				return nil, err
			}
		}
		a.rows = append(a.rows, row)
	}
	for _, f := range rows.FieldDescriptions() {
		a.columns = append(a.columns, f.Name)
	}
	rows.Close() // the tag is there when all has been read
	a.affected = rows.CommandTag().RowsAffected()
	return a, rows.Err()
}

// plain returns a value as database/sql knows it.
func plain(v any) (driver.Value, error) {
	switch v := v.(type) {
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case driver.Valuer:
		return v.Value()
	}
	if !driver.IsValue(v) {
		return nil, fmt.Errorf("a column of type %T is not portable", v)
	}
	return v, nil
}

func (a *answer) Columns() []string { return a.columns }

func (a *answer) Close() error { return nil }

func (a *answer) Next(row []driver.Value) error {
	if len(a.rows) == 0 {
		return io.EOF
	}
	copy(row, a.rows[0])
	a.rows = a.rows[1:]
	return nil
}

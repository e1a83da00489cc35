package live

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/georgysavva/scany/v2/sqlscan"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// MaxTrail bounds a page of the audit trail, in changes.
const MaxTrail = 500

// Record is one change of the scope admin with what was there before. Nobody follows
// that scope: it is the audit trail.
type Record struct {
	At    time.Time
	Seq   int64
	N     int64
	Actor string
	Change
}

// trailRow is a row of the table change.
type trailRow struct {
	Scope, Tx, Actor, Entity, EntityID, Op, Patch, Prior string
	Seq, N, At                                           int64
}

func (r trailRow) record() Record {
	return Record{At: time.UnixMicro(r.At).UTC(), Seq: r.Seq, N: r.N, Actor: r.Actor, Change: Change{
		Entity: r.Entity, ID: r.EntityID, Op: Op(r.Op), Patch: json.RawMessage(r.Patch), Prior: json.RawMessage(r.Prior),
	}}
}

// Trail says which changes of the scope admin are asked for. An empty field lets all
// pass.
type Trail struct {
	Actor  string
	Entity string
	About  string    // an id: it is the row's that was changed, or the actor's
	From   time.Time // not before
	To     time.Time // before
	Cursor string    // where the page before ended
	Limit  int       // 1 to MaxTrail
}

// Audit returns changes of the scope admin, newest first, and the cursor of those
// after them, "" when there are none.
// Invalid: the limit is not between 1 and MaxTrail, or the cursor is none.
func (l *Log) Audit(ctx context.Context, t Trail) (page []Record, next string, err error) {
	defer errs.Wrap(&err, "live.Audit")
	if t.Limit < 1 || t.Limit > MaxTrail {
		return nil, "", errs.Field("query.limit", "expected a number from 1 to %d", MaxTrail)
	}
	text, args, err := t.build()
	if err != nil {
		return nil, "", err
	}
	rows, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (rows []trailRow, err error) {
		err = sqlscan.Select(ctx, c, &rows, text, args...)
		return rows, err
	})
	if err != nil {
		return nil, "", err
	}
	page = make([]Record, 0, len(rows))
	for _, r := range rows[:min(t.Limit, len(rows))] {
		page = append(page, r.record())
	}
	if len(rows) > t.Limit {
		last := rows[t.Limit-1]
		next = fmt.Sprintf("%d-%d-%d", last.At, last.Seq, last.N)
	}
	return page, next, nil
}

// build asks for each side of About by itself, so that both find an index.
func (t Trail) build() (string, []any, error) {
	s := new(db.Statement)
	if t.About == "" {
		err := t.add(s, "", "")
		return s.Text(), s.Args(), err
	}
	s.Add("SELECT * FROM (")
	if err := t.add(s, "entity_id", t.About); err != nil {
		return "", nil, err
	}
	s.Add(") AS a UNION SELECT * FROM (")
	if err := t.add(s, "actor", t.About); err != nil {
		return "", nil, err
	}
	s.Add(") AS b ORDER BY at DESC, seq DESC, n DESC")
	s.Limit(t.Limit + 1)
	return s.Text(), s.Args(), nil
}

// add appends the statement with the conditions that are asked for, and that a column
// has the value where one is named.
func (t Trail) add(s *db.Statement, column, value string) error {
	s.Add("SELECT scope, seq, n, tx, at, actor, entity, entity_id, op, patch, prior FROM change WHERE scope = 'admin'")
	if column != "" {
		s.Add(" AND "+column+" = ?", value)
	}
	if t.Actor != "" {
		s.Add(" AND actor = ?", t.Actor)
	}
	if t.Entity != "" {
		s.Add(" AND entity = ?", t.Entity)
	}
	if !t.From.IsZero() {
		s.Add(" AND at >= ?", t.From.UnixMicro())
	}
	if !t.To.IsZero() {
		s.Add(" AND at < ?", t.To.UnixMicro())
	}
	if t.Cursor != "" {
		at, seq, n, err := position(t.Cursor)
		if err != nil {
			return err
		}
		s.Add(" AND (at, seq, n) < (?, ?, ?)", at, seq, n)
	}
	s.Add(" ORDER BY at DESC, seq DESC, n DESC")
	s.Limit(t.Limit + 1)
	return nil
}

// position reads a cursor.
func position(cursor string) (at, seq, n int64, err error) {
	_, err = fmt.Sscanf(cursor, "%d-%d-%d", &at, &seq, &n)
	if err != nil || strings.Count(cursor, "-") != 2 {
		err = errs.Field("query.cursor", "expected the nextCursor of a page")
	}
	return at, seq, n, err
}

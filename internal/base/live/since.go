package live

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// MaxDelta bounds one delta, in transactions.
const MaxDelta = 500

// maxDeltaSize ends a delta early, in bytes. A transaction is never cut, so one that is
// bigger by itself travels whole, and alone or last.
const maxDeltaSize = 4 << 20

// since is written here because it is read row by row: who asks may not want them all.
// The CAST is explained in queries.sql.
const since = `SELECT seq, n, tx, at, actor, entity, entity_id, op, patch, prior FROM change
WHERE scope = CAST($1 AS TEXT) AND seq > $2 AND seq <= $3 ORDER BY seq, n`

// Since returns the transactions after seq, in order: at most MaxDelta of them, and no
// more than about four megabytes.
// Conflict: the scope has not come as far as seq, say because a backup was restored;
// whoever asks must begin anew.
func (l *Log) Since(ctx context.Context, scope string, seq int64) (entries []Entry, err error) {
	d, err := l.since(ctx, scope, seq)
	return d.Entries, err
}

// since is Since that tells whether there may be more.
func (l *Log) since(ctx context.Context, scope string, seq int64) (d Delta, err error) {
	defer errs.Wrap(&err, "live.Since(%s, %d)", scope, seq)
	d, err = db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (Delta, error) { return readDelta(ctx, c, scope, seq) })
	if err != nil || len(d.Entries) > 0 {
		return d, err
	}
	head, err := l.Head(ctx, scope)
	if err == nil && seq > head {
		err = errBeginAnew
	}
	return d, err
}

func readDelta(ctx context.Context, c db.Conn, scope string, seq int64) (d Delta, err error) {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	cut := false
	d = Delta{Scope: scope, Entries: []Entry{}}
	rows, err := c.QueryContext(ctx, since, scope, seq, seq+MaxDelta)
	if err != nil {
		return d, err
	}
	defer func() {
		if closed := rows.Close(); !cut {
			err = errors.Join(err, closed)
		}
	}()
	size := 0
	for rows.Next() {
		e := Entry{Scope: scope}
		var n, at int64
		var change Change
		var patch, prior string
		if err := rows.Scan(&e.Seq, &n, &e.Tx, &at, &e.Actor, &change.Entity, &change.ID, &change.Op, &patch, &prior); err != nil {
			return d, err
		}
		if n == 0 {
			if size > maxDeltaSize {
				d.More, cut = true, true
				enough() // closing would read all the rest
				return d, nil
			}
			e.At = time.UnixMicro(at).UTC()
			d.Entries = append(d.Entries, e)
		}
		size += len(patch)
		change.Patch, change.Prior = json.RawMessage(patch), json.RawMessage(prior)
		last := &d.Entries[len(d.Entries)-1]
		last.Changes = append(last.Changes, change)
	}
	d.More = len(d.Entries) > 0 && d.Entries[len(d.Entries)-1].Seq == seq+MaxDelta
	return d, rows.Err()
}

// Package live is the change log and what feeds on it: snapshots and deltas for
// clients, a hub inside the process and the stream to browsers.
//
// Every change to a row is recorded in the transaction that makes it. A scope
// (user:<id>, project:<id>, org, admin) numbers its transactions 1, 2, 3… without
// gaps: the scope's row stays locked until the commit. One transaction has one
// number, seq, in each scope that it changes, and one change or more there.
//
//	note, seen, err := live.Write(ctx, log, live.Mutation{Scopes: scopes, Actor: by.ID, Tx: tx},
//		func(tx *live.Tx) (Note, error) {
//			…
//			return n, tx.Record("note", id, old, n)
//		})
//
// Two kinds of rows decide what a user may follow, and the hub knows them by where
// they are recorded: any change in the scope user:<id>, and any change of an entity
// named Member, whose id is the user's. Both are looked at before the change, and
// everything after it, is delivered.
package live

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live/query"
)

// Member is the entity whose rows say who may follow a scope; its id is the user's.
const Member = "member"

// Mutation names a transaction: the scopes that it changes, who does it, and the
// client's id for it. Without an id the log makes one. The first scope is home:
// where Record records, and where a mutation that is sent again is recognised.
type Mutation struct {
	Scopes []string
	Actor  string
	Tx     string
}

// lane is where the mutation waits for its turn: those of several scopes wait for each
// other in an order that turns would break.
func (m Mutation) lane() string {
	if len(m.Scopes) == 1 {
		return m.Scopes[0]
	}
	return ""
}

// Entry is what one transaction did in one scope.
type Entry struct {
	Scope   string    `json:"scope"`
	Seq     int64     `json:"seq"`
	Tx      string    `json:"tx"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Changes []Change  `json:"changes"`
}

// Log is the change log. Slices change rows through Write and no other way.
type Log struct {
	db     *db.DB
	hub    *Hub
	parts  []Part
	cache  *snapshots
	shapes shapes
	grants []func(userID string)
	epoch  atomic.Pointer[string] // once it has been read
}

// New returns the change log of a database; it tells hub about every commit.
func New(d *db.DB, hub *Hub) *Log { return &Log{db: d, hub: hub, cache: newSnapshots()} }

// OnRegrant calls f with each user for whom a transaction may have changed what they may
// follow: after the commit, before Write returns, and for what other processes have
// written when the hub hears of it. It is called while the program is put together.
func (l *Log) OnRegrant(f func(userID string)) { l.grants = append(l.grants, f) }

// OnTold calls f when another process Tells the subject, and when it may have. It is
// called while the program is put together.
func (l *Log) OnTold(subject string, f func()) {
	l.hub.subjects[subject] = append(l.hub.subjects[subject], f)
}

func (l *Log) regrant(scope string, changes []Change) {
	for _, user := range regranted(scope, changes) {
		for _, f := range l.grants {
			f(user)
		}
	}
}

// ErrOtherMutation is for a slice that finds that a mutation's id was used before, for
// something else: answering as if it had been done would lose the change.
var ErrOtherMutation = errs.Taken("header.Idempotency-Key", "was used for another change already")

// unchanged undoes a transaction and carries its value past db.Write, whose closures
// assign nothing outside themselves.
type unchanged[T any] struct{ value T }

func (unchanged[T]) Error() string { return "nothing recorded" }

// Write runs fn in a transaction of the mutation's scopes and appends what it
// records. A fn that records nothing changes nothing: it is undone, and its value
// returned.
//
// A mutation that its first scope has seen from the same actor is not applied again;
// seen is then the change it began with there, and nil otherwise. Whoever calls makes sure
// that it is a change such as theirs (Change.Did, Change.Fits), else ErrOtherMutation. fn may have run all
// the same: the log refuses the second copy, and only then, or when fn itself refuses,
// is the first one looked for. Unavailable: it cannot be found out. fn is under the rules of db.Write.
func Write[T any](ctx context.Context, l *Log, m Mutation, fn func(*Tx) (T, error)) (v T, seen *Change, err error) {
	defer errs.Wrap(&err, "live.Write(%v)", m.Scopes)
	named := m.Tx != ""
	if !named {
		m.Tx = uuid.Must(uuid.NewV7()).String() // in the order of time, so that the index grows at one end
	}
	v, err = db.WriteIn(ctx, l.db, m.lane(), func(dtx *db.Tx) (T, error) {
		v, changed, err := run(ctx, l, dtx, m, fn)
		if err == nil && len(changed) == 0 {
			err = unchanged[T]{v}
		}
		return v, err
	})
	if err != nil && named {
		var none T
		seen, unknown := l.find(ctx, m)
		switch {
		case seen != nil:
			return none, seen, nil
		case unknown != nil: // the refusal may be the second copy's, whose first was applied
			return none, nil, errors.Join(unknown, err)
		}
	}
	if same, ok := errors.AsType[unchanged[T]](err); ok {
		return same.value, nil, nil
	}
	return v, nil, err
}

// Join records what fn changes inside a transaction that is there for something else,
// and stands whether anything is recorded or not. It is never recognised as sent again.
// Where a transaction can begin with its scopes, Write it; else Join before it locks a
// row: all writers lock their scopes first, and who does not may wait for one of them who
// waits for it.
func Join(ctx context.Context, l *Log, dtx *db.Tx, m Mutation, fn func(*Tx) error) (err error) {
	defer errs.Wrap(&err, "live.Join(%v)", m.Scopes)
	m.Tx = uuid.Must(uuid.NewV7()).String()
	_, changed, err := run(ctx, l, dtx, m, func(tx *Tx) (struct{}, error) { return struct{}{}, fn(tx) })
	if err != nil || len(changed) > 0 {
		return err
	}
	for _, scope := range m.Scopes {
		if err := query.New(dtx).Unbump(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// run runs fn between locking the scopes and appending what it has recorded there.
func run[T any](ctx context.Context, l *Log, dtx *db.Tx, m Mutation, fn func(*Tx) (T, error)) (v T, changed []string, err error) {
	tx, err := l.begin(ctx, dtx, m)
	if err != nil {
		return v, nil, err
	}
	if v, err = fn(tx); err != nil {
		return v, nil, err
	}
	if changed, err = tx.end(); err != nil || len(changed) == 0 {
		return v, changed, err
	}
	dtx.AfterCommit(func() {
		for _, scope := range changed {
			l.regrant(scope, *tx.scopes[scope])
		}
		l.hub.wake(changed)
		l.hub.news.add(changed)
	})
	if !l.hub.news.running.Load() && l.db.Tells() { // a command beside the servers
		err = dtx.Tell(ctx, wordOf(changed, nil))
	}
	return v, changed, err
}

// begin locks the scopes, in an order that all writers share.
func (l *Log) begin(ctx context.Context, dtx *db.Tx, m Mutation) (*Tx, error) {
	tx := &Tx{
		Tx: dtx, ctx: ctx, q: query.New(dtx.Queued()), shapes: &l.shapes,
		mutation: m, scopes: make(map[string]*[]Change, len(m.Scopes)),
	}
	for _, scope := range slices.Sorted(slices.Values(m.Scopes)) {
		if _, err := tx.lock(scope); err != nil {
			return nil, err
		}
	}
	return tx, nil
}

// find returns what the mutation began with when it was applied, nil when it was not.
// Its scope was locked since it was sent: if it was sent twice, the first copy has ended.
func (l *Log) find(ctx context.Context, m Mutation) (*Change, error) {
	row, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (query.FindTxRow, error) {
		return query.New(c).FindTx(ctx, query.FindTxParams{Scope: m.Scopes[0], Actor: m.Actor, Tx: m.Tx})
	})
	switch {
	case errs.Is(err, errs.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Change{
		Entity: row.Entity, ID: row.EntityID, Op: Op(row.Op), At: time.UnixMicro(row.At).UTC(),
		Patch: json.RawMessage(row.Patch), Prior: json.RawMessage(row.Prior),
	}, nil
}

// Find returns what the mutation began with in the first of its scopes that has it, nil
// when none has: for whoever cannot tell any more in which one it was applied.
func (l *Log) Find(ctx context.Context, m Mutation) (_ *Change, err error) {
	defer errs.Wrap(&err, "live.Find")
	for _, scope := range m.Scopes {
		if seen, err := l.find(ctx, Mutation{Scopes: []string{scope}, Actor: m.Actor, Tx: m.Tx}); seen != nil || err != nil {
			return seen, err
		}
	}
	return nil, nil
}

// Epoch names this life of the log. A client that knows another one begins anew.
func (l *Log) Epoch(ctx context.Context) (string, error) {
	if known := l.epoch.Load(); known != nil {
		return *known, nil
	}
	epoch, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (string, error) { return query.New(c).Epoch(ctx) })
	if errs.Is(err, errs.NotFound) {
		epoch, err = l.beginEpoch(ctx)
	}
	if err == nil {
		l.epoch.CompareAndSwap(nil, &epoch) // another one is for sameEpoch to find
	}
	return epoch, err
}

func (l *Log) beginEpoch(ctx context.Context) (string, error) {
	return db.Write(ctx, l.db, func(tx *db.Tx) (string, error) {
		q := query.New(tx)
		if err := q.BeginEpoch(ctx, uuid.NewString()); err != nil {
			return "", err
		}
		return q.Epoch(ctx)
	})
}

// BeginAnew ends the log's life, for a database whose rows have just been replaced: a
// client that knows them as they were is told to begin anew, too. No server is running.
func BeginAnew(ctx context.Context, d *db.DB) (err error) {
	defer errs.Wrap(&err, "live.BeginAnew")
	_, err = db.Write(ctx, d, func(tx *db.Tx) (struct{}, error) { return struct{}{}, query.New(tx).EndEpoch(ctx) })
	return err
}

// sameEpoch reports whether the log is still in the epoch that is known. From then on
// the new one is.
func (l *Log) sameEpoch(ctx context.Context) (same bool, err error) {
	known := l.epoch.Load()
	if known == nil {
		return true, nil
	}
	now, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (string, error) { return query.New(c).Epoch(ctx) })
	switch {
	case errs.Is(err, errs.NotFound): // its rows were just replaced
		l.epoch.Store(nil)
		return false, nil
	case err != nil, now == *known:
		return true, err
	}
	l.epoch.Store(&now)
	return false, nil
}

// Head returns the scope's last seq, 0 when nothing has happened there.
func (l *Log) Head(ctx context.Context, scope string) (seq int64, err error) {
	defer errs.Wrap(&err, "live.Head(%s)", scope)
	return db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (int64, error) { return head(ctx, c, scope) })
}

func head(ctx context.Context, c db.Conn, scope string) (int64, error) {
	seq, err := query.New(c).Head(ctx, scope)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return max(seq, 0), err // below 0 it has ended
}

// maxAsked bounds the scopes of one statement.
const maxAsked = 500

// heads returns the last seq of every scope, 0 where nothing has happened.
func (l *Log) heads(ctx context.Context, scopes []string) (map[string]int64, error) {
	return db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (map[string]int64, error) {
		all := make(map[string]int64, len(scopes))
		for _, scope := range scopes {
			all[scope] = 0
		}
		for some := range slices.Chunk(scopes, maxAsked) {
			if err := headsOf(ctx, c, some, all); err != nil {
				return nil, err
			}
		}
		return all, nil
	})
}

func headsOf(ctx context.Context, c db.Conn, scopes []string, into map[string]int64) (err error) {
	marks, args := make([]string, len(scopes)), make([]any, len(scopes))
	for i, scope := range scopes {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), scope
	}
	rows, err := c.QueryContext(ctx, "SELECT id, seq FROM scope WHERE id IN ("+strings.Join(marks, ", ")+")", args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var scope string
		var seq int64
		if err := rows.Scan(&scope, &seq); err != nil {
			return err
		}
		into[scope] = seq
	}
	return rows.Err()
}

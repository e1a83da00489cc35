package live

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live/query"
)

// Migrations creates the tables of the log.
//
//go:embed migrations
var Migrations embed.FS

// Op is what happened to a row.
type Op string

// The three things that can happen to a row.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Change is what happened to one row. Patch holds the fields' new values and Prior
// their old ones, as one JSON object each: all fields of a row that was created or
// deleted, the changed fields of one that was updated.
type Change struct {
	Entity string          `json:"entity"`
	ID     string          `json:"id"`
	Op     Op              `json:"op" enum:"create,update,delete"`
	Patch  json.RawMessage `json:"patch"`
	Prior  json.RawMessage `json:"-"`
	At     time.Time       `json:"-"` // of one that Write has seen before; else the entry tells
}

// Did reports whether this is what happened, to the row with the id or, where that is "",
// to any.
func (c *Change) Did(op Op, entity, id string) bool {
	return c.Op == op && c.Entity == entity && (id == "" || c.ID == id)
}

// Fits reports whether the change can have come from a request for these values of a
// row's fields: it gave none of them another. One that is nil was not asked for. A field
// that had its value already is not in the change.
func (c *Change) Fits(wanted map[string]any) bool {
	var patch map[string]json.RawMessage
	if json.Unmarshal(c.Patch, &patch) != nil {
		return false
	}
	for name, value := range wanted {
		given, ok := patch[name]
		if !ok {
			continue
		}
		asked, err := json.Marshal(value)
		if err != nil || string(asked) == "null" || !bytes.Equal(asked, given) {
			return false
		}
	}
	return true
}

// Tx is a transaction that records what it changes.
type Tx struct {
	*db.Tx
	ctx      context.Context //nolint:containedctx // a transaction lives inside one call
	q        *query.Queries  // for what needs no answer
	shapes   *shapes
	mutation Mutation
	scopes   map[string]*[]Change // that are locked, and what was recorded there
	over     []string             // of them, that end with the transaction
	memories []memory             // to forget
}

// Record appends what happened to a row, in the mutation's first scope: old is nil
// for one that was created, new for one that was deleted. Both are given in their
// API form. Equal rows are no change.
func (tx *Tx) Record(entity, id string, old, new any) error {
	return tx.RecordIn(tx.mutation.Scopes[0], entity, id, old, new)
}

// RecordIn is Record in another scope. One that the mutation does not name is
// locked now: name it up front where it is known, so that no two writers wait for
// each other.
func (tx *Tx) RecordIn(scope, entity, id string, old, new any) (err error) {
	c := Change{Entity: entity, ID: id, Patch: json.RawMessage("{}"), Prior: json.RawMessage("{}")}
	switch {
	case old == nil:
		c.Op = Create
		c.Patch, err = json.Marshal(new)
	case new == nil:
		c.Op = Delete
		c.Prior, err = json.Marshal(old)
	default:
		c.Op = Update
		c.Patch, c.Prior, err = tx.shapes.difference(old, new)
	}
	if err != nil || c.Op == Update && len(c.Patch) == len("{}") {
		return err
	}
	changes, err := tx.lock(scope)
	if err != nil {
		return err
	}
	*changes = append(*changes, c)
	return nil
}

// Lock is for a scope that the mutation could not name, before the transaction locks rows
// that the scope's other writers lock: from then on nobody else changes anything there.
func (tx *Tx) Lock(scope string) error {
	_, err := tx.lock(scope)
	return err
}

// lock gives the transaction its seq in a scope, once. NotFound, now or later: the scope
// has ended.
func (tx *Tx) lock(scope string) (*[]Change, error) {
	if changes, ok := tx.scopes[scope]; ok {
		return changes, nil
	}
	if err := tx.q.Bump(tx.ctx, scope); err != nil {
		return nil, err
	}
	changes := new([]Change)
	tx.scopes[scope] = changes
	return changes, nil
}

// end appends the rows and returns the scopes that have some. A scope where nothing was
// recorded gives its number back.
func (tx *Tx) end() (changed []string, err error) {
	for scope, changes := range tx.scopes {
		if len(*changes) > 0 && !slices.Contains(tx.over, scope) {
			changed = append(changed, scope)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	for scope, changes := range tx.scopes {
		keep := tx.append
		if slices.Contains(tx.over, scope) {
			keep = tx.endNow
		}
		if err := keep(scope, *changes); err != nil {
			return nil, err
		}
	}
	for _, m := range tx.memories {
		if err := tx.forget(m); err != nil {
			return nil, err
		}
	}
	tx.ProvenBy(func(ctx context.Context, asking *db.Tx) (bool, error) {
		return wasApplied(ctx, asking, changed[0], tx.mutation)
	})
	return changed, nil
}

func (tx *Tx) append(scope string, changes []Change) error {
	if len(changes) == 0 {
		return tx.q.Unbump(tx.ctx, scope)
	}
	for n, c := range changes {
		err := tx.q.AddChange(tx.ctx, query.AddChangeParams{
			Scope: scope, N: int64(n), Tx: tx.mutation.Tx, At: tx.Micros(), Actor: tx.mutation.Actor,
			Entity: c.Entity, EntityID: c.ID, Op: string(c.Op), Patch: string(c.Patch), Prior: string(c.Prior),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wasApplied reports whether a scope has the mutation. It locks the scope, so that
// whoever is about to commit there has ended.
func wasApplied(ctx context.Context, asking *db.Tx, scope string, m Mutation) (bool, error) {
	q := query.New(asking)
	if err := q.Bump(ctx, scope); err != nil {
		return false, err
	}
	_, err := q.FindTx(ctx, query.FindTxParams{Scope: scope, Actor: m.Actor, Tx: m.Tx})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

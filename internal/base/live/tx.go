package live

import (
	"context"
	"embed"
	"encoding/json"

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
}

// Tx is a transaction that records what it changes.
type Tx struct {
	*db.Tx
	ctx      context.Context //nolint:containedctx // a transaction lives inside one call
	q        *query.Queries
	shapes   *shapes
	mutation Mutation
	scopes   map[string]*recorded
}

// recorded is what a transaction has recorded in one scope.
type recorded struct {
	seq     int64
	changes []Change
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
	r, err := tx.lock(scope)
	if err != nil {
		return err
	}
	r.changes = append(r.changes, c)
	return nil
}

// lock gives the transaction its seq in a scope, once.
func (tx *Tx) lock(scope string) (*recorded, error) {
	if r, ok := tx.scopes[scope]; ok {
		return r, nil
	}
	seq, err := tx.q.Bump(tx.ctx, scope)
	if err != nil {
		return nil, err
	}
	r := &recorded{seq: seq}
	tx.scopes[scope] = r
	return r, nil
}

// end appends the rows and returns the scopes that have some, with their seq. A
// scope where nothing was recorded gives its number back.
func (tx *Tx) end() (map[string]int64, error) {
	all := make(map[string]int64, len(tx.scopes))
	for scope, r := range tx.scopes {
		if len(r.changes) == 0 {
			if err := tx.q.Unbump(tx.ctx, scope); err != nil {
				return nil, err
			}
			continue
		}
		all[scope] = r.seq
		if err := tx.append(scope, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (tx *Tx) append(scope string, r *recorded) error {
	for n, c := range r.changes {
		err := tx.q.AddChange(tx.ctx, query.AddChangeParams{
			Scope: scope, Seq: r.seq, N: int64(n), Tx: tx.mutation.Tx, At: tx.Micros(), Actor: tx.mutation.Actor,
			Entity: c.Entity, EntityID: c.ID, Op: string(c.Op), Patch: string(c.Patch), Prior: string(c.Prior),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func change(r query.Change) Change {
	return Change{
		Entity: r.Entity, ID: r.EntityID, Op: Op(r.Op),
		Patch: json.RawMessage(r.Patch), Prior: json.RawMessage(r.Prior),
	}
}

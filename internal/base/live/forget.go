package live

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live/query"
)

// errScopeEnded is for whoever was under way when a user was deleted.
var errScopeEnded = errs.New(errs.NotFound, "this is no more: its owner has been deleted")

// memory names what the log shall not know any more of a row.
type memory struct {
	entity, id string
	fields     []string
}

// EndScope removes a scope with all of its history when the transaction ends. What is
// recorded there in this transaction goes too, and no later transaction may change
// anything there: it is NotFound.
func (tx *Tx) EndScope(scope string) error {
	_, err := tx.lock(scope)
	tx.over = append(tx.over, scope)
	return err
}

// Forget removes what fields of a row have held, in the scopes admin and org, which
// outlive a user: each text in them becomes "", in all changes so far and in this
// transaction's. That the row changed, when and by whom stays known, and no seq goes
// missing.
func (tx *Tx) Forget(entity, id string, fields ...string) {
	tx.memories = append(tx.memories, memory{entity, id, fields})
}

func (tx *Tx) endNow(scope string, _ []Change) error {
	if err := tx.q.DeleteChanges(tx.ctx, scope); err != nil {
		return err
	}
	if err := tx.q.End(tx.ctx, scope); err != nil {
		return err
	}
	return tx.q.Seal(tx.ctx, query.SealParams{Scope: scope, Tx: tx.mutation.Tx, At: tx.Micros(), Actor: tx.mutation.Actor})
}

// hasEnded reports whether one of the scopes has.
func (l *Log) hasEnded(ctx context.Context, scopes []string) bool {
	for _, scope := range scopes {
		seq, err := db.Read(ctx, l.db, func(ctx context.Context, c db.Conn) (int64, error) { return query.New(c).Head(ctx, scope) })
		if err == nil && seq < 0 {
			return true
		}
	}
	return false
}

func (tx *Tx) forget(m memory) error {
	rows, err := query.New(tx.Tx).SharedChanges(tx.ctx, query.SharedChangesParams{EntityID: m.id, Entity: m.entity})
	if err != nil {
		return err
	}
	for _, row := range rows {
		patch, err := without(row.Patch, m.fields)
		if err != nil {
			return err
		}
		prior, err := without(row.Prior, m.fields)
		if err != nil {
			return err
		}
		if patch == row.Patch && prior == row.Prior {
			continue
		}
		change := query.RewriteParams{Scope: row.Scope, Seq: row.Seq, N: row.N, Patch: patch, Prior: prior}
		if err := tx.q.Rewrite(tx.ctx, change); err != nil {
			return err
		}
	}
	return nil
}

// without returns a JSON object in which the named fields hold no text.
func without(object string, names []string) (string, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &all); err != nil {
		return "", err
	}
	found := false
	for name, value := range all {
		if slices.Contains(names, name) && bytes.HasPrefix(value, []byte(`"`)) {
			all[name], found = json.RawMessage(`""`), true
		}
	}
	if !found {
		return object, nil
	}
	text, err := json.Marshal(all)
	return string(text), err
}

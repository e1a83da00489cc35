package live

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/peisear/peisear/internal/base/live/query"
)

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
	q := query.New(tx.Tx)
	if err := q.DeleteChanges(tx.ctx, scope); err != nil {
		return err
	}
	return q.End(tx.ctx, scope)
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

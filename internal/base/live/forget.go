package live

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live/query"
)

// memory names what the log shall not know any more.
type memory struct {
	entity string
	id     string // the row's, or
	actor  string // who changed it
	fields []string
}

// EndScope removes a scope with all of its history when the transaction ends. What is
// recorded there in this transaction goes too, and no later transaction may change
// anything there: it is NotFound.
func (tx *Tx) EndScope(scope string) error {
	_, err := tx.lock(scope)
	tx.over = append(tx.over, scope)
	return err
}

// Erase removes a scope with all of its history, the oldest changes first, in transactions
// that others hardly wait for. It is for a scope that nobody may follow or change any more,
// as its slice sees to: unlike one that EndScope has ended, the log does not know that it
// was there. When it did not come to the end, it goes on when it is called again.
func (l *Log) Erase(ctx context.Context, scope string) (err error) {
	defer errs.Wrap(&err, "live.Erase(%s)", scope)
	return db.Batches(ctx, l.db, 0, func(tx *db.Tx, since int64) (next int64, more bool, err error) {
		q := query.New(tx)
		last, err := q.NthChange(ctx, query.NthChangeParams{Scope: scope, Since: since, Nth: db.BatchRows - 1})
		switch {
		case errors.Is(err, sql.ErrNoRows): // there are fewer
			if err := q.DeleteChanges(ctx, scope); err != nil {
				return since, false, err
			}
			return since, false, q.DeleteScope(ctx, scope)
		case err != nil:
			return since, false, err
		}
		return last.Seq, true, q.DeleteChangesTo(ctx, query.DeleteChangesToParams{Scope: scope, Since: since, Seq: last.Seq, N: last.N})
	})
}

// Forget removes what fields of a row have held, in the scopes admin and org, which
// outlive a user: each text in them, at any depth of the row, becomes "", in all changes
// so far and in this transaction's. That the row changed, when and by whom stays known,
// and no seq goes missing.
func (tx *Tx) Forget(entity, id string, fields ...string) {
	tx.memories = append(tx.memories, memory{entity: entity, id: id, fields: fields})
}

// ForgetActs is Forget for all rows of an entity that an actor has changed, in the scope
// admin: for what only its owner changes, and whose ids nobody knows any more.
func (tx *Tx) ForgetActs(entity, actor string, fields ...string) {
	tx.memories = append(tx.memories, memory{entity: entity, actor: actor, fields: fields})
}

// Held returns the texts that a field of a row has held, in the scopes admin and org: what
// Forget takes out of it.
func (tx *Tx) Held(entity, id, field string) (texts []string, err error) {
	rows, err := tx.remembered(memory{entity: entity, id: id})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, object := range []string{row.Patch, row.Prior} {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(object), &fields); err != nil {
				return nil, err
			}
			var text string
			if json.Unmarshal(fields[field], &text) == nil && text != "" && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts, nil
}

func (tx *Tx) endNow(scope string, _ []Change) error {
	q := query.New(tx.Tx)
	if err := q.DeleteChanges(tx.ctx, scope); err != nil {
		return err
	}
	return q.End(tx.ctx, scope)
}

func (tx *Tx) forget(m memory) error {
	rows, err := tx.remembered(m)
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

func (tx *Tx) remembered(m memory) ([]query.SharedChangesRow, error) {
	if m.actor == "" {
		return query.New(tx.Tx).SharedChanges(tx.ctx, query.SharedChangesParams{EntityID: m.id, Entity: m.entity})
	}
	acts, err := query.New(tx.Tx).ActsOn(tx.ctx, query.ActsOnParams{Actor: m.actor, Entity: m.entity})
	rows := make([]query.SharedChangesRow, 0, len(acts))
	for _, row := range acts {
		rows = append(rows, query.SharedChangesRow(row))
	}
	return rows, err
}

// without returns a JSON object in which fields of these names hold no text.
func without(object string, names []string) (string, error) {
	var all map[string]any
	d := json.NewDecoder(strings.NewReader(object))
	d.UseNumber() // as it was written
	if err := d.Decode(&all); err != nil {
		return "", err
	}
	if !blank(all, names) {
		return object, nil
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// blank reports whether there was anything to take out.
func blank(value any, names []string) (found bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if text, ok := inner.(string); ok && text != "" && slices.Contains(names, name) {
				value[name], found = "", true
			} else {
				found = blank(inner, names) || found
			}
		}
	case []any:
		for _, inner := range value {
			found = blank(inner, names) || found
		}
	}
	return found
}

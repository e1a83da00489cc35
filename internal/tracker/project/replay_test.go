package project_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/peisear/peisear/internal/base/live"
)

// replay builds an entity's rows from the log, as a client that never asked for a
// snapshot would.
func replay(t *testing.T, w world, scope, entity string) map[string]any {
	t.Helper()
	entries, err := w.log.Since(t.Context(), scope, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]any{}
	for _, e := range entries {
		for _, c := range e.Changes {
			if c.Entity != entity {
				continue
			}
			var patch map[string]any
			if err := json.Unmarshal(c.Patch, &patch); err != nil {
				t.Fatal(err)
			}
			switch c.Op {
			case live.Create:
				rows[c.ID] = patch
			case live.Update:
				maps.Copy(rows[c.ID].(map[string]any), patch)
			case live.Delete:
				delete(rows, c.ID)
			}
		}
	}
	return rows
}

// decode returns the rows of a snapshot by their ids.
func decode(t *testing.T, text json.RawMessage) map[string]any {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	rows := map[string]any{}
	for _, row := range all {
		rows[row["id"].(string)] = row
	}
	return rows
}

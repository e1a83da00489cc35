package live_test

import (
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// TestLostCommit: a commit without an answer is decided by the log's own row, whichever way
// it was lost, with the client's id for the mutation and without.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		losing basetest.Loss
		kind   errs.Kind // 0 for success
	}{
		"the order":           {basetest.Order, 0},
		"the answer":          {basetest.Answer, 0},
		"and the server, too": {basetest.GoneForGood, errs.Unavailable},
	} {
		for _, id := range []string{"", "t"} {
			t.Run(name+" "+id, func(t *testing.T) {
				t.Parallel()
				loseCommit(t, c.losing, c.kind, id)
			})
		}
	}
}

// loseCommit loses the commit of a mutation with an id, and looks at the log.
func loseCommit(t *testing.T, losing basetest.Loss, kind errs.Kind, id string) {
	t.Helper()
	w, log := overWire(t)
	m := live.Mutation{Scopes: []string{"org", "user:a"}, Actor: "a", Tx: id}
	change := func(tx *live.Tx) (int, error) { return 7, tx.Record("row", "1", nil, row{"a", 1}) }
	w.Lose(losing)
	v, _, err := live.Write(t.Context(), log, m, change)
	if kind == 0 && (err != nil || v != 7) || kind != 0 && !errs.Is(err, kind) || !w.Lost() {
		t.Errorf("%d, %v", v, err)
	}
	w.Mend()
	if kind != 0 && id != "" { // who has an id asks again
		if _, seen, err := live.Write(t.Context(), log, m, change); seen == nil || err != nil {
			t.Errorf("again: %v, %v", seen, err)
		}
	}
	entries, err := log.Since(t.Context(), "org", 0)
	if err != nil || len(entries) != 1 || entries[0].Seq != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
}

// overWire opens a log on PostgreSQL, over a connection that can be cut.
func overWire(t *testing.T) (*basetest.Wire, *live.Log) {
	t.Helper()
	w, url := basetest.NewWire(t)
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), live.Migrations); err != nil {
		t.Fatal(err)
	}
	return w, live.New(d, live.NewHub())
}

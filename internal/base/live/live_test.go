package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

func TestMain(m *testing.M) { basetest.Main(m) }

type row struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

func each(t *testing.T, test func(t *testing.T, log *live.Log, hub *live.Hub)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		hub := live.NewHub()
		log := live.New(d, hub)
		log.Offer(live.Part{Kind: "org", Entity: "row", Rows: func(context.Context, db.Conn, string) (any, error) {
			return []row{{"a", 1}}, nil
		}})
		run(t, hub, log)
		test(t, log, hub)
	}, live.Migrations)
}

func run(t *testing.T, hub *live.Hub, log *live.Log) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { hub.Run(ctx, log, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
}

// write runs a mutation of actor "a" that returns nothing.
func write(t *testing.T, log *live.Log, tx string, scopes []string, fn func(x *live.Tx) error) (seen *live.Change, err error) {
	t.Helper()
	m := live.Mutation{Scopes: scopes, Actor: "a", Tx: tx}
	_, seen, err = live.Write(t.Context(), log, m, func(x *live.Tx) (struct{}, error) { return struct{}{}, fn(x) })
	return seen, err
}

// add records the creation of a row named tx in a scope.
func add(t *testing.T, log *live.Log, scope, tx string) *live.Change {
	t.Helper()
	seen, err := write(t, log, tx, []string{scope}, func(x *live.Tx) error { return x.Record("row", tx, nil, row{Name: tx}) })
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func heads(t *testing.T, log *live.Log, scopes ...string) (text string) {
	t.Helper()
	for _, scope := range scopes {
		head, err := log.Head(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s@%d ", scope, head)
	}
	return strings.TrimSpace(text)
}

func TestSinceIsInOrder(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		const writers = 64
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { add(t, log, "org", fmt.Sprint("t", i)) })
		}
		wg.Wait()
		entries, err := log.Since(t.Context(), "org", 10)
		if err != nil || len(entries) != writers-10 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for i, e := range entries {
			if e.Seq != int64(11+i) || len(e.Changes) != 1 {
				t.Errorf("entry %d has seq %d and %d changes", i, e.Seq, len(e.Changes))
			}
		}
	})
}

func TestResendIsAppliedOnce(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { add(t, log, "org", "same") })
		}
		wg.Wait()
		if seen := add(t, log, "org", "same"); seen == nil || seen.ID != "same" || seen.Op != live.Create {
			t.Errorf("first outcome %v", seen)
		}
		other := live.Mutation{Scopes: []string{"org"}, Actor: "b", Tx: "same"}
		_, seen, err := live.Write(t.Context(), log, other, func(tx *live.Tx) (int, error) {
			return 0, tx.Record("row", "same", nil, row{Name: "b"})
		})
		if err != nil || seen != nil {
			t.Errorf("another actor's mutation with the same id: %v, %v", seen, err)
		}
		if got := heads(t, log, "org"); got != "org@2" {
			t.Error(got)
		}
	})
}

// TestResendOfWhatIsRefusedNow: the first copy's outcome counts, whatever the second one
// meets. A mutation without an id is nobody's copy.
func TestResendOfWhatIsRefusedNow(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		add(t, log, "org", "once")
		refusal := errors.New("no")
		for name, fn := range map[string]func(x *live.Tx) error{
			"refused": func(*live.Tx) error { return refusal },
			"changes no row": func(x *live.Tx) error {
				_, err := x.Queued().ExecContext(t.Context(), "UPDATE scope SET seq = 9 WHERE id = 'none'")
				return err
			},
			"records nothing": func(*live.Tx) error { return nil },
			"another change":  func(x *live.Tx) error { return x.Record("other", "2", nil, row{Name: "2"}) },
		} {
			seen, err := write(t, log, "once", []string{"org"}, fn)
			if err != nil || seen == nil || seen.ID != "once" || seen.Entity != "row" {
				t.Errorf("%s: %v, %v", name, seen, err)
			}
		}
		if _, err := write(t, log, "", []string{"org"}, func(*live.Tx) error { return refusal }); !errors.Is(err, refusal) {
			t.Errorf("without an id: %v", err)
		}
		if _, err := write(t, log, "new", []string{"org"}, func(*live.Tx) error { return refusal }); !errors.Is(err, refusal) {
			t.Errorf("a refusal is remembered: %v", err)
		}
		if got := heads(t, log, "org"); got != "org@1" {
			t.Error(got)
		}
	})
}

// TestRegrants: who may follow something else now is told before Write returns, and not
// when nothing came of it.
func TestRegrants(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		var mu sync.Mutex
		var told []string
		log.OnRegrant(func(user string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, user)
		})
		for i, c := range []struct {
			scope, entity, id string
			outcome           error
			want              string
		}{
			{"project:1", live.Member, "ann", nil, "ann"},
			{"project:1", "row", "ann", nil, ""},
			{"user:bob", "row", "1", nil, "bob"},
			{"project:1", live.Member, "ann", errors.New("no"), ""},
		} {
			_, err := write(t, log, "", []string{c.scope}, func(x *live.Tx) error {
				return errors.Join(x.Record(c.entity, c.id, nil, row{}), c.outcome)
			})
			mu.Lock()
			if got := strings.Join(told, " "); got != c.want || (err == nil) != (c.outcome == nil) {
				t.Errorf("%d: told %q, %v", i, got, err)
			}
			told = nil
			mu.Unlock()
		}
	})
}

// TestDeltaIsBoundedInBytes, and cuts no transaction.
func TestDeltaIsBoundedInBytes(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		big := row{Name: strings.Repeat("x", 1<<20)}
		put := func(rows int) {
			t.Helper()
			if _, err := write(t, log, "", []string{"org"}, func(x *live.Tx) error {
				for i := range rows {
					if err := x.Record("row", fmt.Sprint(i), nil, big); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		for range 6 {
			put(1)
		}
		put(9)
		put(1)
		var got [][]int // how many changes the transactions of each page have
		handler := serve(t, log, newGrants("org")).Config.Handler
		for seq := 0; ; {
			status, text := basetest.Do(t, handler, http.MethodGet, fmt.Sprintf("/api/sync/org?since=%d", seq), nil, "")
			var d live.Delta
			if err := json.Unmarshal([]byte(text), &d); err != nil || status != http.StatusOK {
				t.Fatalf("%d %v", status, err)
			}
			var page []int
			for _, e := range d.Entries {
				seq++
				if page = append(page, len(e.Changes)); e.Seq != int64(seq) {
					t.Errorf("seq %d, want %d", e.Seq, seq)
				}
			}
			if got = append(got, page); !d.More {
				break
			}
		}
		if want := [][]int{{1, 1, 1, 1}, {1, 1, 9}, {1}}; !cmp.Equal(got, want) {
			t.Errorf("pages %v, want %v", got, want)
		}
	})
}

func TestWhatChangesNothingLeavesNoTrace(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		m := live.Mutation{Scopes: []string{"org", "user:a"}, Actor: "a"}
		v, _, err := live.Write(t.Context(), log, m, func(tx *live.Tx) (int, error) {
			return 7, tx.Record("row", "1", row{}, row{})
		})
		if err != nil || v != 7 {
			t.Errorf("%d, %v", v, err)
		}
		if _, err := write(t, log, "", m.Scopes, func(*live.Tx) error { return errors.New("no") }); err == nil {
			t.Error("the error is lost")
		}
		if got := heads(t, log, "org", "user:a"); got != "org@0 user:a@0" {
			t.Error(got)
		}
	})
}

// TestSeveralScopes: each scope gets its own number, and one where nothing was
// recorded keeps its old one.
func TestSeveralScopes(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		_, err := write(t, log, "t", []string{"project:1", "user:a", "user:b"}, func(tx *live.Tx) error {
			return errors.Join(
				tx.Record("row", "1", nil, row{"a", 1}),
				tx.RecordIn("user:b", "row", "1", nil, row{"b", 1}),
				tx.RecordIn("org", "row", "1", nil, row{"c", 1}), // was not named
			)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := heads(t, log, "project:1", "user:a", "user:b", "org"); got != "project:1@1 user:a@0 user:b@1 org@1" {
			t.Error(got)
		}
	})
}

// TestJoin: a transaction that is there for something else carries records, or none,
// and takes them along when it is undone.
func TestJoin(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		log := live.New(d, live.NewHub())
		m := live.Mutation{Scopes: []string{"org"}, Actor: "a"}
		join := func(outer error, fn func(tx *live.Tx) error) error {
			_, err := db.Write(t.Context(), d, func(dtx *db.Tx) (struct{}, error) {
				_, err := dtx.ExecContext(t.Context(), "INSERT INTO scope (id, seq) VALUES ('mark', 1) ON CONFLICT (id) DO UPDATE SET seq = scope.seq + 1")
				return struct{}{}, errors.Join(err, live.Join(t.Context(), log, dtx, m, fn), outer)
			})
			return err
		}
		record := func(tx *live.Tx) error { return tx.Record("row", "1", nil, row{Name: "a"}) }
		for _, c := range []struct {
			outer error
			fn    func(tx *live.Tx) error
			good  bool
			heads string
		}{
			{nil, record, true, "org@1 mark@1"},
			{nil, func(*live.Tx) error { return nil }, true, "org@1 mark@2"},
			{nil, func(tx *live.Tx) error { return errors.Join(record(tx), errors.New("no")) }, false, "org@1 mark@2"},
			{errors.New("no"), record, false, "org@1 mark@2"},
			{nil, record, true, "org@2 mark@3"},
		} {
			if err := join(c.outer, c.fn); c.good != (err == nil) {
				t.Errorf("%v", err)
			}
			if got := heads(t, log, "org", "mark"); got != c.heads {
				t.Errorf("%s, want %s", got, c.heads)
			}
		}
	}, live.Migrations)
}

func TestRecordKeepsTheDifference(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		_, err := write(t, log, "", []string{"org"}, func(tx *live.Tx) error {
			return errors.Join(
				tx.Record("row", "1", nil, row{"a", 1}),
				tx.Record("row", "1", row{"a", 1}, row{"a", 2}),
				tx.Record("row", "1", row{"a", 2}, nil),
			)
		})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := log.Since(t.Context(), "org", 0)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%v, %v", entries, err)
		}
		got := ""
		for _, c := range entries[0].Changes {
			got += fmt.Sprintf("%s %s %s\n", c.Op, c.Patch, c.Prior)
		}
		want := `create {"name":"a","size":1} {}
update {"size":2} {"size":1}
delete {} {"name":"a","size":2}
`
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

// TestRefusalWithoutKnowledge: what refuses a mutation may be its own first copy. When that
// cannot be found out, the answer is to come again, and not that it is refused.
func TestRefusalWithoutKnowledge(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		ctx, cancel := context.WithCancel(t.Context())
		m := live.Mutation{Scopes: []string{"org"}, Actor: "a", Tx: "t"}
		_, seen, err := live.Write(ctx, log, m, func(*live.Tx) (int, error) {
			cancel() // so that nothing can be looked up any more
			return 0, errs.New(errs.Conflict, "already exists")
		})
		if seen != nil || !errs.Is(err, errs.Unavailable) {
			t.Errorf("%v, %v", seen, err)
		}
	})
}

package live_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

type card struct {
	Name  string  `json:"name"`
	Email *string `json:"email"`
	Role  string  `json:"role"`
}

// TestForget: names go, from this transaction too, and everything else stays.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		scopes := []string{"admin", "org"}
		steps := []func(x *live.Tx) error{
			func(x *live.Tx) error {
				if err := x.RecordIn("org", "card", "1", nil, card{"Ann", new("ann@x"), "user"}); err != nil {
					return err
				}
				return x.Record("card", "2", nil, card{"Bob", nil, "Ann"})
			},
			func(x *live.Tx) error {
				return x.Record("card", "1", card{"Ann", new("ann@x"), "user"}, card{"Anna", nil, "admin"})
			},
			func(x *live.Tx) error { return x.Record("other", "1", nil, card{"Ann", nil, ""}) },
			func(x *live.Tx) error {
				x.Forget("card", "1", "name", "email", "absent")
				return x.Record("card", "1", card{"Anna", nil, "admin"}, card{"", nil, "user"})
			},
		}
		for _, step := range steps {
			if _, err := write(t, log, "", scopes, step); err != nil {
				t.Fatal(err)
			}
		}
		want := `admin 1 card 2 {"name":"Bob","email":null,"role":"Ann"} {}
admin 2 card 1 {"email":null,"name":"","role":"admin"} {"email":"","name":"","role":"user"}
admin 3 other 1 {"name":"Ann","email":null,"role":""} {}
admin 4 card 1 {"name":"","role":"user"} {"name":"","role":"admin"}
org 1 card 1 {"email":"","name":"","role":"user"} {}
`
		if got := told(t, log, "admin") + told(t, log, "org"); got != want {
			t.Errorf("the log holds\n%s", got)
		}
	})
}

// TestForgetActs: what only its owner changes is found by who did, at any depth.
func TestForgetActs(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		by := func(actor, entity, id string, row any, more ...func(*live.Tx)) {
			t.Helper()
			m := live.Mutation{Scopes: []string{"admin"}, Actor: actor}
			_, _, err := live.Write(t.Context(), log, m, func(x *live.Tx) (struct{}, error) {
				for _, do := range more {
					do(x)
				}
				return struct{}{}, x.Record(entity, id, nil, row)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		list := map[string]any{"keys": []map[string]any{{"name": "Ann's", "n": 9007199254740993}}, "name": 7}
		by("ann", "key", "1", list)
		by("bob", "key", "2", list)
		by("ann", "token", "3", list)
		by("op", "user", "ann", card{}, func(x *live.Tx) { x.ForgetActs("key", "ann", "name") })
		want := `admin 1 key 1 {"keys":[{"n":9007199254740993,"name":""}],"name":7} {}
admin 2 key 2 {"keys":[{"n":9007199254740993,"name":"Ann's"}],"name":7} {}
admin 3 token 3 {"keys":[{"n":9007199254740993,"name":"Ann's"}],"name":7} {}
admin 4 user ann {"name":"","email":null,"role":""} {}
`
		if got := told(t, log, "admin"); got != want {
			t.Errorf("the log holds\n%s", got)
		}
	})
}

// told is what the log holds of a scope, one line for each change.
func told(t *testing.T, log *live.Log, scope string) string {
	t.Helper()
	entries, err := log.Since(t.Context(), scope, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		for _, c := range e.Changes {
			seq, _ := json.Marshal(e.Seq)
			text.WriteString(strings.Join([]string{e.Scope, string(seq), c.Entity, c.ID, string(c.Patch), string(c.Prior)}, " ") + "\n")
		}
	}
	return text.String()
}

// TestEndScope: nothing is left of it, and nothing comes after.
func TestEndScope(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		add(t, log, "user:ann", "1")
		add(t, log, "user:bob", "1")
		end := func(x *live.Tx) error {
			if err := x.RecordIn("user:ann", "row", "1", row{Name: "1"}, nil); err != nil {
				return err
			}
			if err := x.EndScope("user:ann"); err != nil {
				return err
			}
			return x.Record("user", "ann", row{Name: "ann"}, row{})
		}
		for sent := range 2 { // the answer may have been lost
			seen, err := write(t, log, "end", []string{"admin", "user:ann"}, end)
			if err != nil || (seen != nil) != (sent == 1) {
				t.Fatalf("%+v, %v", seen, err)
			}
		}
		if got := heads(t, log, "admin", "user:ann", "user:bob"); got != "admin@1 user:ann@0 user:bob@1" {
			t.Error(got)
		}
		if got := told(t, log, "user:ann"); got != "" {
			t.Errorf("left: %s", got)
		}
		for _, scopes := range [][]string{{"user:ann"}, {"org", "user:ann"}} {
			_, err := write(t, log, "", scopes, func(x *live.Tx) error { return x.Record("row", "2", nil, row{Name: "2"}) })
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("writing in %v: %v", scopes, err)
			}
		}
	})
}

// TestEndScopeAmongWriters: whoever comes after the end finds it, however many
// were waiting.
func TestEndScopeAmongWriters(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, err := write(t, log, "", []string{"user:ann"}, func(x *live.Tx) error { return x.Record("row", "1", nil, row{Name: "1"}) })
				if err != nil && !errs.Is(err, errs.NotFound) {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			_, err := write(t, log, "", []string{"admin"}, func(x *live.Tx) error {
				if err := x.EndScope("user:ann"); err != nil {
					return err
				}
				return x.Record("user", "ann", row{Name: "ann"}, row{})
			})
			if err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if got := told(t, log, "user:ann"); got != "" {
			t.Errorf("left: %s", got)
		}
	})
}

// TestErase: a scope goes with its history, however much one transaction has written there,
// and no other scope with it.
func TestErase(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		for range 3 {
			_, err := write(t, log, "", []string{"project:1", "project:2"}, func(x *live.Tx) error {
				for n := range db.BatchRows + 30 {
					if err := x.Record("card", fmt.Sprint(n), nil, card{Name: "n"}); err != nil {
						return err
					}
				}
				return x.RecordIn("project:2", "card", "1", nil, card{Name: "n"})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		kept := told(t, log, "project:2")
		for range 2 { // again it changes nothing
			if err := log.Erase(t.Context(), "project:1"); err != nil {
				t.Fatal(err)
			}
		}
		if got := told(t, log, "project:1") + heads(t, log, "project:1", "project:2"); got != "project:1@0 project:2@3" {
			t.Errorf("%q", got)
		}
		if got := told(t, log, "project:2"); got != kept || kept == "" {
			t.Errorf("%q, before %q", got, kept)
		}
	})
}

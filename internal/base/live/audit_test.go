package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// trail fills the scope admin: actors a and b change u1, u2 and i1 in turn.
func trail(t *testing.T, log *live.Log) {
	t.Helper()
	add(t, log, "org", "elsewhere")
	for i, step := range []struct{ actor, entity, id string }{
		{"a", "user", "u1"}, {"b", "user", "u2"}, {"a", "invite", "i1"}, {"u1", "token", "t1"}, {"b", "user", "u1"}, {"u1", "user", "u1"},
	} {
		m := live.Mutation{Scopes: []string{"admin"}, Actor: step.actor}
		_, _, err := live.Write(t.Context(), log, m, func(x *live.Tx) (struct{}, error) {
			return struct{}{}, x.Record(step.entity, step.id, row{Size: i}, row{Size: i + 1})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// walk reads all pages of a trail, each change as "actor entity id size".
func walk(t *testing.T, log *live.Log, asked live.Trail) (all []string) {
	t.Helper()
	for pages := 0; ; pages++ {
		page, next, err := log.Audit(t.Context(), asked)
		if err != nil || pages > 10 {
			t.Fatalf("%+v: %v", asked, err)
		}
		for _, r := range page {
			all = append(all, fmt.Sprintf("%s %s %s %s<-%s", r.Actor, r.Entity, r.ID, r.Patch, r.Prior))
		}
		if asked.Cursor = next; next == "" {
			return all
		}
	}
}

func TestAuditIsNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		trail(t, log)
		all := walk(t, log, live.Trail{Limit: live.MaxTrail})
		want := []string{
			`u1 user u1 {"size":6}<-{"size":5}`, `b user u1 {"size":5}<-{"size":4}`, `u1 token t1 {"size":4}<-{"size":3}`,
			`a invite i1 {"size":3}<-{"size":2}`, `b user u2 {"size":2}<-{"size":1}`, `a user u1 {"size":1}<-{"size":0}`,
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Fatal(diff)
		}
		for limit := 1; limit <= 7; limit++ {
			if diff := cmp.Diff(want, walk(t, log, live.Trail{Limit: limit})); diff != "" {
				t.Errorf("by %d: %s", limit, diff)
			}
		}
	})
}

func TestAuditFilters(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		trail(t, log)
		page, _, err := log.Audit(t.Context(), live.Trail{Limit: live.MaxTrail})
		if err != nil {
			t.Fatal(err)
		}
		third := page[len(page)-3].At
		for name, c := range map[string]struct {
			asked live.Trail
			want  []string
		}{
			"by an actor":     {live.Trail{Actor: "a"}, []string{"a invite i1", "a user u1"}},
			"by nobody":       {live.Trail{Actor: "c"}, nil},
			"of an entity":    {live.Trail{Entity: "token"}, []string{"u1 token t1"}},
			"about somebody":  {live.Trail{About: "u1"}, []string{"u1 user u1", "b user u1", "u1 token t1", "a user u1"}},
			"both":            {live.Trail{About: "u1", Actor: "b"}, []string{"b user u1"}},
			"about an entity": {live.Trail{About: "u1", Entity: "user"}, []string{"u1 user u1", "b user u1", "a user u1"}},
			"from on":         {live.Trail{From: third}, []string{"u1 user u1", "b user u1", "u1 token t1", "a invite i1"}},
			"before":          {live.Trail{To: third}, []string{"b user u2", "a user u1"}},
			"in between":      {live.Trail{From: third, To: third.Add(time.Microsecond)}, []string{"a invite i1"}},
			"of another time": {live.Trail{To: time.UnixMicro(1)}, nil},
		} {
			for _, limit := range []int{1, live.MaxTrail} {
				c.asked.Limit = limit
				var got []string
				for _, line := range walk(t, log, c.asked) {
					words := strings.Fields(line)
					got = append(got, strings.Join(words[:3], " "))
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s, by %d: %s", name, limit, diff)
				}
			}
		}
	})
}

func TestAuditRefuses(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		for field, asked := range map[string]live.Trail{
			"query.limit": {Limit: 0}, "query.limit ": {Limit: live.MaxTrail + 1},
			"query.cursor": {Limit: 1, Cursor: "x"}, "query.cursor ": {Limit: 1, Cursor: "1-2"}, "query.cursor  ": {Limit: 1, Cursor: "1-2-3-4"},
		} {
			_, _, err := log.Audit(t.Context(), asked)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != strings.TrimSpace(field) {
				t.Errorf("%+v: %v", asked, err)
			}
		}
	})
}

package issue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// pageOf reads a page of MESOS, of at most room bytes, and where the next one begins.
func pageOf(t *testing.T, w world, after string, room int) ([]issue.Header, string, error) {
	t.Helper()
	type answer struct {
		rows json.RawMessage
		next string
	}
	a, err := db.Snapshot(t.Context(), w.db, func(ctx context.Context, c db.Conn) (a answer, err error) {
		a.rows, a.next, err = issue.Feature(w.Service).Parts[0].Paged.Page(ctx, c, project.Scope(w.p.ID), after, room)
		return a, err
	})
	var rows []issue.Header
	if err == nil {
		err = json.Unmarshal(a.rows, &rows)
	}
	if size := len(a.rows); size > room && len(rows) > 1 {
		t.Errorf("%d bytes in a page of %d", size, room)
	}
	return rows, a.next, err
}

// TestPagesBeginWithOpenWork: the columns where work is come before those where it ended.
func TestPagesBeginWithOpenWork(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for n := range 6 {
			create(t, w, issue.Draft{Title: fmt.Sprint(n), StatusID: []string{w.done, w.doing, w.open}[n%3]})
		}
		var order []string
		for after := "-"; after != ""; {
			rows, next, err := pageOf(t, w, strings.TrimPrefix(after, "-"), 1)
			if err != nil || len(rows) != 1 {
				t.Fatalf("%v %v", rows, err)
			}
			order, after = append(order, rows[0].Title), next
		}
		// The newest of a column is its first.
		if want := []string{"5", "2", "4", "1", "3", "0"}; !slices.Equal(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
		rows, next, err := pageOf(t, w, "", 1<<20)
		if err != nil || next != "" || len(rows) != 6 || !slices.IsSortedFunc(rows, func(a, b issue.Header) int { return strings.Compare(a.Rank, b.Rank) }) {
			t.Errorf("all in one: %v, then %q, %v", rows, next, err)
		}
		for _, after := range []string{"x", "e30", "bnVsbA", "eyJjIjpbIngiXX0"} {
			if _, _, err := pageOf(t, w, after, 1); !errs.Is(err, errs.Invalid) {
				t.Errorf("after %q: %v", after, err)
			}
		}
	})
}

// client is what somebody knows who reads pages and follows the log.
type client map[string]map[string]any

func (c client) take(t *testing.T, row any) {
	t.Helper()
	text, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	c.put(fields)
}

// put is what the page does: an older row does not replace a newer one.
func (c client) put(fields map[string]any) {
	id := fields["id"].(string)                                                              //nolint:forcetypeassert // the API's rows have one
	if known, ok := c[id]; ok && known["version"].(float64) >= fields["version"].(float64) { //nolint:forcetypeassert // and the other
		return
	}
	delete(fields, "description")
	c[id] = fields
}

// follow applies the log since a seq.
func (c client) follow(t *testing.T, w world, seq int64) {
	t.Helper()
	for {
		entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			seq = e.Seq
			for _, change := range e.Changes {
				c.apply(t, change)
			}
		}
		if len(entries) == 0 {
			return
		}
	}
}

func (c client) apply(t *testing.T, change live.Change) {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal(change.Patch, &fields); err != nil && change.Op != live.Delete {
		t.Fatal(err)
	}
	switch known, ok := c[change.ID]; {
	case change.Op == live.Delete:
		delete(c, change.ID)
	case change.Op == live.Create:
		fields["id"] = change.ID
		c.put(fields)
	case ok:
		whole := maps.Clone(known)
		maps.Copy(whole, fields)
		c.put(whole)
	}
}

// TestPagesMissNothing: whatever happens while the pages are read, they and what was
// changed and the log since the first page together are what the project holds.
func TestPagesMissNothing(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		random := rand.New(rand.NewPCG(1, 2)) // the same moves every time
		columns := []string{w.open, w.doing, w.done}
		var all []issue.Issue
		for n := range 40 {
			all = append(all, create(t, w, issue.Draft{Title: fmt.Sprint(n), StatusID: columns[n%3]}))
		}
		disturb := func() {
			n := random.IntN(len(all))
			switch random.IntN(6) {
			case 0:
				all = append(all, create(t, w, issue.Draft{Title: "new", StatusID: columns[random.IntN(3)]}))
			case 1:
				if err := w.Delete(t.Context(), w.member, "", key(t, all[n].Key)); err != nil {
					t.Fatal(err)
				}
				all = slices.Delete(all, n, n+1)
			default:
				if _, err := update(t, w, all[n], func(d *issue.Draft) { d.StatusID = columns[random.IntN(3)] }); err != nil {
					t.Fatal(err)
				}
			}
		}
		for round := range 5 {
			began, got := head(t, w), client{}
			for after := "-"; after != ""; {
				rows, next, err := pageOf(t, w, strings.TrimPrefix(after, "-"), 1000)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					got.take(t, row)
				}
				after = next
				disturb()
				disturb()
			}
			takeChanged(t, w, got, began)
			disturb()
			got.follow(t, w, began)
			want := client{}
			rows, _, err := pageOf(t, w, "", 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				want.take(t, row)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d: %s", round, diff)
			}
		}
	})
}

// takeChanged reads the rows that the log says were changed.
func takeChanged(t *testing.T, w world, c client, since int64) {
	t.Helper()
	entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), since)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, change := range e.Changes {
			row, err := db.Read(t.Context(), w.db, func(ctx context.Context, conn db.Conn) (any, error) {
				return issue.Feature(w.Service).Parts[0].Paged.Row(ctx, conn, project.Scope(w.p.ID), change.ID)
			})
			switch {
			case err == nil:
				c.take(t, row)
			case !errs.Is(err, errs.NotFound):
				t.Fatal(err)
			}
		}
	}
}

package board_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/board"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// longest bounds a rank, and mostRows what one move changes.
const longest, mostRows = 40, 100

// TestRanksStayShort moves 5,000 times into one gap, between the two that were moved
// last, and keeps the column as a list beside.
func TestRanksStayShort(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		order := []string{"A", "B", "C", "D"}
		for n := range 36 {
			title := "E" + strings.Repeat("+", n)
			w.cards[title] = create(t, w, w.member, "MESOS", issue.Draft{Title: title})
			order = slices.Insert(order, 0, title)
		}
		start := ranks(t, w)
		random := rand.New(rand.NewPCG(9, 10))
		at := 20
		for n := range 5000 {
			from := random.IntN(len(order) - 2)
			if from >= at-1 {
				from += 2 // these two make the gap
			}
			title := order[from]
			if order = slices.Delete(order, from, from+1); from < at {
				at--
			}
			if _, err := w.Move(t.Context(), w.member, "", w.key(t, title), board.Move{StatusID: w.open, After: w.cards[order[at-1]].ID}); err != nil {
				t.Fatal(err)
			}
			order = slices.Insert(order, at, title)
			at = min(max(at+n%2, 2), len(order)-2)
			if n%500 == 499 {
				if got := columns(t, w); got != strings.Join(order, " ")+"||X Y" {
					t.Fatalf("after %d moves: %s, want %v", n+1, got, order)
				}
			}
		}
		now := ranks(t, w)
		for id, rank := range now {
			if len(rank) > longest {
				t.Errorf("%s has the rank %s", id, rank)
			}
		}
		if diff := cmp.Diff(now, followed(t, w, start)); diff != "" {
			t.Errorf("the log tells otherwise: %s", diff)
		}
	})
}

// ranks of all issues, by id.
func ranks(t *testing.T, w world) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, i := range append(column(t, w, w.open), append(column(t, w, w.doing), column(t, w, w.done)...)...) {
		all[i.ID] = i.Rank
	}
	return all
}

// followed is what a client knows of the ranks that follows the log, entry by entry.
func followed(t *testing.T, w world, known map[string]string) map[string]string {
	t.Helper()
	wide := 0
	for seq := int64(0); ; {
		entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), seq)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if seq = e.Seq; len(e.Changes) > mostRows {
				t.Errorf("%d rows in one move", len(e.Changes))
			}
			if len(e.Changes) > 1 {
				wide++
			}
			for _, c := range e.Changes {
				var patch struct{ Rank string }
				if err := json.Unmarshal(c.Patch, &patch); err != nil {
					t.Fatal(err)
				}
				if c.Entity == "issue" && patch.Rank != "" {
					known[c.ID] = patch.Rank
				}
			}
		}
	}
	if wide == 0 || wide > 100 {
		t.Errorf("%d moves changed more than one row", wide)
	}
	return known
}

// crowd leaves no room between B and C.
func crowd(t *testing.T, w world) {
	t.Helper()
	long := "a1" + strings.Repeat("V", longest-3)
	setRanks(t, w, map[string]string{"A": "a0", "B": long + "1", "C": long + "2", "D": "a4"})
}

// setRanks gives cards, by their titles, ranks of the test's own.
func setRanks(t *testing.T, w world, ranks map[string]string) {
	t.Helper()
	_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (none struct{}, err error) {
		for title, at := range ranks {
			if _, err := tx.ExecContext(t.Context(), "UPDATE issue SET rank = $1 WHERE id = $2", at, w.cards[title].ID); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMakingRoom: what makes room keeps its place, and counts as changed, but as updated
// by nobody.
func TestMakingRoom(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		crowd(t, w)
		ctx, before, m := t.Context(), head(t, w), board.Move{StatusID: w.open, After: w.cards["B"].ID, Before: w.cards["C"].ID}
		old := column(t, w, w.open)
		moved, err := w.Move(ctx, w.member, "m1", w.key(t, "Y"), m)
		if err != nil || moved.Version != w.cards["Y"].Version+1 || len(moved.Rank) > longest/2 || len(moved.Others) != 2 {
			t.Fatalf("%+v, %v", moved, err)
		}
		inTheLog(t, w, before, moved)
		now := column(t, w, w.open)
		if got := columns(t, w); got != "A B Y C D||X" {
			t.Fatal(got)
		}
		for n, was := range old {
			is := slices.Delete(slices.Clone(now), 2, 3)[n]
			if n == 1 || n == 2 { // B and C
				if diff := cmp.Diff(is.Header, moved.Others[n-1]); diff != "" {
					t.Error(diff)
				}
				was.Rank, was.Version = is.Rank, was.Version+1
			}
			if diff := cmp.Diff(was, is); diff != "" {
				t.Error(diff)
			}
		}
		again, err := w.Move(ctx, w.member, "m1", w.key(t, "Y"), m)
		if diff := cmp.Diff(moved.Issue, again.Issue); err != nil || diff != "" || head(t, w) != before+1 {
			t.Errorf("sent again: %v %s", err, diff)
		}
	})
}

// inTheLog looks for one entry that has the moved issue first and then those that made
// room, with nothing but their ranks.
func inTheLog(t *testing.T, w world, before int64, moved issue.Placed) {
	t.Helper()
	entries, err := w.log.Since(t.Context(), project.Scope(w.p.ID), before)
	if err != nil || len(entries) != 1 || entries[0].Tx != "m1" || len(entries[0].Changes) != 1+len(moved.Others) {
		t.Fatalf("%+v, %v", entries, err)
	}
	for n, c := range entries[0].Changes {
		var patch map[string]any
		if err := json.Unmarshal(c.Patch, &patch); err != nil || c.Op != live.Update || n == 0 != (c.ID == moved.ID) {
			t.Errorf("%+v, %v", c, err)
		}
		if n > 0 && (len(patch) != 2 || patch["rank"] == nil || patch["version"] == nil) {
			t.Errorf("%s", c.Patch)
		}
	}
}

// TestNoRoomForStrangers: nor for viewers.
func TestNoRoomForStrangers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		crowd(t, w)
		before, m := head(t, w), board.Move{StatusID: w.open, After: w.cards["B"].ID}
		_, err := w.Move(t.Context(), w.viewer, "", w.key(t, "X"), m)
		_, err2 := w.Move(t.Context(), w.stranger, "", w.key(t, "X"), m)
		if !errs.Is(err, errs.Forbidden) || !errs.Is(err2, errs.NotFound) || head(t, w) != before {
			t.Errorf("%v, %v", err, err2)
		}
	})
}

// TestRoomAtItsOwnRank: when all others move away, the issue may keep the rank that it
// had, and still be moved.
func TestRoomAtItsOwnRank(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		crowd(t, w)
		setRanks(t, w, map[string]string{"D": "a2"})
		moved, err := w.Move(t.Context(), w.member, "", w.key(t, "D"), board.Move{StatusID: w.open, After: w.cards["B"].ID})
		if got := columns(t, w); err != nil || moved.Rank != "a2" || moved.Version != w.cards["D"].Version+1 || got != "A B D C||X Y" {
			t.Errorf("%+v, %v: %s", moved, err, got)
		}
	})
}

// TestMakingMuchRoom: where those that one move usually changes have no room either, it
// changes more, whatever length their ranks had.
func TestMakingMuchRoom(t *testing.T) {
	for name, length := range map[string]int{"full": longest, "longer than any now": 300} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w world) {
				crowded := map[string]string{"A": "a0", "B": "a2", "C": "a3", "D": "a4"}
				titles := []string{"A"}
				for n := range 130 {
					title := fmt.Sprintf("E%03d", n)
					titles = append(titles, title)
					w.cards[title] = create(t, w, w.member, "MESOS", issue.Draft{Title: title})
					crowded[title] = "a1" + strings.Repeat("V", length-4) + string([]byte{'A' + byte(n/26), 'A' + byte(n%26)})
				}
				setRanks(t, w, crowded)
				titles = slices.Insert(append(titles, "B", "C", "D"), 66, "X")
				moved, err := w.Move(t.Context(), w.member, "", w.key(t, "X"), board.Move{StatusID: w.open, After: w.cards["E064"].ID})
				if got := columns(t, w); err != nil || got != strings.Join(titles, " ")+"||Y" || len(moved.Rank) > longest {
					t.Errorf("%s, %v, %s", moved.Rank, err, got)
				}
			})
		})
	}
}

// TestCollisionsInOneGap: 16 people move into a gap that has no room, all at one time.
func TestCollisionsInOneGap(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		crowd(t, w)
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() {
				for range 20 {
					m := board.Move{StatusID: w.open, After: w.cards["B"].ID}
					if n%2 == 0 {
						m = board.Move{StatusID: w.open, Before: w.cards["C"].ID}
					}
					if _, err := w.Move(context.WithoutCancel(t.Context()), w.member, "", w.key(t, []string{"A", "D", "X", "Y"}[n%4]), m); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		cards, seen := column(t, w, w.open), map[string]bool{}
		for _, i := range cards {
			seen[i.Rank] = true
			if len(i.Rank) > longest {
				t.Errorf("%s has the rank %s", i.Title, i.Rank)
			}
		}
		got := columns(t, w)
		if len(cards) != 6 || len(seen) != 6 || !strings.HasPrefix(got, "B ") || !strings.HasSuffix(got, " C||") {
			t.Errorf("%s, with %d ranks", got, len(seen))
		}
	})
}

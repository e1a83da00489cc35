package board

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/peisear/peisear/internal/base/rank"
)

// column is a model of one: its cards in order.
type column []card

// insert does what finder.rank does with a database, and returns the rows it changes.
func (c *column) insert(t *testing.T, at int, id string) (changed int) {
	t.Helper()
	all := *c
	g := gap{before: slices.Clone(all[max(0, at-maxSide-1):at]), after: slices.Clone(all[at:min(len(all), at+maxSide+1)])}
	slices.Reverse(g.before)
	low, high := "", ""
	if len(g.before) > 0 {
		low = g.before[0].Rank
	}
	if len(g.after) > 0 {
		high = g.after[0].Rank
	}
	to, err := rank.Between(low, high)
	if err != nil {
		t.Fatal(err)
	}
	if len(to) > maxRank {
		r, err := g.widen(maxSide)
		if err != nil || r.longest >= maxRank {
			t.Fatalf("after %d rows: no room, %d characters, %v", len(all), r.longest, err)
		}
		ranks := map[string]string{}
		for _, other := range r.changes() {
			ranks[other.ID] = other.Rank
		}
		for i := range all {
			if fresh, ok := ranks[all[i].ID]; ok {
				all[i].Rank = fresh
			}
		}
		to, changed = r.ranks[len(r.before)], len(ranks)
	}
	*c = slices.Insert(all, at, card{id, to})
	return changed + 1
}

// TestRoomForThousands puts 5,000 different issues into one gap, in the ways that
// crowd it most. No move changes more than a hundred rows, and few change more than one.
func TestRoomForThousands(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		next func(n, last, size int, random *rand.Rand) int // where the next stands: n have come, the last stands at last
		cost float64                                        // rows for a move, on the whole
	}{
		"right below one that stays": {func(int, int, int, *rand.Rand) int { return 10 }, 1.1},
		"right above one that stays": {func(_, _, size int, _ *rand.Rand) int { return size - 10 }, 1.2},
		"each below the last":        {func(_, last, _ int, _ *rand.Rand) int { return last + 1 }, 2},
		"each above the last":        {func(_, last, _ int, _ *rand.Rand) int { return last }, 2},
		"between the last two":       {func(n, last, _ int, _ *rand.Rand) int { return last + n%2 }, 4},
		"beside the last at random":  {func(_, last, _ int, random *rand.Rand) int { return last + random.IntN(2) }, 4},
		"ten up, ten down":           {func(n, last, _ int, _ *rand.Rand) int { return last + n/10%2 }, 4},
		"anywhere":                   {func(_, _, size int, random *rand.Rand) int { return 1 + random.IntN(size-1) }, 1.1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const moves = 5000
			random := rand.New(rand.NewPCG(7, 8))
			var c column
			for n := range 20 {
				c.insert(t, n, "old"+strconv.Itoa(n))
			}
			total, most, last := 0, 0, 10
			for n := range moves {
				last = way.next(n, last, len(c), random)
				changed := c.insert(t, last, strconv.Itoa(n))
				total, most = total+changed, max(most, changed)
			}
			if cost := float64(total) / moves; cost > way.cost || most > 100 {
				t.Errorf("%.2f rows for a move, %d at most", cost, most)
			}
			if !slices.IsSortedFunc(c, func(a, b card) int { return cmp.Compare(a.Rank, b.Rank) }) {
				t.Error("out of order")
			}
			for _, one := range c {
				if len(one.Rank) > maxRank {
					t.Fatalf("%s has %s", one.ID, one.Rank)
				}
			}
		})
	}
}

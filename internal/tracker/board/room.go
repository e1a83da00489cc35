package board

import (
	"context"

	"github.com/peisear/peisear/internal/base/rank"
	"github.com/peisear/peisear/internal/tracker/board/query"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// A move into a gap halves it, and about six of them cost a rank another character. So
// where one would be longer than maxRank, the issues around the gap are spread out: one
// on each side of it, or two, or four, until they leave room for hundreds of moves, or
// maxSide of them with what room that gives. Next to an issue that stays where it is, a
// few are enough. Only some 6,000 different issues, each put right beside the one before,
// fill up what can be reached so; then more are spread out, and there is room again.
const (
	maxRank = 40
	maxSide = 49
)

// rank returns a rank between two of the column, and the new ranks of other issues where
// they must make room for it.
func (f finder) rank(ctx context.Context, low, high string) (string, []issue.Ranked, error) {
	at, err := rank.Between(low, high)
	if err != nil || len(at) <= maxRank {
		return at, nil, err
	}
	for side := maxSide; ; side *= 2 {
		g, err := f.beside(ctx, low, side+1)
		if err != nil {
			return "", nil, err
		}
		r, err := g.widen(side)
		if err != nil {
			return "", nil, err
		}
		if r.longest < maxRank {
			return r.ranks[len(r.before)], r.changes(), nil
		}
	}
}

// beside returns the gap above a rank, with n cards on each side.
func (f finder) beside(ctx context.Context, low string, n int) (g gap, err error) {
	before, err := f.q.ListBefore(ctx, query.ListBeforeParams{
		ProjectID: f.projectID, StatusID: f.statusID, Rank: low, Moved: f.moved, N: int64(n),
	})
	if err != nil {
		return gap{}, err
	}
	for _, row := range before {
		g.before = append(g.before, card(row))
	}
	after, err := f.q.ListAfter(ctx, query.ListAfterParams{
		ProjectID: f.projectID, StatusID: f.statusID, Rank: low, Moved: f.moved, N: int64(n),
	})
	for _, row := range after {
		g.after = append(g.after, card(row))
	}
	return g, err
}

// card is an issue in a column.
type card struct{ ID, Rank string }

// gap is a place in a column, by the cards on both sides, the nearest first. Where a
// side ends, the column does.
type gap struct{ before, after []card }

// run is the cards around a gap, and the ranks that spread out them and one between.
type run struct {
	gap
	ranks   []string // in the column's order
	longest int
}

// widen returns the smallest run that leaves half of the characters free, or else the
// largest, of at most so many cards on each side, that leaves any. The gap knows one card
// more on each side, if there is one.
func (g gap) widen(most int) (best run, err error) {
	for k := 1; ; k = min(2*k, most) {
		r, err := g.run(k)
		if err != nil {
			return run{}, err
		}
		if k == 1 || r.longest < maxRank {
			best = r
		}
		if best.longest <= maxRank/2 || k == most {
			return best, nil
		}
	}
}

// run spreads out the k nearest cards on each side.
func (g gap) run(k int) (run, error) {
	low, high := "", ""
	if k < len(g.before) {
		low = g.before[k].Rank
	}
	if k < len(g.after) {
		high = g.after[k].Rank
	}
	r := run{gap: gap{g.before[:min(k, len(g.before))], g.after[:min(k, len(g.after))]}}
	var err error
	r.ranks, err = rank.Spread(low, high, len(r.before)+1+len(r.after))
	for _, at := range r.ranks {
		r.longest = max(r.longest, len(at))
	}
	return r, err
}

// changes are the ranks that differ from what the cards have.
func (r run) changes() (all []issue.Ranked) {
	add := func(c card, at string) {
		if c.Rank != at {
			all = append(all, issue.Ranked{ID: c.ID, Rank: at})
		}
	}
	middle := len(r.before)
	for i, c := range r.before {
		add(c, r.ranks[middle-1-i])
	}
	for i, c := range r.after {
		add(c, r.ranks[middle+1+i])
	}
	return all
}

package search

import (
	"math"
	"testing"
)

// TestMore: as many shelves are looked at as a few lead to expect.
func TestMore(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int{{16, 0, math.MaxInt}, {16, 1, 12024}, {16, 96, 125}, {16, 400, 32}, {16, 500, 32}, {32, 100, 240}} {
		if got := more(c[0], c[1], MaxFound+1); got != c[2] {
			t.Errorf("%d shelves have %d: %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

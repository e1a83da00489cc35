package search

import "testing"

// TestMore: as many shelves are looked at as a few lead to expect.
func TestMore(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int{{2, 0, 32}, {2, 1, 32}, {2, 96, 15}, {2, 47, 31}, {2, 400, 4}, {2, 500, 4}, {32, 100, 240}, {32, 0, 512}} {
		if got := more(c[0], c[1], MaxFound+1); got != c[2] {
			t.Errorf("%d shelves have %d: %d more, want %d", c[0], c[1], got, c[2])
		}
	}
}

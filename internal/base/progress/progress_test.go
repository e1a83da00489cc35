package progress_test

import (
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/progress"
)

// TestBarInAFile is one line, with the last figures.
func TestBarInAFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done, total int64
		want        string
	}{
		{1, 3, "[##########....................] 1 of 3 rows\n"},
		{3, 3, "[##############################] 3 of 3 rows\n"},
		{9, 3, "[##############################] 9 of 3 rows\n"},
		{0, 0, ""},
	} {
		var text strings.Builder
		b := progress.New(&text, c.total, "rows")
		for i := range c.done {
			b.Set(i + 1)
		}
		b.End()
		if text.String() != c.want {
			t.Errorf("%d of %d: %q", c.done, c.total, text.String())
		}
	}
}

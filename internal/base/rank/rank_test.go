package rank_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/rank"
)

func TestKnownValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"", "", "a0"}, {"", "a0", "Zz"}, {"", "Zz", "Zy"}, {"a0", "", "a1"}, {"a1", "", "a2"},
		{"a0", "a1", "a0V"}, {"a1", "a2", "a1V"}, {"a0V", "a1", "a0l"}, {"Zz", "a0", "ZzV"}, {"Zz", "a1", "a0"},
		{"", "Y00", "Xzzz"}, {"bzz", "", "c000"}, {"a0", "a0V", "a0G"}, {"a0", "a0G", "a08"},
		{"b125", "b129", "b127"}, {"a0", "a1V", "a1"}, {"Zz", "a01", "a0"}, {"", "a0V", "a0"}, {"", "b999", "b99"},
		{"", "A000000000000000000000000001", "A000000000000000000000000000V"},
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzy", "", "zzzzzzzzzzzzzzzzzzzzzzzzzzz"},
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzz", "", "zzzzzzzzzzzzzzzzzzzzzzzzzzzV"},
	} {
		got, err := rank.Between(c.a, c.b)
		if err != nil || got != c.want {
			t.Errorf("between %q and %q: %q, %v; want %q", c.a, c.b, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"a1", "a0"}, {"a0", "a0"}, {"a00", ""}, {"", "a00"}, {"0", ""}, {"b1", ""}, {"a-", ""},
		{"A00000000000000000000000000", ""}, {"ü", ""}, {" ", ""},
	} {
		if got, err := rank.Between(c[0], c[1]); err == nil {
			t.Errorf("between %q and %q: %q", c[0], c[1], got)
		}
	}
}

// TestOrderHolds puts rows at random places, often the same, and at the ends.
func TestOrderHolds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var all []string
	for i := range 5000 {
		at := random.IntN(len(all) + 1)
		switch i % 3 {
		case 1:
			at = 0
		case 2:
			at = len(all) / 2
		}
		a, b := "", ""
		if at > 0 {
			a = all[at-1]
		}
		if at < len(all) {
			b = all[at]
		}
		got, err := rank.Between(a, b)
		if err != nil || a != "" && got <= a || b != "" && got >= b {
			t.Fatalf("between %q and %q: %q, %v", a, b, got, err)
		}
		all = slices.Insert(all, at, got)
	}
}

// TestEndsStayShort: adding at an end costs no length to speak of.
func TestEndsStayShort(t *testing.T) {
	t.Parallel()
	top, bottom := "a0", "a0"
	for range 100_000 {
		var err, err2 error
		top, err = rank.Between("", top)
		bottom, err2 = rank.Between(bottom, "")
		if err != nil || err2 != nil || len(top) > 5 || len(bottom) > 5 {
			t.Fatalf("%q, %q, %v, %v", top, bottom, err, err2)
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		n    int
		want string
	}{
		{"", "", 0, ""}, {"", "", 3, "a0 a1 a2"}, {"a5", "", 3, "a6 a7 a8"}, {"", "a0", 3, "Zx Zy Zz"},
		{"a0", "a1", 1, "a0V"}, {"a0", "a1", 3, "a0G a0V a0l"}, {"a0", "a2", 3, "a0V a1 a1V"},
		{"a1", "a1000001", 3, "a1000000G a1000000V a1000000l"},
	} {
		got, err := rank.Spread(c.a, c.b, c.n)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%d between %q and %q: %v, %v; want %s", c.n, c.a, c.b, got, err, c.want)
		}
	}
	for _, c := range [][2]string{{"a1", "a1"}, {"a2", "a1"}, {"a00", ""}, {"", "0"}} {
		if got, err := rank.Spread(c[0], c[1], 2); err == nil {
			t.Errorf("between %q and %q: %v", c[0], c[1], got)
		}
	}
}

// TestSpreadIsShort: a thousand rows need three characters more than their ends share.
func TestSpreadIsShort(t *testing.T) {
	t.Parallel()
	deep := "a1" + strings.Repeat("V", 30)
	for _, c := range [][2]string{{"a0", "a1"}, {"a0", "a9"}, {"Zz", "b00"}, {deep, deep + "1"}, {deep + "1", deep + "2"}, {"a1", deep}} {
		for n := 1; n < 1000; n += 37 {
			all, err := rank.Spread(c[0], c[1], n)
			if err != nil || !slices.IsSorted(append([]string{c[0]}, append(all, c[1])...)) {
				t.Fatalf("%d between %v: %v, %v", n, c, all, err)
			}
			shared := 0
			for shared < len(c[0]) && shared < len(c[1]) && c[0][shared] == c[1][shared] {
				shared++
			}
			if longest := slices.MaxFunc(append(all, ""), func(a, b string) int { return len(a) - len(b) }); len(longest) > max(shared, 2)+4 {
				t.Fatalf("%d between %v: %s", n, c, longest)
			}
		}
	}
}

func FuzzBetween(f *testing.F) {
	f.Add("a0", "a1")
	f.Add("", "Zz")
	f.Fuzz(func(t *testing.T, a, b string) {
		got, err := rank.Between(a, b)
		if err == nil && (a != "" && got <= a || b != "" && got >= b) {
			t.Errorf("between %q and %q: %q", a, b, got)
		}
	})
}

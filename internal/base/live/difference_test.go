package live

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

type inner struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Note *string   `json:"note"`
}

type plain struct {
	Unwritten inner    `json:"-"`
	Inner     inner    `json:"inner"`
	Tags      []string `json:"tags"`
	Points    *float64 `json:"points"`
}

type hidden struct {
	Head `json:"-"`
	A    string `json:"a"`
}

type twice struct {
	Head
	Z int `json:"z"`
}

type homonym struct {
	Head
	Y int `json:"z"`
}

type nested struct {
	Head
	Text string `json:"a<b"`
}

// Head is exported, as an embedded row must be.
type Head struct {
	Z int       `json:"z"`
	B bool      `json:"b"`
	T time.Time `json:"t"`
}

type optional struct {
	A string `json:"a,omitempty"`
	B int    `json:"b"`
}

type renamed struct {
	A string
	B int `json:"b"`
}

type instant struct{ time.Time }

// TestDifferenceIsThatOfTheTexts: comparing fields tells what comparing the rows' JSON
// does, for rows that are plain and for those that are not.
func TestDifferenceIsThatOfTheTexts(t *testing.T) {
	t.Parallel()
	s, half, one := new(shapes), 0.5, "one"
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	elsewhere := noon.In(time.FixedZone("", 3600))
	for i, c := range []struct {
		old, new any
		plain    bool
	}{
		{nested{Head{1, true, noon}, "x"}, nested{Head{2, true, noon}, "y"}, true},
		{nested{Head{1, true, noon}, "x"}, nested{Head{1, true, noon}, "x"}, true},
		{nested{Head{T: noon}, ""}, nested{Head{T: noon.Add(time.Microsecond)}, "\u2028<\x01"}, true},
		{nested{Head{T: noon}, ""}, nested{Head{T: elsewhere}, ""}, true},
		{nested{Head{T: noon}, ""}, nested{Head{T: time.Unix(noon.Unix(), 0).UTC()}, ""}, true},
		{inner{Note: nil}, inner{Note: &one}, true},
		{inner{Note: &one}, inner{Note: new("one")}, true},
		{plain{}, plain{Inner: inner{ID: "1"}, Tags: []string{}, Points: &half}, true},
		{plain{Tags: nil}, plain{Tags: []string{}}, true},
		{plain{}, plain{Unwritten: inner{ID: "1"}}, true},
		{hidden{}, hidden{Head{Z: 1}, "a"}, false},
		{twice{}, twice{Head{Z: 1}, 2}, true},
		{homonym{}, homonym{Head{Z: 1}, 2}, false},
		{optional{A: "a", B: 1}, optional{B: 2}, false},
		{renamed{A: "a"}, renamed{A: "b"}, false},
		{optional{B: 1}, renamed{B: 1}, false},
		{map[string]int{"a": 1, "b": 2}, map[string]int{"a": 1, "b": 3}, false},
		{&inner{ID: "1"}, &inner{ID: "2"}, false},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if isPlain := s.of(reflect.TypeOf(c.old)) != nil; isPlain != c.plain {
				t.Errorf("%T is plain: %v", c.old, isPlain)
			}
			wantPatch, wantPrior, err1 := differentTexts(c.old, c.new)
			patch, prior, err2 := s.difference(c.old, c.new)
			if err1 != nil || err2 != nil || string(patch) != string(wantPatch) || string(prior) != string(wantPrior) {
				t.Errorf("got %s %s (%v), want %s %s (%v)", patch, prior, err2, wantPatch, wantPrior, err1)
			}
		})
	}
	if s.of(reflect.TypeFor[instant]()) != nil {
		t.Error("what writes itself is no plain row")
	}
	if _, _, err := s.difference(func() {}, func() {}); err == nil {
		t.Error("what has no JSON was compared")
	}
}

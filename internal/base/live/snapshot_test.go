package live

import (
	"strings"
	"testing"
)

// TestSnapshotsAreMadeOnce, and nobody gets one that is older than what they know.
func TestSnapshotsAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := newSnapshots()
	get := func(epoch string, seq int64) string {
		switch p, making, first := s.get("org", epoch, seq); {
		case p != nil:
			return string(p.data)
		case first:
			return "make it"
		case making != nil:
			return "wait"
		}
		return "nothing"
	}
	made := func(epoch string, seq int64, data string) {
		s.made("org", &packed{name: "org", epoch: epoch, seq: seq, data: []byte(data)})
	}
	steps := []func() string{
		func() string { return get("e", 5) },
		func() string { return get("e", 5) },
		func() string { made("e", 5, "five"); return get("e", 5) },
		func() string { return get("e", 4) },
		func() string { return get("e", 6) },
		func() string { return get("e", 6) },
		func() string { s.made("org", nil); return get("e", 6) }, // it was not to be
		func() string { made("e", 6, "six"); return get("e", 5) },
		func() string { return get("another", 1) },
	}
	want := []string{"make it", "wait", "five", "five", "make it", "wait", "make it", "six", "make it"}
	for i, step := range steps {
		if got := step(); got != want[i] {
			t.Errorf("step %d: %s, want %s", i, got, want[i])
		}
	}
}

func TestSnapshotsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSnapshots()
	for _, scope := range []string{"a", "b", "c", "d"} {
		s.get(scope, "e", 1)
		s.made(scope, &packed{name: scope, epoch: "e", seq: 1, data: make([]byte, maxCached/2)})
		if scope == "c" {
			s.get("b", "e", 1)
		}
	}
	kept := ""
	for at := s.order.Front(); at != nil; at = at.Next() {
		kept += at.Value.(*packed).name
	}
	if kept != "db" || len(s.known) != 2 || s.size != maxCached {
		t.Errorf("kept %s, %d bytes", kept, s.size)
	}
	s.get("huge", "e", 1)
	s.made("huge", &packed{name: "huge", epoch: "e", seq: 1, data: []byte(strings.Repeat("x", maxCached+1))})
	if p, _, _ := s.get("huge", "e", 1); p == nil || len(s.known) != 1 {
		t.Error("the newest is not kept")
	}
}

package job

import (
	"testing"
	"time"
)

// TestNextRound keeps the beat, and makes up for nothing.
func TestNextRound(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return time.UnixMicro(0).Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct{ due, now, next int }{
		{0, 0, 60}, {0, 59, 60}, {0, 60, 120}, {0, 61, 120}, {0, 600, 660}, {7, 100, 127},
	} {
		if next := nextRound(at(c.due).UnixMicro(), time.Hour, at(c.now)); !next.Equal(at(c.next)) {
			t.Errorf("due %d, now %d: next at %s", c.due, c.now, next.Sub(at(0)))
		}
	}
}

func TestPauseDoubles(t *testing.T) {
	t.Parallel()
	q := New(nil, nil, Standard())
	for attempt, least := range map[int64]time.Duration{1: time.Second, 2: 2 * time.Second, 11: 1024 * time.Second, 13: time.Hour, 200: time.Hour} {
		if p := q.pause(attempt); p < least || p > least*5/4 {
			t.Errorf("%s after attempt %d", p, attempt)
		}
	}
}

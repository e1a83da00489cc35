package live

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/db"
)

// TestADroppedFollowerStaysDropped: a follower that was too slow, or whose session
// has ended, still drains its buffer. What it does there must not bring it back.
func TestADroppedFollowerStaysDropped(t *testing.T) {
	t.Parallel()
	h := NewHub()
	slow := newFollower(Who{User: "u"})
	h.follow(slow, []string{"user:u"})
	h.begin(map[string]int64{"user:u": 0})
	for i := range maxBehind {
		h.publish(Entry{Scope: "user:u", Seq: int64(i + 1)}, message{scope: "user:u", data: []byte("x")})
	}
	if h.follow(slow, []string{"project:p"}) || len(h.followers) != 0 {
		t.Errorf("followed again: %v", h.followers)
	}
	ended := newFollower(Who{User: "u"})
	h.follow(ended, []string{"user:u"})
	everybody := func(Who) bool { return true }
	h.End(everybody)
	if h.follow(ended, []string{"project:p"}) {
		t.Error("followed after the end of the session")
	}
	h.End(everybody)
}

// TestPanicIsNotSwallowed: whatever ends the hub's loop ends what it waits for too.
func TestPanicIsNotSwallowed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := db.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	panicked := make(chan any, 1)
	go func() {
		defer func() { panicked <- recover() }()
		h := NewHub()
		h.told["org"], h.dirty["org"] = 0, struct{}{}
		h.woken <- struct{}{}
		h.Run(ctx, New(d, h), nil) // there is no table to read, and no logger to say so
	}()
	select {
	case p := <-panicked:
		if p == nil {
			t.Error("no panic")
		}
	case <-ctx.Done():
		t.Error("the panic is stuck")
	}
}

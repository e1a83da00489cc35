package nodes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// reader follows a project as a browser does: it keeps what it has, goes on from there at
// another node when its stream ends, and asks for what it has missed.
type reader struct {
	nodes []*node
	token string
	scope string

	mu       sync.Mutex
	seq      int64
	issues   map[string]bool
	arrived  map[string]time.Time // by mutation
	streams  int                  // that were opened
	progress chan struct{}        // holds a token when something has changed
	wrong    []string
}

type entry struct {
	Scope   string
	Seq     int64
	Tx      string
	Changes []struct{ Entity, ID, Op string }
}

// follow begins at a node. It ends with the test.
func follow(t *testing.T, nodes []*node, first int, token, scope string) *reader {
	t.Helper()
	r := &reader{
		nodes: nodes, token: token, scope: scope, issues: map[string]bool{}, arrived: map[string]time.Time{}, progress: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := first; ctx.Err() == nil; i++ {
			_ = r.stream(ctx, nodes[i%len(nodes)])
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		for _, text := range r.wrong {
			t.Error(text)
		}
	})
	r.await(t, "the stream begins", func() bool { return r.streams > 0 })
	return r
}

// stream reads until the stream ends.
func (r *reader) stream(ctx context.Context, n *node) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/api/live", nil)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+r.token)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	name := ""
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = text
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := r.event(ctx, n, name, data); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (r *reader) event(ctx context.Context, n *node, name, data string) error {
	switch name {
	case "heads":
		var heads struct{ Scopes map[string]int64 }
		if err := json.Unmarshal([]byte(data), &heads); err != nil {
			return err
		}
		seq, ok := heads.Scopes[r.scope]
		if !ok {
			return nil
		}
		if err := r.catchUp(ctx, n, seq); err != nil {
			return err
		}
		r.note(func() { r.streams++ })
	case "change":
		var e entry
		if err := json.Unmarshal([]byte(data), &e); err != nil || e.Scope != r.scope {
			return err
		}
		if e.Seq > r.at()+1 {
			return r.catchUp(ctx, n, e.Seq)
		}
		r.apply(e)
	default:
		return fmt.Errorf("the stream says %s", name)
	}
	return nil
}

func (r *reader) catchUp(ctx context.Context, n *node, seq int64) error {
	for r.at() < seq {
		status, text, err := n.call(ctx, r.token, http.MethodGet, fmt.Sprintf("/api/sync/%s?since=%d", r.scope, r.at()), "", "")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("delta: %d %s %w", status, text, err)
		}
		var d struct{ Entries []entry }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return err
		}
		for _, e := range d.Entries {
			r.apply(e)
		}
	}
	return nil
}

// apply takes an entry, unless it is known.
func (r *reader) apply(e entry) {
	r.note(func() {
		switch {
		case e.Seq <= r.seq:
			return
		case e.Seq > r.seq+1:
			r.wrong = append(r.wrong, fmt.Sprintf("after %d comes %d", r.seq, e.Seq))
		}
		r.seq = e.Seq
		r.arrived[e.Tx] = time.Now()
		for _, c := range e.Changes {
			if c.Entity == "issue" && c.Op == "create" {
				r.issues[c.ID] = true
			}
		}
	})
}

func (r *reader) note(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	select {
	case r.progress <- struct{}{}:
	default:
	}
}

func (r *reader) at() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}

// await waits for what the reader is to come to. Only one may.
func (r *reader) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		r.mu.Lock()
		done := is()
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-r.progress:
		case <-limit:
			t.Fatalf("%s: not after %s; at %d", what, patience, r.at())
		}
	}
}

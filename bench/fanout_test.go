package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// BenchmarkFanOut tells how long it takes until the last of many who have a project open
// has heard of a change: from when it is sent, so that the write is part of it.
func BenchmarkFanOut(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := startServer(b, basetest.URL(b, engine))
			w := seed(b, s)
			for _, n := range []int{1, 500, 5000} {
				b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) { w.fanOut(b, n) })
			}
		})
	}
}

func (w *world) fanOut(b *testing.B, n int) {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	a := newAudience(n)
	var streams sync.WaitGroup
	defer streams.Wait()
	defer end()
	for range n {
		streams.Go(func() { a.follow(ctx, w.server.url, w.token) })
	}
	if err := a.wait(ctx, a.ready); err != nil {
		b.Fatal(err)
	}
	w.client = w.server.client(w.token, 1)
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		body := fmt.Sprintf(`{"title":"Change %d that many hear of"}`, i)
		if err := w.client.do(ctx, http.MethodPost, "/api/projects/LOAD/issues", body, http.StatusCreated, nil); err != nil {
			b.Fatal(err)
		}
		if err := a.wait(ctx, a.heard); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(times[len(times)/2]), "p50-ms")
	b.ReportMetric(ms(times[len(times)*99/100]), "p99-ms")
}

// audience is n followers of the stream.
type audience struct {
	n           int64
	came, heads atomic.Int64  // events
	ready       chan struct{} // all follow
	heard       chan struct{} // all have heard of one more change
	broken      chan error
}

func newAudience(n int) *audience {
	return &audience{n: int64(n), ready: make(chan struct{}, 1), heard: make(chan struct{}, 1), broken: make(chan error, n)}
}

func (a *audience) wait(ctx context.Context, all <-chan struct{}) error {
	select {
	case <-all:
		return nil
	case err := <-a.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return fmt.Errorf("%d of %d follow, %d events", a.heads.Load(), a.n, a.came.Load())
	}
}

// follow counts the events of one stream, which has a connection of its own.
func (a *audience) follow(ctx context.Context, url, token string) {
	c := newClient(url, token, 1)
	defer c.http.CloseIdleConnections()
	if err := a.count(ctx, c); err != nil && ctx.Err() == nil {
		a.broken <- err
	}
}

func (a *audience) count(ctx context.Context, c *client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/api/live", http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		switch {
		case bytes.Equal(lines.Bytes(), []byte("event: heads")):
			if a.heads.Add(1) == a.n {
				a.ready <- struct{}{}
			}
		case bytes.Equal(lines.Bytes(), []byte("event: change")):
			if a.came.Add(1)%a.n == 0 {
				a.heard <- struct{}{}
			}
		}
	}
	return lines.Err()
}

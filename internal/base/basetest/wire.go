package basetest

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Wire stands between the program and PostgreSQL, and breaks where it is told to.
type Wire struct {
	listener net.Listener
	server   string
	past     string
	losing   atomic.Int32
	broken   atomic.Bool
	budget   atomic.Int64 // bytes that still pass, while it is limited
	limited  atomic.Bool

	mu    sync.Mutex
	still chan struct{} // closed when it carries again; nil while it does
}

// Loss is what the next commit loses, once.
type Loss int32

// The losses: the order to commit, or the answer to it. GoneForGood loses the answer, and
// then every connection, and takes no new one until Mend.
const (
	Nothing Loss = iota
	Order
	Answer
	GoneForGood
)

// Lose says what the next commit loses.
func (w *Wire) Lose(what Loss) { w.losing.Store(int32(what)) }

// Lost reports whether it has been lost.
func (w *Wire) Lost() bool { return w.losing.Load() == int32(Nothing) }

// Break takes no connections any more.
func (w *Wire) Break() { w.broken.Store(true) }

// CutAfter lets so many bytes more pass, in both directions together, and then breaks every
// connection that carries one more.
func (w *Wire) CutAfter(bytes int64) {
	w.budget.Store(bytes)
	w.limited.Store(true)
}

// Stall carries nothing and closes nothing, as if the other side had vanished, until Mend.
func (w *Wire) Stall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.still == nil {
		w.still = make(chan struct{})
	}
}

// Mend carries everything again, and what was said meanwhile.
func (w *Wire) Mend() {
	w.limited.Store(false)
	w.broken.Store(false)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.still != nil {
		close(w.still)
		w.still = nil
	}
}

// await waits while the wire is stalled.
func (w *Wire) await() {
	w.mu.Lock()
	still := w.still
	w.mu.Unlock()
	if still != nil {
		<-still
	}
}

// Past is the URL of the wire's database that does not go through it.
func (w *Wire) Past() string { return w.past }

// NewWire returns a wire to a new database, and the URL that goes through it.
func NewWire(t testing.TB) (*Wire, string) {
	t.Helper()
	if !slices.Contains(Engines(), "postgres") {
		t.Skipf("%s leaves PostgreSQL out", enginesEnv)
	}
	u, err := url.Parse(URL(t, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	const name = ".s.PGSQL.5432"
	dir, err := os.MkdirTemp("/tmp", "wire") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w := &Wire{server: filepath.Join(u.Query().Get("host"), name), past: u.String()}
	var lc net.ListenConfig
	if w.listener, err = lc.Listen(t.Context(), "unix", filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := w.listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(t, c) })
		}
	})
	t.Cleanup(func() {
		w.listener.Close()
		w.Mend()
		wg.Wait()
	})
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	return w, u.String()
}

// carry passes on what both sides say until the wire breaks.
func (w *Wire) carry(t testing.TB, client net.Conn) {
	defer client.Close()
	if w.await(); w.broken.Load() {
		return
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(context.WithoutCancel(t.Context()), "unix", w.server)
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	var wg sync.WaitGroup
	pass := func(from, to net.Conn, breaks func(text []byte) bool) {
		defer client.Close()
		defer server.Close()
		for buffer := make([]byte, 1<<16); ; {
			n, err := from.Read(buffer)
			if err != nil || breaks(buffer[:n]) || w.limited.Load() && w.budget.Add(-int64(n)) < 0 {
				return
			}
			w.await()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		pass(client, server, func(text []byte) bool {
			return bytes.Contains(text, []byte("COMMIT")) && w.losing.CompareAndSwap(int32(Order), int32(Nothing))
		})
	})
	wg.Go(func() {
		pass(server, client, func(text []byte) bool {
			if !bytes.Contains(text, []byte("COMMIT\x00")) {
				return false
			}
			if w.losing.CompareAndSwap(int32(GoneForGood), int32(Nothing)) {
				w.broken.Store(true)
				w.CutAfter(0)
				return true
			}
			return w.losing.CompareAndSwap(int32(Answer), int32(Nothing))
		})
	})
	wg.Wait()
}

package db_test

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// wire stands between the program and PostgreSQL, and breaks at a commit.
type wire struct {
	listener net.Listener
	server   string
	losing   atomic.Int32
	broken   atomic.Bool
}

// What is lost, once: the order to commit, or the answer to it. goneForGood also takes
// no connection afterwards.
const (
	nothing int32 = iota
	order
	answer
	goneForGood
)

// newWire returns a wire to a new database, and the URL that goes through it.
func newWire(t *testing.T) (*wire, string) {
	t.Helper()
	u, err := url.Parse(basetest.URL(t, "postgres"))
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
	w := &wire{server: filepath.Join(u.Query().Get("host"), name)}
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
		wg.Wait()
	})
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	return w, u.String()
}

// carry passes on what both sides say until the wire breaks.
func (w *wire) carry(t *testing.T, client net.Conn) {
	defer client.Close()
	if w.broken.Load() {
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
			if err != nil || breaks(buffer[:n]) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		pass(client, server, func(text []byte) bool {
			return bytes.Contains(text, []byte("COMMIT")) && w.losing.CompareAndSwap(order, nothing)
		})
	})
	wg.Go(func() {
		pass(server, client, func(text []byte) bool {
			if !bytes.Contains(text, []byte("COMMIT\x00")) {
				return false
			}
			if w.losing.CompareAndSwap(goneForGood, nothing) {
				w.broken.Store(true)
				return true
			}
			return w.losing.CompareAndSwap(answer, nothing)
		})
	})
	wg.Wait()
}

// openWire opens a database through a wire.
func openWire(t *testing.T) (*wire, *db.DB) {
	t.Helper()
	w, address := newWire(t)
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	return w, d
}

// addProven adds a row, which proves that the transaction was committed.
func addProven(tx *db.Tx, id int) error {
	tx.ProvenBy(func(ctx context.Context, asking *db.Tx) (bool, error) {
		var n int
		err := asking.QueryRowContext(ctx, "SELECT count(*) FROM item WHERE id = $1", id).Scan(&n)
		return n == 1, err
	})
	return queue(tx, id, "s")
}

// TestLostCommit: a commit that is not answered is found out about, and made when it was
// not. Without a proof nobody knows.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		losing     int32
		fn         func(tx *db.Tx) error
		kind       errs.Kind // 0 for success
		runs, rows int
	}{
		"not arrived":         {order, func(tx *db.Tx) error { return addProven(tx, 1) }, 0, 2, 1},
		"not answered":        {answer, func(tx *db.Tx) error { return addProven(tx, 1) }, 0, 1, 1},
		"unproven":            {order, func(tx *db.Tx) error { return add(tx, 1) }, errs.Unavailable, 1, 0},
		"not answered either": {goneForGood, func(tx *db.Tx) error { return addProven(tx, 1) }, errs.Unavailable, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := openWire(t)
			w.losing.Store(c.losing)
			runs, hooks := 0, 0
			err := write(t.Context(), d, func(tx *db.Tx) error {
				runs++
				tx.AfterCommit(func() { hooks++ })
				return c.fn(tx)
			})
			if c.kind == 0 && (err != nil || hooks != 1) || c.kind != 0 && (!errs.Is(err, c.kind) || hooks != 0) {
				t.Errorf("%v, %d hooks", err, hooks)
			}
			w.broken.Store(false)
			if n := count(t, d); runs != c.runs || n != c.rows || w.losing.Load() != nothing {
				t.Errorf("%d runs, %d rows", runs, n)
			}
		})
	}
}

// TestLostCommitOfALane: the same for all who shared a transaction.
func TestLostCommitOfALane(t *testing.T) {
	t.Parallel()
	for _, losing := range []int32{order, answer} {
		w, d := openWire(t)
		entered, release := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
				close(entered)
				<-release
				return addProven(tx, 0)
			}); err != nil {
				t.Error(err)
			}
		})
		<-entered
		lose := sync.OnceFunc(func() { w.losing.Store(losing) })
		for i := range 8 {
			wg.Go(func() {
				if err := writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
					lose()
					return addProven(tx, 1+i)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		close(release)
		wg.Wait()
		if n := count(t, d); n != 9 || w.losing.Load() != nothing {
			t.Errorf("%d rows", n)
		}
	}
}

// TestLostServer: a connection that breaks between two statements of a closure is no
// mystery: nothing was committed.
func TestLostServer(t *testing.T) {
	t.Parallel()
	_, d := openWire(t)
	err := write(t.Context(), d, func(tx *db.Tx) error {
		if err := addProven(tx, 1); err != nil {
			return err
		}
		_, err := tx.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !errs.Is(err, errs.Unavailable) || count(t, d) != 0 {
		t.Errorf("%v, %d rows", err, count(t, d))
	}
}

package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// soon is a cap for tests, and patience is what nothing may take that has some of them.
// What must succeed may take plenty: a busy machine is slow.
const (
	soon     = 300 * time.Millisecond
	patience = 15 * time.Second
	plenty   = time.Minute
)

// unhurried lets a URL's connections take their time.
const unhurried = "&connect_timeout=60"

// within ends the test when something is not answered, however it is.
func within(t *testing.T, what string, fn func() error) error {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- fn() }()
	select {
	case err := <-answer:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: no answer in %s", what, patience)
		return nil
	}
}

// openSilent opens a database, with short caps, through a wire that can stall. A writer is
// connected: on a busy machine that alone may take longer than the caps.
func openSilent(t *testing.T) (*basetest.Wire, *db.DB) {
	t.Helper()
	w, address := basetest.NewWire(t)
	past, err := db.Open(t.Context(), w.Past())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(past.Migrate(t.Context(), schema), past.Close()); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), address+unhurried)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	t.Cleanup(w.Mend)
	db.Cap(d, soon) // the writer's connection keeps one of them
	db.CapWrites(d, plenty)
	if err := write(t.Context(), d, func(*db.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	db.Cap(d, soon)
	return w, d
}

// TestSilentServer: a server that neither answers nor hangs up keeps nobody waiting, not
// even those behind the first in a lane, and not who asks how the database is.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	w, d := openSilent(t)
	stalled := make(chan struct{})
	db.CapWrites(d, patience/3) // the first gets into the middle of its write, also on a busy machine
	once := sync.OnceFunc(func() {
		w.Stall()
		db.CapWrites(d, soon)
		close(stalled)
	})
	asked := map[string]func() error{
		"the first": func() error {
			return writeIn(t.Context(), d, "lane", func(tx *db.Tx) error {
				err := add(tx, 1)
				once()
				return errors.Join(err, add(tx, 2))
			})
		},
		"behind it": func() error {
			<-stalled
			return writeIn(t.Context(), d, "lane", func(tx *db.Tx) error { return add(tx, 3) })
		},
		"behind that": func() error {
			<-stalled
			return writeIn(t.Context(), d, "lane", func(tx *db.Tx) error { return add(tx, 4) })
		},
		"in no lane": func() error {
			<-stalled
			return write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 5) })
		},
		"a read": func() error {
			<-stalled
			_, err := db.Read(t.Context(), d, countItems)
			return err
		},
	}
	var wg sync.WaitGroup
	outcomes := make(chan error, len(asked))
	for _, ask := range asked {
		wg.Go(func() { outcomes <- ask() })
	}
	_ = within(t, "those who came together", func() error { wg.Wait(); return nil })
	close(outcomes)
	for err := range outcomes {
		if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 {
			t.Errorf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
		}
	}

	db.Calm(d)
	for range 3 { // who comes later must connect, and is told as soon as that takes too long
		err := within(t, "a later write", func() error {
			return write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 6) })
		})
		if !errs.Is(err, errs.Unavailable) {
			t.Error(err)
		}
		_ = within(t, "health", func() error { d.Health(context.Background()); return nil })
	}
	w.Mend()
	db.Cap(d, plenty)
	if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 7) }); err != nil || count(t, d) != 1 {
		t.Errorf("mended: %v, %d rows", err, count(t, d))
	}
	if h := d.Health(t.Context()); h.Trouble != "" {
		t.Errorf("mended: %+v", h)
	}
}

// TestSilentConnect: a server that takes connections and says nothing cannot be reached.
func TestSilentConnect(t *testing.T) {
	t.Parallel()
	w, address := basetest.NewWire(t)
	d, err := db.Open(t.Context(), address) // which says nothing of how long connecting may take
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	w.Stall()
	err = within(t, "a write", func() error {
		return write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) })
	})
	if h := d.Health(t.Context()); !errs.Is(err, errs.Unavailable) || h.Trouble != db.Unreachable {
		t.Errorf("%v, health: %+v", err, h)
	}
}

// TestSilentCommit: who has no answer to a commit is told that nobody knows.
func TestSilentCommit(t *testing.T) {
	t.Parallel()
	w, d := openSilent(t)
	db.CapWrites(d, plenty) // its end has no more time for it
	err := within(t, "the write", func() error {
		return write(t.Context(), d, func(tx *db.Tx) error {
			err := add(tx, 1)
			w.Stall()
			return err
		})
	})
	if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 || !strings.Contains(e.Message, "look whether it is there") {
		t.Errorf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
	}
}

// TestVanishedNode: a program that vanishes in the middle of a transaction does not keep
// what it has locked.
func TestVanishedNode(t *testing.T) {
	t.Parallel()
	w, d := openSilent(t)
	other, err := db.Open(t.Context(), w.Past())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	touch := func(tx *db.Tx) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE item SET size = 'm' WHERE id = $1", 1)
		return err
	}
	if err := write(t.Context(), other, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
		t.Fatal(err)
	}
	locked, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(release)
	db.CapWrites(d, plenty) // its end, and its silence, have no more time for it
	wg.Go(func() {
		err := write(t.Context(), d, func(tx *db.Tx) error {
			err := touch(tx)
			w.Stall()
			close(locked)
			<-release
			return err
		})
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("the one that vanished: %v", err)
		}
	})
	<-locked
	err = within(t, "the other", func() error { return write(t.Context(), other, touch) })
	if err != nil {
		t.Errorf("the other: %v", err)
	}
}

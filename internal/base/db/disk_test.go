package db_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest/disk"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// openOn opens a database on a disk. A busy machine is slow: the database has time, and
// trouble does not pass by itself meanwhile.
func openOn(t *testing.T, d *disk.Disk) *db.DB {
	t.Helper()
	opened, err := db.Open(t.Context(), "sqlite://"+d.Path("app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	db.Cap(opened, plenty)
	db.Alarm(opened)
	if err := opened.Migrate(t.Context(), schema, blobs); err != nil {
		t.Fatal(err)
	}
	return opened
}

// telling collects what the database says about itself.
func telling(d *db.DB) func() []string {
	var mu sync.Mutex
	var said []string
	d.OnHealth(func(h db.Health) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, string(h.Trouble))
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
}

// writeMany lets writers add items side by side until enough is true, and returns the
// ids of those that were acknowledged, and the errors of the others.
func writeMany(ctx context.Context, d *db.DB, writers, each int) (kept []int, refused []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := 1 + w*each + i
				err := write(ctx, d, func(tx *db.Tx) error { return errors.Join(add(tx, id), addBlob(tx, id, 4000)) })
				mu.Lock()
				if err == nil {
					kept = append(kept, id)
				} else {
					refused = append(refused, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return kept, refused
}

// holds is an error where the items, or the blobs beside them, are not exactly these: an
// acknowledged one is missing, or one that was refused is there, or half of it.
func holds(t *testing.T, d *db.DB, ids []int) {
	t.Helper()
	for _, table := range []string{"item", "blob"} {
		found, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (map[int]bool, error) {
			rows, err := c.QueryContext(ctx, "SELECT id FROM "+table)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			found := map[int]bool{}
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					return nil, err
				}
				found[id] = true
			}
			return found, rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if !found[id] {
				t.Errorf("%s %d was acknowledged and is not there", table, id)
			}
		}
		if len(found) != len(ids) {
			t.Errorf("%d rows in %s, %d were acknowledged", len(found), table, len(ids))
		}
	}
	intact(t, d)
}

func intact(t *testing.T, d *db.DB) {
	t.Helper()
	for _, question := range []string{"PRAGMA integrity_check", "SELECT coalesce((SELECT 'refers to nothing' FROM pragma_foreign_key_check LIMIT 1), 'ok')"} {
		verdict, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (text string, err error) {
			return text, c.QueryRowContext(ctx, question).Scan(&text)
		})
		if err != nil || verdict != "ok" {
			t.Errorf("%s: %q, %v", question, verdict, err)
		}
	}
}

// TestFullDisk fills the disk under writers: each of them is told the truth, reading goes
// on, and when there is room again all is as before, by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]int64{"at once": 0, "in the WAL": 300_000, "in the middle of a page": 123_457, "while the WAL goes back": 6_000_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := disk.New(t)
			d := openOn(t, on)
			said := telling(d)
			before := intsFrom(100_000, 10)
			for _, id := range before {
				if err := write(t.Context(), d, func(tx *db.Tx) error { return errors.Join(add(tx, id), addBlob(tx, id, 100)) }); err != nil {
					t.Fatal(err)
				}
			}
			on.Fill(room)
			kept, refused := writeMany(t.Context(), d, 32, 40)
			if len(refused) == 0 || on.Refused() == 0 {
				t.Fatalf("%d were kept, %d refused: the disk was not full", len(kept), len(refused))
			}
			for _, err := range refused {
				if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 || !strings.Contains(e.Message, "no space") {
					t.Fatalf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
				}
			}
			holds(t, d, append(before, kept...))
			if h := d.Health(t.Context()); h.Trouble != db.NoSpace || h.Since.IsZero() {
				t.Errorf("health: %+v", h)
			}
			if all := said(); len(all) != 1 || all[0] != string(db.NoSpace) {
				t.Errorf("said %q, not once that there is no space", all)
			}

			on.Free()
			if err := write(t.Context(), d, func(tx *db.Tx) error { return errors.Join(add(tx, 99_999), addBlob(tx, 99_999, 100)) }); err != nil {
				t.Errorf("with room again: %v", err)
			}
			holds(t, d, append(append(before, kept...), 99_999))
		})
	}
}

// TestHealthHeals: it says that writes work again when one has, and when nobody writes it
// tries, but not so soon that it says one and the other in turns.
func TestHealthHeals(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d := openOn(t, on)
	said := telling(d)
	if h := d.Health(t.Context()); h.Trouble != "" {
		t.Errorf("at first: %+v", h)
	}
	on.Break(disk.Write)
	err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) })
	if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	if h := d.Health(t.Context()); h.Trouble != db.DiskError {
		t.Errorf("broken: %+v", h)
	}
	on.Mend()
	if h := d.Health(t.Context()); h.Trouble != db.DiskError {
		t.Errorf("just now broken: %+v", h)
	}
	db.Calm(d)
	if h := d.Health(t.Context()); h.Trouble != "" {
		t.Errorf("mended, and looked at later: %+v", h)
	}
	if all := said(); len(all) != 2 || all[1] != "" {
		t.Errorf("said %q", all)
	}
}

// TestBrokenDisk: a disk that gives errors, at any of its parts, costs no acknowledged
// write and lets nothing half through.
func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	for _, part := range []disk.Part{disk.Write, disk.Sync} {
		t.Run(string(part), func(t *testing.T) {
			t.Parallel()
			on := disk.New(t)
			d := openOn(t, on)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				for ctx.Err() == nil { // it comes and goes
					on.Break(part)
					_ = write(ctx, d, func(tx *db.Tx) error { return nil })
					on.Mend()
					_ = write(ctx, d, func(tx *db.Tx) error { return nil })
				}
			})
			kept, refused := writeMany(t.Context(), d, 16, 50)
			cancel()
			wg.Wait()
			on.Mend()
			for _, err := range refused {
				if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 {
					t.Fatalf("kind %d, again after %s: %v", e.Kind, e.RetryAfter, err)
				}
			}
			if len(kept) == 0 || len(refused) == 0 {
				t.Errorf("%d kept, %d refused", len(kept), len(refused))
			}
			holds(t, d, kept)
		})
	}
}

// TestUnreadableDisk: who reads what is not in memory is asked to come again.
func TestUnreadableDisk(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d := openOn(t, on)
	for id := range 100 { // more than SQLite keeps in memory
		if err := write(t.Context(), d, func(tx *db.Tx) error { return addBlob(tx, id, 100_000) }); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(ctx context.Context, c db.Conn) (n int, err error) {
		return n, c.QueryRowContext(ctx, "SELECT sum(length(text)) FROM blob").Scan(&n)
	}
	if n, err := db.Read(t.Context(), d, sum); n != 100*100_000 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	on.Break(disk.Read)
	_, err := db.Read(t.Context(), d, sum)
	if e := errs.Of(err); e.Kind != errs.Unavailable || e.RetryAfter == 0 || d.Health(t.Context()).Trouble != db.DiskError {
		t.Errorf("%v, %+v", err, d.Health(t.Context()))
	}
	on.Mend()
	if n, err := db.Read(t.Context(), d, sum); n != 100*100_000 || err != nil {
		t.Errorf("mended: %d, %v", n, err)
	}
}

// TestPowerLoss takes the files as a disk may leave them that loses power in the middle of
// its work: what was acknowledged until then is there, nothing is there in part.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	on := disk.New(t)
	d := openOn(t, on)
	on.Watch()
	var acknowledged atomic.Int64 // all up to it: there is one writer per id, in order
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	next, known := make(chan int), make([]atomic.Bool, 1<<20)
	wg.Go(func() {
		for id := 1; ctx.Err() == nil; id++ {
			select {
			case next <- id:
			case <-ctx.Done():
			}
		}
	})
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case id := <-next:
					if write(ctx, d, func(tx *db.Tx) error { return errors.Join(add(tx, id), addBlob(tx, id, id%9000)) }) == nil {
						known[id].Store(true)
						acknowledged.Add(1)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for range 6 {
		for enough := acknowledged.Load() + int64(r.IntN(200)); acknowledged.Load() < enough; {
			if err := write(ctx, d, func(*db.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		var before []int
		for id := range known {
			if known[id].Load() {
				before = append(before, id)
			}
		}
		folder := t.TempDir()
		if err := on.LosePower(folder, r); err != nil {
			t.Fatal(err)
		}
		holdsAfterLoss(t, folder, before)
	}
}

// holdsAfterLoss: more may be there than was acknowledged, but nothing half.
func holdsAfterLoss(t *testing.T, folder string, acknowledged []int) {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite://"+folder+"/app.db")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	db.Cap(d, plenty)
	intact(t, d)
	present := map[int]bool{}
	_, err = db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (any, error) {
		rows, err := c.QueryContext(ctx, "SELECT i.id, b.id, length(b.text) FROM item i FULL JOIN blob b ON b.id = i.id")
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var item, blob, size sql.NullInt64
			if err := rows.Scan(&item, &blob, &size); err != nil {
				return nil, err
			}
			if item != blob || size.Int64 != item.Int64%9000 {
				t.Errorf("half a write: item %v, blob %v of %v", item, blob, size)
			}
			present[int(item.Int64)] = true
		}
		return nil, rows.Err()
	})
	if err != nil {
		t.Error(err)
	}
	for _, id := range acknowledged {
		if !present[id] {
			t.Errorf("%d was acknowledged and is lost", id)
		}
	}
	t.Logf("%d acknowledged, %d there", len(acknowledged), len(present))
}

// TestStartOnAFullDisk says so and ends; with room again nothing is missing.
func TestStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d, err := db.Open(t.Context(), "sqlite://"+on.Path("app.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), schema, blobs); err != nil {
		t.Fatal(err)
	}
	kept, _ := writeMany(t.Context(), d, 4, 10)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	on.Fill(0)
	_, err = db.Open(t.Context(), "sqlite://"+on.Path("app.db"))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "app.db: no space") {
		t.Errorf("opened: %v", err)
	}
	on.Free()
	holds(t, openOn(t, on), kept)
}

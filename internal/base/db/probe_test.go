package db_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// Stand-ins for a data disk that is full: a change that needs room, and files that can
// neither be made nor grow while what finds room in them works.
const (
	noRoom = `DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`
	fill   = `CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not create file' USING ERRCODE = '53100'; END $$;
		CREATE EVENT TRIGGER full_disk ON ddl_command_start WHEN tag IN ('CREATE TABLE AS') EXECUTE FUNCTION full_disk()`
	free = `DROP EVENT TRIGGER full_disk`
)

// TestFullDataDisk: health is not well again because of a change that needs no room.
func TestFullDataDisk(t *testing.T) {
	t.Parallel()
	d := basetest.NewDB(t, "postgres", schema)
	db.Cap(d, plenty)
	run := func(all string) error {
		return write(t.Context(), d, func(tx *db.Tx) error {
			for _, statement := range strings.SplitAfter(all, "END $$;") {
				if _, err := tx.ExecContext(t.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := run(fill); err != nil {
		t.Fatal(err)
	}
	if err := run(noRoom); !errs.Is(err, errs.Unavailable) {
		t.Errorf("no room: %v", err)
	}
	db.Calm(d)
	if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err != nil {
		t.Errorf("what finds room: %v", err)
	}
	if h := d.Health(t.Context()); h.Trouble != db.NoSpace {
		t.Errorf("full: %+v", h)
	}
	if err := run(free); err != nil {
		t.Fatal(err)
	}
	if h := d.Health(t.Context()); h.Trouble != "" {
		t.Errorf("with room again: %+v", h)
	}
}

// TestProbesMeet: the probes of several nodes are not in each other's way.
func TestProbesMeet(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "postgres")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			d, err := db.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			db.Calm(d)
			db.Cap(d, plenty) // they look one after another
			_, _ = db.Write(t.Context(), d, func(tx *db.Tx) (none struct{}, err error) {
				_, err = tx.ExecContext(t.Context(), noRoom)
				return none, err
			})
			if h := d.Health(t.Context()); h.Trouble != "" {
				t.Errorf("%+v", h)
			}
		})
	}
	wg.Wait()
}

package notes_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/notes"
)

// pageOf reads a page of ann's notes, of at most room bytes, and where the next one begins.
func pageOf(t *testing.T, w world, after string, room int) ([]notes.Note, string, error) {
	t.Helper()
	type answer struct {
		rows json.RawMessage
		next string
	}
	part := notes.Feature(w.Service).Parts[0].Paged
	a, err := db.Snapshot(t.Context(), w.db, func(ctx context.Context, c db.Conn) (a answer, err error) {
		a.rows, a.next, err = part.Page(ctx, c, w.ann.Scope(), after, room)
		return a, err
	})
	var rows []notes.Note
	if err == nil {
		err = json.Unmarshal(a.rows, &rows)
	}
	if size := len(a.rows); size > room && len(rows) > 1 {
		t.Errorf("%d bytes in a page of %d", size, room)
	}
	return rows, a.next, err
}

// TestSnapshotPages: however small the pages are, each note is in one of them, the newest first,
// and nobody else's is.
func TestSnapshotPages(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		var want []string
		for range 40 {
			want = append(want, create(t, w, w.ann, strings.Repeat("x", len(want))+"-").ID)
			create(t, w, w.bob, "another's")
		}
		slices.Reverse(want)
		for _, room := range []int{1, 500, 3000, 1 << 20} {
			var got []string
			for after, more := "", true; more; more = after != "" {
				var page []notes.Note
				var err error
				if page, after, err = pageOf(t, w, after, room); err != nil || len(page) == 0 {
					t.Fatalf("%d: %v %v", room, page, err)
				}
				for _, n := range page {
					got = append(got, n.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d have %d notes, want %d, the newest first", room, len(got), len(want))
			}
		}
		if page, after, err := pageOf(t, w, want[39], 1); err != nil || len(page) > 0 || after != "" {
			t.Errorf("after the last: %v %q %v", page, after, err)
		}
		for _, after := range []string{"x", strings.Repeat("f", 36), "\x00", want[0] + "x"} {
			if _, _, err := pageOf(t, w, after, 1); !errs.Is(err, errs.Invalid) {
				t.Errorf("after %q: %v", after, err)
			}
		}
	})
}

// TestRowOfAPage: what changed while pages were read is read by its id, by its owner.
func TestRowOfAPage(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		n := create(t, w, w.ann, "mine")
		row := notes.Feature(w.Service).Parts[0].Paged.Row
		read := func(scope string) (any, error) {
			return db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (any, error) { return row(ctx, c, scope, n.ID) })
		}
		if got, err := read(w.ann.Scope()); err != nil || got != n {
			t.Errorf("%v %v, want %v", got, err, n)
		}
		if got, err := read(w.bob.Scope()); !errs.Is(err, errs.NotFound) {
			t.Errorf("another's: %v %v", got, err)
		}
	})
}

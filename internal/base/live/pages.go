package live

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live/query"
	"github.com/peisear/peisear/internal/base/web"
)

// Paged is the one part of a kind of scope of whose rows there may be more than an
// answer holds. The snapshot then has the first page of them, and the client asks for
// the others, each as it is when it is read. So that nothing is missed that moves from a
// later page to one that was read already, the last pages are those rows that the log
// says were changed since the first.
type Paged struct {
	// Page returns rows as a JSON array of at most room bytes, or of one row, and where it
	// ended, which is the beginning of the next one: "" when there is none. What people need
	// first comes first. Invalid: no page has ended at after.
	Page func(ctx context.Context, c db.Conn, scope, after string, room int) (rows json.RawMessage, next string, err error)

	// Row returns the row with the id. NotFound: it is gone.
	Row func(ctx context.Context, c db.Conn, scope, id string) (row any, err error)
}

const (
	// maxPage bounds a page, in bytes of JSON.
	maxPage = 7 << 20
	// maxChanged bounds a page of what has changed, in rows.
	maxChanged = 500

	// What a place begins with: it is among the part's rows, or among those that changed.
	amongRows    = "rows."
	amongChanged = "log."
)

var errNoPage = errs.Field("query.after", "expected the next of a page of this scope")

// firstPage puts the part's first rows into a snapshot that has the others.
func (p Part) firstPage(ctx context.Context, c db.Conn, s *Snapshot) error {
	room := maxPage
	for _, rows := range s.Entities {
		room -= len(rows)
	}
	rows, next, err := p.Paged.Page(ctx, c, s.Scope, "", max(room, 1))
	if next != "" {
		s.Next = amongRows + next
	}
	s.Entities[p.Entity] = rows
	return err
}

// page reads one of the pages after the first. since is the seq of the first.
// Conflict: the scope has not come as far. Invalid: there is no such page.
func (l *Log) page(ctx context.Context, scope, after string, since int64) (_ *Snapshot, err error) {
	defer errs.Wrap(&err, "live.page(%s)", scope)
	part, ok := l.paged(scope)
	if !ok {
		return nil, errNoPage
	}
	epoch, err := l.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	return db.Snapshot(ctx, l.db, func(ctx context.Context, c db.Conn) (*Snapshot, error) {
		s := &Snapshot{Scope: scope, Epoch: epoch, Entities: map[string]json.RawMessage{}}
		if s.Seq, err = head(ctx, c, scope); err != nil {
			return nil, err
		}
		if s.Seq < since {
			return nil, errBeginAnew
		}
		if place, ok := strings.CutPrefix(after, amongRows); ok && place != "" {
			rows, next, err := part.Paged.Page(ctx, c, scope, place, maxPage)
			if s.Next = amongRows + next; next == "" {
				s.Next = amongChanged
			}
			s.Entities[part.Entity] = rows
			return s, err
		}
		if id, ok := strings.CutPrefix(after, amongChanged); ok && db.Keepable(id) {
			return s, part.changed(ctx, c, s, since, id)
		}
		return nil, errNoPage
	})
}

// changed puts the rows into s that have changed since, those with an id after last.
func (p Part) changed(ctx context.Context, c db.Conn, s *Snapshot, since int64, last string) error {
	ids, err := query.New(c).ChangedSince(ctx, query.ChangedSinceParams{
		Scope: s.Scope, Since: since, Entity: p.Entity, After: last, N: maxChanged,
	})
	if err != nil {
		return err
	}
	rows := make([]any, 0, len(ids))
	for _, id := range ids {
		switch row, err := p.Paged.Row(ctx, c, s.Scope, id); {
		case errs.Is(err, errs.NotFound): // the log will say so
		case err != nil:
			return err
		default:
			rows = append(rows, row)
		}
	}
	if len(ids) == maxChanged {
		s.Next = amongChanged + ids[len(ids)-1]
	}
	s.Entities[p.Entity], err = json.Marshal(rows)
	return err
}

// paged returns the part of the scope's kind that comes in pages.
func (l *Log) paged(scope string) (Part, bool) {
	kind, _, _ := strings.Cut(scope, ":")
	for _, p := range l.parts {
		if p.Kind == kind && p.Paged != nil {
			return p, true
		}
	}
	return Part{}, false
}

// fillPage answers a page after the first. One among the rows is the same for all who
// began before it was read; one among the changes is for who began at that moment.
func (l *Log) fillPage(ctx context.Context, epoch string, in *syncInput) (*syncOutput, error) {
	if in.Epoch != "" && in.Epoch != epoch {
		return nil, errOtherEpoch
	}
	read := func() (*Snapshot, error) { return l.page(ctx, in.Scope, in.After, in.Since.Value) }
	out := &syncOutput{Cache: "no-store", Vary: "Accept-Encoding"}
	if !strings.HasPrefix(in.After, amongRows) {
		s, err := read()
		if err != nil {
			return nil, err
		}
		out.Status, out.Type, out.Body = http.StatusOK, "application/json", encodeSnapshot(s)
		return out, nil
	}
	p, err := l.packed(ctx, in.Scope+" "+in.After, epoch, in.Since.Value, read)
	if err != nil {
		return nil, err
	}
	return out, out.unpack(p, web.Encoding(in.AcceptEncoding, "gzip"))
}

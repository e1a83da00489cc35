package live

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// Part is what a slice puts into the snapshots of a kind of scope: the rows of one
// entity, in their API form. Kind is what stands before the colon: "project" for
// project:<id>; "org" is a scope and its kind.
type Part struct {
	Kind   string
	Entity string
	Rows   func(ctx context.Context, c db.Conn, scope string) (rows any, err error)
}

// Offer adds the features' parts. It is called while the program is put together,
// before anything is served.
func (l *Log) Offer(parts ...Part) { l.parts = append(l.parts, parts...) }

// Snapshot is a scope's rows as they were at seq.
type Snapshot struct {
	Scope    string                     `json:"scope"`
	Epoch    string                     `json:"epoch"`
	Seq      int64                      `json:"seq"`
	Entities map[string]json.RawMessage `json:"entities"`
}

// packed is a snapshot as it goes over the wire: JSON, compressed with gzip.
type packed struct {
	scope string
	epoch string
	seq   int64
	data  []byte
}

// etag names a scope's state. Two states never share one.
func etag(epoch string, seq int64) string { return fmt.Sprintf(`"%s-%d"`, epoch, seq) }

// Snapshot reads a scope's rows, all in one state.
func (l *Log) Snapshot(ctx context.Context, scope string) (_ *Snapshot, err error) {
	defer errs.Wrap(&err, "live.Snapshot(%s)", scope)
	epoch, err := l.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(scope, ":")
	return db.Snapshot(ctx, l.db, func(ctx context.Context, c db.Conn) (*Snapshot, error) {
		s := &Snapshot{Scope: scope, Epoch: epoch, Entities: map[string]json.RawMessage{}}
		if s.Seq, err = head(ctx, c, scope); err != nil {
			return nil, err
		}
		for _, p := range l.parts {
			if p.Kind != kind {
				continue
			}
			rows, err := p.Rows(ctx, c, scope)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.Entity, err)
			}
			if s.Entities[p.Entity], err = json.Marshal(rows); err != nil {
				return nil, err
			}
		}
		return s, nil
	})
}

// packedSnapshot returns the scope's snapshot at seq or later: from the cache, or else
// from whoever is making it already. After a write many may ask for one at once.
func (l *Log) packedSnapshot(ctx context.Context, scope, epoch string, seq int64) (*packed, error) {
	for {
		p, making, first := l.cache.get(scope, epoch, seq)
		switch {
		case p != nil:
			return p, nil
		case first:
			return l.pack(ctx, scope)
		}
		select {
		case <-making: // and look again: it may be older than seq, or nothing
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pack makes a snapshot for all who wait.
func (l *Log) pack(ctx context.Context, scope string) (p *packed, err error) {
	defer func() { l.cache.made(scope, p) }()
	s, err := l.Snapshot(ctx, scope)
	if err != nil {
		return nil, err
	}
	data, err := compress(appendSnapshot(nil, s))
	if err != nil {
		return nil, err
	}
	return &packed{scope: scope, epoch: s.Epoch, seq: s.Seq, data: data}, nil
}

func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// maxCached bounds the compressed snapshots in memory, in bytes.
const maxCached = 16 << 20

// snapshots keeps the newest snapshot of the scopes asked for last.
type snapshots struct {
	mu     sync.Mutex
	known  map[string]*list.Element // of *packed, by scope
	order  *list.List               // the one used last in front
	size   int
	making map[string]chan struct{} // by scope; closed when it is made, or was not to be
}

func newSnapshots() *snapshots {
	return &snapshots{known: map[string]*list.Element{}, order: list.New(), making: map[string]chan struct{}{}}
}

// get returns a snapshot at seq or later. Where there is none, the first who asks makes
// one and says so with made; the others may wait for it.
func (s *snapshots) get(scope, epoch string, seq int64) (p *packed, making <-chan struct{}, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.known[scope]; ok {
		p := at.Value.(*packed) //nolint:forcetypeassert // the list holds nothing else
		if p.epoch == epoch && p.seq >= seq {
			s.order.MoveToFront(at)
			return p, nil, false
		}
	}
	if making, ok := s.making[scope]; ok {
		return nil, making, false
	}
	s.making[scope] = make(chan struct{})
	return nil, nil, true
}

// made ends what get has begun. p is nil when nothing came of it.
func (s *snapshots) made(scope string, p *packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.making[scope])
	delete(s.making, scope)
	if p == nil {
		return
	}
	if at, ok := s.known[scope]; ok {
		s.drop(at)
	}
	s.known[scope] = s.order.PushFront(p)
	for s.size += len(p.data); s.size > maxCached && s.order.Len() > 1; {
		s.drop(s.order.Back())
	}
}

func (s *snapshots) drop(at *list.Element) {
	p := s.order.Remove(at).(*packed) //nolint:forcetypeassert // as above
	delete(s.known, p.scope)
	s.size -= len(p.data)
}

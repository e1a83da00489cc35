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
// project:<id>; "org" is a scope and its kind. It has all Rows or, once in a kind,
// pages of them.
type Part struct {
	Kind   string
	Entity string
	Rows   func(ctx context.Context, c db.Conn, scope string) (rows any, err error)
	Paged  *Paged
}

// Offer adds the features' parts. It is called while the program is put together,
// before anything is served.
func (l *Log) Offer(parts ...Part) { l.parts = append(l.parts, parts...) }

// Snapshot is a scope's rows as they were at seq: all of them, or those that an answer
// holds.
type Snapshot struct {
	Scope    string                     `json:"scope"`
	Epoch    string                     `json:"epoch"`
	Seq      int64                      `json:"seq"`
	Next     string                     `json:"next,omitempty" doc:"there are more rows: ask for them with this as after, the first page's seq as since, and its epoch; follow the log from that seq when none is left"`
	Entities map[string]json.RawMessage `json:"entities"`
}

// packed is a snapshot or a page of one as it goes over the wire: JSON, compressed with
// gzip.
type packed struct {
	name  string // the scope, and for a page where it begins
	epoch string
	seq   int64
	data  []byte
}

// etag names a scope's state. Two states never share one.
func etag(epoch string, seq int64) string { return fmt.Sprintf(`"%s-%d"`, epoch, seq) }

// Snapshot reads a scope's rows, all in one state. Of those that come in pages it has
// the first; Next then says so.
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
			if p.Kind != kind || p.Paged != nil {
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
		if p, ok := l.paged(scope); ok {
			return s, p.firstPage(ctx, c, s)
		}
		return s, nil
	})
}

// packed returns a snapshot, or a page of one, at seq or later: from the cache, or else
// from whoever is making it already. After a write many may ask for one at once.
func (l *Log) packed(ctx context.Context, name, epoch string, seq int64, read func() (*Snapshot, error)) (*packed, error) {
	for {
		p, making, first := l.cache.get(name, epoch, seq)
		switch {
		case p != nil:
			return p, nil
		case first:
			return l.pack(name, read)
		}
		select {
		case <-making: // and look again: it may be older than seq, or nothing
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pack makes a snapshot for all who wait.
func (l *Log) pack(name string, read func() (*Snapshot, error)) (p *packed, err error) {
	defer func() { l.cache.made(name, p) }()
	s, err := read()
	if err != nil {
		return nil, err
	}
	data, err := compress(encodeSnapshot(s))
	if err != nil {
		return nil, err
	}
	return &packed{name: name, epoch: s.Epoch, seq: s.Seq, data: data}, nil
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

// snapshots keeps the newest of the snapshots and pages asked for last.
type snapshots struct {
	mu     sync.Mutex
	known  map[string]*list.Element // of *packed, by name
	order  *list.List               // the one used last in front
	size   int
	making map[string]chan struct{} // by name; closed when it is made, or was not to be
}

func newSnapshots() *snapshots {
	return &snapshots{known: map[string]*list.Element{}, order: list.New(), making: map[string]chan struct{}{}}
}

// get returns a snapshot at seq or later. Where there is none, the first who asks makes
// one and says so with made; the others may wait for it.
func (s *snapshots) get(name, epoch string, seq int64) (p *packed, making <-chan struct{}, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.known[name]; ok {
		p := at.Value.(*packed) //nolint:forcetypeassert // the list holds nothing else
		if p.epoch == epoch && p.seq >= seq {
			s.order.MoveToFront(at)
			return p, nil, false
		}
	}
	if making, ok := s.making[name]; ok {
		return nil, making, false
	}
	s.making[name] = make(chan struct{})
	return nil, nil, true
}

// made ends what get has begun. p is nil when nothing came of it.
func (s *snapshots) made(name string, p *packed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.making[name])
	delete(s.making, name)
	if p == nil {
		return
	}
	if at, ok := s.known[name]; ok {
		s.drop(at)
	}
	s.known[name] = s.order.PushFront(p)
	for s.size += len(p.data); s.size > maxCached && s.order.Len() > 1; {
		s.drop(s.order.Back())
	}
}

func (s *snapshots) drop(at *list.Element) {
	p := s.order.Remove(at).(*packed) //nolint:forcetypeassert // as above
	delete(s.known, p.name)
	s.size -= len(p.data)
}

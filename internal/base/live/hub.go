package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxBehind is how many messages a follower may lag before it is dropped.
const maxBehind = 256

// unknown is the head of a scope whose followers have not read it yet.
const unknown = -1

// Who is a live connection's owner.
type Who struct {
	User    string
	Session string
	Expires time.Time // of the access token
}

// Hub hands every new transaction to those who follow its scope. It reads and
// encodes each transaction once, however many follow. Run it.
type Hub struct {
	mu        sync.Mutex
	followers map[string]map[*follower]struct{}
	told      map[string]int64    // of followed scopes: followers have been sent what is up to it
	dirty     map[string]struct{} // followed scopes that may have come further
	woken     chan struct{}
	ended     chan struct{}
	news      *news
	meter     *meter
	subjects  map[string][]func() // who is told what others Tell
}

// message is an encoded transaction. One without data tells the stream to look
// again at what its user may follow, before it goes on.
type message struct {
	scope string
	data  []byte
}

// follower receives messages until it is too slow or its session ends.
type follower struct {
	who      Who
	messages chan message  // closed when it is too slow
	quit     chan struct{} // closed when its session has ended
	gone     bool          // either was closed: it is never followed again
	scopes   map[string]struct{}
}

// NewHub returns a hub without followers.
func NewHub() *Hub {
	return &Hub{
		followers: map[string]map[*follower]struct{}{},
		told:      map[string]int64{},
		dirty:     map[string]struct{}{},
		woken:     make(chan struct{}, 1),
		ended:     make(chan struct{}),
		news:      newNews(),
		meter:     newMeter(),
		subjects:  map[string][]func(){},
	}
}

// Run delivers until ctx ends, and ends all streams then.
func (h *Hub) Run(ctx context.Context, log *Log, logger *slog.Logger) {
	defer close(h.ended)
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { log.db.Watch(ctx, func(text string) { h.heard(ctx, log, logger, text) }) })
	watching.Go(func() { h.news.run(ctx, log, logger) })
	defer watching.Wait()
	defer cancel() // first of all, so that a panic is not kept waiting
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.woken:
		}
		for scope, seq := range h.takeDirty() {
			if err := h.relay(ctx, log, scope, seq); err != nil && ctx.Err() == nil {
				// Clients notice the gap at the next message, and at the next reconnect.
				logger.ErrorContext(ctx, "live hub", "scope", scope, "error", err.Error())
			}
		}
	}
}

// relay publishes all of a scope's transactions after seq.
func (h *Hub) relay(ctx context.Context, log *Log, scope string, seq int64) error {
	epoch, err := log.Epoch(ctx)
	if err != nil {
		return err
	}
	for {
		d, err := log.since(ctx, scope, seq)
		if err != nil {
			return err
		}
		for _, e := range d.Entries {
			log.regrant(scope, e.Changes)
			m, err := messageOf(e, epoch)
			if err != nil {
				return err
			}
			h.publish(e, m)
			h.meter.delivered(e)
			seq = e.Seq
		}
		if !d.More {
			return nil
		}
	}
}

// maxEvent bounds a change on the stream, in bytes: it is kept for every follower.
const maxEvent = 256 << 10

// messageOf encodes an entry. In place of a big one stands how far the scope has come:
// the client asks for it.
func messageOf(e Entry, epoch string) (message, error) {
	data, err := appendEntry(make([]byte, 0, e.size()), e)
	if err != nil {
		return message{}, err
	}
	if len(data) <= maxEvent {
		return message{scope: e.Scope, data: event("change", data)}, nil
	}
	data, err = json.Marshal(headsData{epoch, map[string]int64{e.Scope: e.Seq}})
	return message{scope: e.Scope, data: event("heads", data)}, err
}

// wake notes that scopes have come further. It never blocks.
func (h *Hub) wake(scopes []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, scope := range scopes {
		if _, followed := h.told[scope]; followed {
			h.dirty[scope] = struct{}{}
		}
	}
	h.signal()
}

// catchUp is wake for scopes that may have come further: to the given seq.
func (h *Hub) catchUp(heads map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for scope, seq := range heads {
		if told, followed := h.told[scope]; followed && told < seq {
			h.dirty[scope] = struct{}{}
		}
	}
	h.signal()
}

// signal wakes Run when there is something to read. The caller holds the lock.
func (h *Hub) signal() {
	if len(h.dirty) == 0 {
		return
	}
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// takeDirty returns the scopes to read, each with the seq to begin after. One whose
// head is unknown waits: its follower is about to read it.
func (h *Hub) takeDirty() map[string]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := make(map[string]int64, len(h.dirty))
	for scope := range h.dirty {
		if told, followed := h.told[scope]; followed && told != unknown {
			taken[scope] = told
		}
	}
	h.dirty = map[string]struct{}{}
	return taken
}

// publish hands an entry's message to the scope's followers.
func (h *Hub) publish(e Entry, m message) {
	regranted := regranted(e.Scope, e.Changes)
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.followers[e.Scope] {
		if slices.Contains(regranted, f.who.User) {
			h.send(f, message{})
		}
		h.send(f, m)
	}
	if _, followed := h.told[e.Scope]; followed {
		h.told[e.Scope] = e.Seq
	}
}

// regranted returns the users for whom a transaction may change what they may follow.
func regranted(scope string, changes []Change) (users []string) {
	if user, ok := strings.CutPrefix(scope, "user:"); ok {
		return []string{user}
	}
	for _, c := range changes {
		if c.Entity == Member {
			users = append(users, c.ID)
		}
	}
	return users
}

// send drops a follower that is too slow. The caller holds the lock.
func (h *Hub) send(f *follower, m message) {
	if f.gone {
		return
	}
	select {
	case f.messages <- m:
	default:
		h.drop(f)
	}
}

// drop lets a follower connect again. The caller holds the lock.
func (h *Hub) drop(f *follower) {
	if h.remove(f); !f.gone {
		f.gone = true
		close(f.messages)
		h.meter.dropped.Inc()
	}
}

// End ends the streams of those for whom over is true, at once.
func (h *Hub) End(over func(Who) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[*follower]struct{}{}
	for _, all := range h.followers {
		for f := range all {
			if over(f.who) {
				seen[f] = struct{}{}
			}
		}
	}
	for f := range seen {
		h.remove(f)
		f.gone = true
		close(f.quit)
	}
}

// newFollower returns a follower without scopes.
func newFollower(who Who) *follower {
	return &follower{who: who, messages: make(chan message, maxBehind), quit: make(chan struct{}), scopes: map[string]struct{}{}}
}

// follow adds scopes to a follower. The caller reads their heads next, and says so
// with begin: what commits after that reading is delivered. It is false for a
// follower that was dropped: its stream is about to notice.
func (h *Hub) follow(f *follower, scopes []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.gone {
		return false
	}
	for _, scope := range scopes {
		if h.followers[scope] == nil {
			h.followers[scope] = map[*follower]struct{}{}
			h.told[scope] = unknown
		}
		h.followers[scope][f] = struct{}{}
		f.scopes[scope] = struct{}{}
	}
	return true
}

// begin gives followed scopes of unknown head the one that was read. A commit
// between the reading and now found no head to compare with, so all are woken.
func (h *Hub) begin(heads map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for scope, seq := range heads {
		if h.told[scope] == unknown && h.followers[scope] != nil {
			h.told[scope] = seq
			h.dirty[scope] = struct{}{}
		}
	}
	h.signal()
}

// unfollow takes scopes from a follower, or all of them when none is named.
func (h *Hub) unfollow(f *follower, scopes ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(scopes) == 0 {
		h.remove(f)
	}
	for _, scope := range scopes {
		h.leave(f, scope)
	}
}

// remove takes the follower out of all scopes.
func (h *Hub) remove(f *follower) {
	for scope := range f.scopes {
		h.leave(f, scope)
	}
}

func (h *Hub) leave(f *follower, scope string) {
	delete(f.scopes, scope)
	delete(h.followers[scope], f)
	if len(h.followers[scope]) == 0 {
		delete(h.followers, scope)
		delete(h.told, scope)
	}
}

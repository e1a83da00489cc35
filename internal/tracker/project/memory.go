package project

import (
	"slices"
	"sync"
	"time"
)

// maxRemembered bounds each of these memories, in entries. Beyond it, one begins anew.
const maxRemembered = 10_000

// found remembers which project an actor has found under a key. It gives no right: who
// takes an id from here enters the project in the transaction.
type found struct {
	mu    sync.RWMutex
	known map[[2]string]string
}

func (f *found) get(actor, key string) (id string, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	id, ok = f.known[[2]string{actor, key}]
	return id, ok
}

func (f *found) put(actor, key, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= maxRemembered {
		f.known = map[[2]string]string{}
	}
	f.known[[2]string{actor, key}] = id
}

func (f *found) drop(actor, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, [2]string{actor, key})
}

// grantedFor is how long memory is believed about memberships that another process may
// change. What this one changes, it forgets at once.
const grantedFor = 900 * time.Millisecond

// granted remembers the scopes that users may follow, which is asked with every delta.
type granted struct {
	mu    sync.Mutex
	known map[string]remembered // by user
	drops int                   // what was asked before the last one is not remembered
}

type remembered struct {
	scopes []string
	at     time.Time
}

// of returns the user's scopes as they are in memory, or as ask says.
func (g *granted) of(user string, now time.Time, ask func() ([]string, error)) ([]string, error) {
	g.mu.Lock()
	known, ok := g.known[user]
	drops := g.drops
	g.mu.Unlock()
	if ok && now.Sub(known.at) < grantedFor {
		return known.scopes, nil
	}
	scopes, err := ask()
	if err != nil {
		return nil, err
	}
	scopes = slices.Clip(scopes) // whoever appends gets a copy
	g.mu.Lock()
	defer g.mu.Unlock()
	if drops != g.drops {
		return scopes, nil
	}
	if g.known == nil || len(g.known) >= maxRemembered {
		g.known = map[string]remembered{}
	}
	g.known[user] = remembered{scopes, now}
	return scopes, nil
}

// drop forgets a user's scopes.
func (g *granted) drop(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.known, user)
	g.drops++
}

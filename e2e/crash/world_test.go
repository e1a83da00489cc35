package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// world is what the writers have in common, and what they know must be there.
type world struct {
	t        *testing.T
	server   *server
	token    string
	user     string
	projects []project

	// gate is held by each writer from the moment it sends a write until it knows what has
	// become of it; a comparison waits for all of them.
	gate sync.RWMutex

	mu        sync.Mutex
	issues    map[string]issue // by id: those that must be there
	comments  map[string]comment
	notes     map[string]string // title by id
	deleted   map[string]bool   // ids that must not be there
	mutations map[string]string // Idempotency-Key of what was answered: its scope
	people    map[string]bool   // names
	replicas  []*replica
	compared  int

	answered, lost, resent, lookedUp, found, twice, signedUp atomic.Int64
}

// project is where writers write.
type project struct {
	id, key  string
	statuses []string
}

// issue is as much of an issue as is compared.
type issue struct {
	ID       string `json:"id"`
	Key      string `json:"key"`
	Title    string `json:"title"`
	StatusID string `json:"statusId"`
	Priority string `json:"priority"`
	Version  int64  `json:"version"`
	project  int
}

// newWorld signs the first admin up and makes projects.
func newWorld(t *testing.T, s *server) *world {
	t.Helper()
	w := &world{
		t: t, server: s, issues: map[string]issue{}, comments: map[string]comment{}, notes: map[string]string{}, deleted: map[string]bool{},
		mutations: map[string]string{}, people: map[string]bool{"Ada": true},
	}
	var session struct {
		AccessToken string
		User        struct{ ID string }
	}
	w.must(t, http.MethodPost, "/api/auth/signup/password", signUpBody(inviteCode, "Ada"), &session)
	w.token, w.user = session.AccessToken, session.User.ID
	for _, key := range []string{"ONE", "TWO", "THREE"} {
		var p struct{ ID string }
		w.must(t, http.MethodPost, "/api/projects", fmt.Sprintf(`{"key":%q,"name":%q}`, key, key), &p)
		var statuses struct{ Items []struct{ ID string } }
		w.must(t, http.MethodGet, "/api/projects/"+key+"/statuses", "", &statuses)
		made := project{id: p.ID, key: key}
		for _, s := range statuses.Items {
			made.statuses = append(made.statuses, s.ID)
		}
		w.projects = append(w.projects, made)
		w.replicas = append(w.replicas, newReplica("project:"+p.ID))
	}
	w.replicas = append(w.replicas, newReplica("user:"+w.user), newReplica("org"))
	return w
}

func signUpBody(code, name string) string {
	return fmt.Sprintf(`{"code":%q,"email":"%s@example.org","password":"correct horse battery","displayName":%q}`, code, name, name)
}

func (w *world) must(t *testing.T, method, path, body string, into any) {
	t.Helper()
	a := w.server.call(t.Context(), request{method: method, path: path, body: body, token: w.token})
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, a.body)
	}
}

// settled sends a request until there is an answer. It ends in nothing only with the test.
func (w *world) settled(q request) answer {
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		a := w.server.call(context.Background(), q)
		if !a.unknown() {
			return a
		}
		if time.Now().After(deadline) {
			w.t.Errorf("%s %s: no answer in a minute: %d %s", q.method, q.path, a.status, a.body)
			return a
		}
	}
}

// signUps lets people sign up, slowly, because passwords cost. One without an answer tries
// again, and finds its address taken if it was there already.
func (w *world) signUps(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("p%d", i)
		q := request{method: http.MethodPost, path: "/api/auth/signup/password", body: signUpBody("", name), from: fmt.Sprintf("198.51.%d.%d", i/250%250, i%250)}
		w.gate.RLock()
		a := w.server.call(ctx, q)
		lost := a.unknown()
		if lost {
			a = w.settled(q)
		}
		if a.status == http.StatusCreated || lost && a.status == http.StatusConflict {
			w.signedUp.Add(1)
			w.mu.Lock()
			w.people[name] = true
			w.mu.Unlock()
		} else {
			w.t.Errorf("sign-up: %d %s", a.status, a.body)
		}
		w.gate.RUnlock()
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

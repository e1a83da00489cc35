package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// most is how many issues, and notes, a writer keeps: beyond it, it deletes.
const most = 40

// writer is one connection. It changes only what it has made, so it knows what that must
// be; places in columns and numbers it shares with the others.
type writer struct {
	*world
	name   string
	r      *rand.Rand
	count  int
	issues []issue
	notes  []string // ids
	said   []comment
}

func newWriter(w *world, i int, r *rand.Rand) *writer {
	return &writer{world: w, name: fmt.Sprintf("w%d", i), r: r}
}

func (w *writer) write(ctx context.Context) {
	for ctx.Err() == nil && !w.t.Failed() {
		w.gate.RLock()
		switch n := w.r.IntN(100); {
		case len(w.issues) == 0 || n < 30 && len(w.issues) < most:
			w.create()
		case n < 55:
			w.edit()
		case n < 75:
			w.move()
		case n < 80:
			w.remove()
		case n < 90:
			w.discuss()
		default:
			w.note()
		}
		w.gate.RUnlock()
		<-time.After(time.Duration(w.r.Int64N(int64(4 * time.Millisecond))))
	}
}

// title is a text that nothing else has.
func (w *writer) title() string {
	w.count++
	return fmt.Sprintf("%s-%d", w.name, w.count)
}

// outcome is what has become of a write.
type outcome struct {
	answer
	sure bool // answered, at once or when it was sent again; otherwise one has to look
}

func (w *writer) scopeOf(project int) string { return "project:" + w.projects[project].id }

// send sends a write: most with an id, so that it can be sent again until there is an
// answer, and some of these twice at the same moment.
func (w *writer) send(scope, method, path, body string, want int) outcome {
	q := request{method: method, path: path, body: body, token: w.token}
	if w.r.IntN(10) < 7 {
		q.key = uuid.NewString()
	}
	var a, b answer
	var both sync.WaitGroup
	twice := q.key != "" && w.r.IntN(8) == 0
	if twice {
		w.twice.Add(1)
		both.Go(func() { b = w.server.call(context.Background(), q) })
	}
	a = w.server.call(context.Background(), q)
	both.Wait()
	if twice && !b.unknown() && b.status != want {
		w.t.Errorf("%s %s, the second copy: %d %s", method, path, b.status, b.body)
	}
	if a.unknown() {
		w.lost.Add(1)
		if q.key == "" {
			w.lookedUp.Add(1)
			return outcome{}
		}
		w.resent.Add(1)
		a = w.settled(q)
	}
	if a.status != want {
		w.t.Errorf("%s %s %s: %d %s", method, path, body, a.status, a.body)
		return outcome{a, true}
	}
	w.answered.Add(1)
	if q.key != "" {
		w.mu.Lock()
		w.mutations[q.key] = scope
		w.mu.Unlock()
		if w.r.IntN(20) == 0 { // as if the answer had been lost on its way
			if again := w.settled(q); again.status != want && (method != http.MethodDelete || again.status != http.StatusNotFound) {
				w.t.Errorf("%s %s, again: %d %s", method, path, again.status, again.body)
			}
		}
	}
	return outcome{a, true}
}

func (w *writer) create() {
	p := w.r.IntN(len(w.projects))
	title := w.title()
	o := w.send(w.scopeOf(p), http.MethodPost, "/api/projects/"+w.projects[p].key+"/issues", fmt.Sprintf(`{"title":%q}`, title), http.StatusCreated)
	made := issue{project: p}
	if !o.sure {
		var page struct{ Items []issue }
		w.look("/api/projects/"+w.projects[p].key+"/issues?q="+url.QueryEscape(title)+"&sort=number", &page)
		for _, i := range page.Items { // the filter finds longer titles too
			if i.Title == title {
				made, o.sure = i, true
				w.found.Add(1)
			}
		}
		if !o.sure {
			return
		}
	} else if err := json.Unmarshal(o.body, &made); err != nil || made.Title != title {
		w.t.Errorf("%v: %s", err, o.body)
		return
	}
	made.project = p
	w.issues = append(w.issues, made)
	w.keep(made)
}

// keep says how an issue must be.
func (w *writer) keep(i issue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.world.issues[i.ID] = i
}

// look asks until there is an answer.
func (w *writer) look(path string, into any) (status int) {
	a := w.settled(request{path: path, token: w.token})
	if a.status == http.StatusOK {
		if err := json.Unmarshal(a.body, into); err != nil {
			w.t.Errorf("%s: %v", path, err)
		}
	} else if a.status != http.StatusNotFound {
		w.t.Errorf("%s: %d %s", path, a.status, a.body)
	}
	return a.status
}

func (w *writer) edit() {
	n := w.r.IntN(len(w.issues))
	is := w.issues[n]
	was := is
	is.Title, is.Priority = w.title(), []string{"low", "medium", "high", "urgent"}[w.r.IntN(4)]
	o := w.send(w.scopeOf(is.project), http.MethodPatch, "/api/issues/"+is.Key, fmt.Sprintf(`{"title":%q,"priority":%q}`, is.Title, is.Priority), http.StatusOK)
	w.changed(n, was, is, o)
}

func (w *writer) move() {
	n := w.r.IntN(len(w.issues))
	is := w.issues[n]
	was := is
	statuses := w.projects[is.project].statuses
	is.StatusID = statuses[w.r.IntN(len(statuses))]
	body := fmt.Sprintf(`{"statusId":%q}`, is.StatusID)
	for _, other := range w.issues {
		if other.ID != is.ID && other.project == is.project && other.StatusID == is.StatusID {
			body = fmt.Sprintf(`{"statusId":%q,"after":%q}`, is.StatusID, other.Key)
			break
		}
	}
	o := w.send("", http.MethodPost, "/api/issues/"+is.Key+"/move", body, http.StatusOK) // to its own place it records nothing
	w.changed(n, was, is, o)
}

// changed takes over what a change has made of an issue: all of it, or nothing.
func (w *writer) changed(n int, was, is issue, o outcome) {
	var now issue
	if o.sure {
		if err := json.Unmarshal(o.body, &now); err != nil {
			w.t.Errorf("%v: %s", err, o.body)
		}
	} else {
		w.look("/api/issues/"+is.Key, &now)
	}
	now.project, is.Version, was.Version = is.project, now.Version, now.Version
	agree(w, o, was, is, now)
	w.issues[n] = now
	w.keep(now)
}

// agree holds that something is now as it must be, or, where the change had no answer, as
// it was before.
func agree[T comparable](w *writer, o outcome, was, is, now T) {
	switch {
	case now == is:
		if !o.sure {
			w.found.Add(1)
		}
	case o.sure || now != was:
		w.t.Errorf("%T is %+v; it was %+v and must be %+v (sure: %v)", now, now, was, is, o.sure)
	}
}

func (w *writer) remove() {
	n := w.r.IntN(len(w.issues))
	is := w.issues[n]
	o := w.send(w.scopeOf(is.project), http.MethodDelete, "/api/issues/"+is.Key, "", http.StatusNoContent)
	if !o.sure {
		if w.look("/api/issues/"+is.Key, new(issue)) == http.StatusOK {
			return
		}
		w.found.Add(1)
	}
	w.issues = append(w.issues[:n], w.issues[n+1:]...)
	w.forget(is.ID)
	for _, c := range w.said {
		if c.IssueID == is.ID {
			w.forget(c.ID)
		}
	}
	w.said = slices.DeleteFunc(w.said, func(c comment) bool { return c.IssueID == is.ID })
}

func (w *writer) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.world.issues, id)
	delete(w.world.notes, id)
	delete(w.comments, id)
	w.deleted[id] = true
}

// note makes a note, or deletes one.
func (w *writer) note() {
	scope := "user:" + w.user
	if len(w.notes) > most {
		id := w.notes[0]
		if o := w.send(scope, http.MethodDelete, "/api/notes/"+id, "", http.StatusNoContent); !o.sure && w.look("/api/notes/"+id, new(any)) == http.StatusOK {
			return
		}
		w.notes = w.notes[1:]
		w.forget(id)
		return
	}
	title := w.title()
	o := w.send(scope, http.MethodPost, "/api/notes", fmt.Sprintf(`{"title":%q}`, title), http.StatusCreated)
	if !o.sure {
		return // nobody finds a note by its title; the comparison lets it be, whole
	}
	var made struct{ ID string }
	if err := json.Unmarshal(o.body, &made); err != nil {
		w.t.Errorf("%v: %s", err, o.body)
	}
	w.notes = append(w.notes, made.ID)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.world.notes[made.ID] = title
}

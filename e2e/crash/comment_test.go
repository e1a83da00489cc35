package crash_test

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// mostSaid is how many comments a writer keeps.
const mostSaid = 20

// comment is as much of a comment as is compared.
type comment struct {
	ID      string `json:"id"`
	IssueID string `json:"issueId"`
	Body    string `json:"body"`
	Version int64  `json:"version"`
	project int
}

// discuss makes a comment on one of the writer's issues, edits one or removes one.
func (w *writer) discuss() {
	switch n := w.r.IntN(10); {
	case len(w.said) == 0 || n < 5 && len(w.said) < mostSaid:
		w.say()
	case n < 8:
		w.rephrase(w.r.IntN(len(w.said)))
	default:
		w.takeBack(w.r.IntN(len(w.said)))
	}
}

// say adds a comment. Without an answer it looks among those of the issue.
func (w *writer) say() {
	is := w.issues[w.r.IntN(len(w.issues))]
	path, body := "/api/issues/"+is.Key+"/comments", w.title()
	o := w.send(w.scopeOf(is.project), http.MethodPost, path, fmt.Sprintf(`{"body":%q}`, body), http.StatusCreated)
	var made comment
	if o.sure {
		if err := json.Unmarshal(o.body, &made); err != nil || made.Body != body {
			w.t.Errorf("%v: %s", err, o.body)
			return
		}
	} else {
		var page struct{ Items []comment }
		w.look(path+"?sort=-created", &page)
		for _, c := range page.Items {
			if c.Body == body {
				made = c
				w.found.Add(1)
			}
		}
		if made.ID == "" {
			return
		}
	}
	made.project = is.project
	w.said = append(w.said, made)
	w.keepComment(made)
}

func (w *writer) keepComment(c comment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.comments[c.ID] = c
}

// rephrase edits a comment: it is then as before, or as it was sent.
func (w *writer) rephrase(n int) {
	was := w.said[n]
	is := was
	is.Body, is.Version = w.title(), was.Version+1
	body := fmt.Sprintf(`{"body":%q,"version":%d}`, is.Body, was.Version)
	o := w.send(w.scopeOf(is.project), http.MethodPatch, "/api/comments/"+is.ID, body, http.StatusOK)
	var now comment
	if o.sure {
		if err := json.Unmarshal(o.body, &now); err != nil {
			w.t.Errorf("%v: %s", err, o.body)
		}
	} else {
		w.look("/api/comments/"+is.ID, &now)
	}
	now.project = is.project
	agree(w, o, was, is, now)
	w.said[n] = now
	w.keepComment(now)
}

func (w *writer) takeBack(n int) {
	c := w.said[n]
	o := w.send(w.scopeOf(c.project), http.MethodDelete, "/api/comments/"+c.ID, "", http.StatusNoContent)
	if !o.sure {
		if w.look("/api/comments/"+c.ID, new(comment)) == http.StatusOK {
			return
		}
		w.found.Add(1)
	}
	w.said = append(w.said[:n], w.said[n+1:]...)
	w.forget(c.ID)
}

package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
)

// TestADeletedProjectIsGone: as soon as its deletion is answered, whatever asks for the
// project, its issues and comments finds none, be it an owner's request or a member's.
func TestADeletedProjectIsGone(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		var in struct{ AccessToken string }
		into(t, do(t, h.App, nil, http.MethodPost, "/api/auth/login", `{"email":"needle@example.org","password":"correct horse"}`, http.StatusOK), &in)
		bob := map[string]string{"Authorization": "Bearer " + in.AccessToken}
		do(t, h.App, bob, http.MethodGet, "/api/issues/NEEDLE-1", "", http.StatusOK)
		do(t, h.App, h.session, http.MethodDelete, "/api/projects/NEEDLE", "", http.StatusNoContent)

		all, schemas := operations(t)
		asked := 0
		for _, op := range all {
			for _, path := range h.paths(t, op) {
				if !h.isHidden(path) && (op.method != http.MethodGet || op.id == "live.stream") {
					continue
				}
				for who, header := range map[string]map[string]string{"owner": h.session, "member": bob} {
					status, answer := basetest.Do(t, h.Handler, op.method, path, header, op.example(t, schemas))
					if h.isHidden(path) && status != http.StatusNotFound || strings.Contains(answer, `"key":"NEEDLE`) || strings.Contains(answer, `"key":"`+h.hidden) {
						t.Errorf("%s: %s %s: %d %s", who, op.method, path, status, answer)
					}
				}
				if h.isHidden(path) {
					asked++
				}
			}
		}
		if asked < 15 {
			t.Errorf("only %d requests", asked)
		}
		do(t, h.App, h.session, http.MethodPost, "/api/admin/projects/"+h.hidden+"/take-over", "", http.StatusNotFound)
		for _, path := range []string{"/api/admin/projects", "/api/admin/projects?ownerless=true"} {
			if answer := do(t, h.App, h.session, http.MethodGet, path, "", http.StatusOK); strings.Contains(answer, h.hidden) {
				t.Errorf("%s: %s", path, answer)
			}
		}
		do(t, h.App, h.session, http.MethodPost, "/api/projects", `{"key":"NEEDLE","name":"Anew"}`, http.StatusCreated)
		do(t, h.App, h.session, http.MethodGet, "/api/issues/NEEDLE-1", "", http.StatusNotFound)
		do(t, h.App, h.session, http.MethodPost, "/api/projects/NEEDLE/issues", `{"title":"First"}`, http.StatusCreated)
	})
}

// isHidden reports whether a path asks for the hidden project, or for something in it.
func (h *house) isHidden(path string) bool {
	for _, part := range []string{"/NEEDLE", "comments/" + h.commentID, "project:" + h.hidden, "project=NEEDLE"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

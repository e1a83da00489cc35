package app_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// mutating are the operations that take an Idempotency-Key, as the document says.
func mutating(t *testing.T) (ids []string) {
	t.Helper()
	text, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, methods := range document.Paths {
		for _, op := range methods {
			for _, p := range op.Parameters {
				if p.Name == "Idempotency-Key" {
					ids = append(ids, op.OperationID)
				}
			}
		}
	}
	return ids
}

// keyed is a request that would change something. The places where a key is looked for
// are the scopes user:<id>, project:<id> and admin.
type keyed struct{ place, method, path, body string }

// spends uses a key up, in a place, for a change of another kind.
func (h *house) spends() map[string]keyed {
	return map[string]keyed{
		"own":     {"admin", http.MethodPatch, "/api/account", `{"displayName":"KEY"}`},
		"note":    {"user", http.MethodPatch, "/api/notes/" + h.noteID, `{"body":"KEY"}`},
		"admin":   {"admin", http.MethodPost, "/api/invites", `{"email":"KEY@example.org"}`},
		"user":    {"user", http.MethodPost, "/api/notes", `{"title":"KEY"}`},
		"project": {"project", http.MethodPatch, "/api/projects/OPEN", `{"description":"KEY"}`},
	}
}

// TestAKeyOfAnotherChange: a mutation whose key was used for something else is refused,
// and nothing changes. To answer as if it had been done would lose it.
func TestAKeyOfAnotherChange(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		h := newHouse(t, database)
		all := h.keyed(t, database)
		for _, id := range mutating(t) {
			if _, ok := all[id]; !ok && id != "setting.update" { // the environment has decided that here

				t.Errorf("%s: say here how it is called", id)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			c, key := all[id], uuid.NewString()
			header := maps.Clone(h.session)
			header["Idempotency-Key"] = key
			spend := h.spends()[c.place]
			if status, answer := basetest.Do(t, h.Handler, spend.method, spend.path, header, strings.ReplaceAll(spend.body, "KEY", key)); status >= 300 {
				t.Fatalf("%s: %d %s", spend.path, status, answer)
			}
			status, answer := basetest.Do(t, h.Handler, c.method, c.path, header, c.body)
			if status != http.StatusConflict || !strings.Contains(answer, "header.Idempotency-Key") {
				t.Errorf("%s: %d %s", id, status, answer)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all)) { // nothing was done, so that all can be done now; what removes comes last
			if c := all[id]; c.method != http.MethodDelete {
				h.does(t, id, c)
			}
		}
		for _, id := range lastFirst() {
			h.does(t, id, all[id])
		}
	})
}

// lastFirst are the operations that remove something, the parts before the whole.
func lastFirst() []string {
	return []string{
		"comment.delete", "issue.delete", "member.remove", "project.delete", "note.delete", "invite.revoke", "token.revoke",
		"provider.delete", "identity.delete", "email.withdraw", "session.end", "session.end_all", "user.delete",
	}
}

func (h *house) does(t *testing.T, id string, c keyed) {
	t.Helper()
	if id == "identity.delete" || id == "email.withdraw" { // rows that no request of this test can make
		return
	}
	if status, answer := basetest.Do(t, h.Handler, c.method, c.path, h.session, c.body); status >= 300 {
		t.Errorf("%s without the key: %d %s", id, status, answer)
	}
}

// keyed are all mutations, each with something to change.
func (h *house) keyed(t *testing.T, database string) map[string]keyed {
	t.Helper()
	d, err := db.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	identity, session := uuid.NewString(), uuid.NewString()
	exec(t, d, `INSERT INTO identity (id, issuer, subject, user_id, provider, name, email, created_at, used_at)
		VALUES ('`+identity+`', 'https://github.com', '7', $1, 'github', '', '', 1, 1)`, h.userID)
	exec(t, d, `INSERT INTO session (id, user_id, salt, n, attempt, rotated_at, created_at, idle_at, expires_at)
		VALUES ('`+session+`', $1, 's', 1, '', 1, 1, 9999999999999999, 9999999999999999)`, h.userID)
	exec(t, d, `INSERT INTO session (id, user_id, salt, n, attempt, rotated_at, created_at, idle_at, expires_at)
		VALUES ('`+uuid.NewString()+`', $1, 's', 1, '', 1, 1, 9999999999999999, 9999999999999999)`, h.bobsID)
	exec(t, d, seeds()[column{"email_change", "user_id"}], h.userID)
	var token struct{ ID string }
	into(t, do(t, h.App, h.session, http.MethodPost, "/api/account/tokens", `{"name":"t","scope":"read"}`, http.StatusCreated), &token)
	provider := `{"clientId":"id","clientSecret":"secret"}`
	do(t, h.App, h.session, http.MethodPut, "/api/admin/providers/github", provider, http.StatusOK)
	var other struct{ ID string }
	into(t, do(t, h.App, h.session, http.MethodPost, "/api/projects", `{"key":"LONELY","name":"Lonely"}`, http.StatusCreated), &other)
	exec(t, d, "DELETE FROM project_member WHERE project_id = $1", other.ID)
	var status struct{ Items []struct{ ID string } }
	into(t, do(t, h.App, h.session, http.MethodGet, "/api/projects/OPEN/statuses", "", http.StatusOK), &status)
	var comment struct{ ID string }
	into(t, do(t, h.App, h.session, http.MethodPost, "/api/issues/OPEN-1/comments", `{"body":"one"}`, http.StatusCreated), &comment)
	bob, invite := "/api/admin/users/"+h.bobsID, "/api/invites/"+h.inviteID
	return map[string]keyed{
		"account.update":   {"admin", http.MethodPatch, "/api/account", `{"displayName":"Another"}`},
		"email.withdraw":   {"admin", http.MethodDelete, "/api/account/email", ""},
		"identity.delete":  {"admin", http.MethodDelete, "/api/account/identities/" + identity, ""},
		"session.end_all":  {"admin", http.MethodDelete, "/api/account/sessions?keep=current", ""},
		"session.end":      {"admin", http.MethodDelete, "/api/account/sessions/" + session, ""},
		"token.create":     {"admin", http.MethodPost, "/api/account/tokens", `{"name":"another","scope":"read"}`},
		"token.revoke":     {"admin", http.MethodDelete, "/api/account/tokens/" + token.ID, ""},
		"project.takeOver": {"admin", http.MethodPost, "/api/admin/projects/" + other.ID + "/take-over", ""},
		"provider.delete":  {"admin", http.MethodDelete, "/api/admin/providers/github", ""},
		"provider.put":     {"admin", http.MethodPut, "/api/admin/providers/github", provider},
		"user.delete":      {"admin", http.MethodDelete, bob, `{"work":"unassign"}`},
		"user.update":      {"admin", http.MethodPatch, bob, `{"role":"admin"}`},
		"user.signOut":     {"admin", http.MethodPost, bob + "/sign-out", ""},
		"invite.create":    {"own", http.MethodPost, "/api/invites", `{}`},
		"invite.revoke":    {"admin", http.MethodDelete, invite, ""},
		"invite.renew":     {"admin", http.MethodPost, invite + "/renew", `{}`},
		"comment.create":   {"project", http.MethodPost, "/api/issues/OPEN-1/comments", `{"body":"two"}`},
		"comment.delete":   {"project", http.MethodDelete, "/api/comments/" + comment.ID, ""},
		"comment.update":   {"project", http.MethodPatch, "/api/comments/" + comment.ID, `{"body":"other","version":1}`},
		"issue.create":     {"project", http.MethodPost, "/api/projects/OPEN/issues", `{"title":"Second"}`},
		"issue.delete":     {"project", http.MethodDelete, "/api/issues/OPEN-1", ""},
		"issue.update":     {"project", http.MethodPatch, "/api/issues/OPEN-1", `{"title":"Straw"}`},
		"issue.move":       {"project", http.MethodPost, "/api/issues/OPEN-1/move", `{"statusId":"` + status.Items[1].ID + `"}`},
		"note.create":      {"note", http.MethodPost, "/api/notes", `{"title":"two"}`},
		"note.delete":      {"user", http.MethodDelete, "/api/notes/" + h.noteID, ""},
		"note.update":      {"user", http.MethodPatch, "/api/notes/" + h.noteID, `{"title":"other"}`},
		"project.create":   {"user", http.MethodPost, "/api/projects", `{"key":"NEWKEY","name":"New"}`},
		"project.delete":   {"user", http.MethodDelete, "/api/projects/NEEDLE", ""},
		"project.update":   {"project", http.MethodPatch, "/api/projects/OPEN", `{"name":"Wide open"}`},
		"member.add":       {"project", http.MethodPost, "/api/projects/OPEN/members", `{"email":"needle@example.org","role":"viewer"}`},
		"member.update":    {"project", http.MethodPatch, "/api/projects/OPEN/members/" + h.bobsID, `{"role":"member"}`},
		"member.remove":    {"project", http.MethodDelete, "/api/projects/OPEN/members/" + h.bobsID, ""},
	}
}

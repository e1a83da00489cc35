package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// column refers to a user.
type column struct{ table, name string }

// staying goes on referring to a user who was deleted: what they wrote for others, and
// who let whom in.
func staying() []column {
	return []column{{"issue", "author_id"}, {"comment", "author_id"}, {"invite_codes", "created_by"}, {"invite_codes", "used_by"}}
}

// seeds makes rows of the user $1 where nothing easier does.
func seeds() map[column]string {
	return map[column]string{
		{"sign_in", "user_id"}:      "INSERT INTO sign_in (token, user_id, method, tries, expires_at) VALUES ('t', $1, 'password', 0, 9999999999999999)",
		{"email_change", "user_id"}: "INSERT INTO email_change (user_id, token, email, expires_at) VALUES ($1, 't', 'new@example.org', 9999999999999999)",

		{"totp", "user_id"}:           "INSERT INTO totp (user_id, seed, step, created_at) VALUES ($1, 's', 0, 1)",
		{"totp_draft", "user_id"}:     "INSERT INTO totp_draft (user_id, seed, expires_at) VALUES ($1, 's', 9999999999999999)",
		{"recovery_code", "user_id"}:  "INSERT INTO recovery_code (user_id, hash, created_at) VALUES ($1, 'h', 1)",
		{"passkey_handle", "user_id"}: "INSERT INTO passkey_handle (user_id, handle) VALUES ($1, 'h')",
		{"passkey", "user_id"}: `INSERT INTO passkey (id, user_id, name, credential_id, public_key, sign_count, transports, backup_eligible,
			backed_up, verified, discoverable, created_at) VALUES ('p', $1, 'Gone''s key', 'c', 'k', 0, '', FALSE, FALSE, TRUE, TRUE, 1)`,
		{"identity", "user_id"}: `INSERT INTO identity (id, issuer, subject, user_id, provider, name, email, created_at, used_at)
			VALUES ('i', 'https://github.com', '7', $1, 'github', 'Gone', 'gone@example.org', 1, 1)`,
		{"oauth_attempt", "user_id"}: `INSERT INTO oauth_attempt (state, browser, network, provider, purpose, user_id, session_id, place, sealed, expires_at)
			SELECT 's', 'b', 'n', 'github', 'link', user_id, id, '/', 'x', 9999999999999999 FROM session WHERE user_id = $1`,
	}
}

// TestDeletionReachesEveryTable: whatever table refers to users, whoever made it,
// knows nothing of one who was deleted. A new table fails here until its slice has
// subscribed to account's topic Leaving, or is in the list of what stays.
func TestDeletionReachesEveryTable(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ada, gone, id := lived(t, a)
		all := columns(t, d)
		for _, c := range all {
			if count(t, d, c, id) == 0 {
				seed, ok := seeds()[c]
				if !ok {
					t.Errorf("%s.%s refers to users: say here how such a row comes about", c.table, c.name)
					continue
				}
				exec(t, d, seed, id)
			}
		}
		for _, scope := range []string{"/api/sync/user:" + id, "/api/sync/org"} {
			do(t, a, gone, http.MethodGet, scope, "", http.StatusOK)
		}
		do(t, a, ada, http.MethodDelete, "/api/admin/users/"+id, `{"work":"unassign","heirId":"`+idOf(t, a, ada)+`"}`, http.StatusNoContent)
		do(t, a, gone, http.MethodGet, "/api/auth/me", "", http.StatusUnauthorized)
		for _, c := range all {
			if left := count(t, d, c, id); left != 0 && !slices.Contains(staying(), c) {
				t.Errorf("%s.%s: %d rows of somebody who was deleted", c.table, c.name, left)
			}
		}
		basetest.RunScenarios(t, a.Handler, []basetest.Scenario{
			{Name: "people", Path: "/api/sync/org", Header: ada, Status: 200, Has: []string{`{"id":"` + id + `","displayName":"","deleted":true}`}, HasNot: []string{"Gone"}},
			{Name: "people since", Path: "/api/sync/org?since=0", Header: ada, Status: 200, Has: []string{`"deleted":true`}, HasNot: []string{"Gone"}},
			{Name: "what they wrote", Path: "/api/issues/GONE-1", Header: ada, Status: 200, Has: []string{`"authorId":"` + id, `"assigneeId":null`}},
			{Name: "what they said", Path: "/api/issues/GONE-1/comments", Header: ada, Status: 200, Has: []string{`"authorId":"` + id, `"body":"Said"`}},
			{Name: "the trail", Path: "/api/admin/audit?limit=200", Header: ada, Status: 200, Has: []string{`"kind":"deleted"`}, HasNot: []string{"Gone", "gone@", "new@example.org"}},
			{Name: "nobody follows the trail", Path: "/api/sync/admin", Header: ada, Status: 404},
		})
	})
}

// lived makes an admin, and a user who does what leaves rows.
func lived(t *testing.T, a *app.App) (ada, gone map[string]string, id string) {
	t.Helper()
	ada, _ = signUp(t, a)
	var invite struct{ Code string }
	into(t, do(t, a, ada, http.MethodPost, "/api/invites", `{"email":"gone@example.org","role":"admin"}`, http.StatusCreated), &invite)
	var in struct {
		AccessToken string
		User        struct{ ID string }
	}
	body := `{"code":"` + invite.Code + `","email":"gone@example.org","password":"correct horse","displayName":"Gone"}`
	into(t, do(t, a, nil, http.MethodPost, "/api/auth/signup/password", body, http.StatusCreated), &in)
	gone, id = map[string]string{"Authorization": "Bearer " + in.AccessToken}, in.User.ID
	do(t, a, gone, http.MethodPost, "/api/notes", `{"title":"mine"}`, http.StatusCreated)
	do(t, a, gone, http.MethodPost, "/api/projects", `{"key":"GONE","name":"A project"}`, http.StatusCreated)
	do(t, a, gone, http.MethodPost, "/api/projects/GONE/issues", `{"title":"First","assigneeId":"`+id+`"}`, http.StatusCreated)
	do(t, a, gone, http.MethodPost, "/api/issues/GONE-1/comments", `{"body":"Said"}`, http.StatusCreated)
	do(t, a, gone, http.MethodPost, "/api/invites", `{}`, http.StatusCreated)
	do(t, a, gone, http.MethodPost, "/api/account/tokens", `{"name":"Gone's token","scope":"write"}`, http.StatusCreated)
	do(t, a, ada, http.MethodPost, "/api/admin/users/"+id+"/reset-link", "", http.StatusOK)
	do(t, a, gone, http.MethodPost, "/api/admin/users/"+idOf(t, a, ada)+"/reset-link", "", http.StatusOK)
	return ada, gone, id
}

func do(t *testing.T, a *app.App, header map[string]string, method, path, body string, status int) string {
	t.Helper()
	got, answer := basetest.Do(t, a.Handler, method, path, header, body)
	if got != status {
		t.Fatalf("%s %s: %d %s", method, path, got, answer)
	}
	return answer
}

func into(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatal(err)
	}
}

func idOf(t *testing.T, a *app.App, header map[string]string) string {
	t.Helper()
	var me struct{ ID string }
	into(t, do(t, a, header, http.MethodGet, "/api/auth/me", "", http.StatusOK), &me)
	return me.ID
}

// columns are all that refer to users, as the database knows.
func columns(t *testing.T, d *db.DB) []column {
	t.Helper()
	text := map[string]string{
		"sqlite": `SELECT m.name, f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
			WHERE m.type = 'table' AND f."table" = 'users' ORDER BY 1, 2`,
		"postgres": `SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c
			JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
			WHERE c.contype = 'f' AND c.confrelid = 'users'::regclass ORDER BY 1, 2`,
	}[d.Engine()]
	all, err := db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (all []column, err error) {
		rows, err := c.QueryContext(ctx, text)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var found column
			if err := rows.Scan(&found.table, &found.name); err != nil {
				return nil, err
			}
			all = append(all, found)
		}
		return all, rows.Err()
	})
	if err != nil || len(all) < 8 {
		t.Fatalf("%v, %v", all, err)
	}
	return all
}

func count(t *testing.T, d *db.DB, c column, id string) (n int) {
	t.Helper()
	n, err := db.Read(t.Context(), d, func(ctx context.Context, conn db.Conn) (n int, err error) {
		err = conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+c.table+" WHERE "+c.name+" = $1", id).Scan(&n)
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeletionAmongWriters deletes somebody who is busy, and whom others are bringing
// in: whatever was under way is done before or refused.
func TestDeletionAmongWriters(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		d, err := db.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ada, gone, id := lived(t, a)
		do(t, a, ada, http.MethodPost, "/api/projects", `{"key":"OTHER","name":"Another"}`, http.StatusCreated)
		busy := []struct {
			by           map[string]string
			method, path string
			body         string
		}{
			{gone, http.MethodPost, "/api/notes", `{"title":"late"}`},
			{gone, http.MethodPost, "/api/projects/GONE/issues", `{"title":"late","assigneeId":"` + id + `"}`},
			{gone, http.MethodPatch, "/api/account", `{"displayName":"Late"}`},
			{gone, http.MethodPost, "/api/invites", `{}`},
			{gone, http.MethodPost, "/api/account/tokens", `{"name":"Late","scope":"write"}`},
			{gone, http.MethodPost, "/api/account/factors/totp", ``},
			{gone, http.MethodPost, "/api/account/factors/passkeys/options", ``},
			{nil, http.MethodPost, "/api/auth/login", `{"email":"gone@example.org","password":"correct horse"}`},
			{ada, http.MethodPost, "/api/projects/OTHER/members", `{"email":"gone@example.org","role":"member"}`},
			{ada, http.MethodDelete, "/api/projects/OTHER/members/" + id, ``},
			{ada, http.MethodPost, "/api/admin/users/" + id + "/reset-link", ``},
		}
		stop := make(chan struct{})
		var workers sync.WaitGroup
		for _, b := range busy {
			workers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					status, answer := basetest.Do(t, a.Handler, b.method, b.path, b.by, b.body)
					if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
						t.Errorf("%s %s: %d %s", b.method, b.path, status, answer)
					}
				}
			})
		}
		do(t, a, ada, http.MethodDelete, "/api/admin/users/"+id, `{"work":"hand_over","heirId":"`+idOf(t, a, ada)+`"}`, http.StatusNoContent)
		close(stop)
		workers.Wait()
		for _, c := range columns(t, d) {
			if left := count(t, d, c, id); left != 0 && !slices.Contains(staying(), c) {
				t.Errorf("%s.%s: %d rows of somebody who was deleted", c.table, c.name, left)
			}
		}
		trail := do(t, a, ada, http.MethodGet, "/api/admin/audit?limit=200", "", http.StatusOK)
		people := do(t, a, ada, http.MethodGet, "/api/sync/org?since=0", "", http.StatusOK)
		for _, name := range []string{"Gone", "Late", "gone@"} {
			if strings.Contains(trail, name) || strings.Contains(people, name) {
				t.Errorf("%s is still there", name)
			}
		}
	})
}

// TestInvitesBringIntoProjects: who may give a role promises it, and a wrong promise is
// refused before anybody relies on it.
func TestInvitesBringIntoProjects(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		ada, _ := signUp(t, a)
		var project struct{ ID string }
		into(t, do(t, a, ada, http.MethodPost, "/api/projects", `{"key":"MESOS","name":"Mesos"}`, http.StatusCreated), &project)
		for name, grants := range map[string]string{
			"no such project": `[{"project":"01900000-0000-7000-8000-000000000000","role":"member"}]`,
			"no such role":    `[{"project":"` + project.ID + `","role":"chief"}]`,
			"a typo":          `[{"projct":"` + project.ID + `","role":"member"}]`,
			"no list":         `{"project":"` + project.ID + `","role":"member"}`,
		} {
			answer := do(t, a, ada, http.MethodPost, "/api/invites", `{"grants":`+grants+`}`, http.StatusUnprocessableEntity)
			if !strings.Contains(answer, `"location":"body.grants"`) {
				t.Errorf("%s: %s", name, answer)
			}
		}
		var invite struct{ Code string }
		good := `{"grants":[{"project":"` + project.ID + `","role":"member"}]}`
		into(t, do(t, a, ada, http.MethodPost, "/api/invites", good, http.StatusCreated), &invite)
		var in struct{ AccessToken string }
		body := `{"code":"` + invite.Code + `","email":"bob@example.org","password":"correct horse","displayName":"Bob"}`
		into(t, do(t, a, nil, http.MethodPost, "/api/auth/signup/password", body, http.StatusCreated), &in)
		bob := map[string]string{"Authorization": "Bearer " + in.AccessToken}
		if answer := do(t, a, bob, http.MethodGet, "/api/projects/MESOS", "", http.StatusOK); !strings.Contains(answer, `"role":"member"`) {
			t.Error(answer)
		}
	})
}

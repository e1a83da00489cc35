package admin_test

import (
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/base/live"
)

// told is an entry in words.
func told(e admin.AuditEntry) string {
	about := "-"
	if e.About != nil {
		about = string(e.About.Kind) + " " + e.About.Name
	}
	return strings.Join([]string{string(e.Actor.Kind) + " " + e.Actor.Name, string(e.Op), e.Entity, about}, "|")
}

func TestAuditTellsWhoDidWhat(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		bob := "/api/admin/users/" + w.bob.User.ID
		do[any](t, w, w.ada, "PATCH", bob, `{"role":"admin"}`, 200)
		do[any](t, w, w.ada, "POST", bob+"/sign-out", "", 204)
		do[any](t, w, w.ada, "PATCH", "/api/admin/settings", `{"registration":"open"}`, 200)
		got := do[page[admin.AuditEntry]](t, w, w.ada, "GET", "/api/admin/audit", "", 200)
		var lines []string
		for i, e := range got.Items {
			lines = append(lines, told(e))
			if i > 0 && got.Items[i-1].At.Before(e.At) {
				t.Errorf("%s is older than what follows", told(got.Items[i-1]))
			}
		}
		want := []string{
			"user ada|update|setting|-",
			"user ada|delete|session|user bob",
			"user ada|update|user|user bob",
			"user bob|update|invite|-", "user bob|create|user|user bob", "operator |create|invite|-",
			"user ada|update|invite|-", "user ada|create|user|user ada", "operator |create|invite|-",
		}
		// What one transaction did is in no order that matters.
		if diff := cmp.Diff(want[:3], lines[:3]); diff != "" || len(lines) != len(want) {
			t.Error(diff, lines)
		}
		role := got.Items[2]
		if string(role.Before) != `{"role":"user"}` || string(role.After) != `{"role":"admin"}` || role.About.Email != "bob@example.org" || role.EntityID != w.bob.User.ID {
			t.Errorf("%+v", role)
		}
	})
}

func TestAuditFilters(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		before := time.Now().Add(-time.Minute)
		do[any](t, w, w.ada, "PATCH", "/api/admin/users/"+w.bob.User.ID, `{"role":"admin"}`, 200)
		for _, c := range []struct {
			query url.Values
			want  int
		}{
			{url.Values{}, 7},
			{url.Values{"actor": {w.ada.User.ID}}, 3},
			{url.Values{"actor": {"operator"}}, 2},
			{url.Values{"user": {w.bob.User.ID}}, 3},
			{url.Values{"user": {w.bob.User.ID}, "actor": {w.ada.User.ID}}, 1},
			{url.Values{"entity": {"user"}}, 3},
			{url.Values{"entity": {"user"}, "user": {w.bob.User.ID}}, 2},
			{url.Values{"from": {before.Format(time.RFC3339)}}, 7},
			{url.Values{"to": {before.Format(time.RFC3339)}}, 0},
			{url.Values{"from": {time.Now().Add(time.Hour).Format(time.RFC3339)}}, 0},
			{url.Values{"actor": {"'; DROP TABLE change; --"}}, 0},
		} {
			for _, limit := range []string{"1", "200"} {
				found := 0
				c.query.Set("limit", limit)
				c.query.Del("cursor")
				for range 20 {
					got := do[page[admin.AuditEntry]](t, w, w.ada, "GET", "/api/admin/audit?"+c.query.Encode(), "", 200)
					if found += len(got.Items); got.NextCursor == nil {
						break
					}
					c.query.Set("cursor", *got.NextCursor)
				}
				if found != c.want {
					t.Errorf("%v: %d entries, want %d", c.query, found, c.want)
				}
			}
		}
	})
}

// TestAuditForgets: the trail tells still that somebody was deleted, and not who.
func TestAuditForgets(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		do[any](t, w, w.bob, "PATCH", "/api/account", `{"displayName":"Robert"}`, 200)
		do[any](t, w, w.ada, "DELETE", "/api/admin/users/"+w.bob.User.ID, `{"work":"unassign"}`, 204)
		_, answer := send(t, w, "/api/admin/audit?limit=200", as(w.ada))
		for _, personal := range []string{"bob", "Robert"} {
			if strings.Contains(answer, personal) {
				t.Errorf("%s is still there: %s", personal, answer)
			}
		}
		got := do[page[admin.AuditEntry]](t, w, w.ada, "GET", "/api/admin/audit?entity=user&user="+w.bob.User.ID, "", 200)
		var lines []string
		for _, e := range got.Items {
			lines = append(lines, told(e))
		}
		if diff := cmp.Diff([]string{"user ada|delete|user|deleted ", "deleted |update|user|deleted ", "deleted |create|user|deleted "}, lines); diff != "" {
			t.Error(diff)
		}
	})
}

func send(t *testing.T, w world, path string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.http.ServeHTTP(rec, r)
	return rec.Result(), rec.Body.String()
}

// auditFile downloads the whole trail, and holds each cell to being no formula.
func auditFile(t *testing.T, w world) [][]string {
	t.Helper()
	answer, text := send(t, w, "/api/admin/audit.csv", as(w.ada))
	h := answer.Header
	if answer.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(h.Get("Content-Disposition"), "audit.csv") {
		t.Fatalf("%d %v", answer.StatusCode, h)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+6+5+1 || rows[0][0] != "time" || len(rows[0]) != 11 {
		t.Errorf("%d rows, %v", len(rows), rows[0])
	}
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	return rows
}

func TestAuditAsAFile(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const evil = `=HYPERLINK("http://evil.example","x"),` + "\n"
		for i, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", `"quoted", and more`} {
			_, err := w.accounts.Create(t.Context(), account.Operator(), account.Draft{
				Email: strings.Repeat("x", i+1) + "@example.org", DisplayName: name, Role: account.User,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		m := live.Mutation{Scopes: []string{"admin"}, Actor: "=cmd"}
		_, _, err := live.Write(t.Context(), w.log, m, func(tx *live.Tx) (struct{}, error) {
			return struct{}{}, tx.Record("\tentity", evil, nil, map[string]string{"name": evil})
		})
		if err != nil {
			t.Fatal(err)
		}
		rows := auditFile(t, w)
		newest := rows[1]
		want := []string{"'=cmd", "'\tentity", "'" + evil, `{"name":"=HYPERLINK(\"http://evil.example\",\"x\"),\n"}`}
		if diff := cmp.Diff(want, []string{newest[1], newest[5], newest[6], newest[10]}); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"operator", `"quoted", and more`, "'=1+1"}, []string{rows[2][1], rows[2][7], rows[6][7]}); diff != "" {
			t.Error(diff)
		}
		_, some := send(t, w, "/api/admin/audit.csv?entity=invite", as(w.ada))
		if lines := strings.Count(some, "\n"); lines != 5 {
			t.Errorf("%d lines of invites", lines)
		}
	})
}

// TestALongFile: more than a page of the trail comes as one file.
func TestALongFile(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for range 3 {
			m := live.Mutation{Scopes: []string{"admin"}, Actor: w.ada.User.ID}
			_, _, err := live.Write(t.Context(), w.log, m, func(tx *live.Tx) (struct{}, error) {
				for i := range live.MaxTrail - 1 {
					if err := tx.Record("row", w.bob.User.ID, nil, map[string]int{"i": i}); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		_, text := send(t, w, "/api/admin/audit.csv?entity=row", as(w.ada))
		if lines := strings.Count(text, "\n"); lines != 1+3*(live.MaxTrail-1) {
			t.Errorf("%d lines", lines)
		}
	})
}

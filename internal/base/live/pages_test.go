package live_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// paged offers as many rows as there are, two in a page; how often a page was read
// stands in the rows.
func paged(log *live.Log, names []string) {
	read := 0
	log.Offer(live.Part{Kind: "org", Entity: "row", Paged: &live.Paged{
		Page: func(_ context.Context, _ db.Conn, _, after string, _ int) (json.RawMessage, string, error) {
			read++
			at, err := strconv.Atoi("0" + after)
			if err != nil {
				return nil, "", errs.Field("query.after", "expected a number")
			}
			end, next := min(at+2, len(names)), ""
			if end < len(names) {
				next = strconv.Itoa(end)
			}
			var rows []row
			for _, name := range names[at:end] {
				rows = append(rows, row{name, read})
			}
			text, err := json.Marshal(rows)
			return text, next, err
		},
		Row: func(_ context.Context, _ db.Conn, _, id string) (any, error) {
			if !slices.Contains(names, id) {
				return nil, errs.New(errs.NotFound, "gone")
			}
			return row{"changed " + id, 0}, nil
		},
	}})
}

// TestSnapshotInPages: a snapshot that one answer does not hold goes on, and ends with
// what was changed since it began.
func TestSnapshotInPages(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		log := live.New(d, live.NewHub())
		paged(log, []string{"a", "b", "c", "d", "e"})
		handler := serve(t, log, newGrants("org")).Config.Handler
		add(t, log, "org", "a")
		first := snapshot(t, handler, "")
		add(t, log, "org", "b")
		add(t, log, "org", "gone")
		path := "since=1&epoch=" + first.Epoch + "&after="
		second := snapshot(t, handler, path+url.QueryEscape(first.Next))
		third := snapshot(t, handler, path+url.QueryEscape(second.Next))
		changed := snapshot(t, handler, path+url.QueryEscape(third.Next))
		again := snapshot(t, handler, path+url.QueryEscape(first.Next))

		for _, p := range []struct {
			live.Snapshot
			seq  int64
			next bool
			rows string
		}{
			{first, 1, true, `[{"name":"a","size":1},{"name":"b","size":1}]`},
			{second, 3, true, `[{"name":"c","size":2},{"name":"d","size":2}]`},
			{third, 3, true, `[{"name":"e","size":3}]`},
			{changed, 3, false, `[{"name":"changed b","size":0}]`},
			{again, 3, true, `[{"name":"c","size":2},{"name":"d","size":2}]`}, // from the cache
		} {
			if p.Seq != p.seq || (p.Next != "") != p.next || string(p.Entities["row"]) != p.rows {
				t.Errorf("seq %d, next %q, %s; want %d %v %s", p.Seq, p.Next, p.Entities["row"], p.seq, p.next, p.rows)
			}
		}
		basetest.RunScenarios(t, handler, []basetest.Scenario{
			{Name: "no place", Path: "/api/sync/org?" + path + "x", Status: 422, Has: []string{"query.after"}},
			{Name: "no place among the rows", Path: "/api/sync/org?" + path + "rows.x", Status: 422, Has: []string{"query.after"}},
			{Name: "the first place", Path: "/api/sync/org?" + path + "rows.", Status: 422, Has: []string{"query.after"}},
			{Name: "what no database keeps", Path: "/api/sync/org?" + path + "log.%00", Status: 422, Has: []string{"query.after"}},
			{Name: "too long", Path: "/api/sync/org?" + path + strings.Repeat("x", 5000), Status: 422, Has: []string{"after"}},
			{Name: "another epoch", Path: "/api/sync/org?since=1&epoch=x&after=rows.2", Status: 409},
			{Name: "ahead of the server", Path: "/api/sync/org?since=4&after=log.", Status: 409},
			{Name: "another's scope", Path: "/api/sync/user:b?since=1&after=rows.2", Status: 404},
		})
	}, live.Migrations)
}

// TestOnePageIsAll: what one answer holds has no next.
func TestOnePageIsAll(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		log := live.New(d, live.NewHub())
		paged(log, []string{"a", "b"})
		handler := serve(t, log, newGrants("org", "user:a")).Config.Handler
		if s := snapshot(t, handler, ""); s.Next != "" || len(s.Entities) != 1 {
			t.Errorf("%v", s)
		}
		basetest.RunScenarios(t, handler, []basetest.Scenario{
			{Name: "a scope without pages", Path: "/api/sync/user:a?since=0&after=rows.2", Status: 422, Has: []string{"query.after"}},
		})
	}, live.Migrations)
}

func snapshot(t *testing.T, h http.Handler, query string) (s live.Snapshot) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/sync/org?"+query, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &s); w.Code != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %s %v", query, w.Code, w.Body, err)
	}
	return s
}

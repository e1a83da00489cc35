package live_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// grants is who may follow what, as a real feature would ask the database.
type grants struct {
	mu     sync.Mutex
	who    live.Who
	scopes []string
}

func (g *grants) access(context.Context) (live.Who, []string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.who, slices.Clone(g.scopes), nil
}

func (g *grants) set(scopes ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.scopes = scopes
}

func newGrants(scopes ...string) *grants {
	return &grants{who: live.Who{User: "a", Session: "s1", Expires: time.Now().Add(time.Hour)}, scopes: scopes}
}

func serve(t *testing.T, log *live.Log, g *grants) *httptest.Server {
	t.Helper()
	api := web.New(slog.New(slog.DiscardHandler), nil)
	log.Routes(api, g.access)
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	return server
}

// listen opens the stream and returns a function that reads the next event. At the
// end of the stream its name is "end".
func listen(t *testing.T, server *httptest.Server) func() (name, data string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		answer.Body.Close()
	})
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("status %d: %s", answer.StatusCode, text)
	}
	lines := bufio.NewScanner(answer.Body)
	return func() (name, data string) {
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return name, text
			}
		}
		return "end", ""
	}
}

func expect(t *testing.T, next func() (string, string), name, text string) {
	t.Helper()
	if got, data := next(); got != name || !strings.Contains(data, text) {
		t.Errorf("event %s %s, want %s with %s", got, data, name, text)
	}
}

func TestStream(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		server := serve(t, log, newGrants("org", "user:a"))
		add(t, log, "org", "one")
		next := listen(t, server)
		expect(t, next, "heads", `"scopes":{"org":1,"user:a":0}`)
		add(t, log, "project:secret", "hidden")
		add(t, log, "user:a", "mine")
		expect(t, next, "change", `"scope":"user:a","seq":1,"tx":"mine"`)
		add(t, log, "org", "two")
		expect(t, next, "change", `"scope":"org","seq":2,"tx":"two"`)
	})
}

// TestManyAskForASnapshot at once: its rows are read once.
func TestManyAskForASnapshot(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		log := live.New(d, live.NewHub())
		asked, release := make(chan struct{}, 100), make(chan struct{})
		log.Offer(live.Part{Kind: "org", Entity: "row", Rows: func(context.Context, db.Conn, string) (any, error) {
			asked <- struct{}{}
			<-release
			return []row{{"a", 1}}, nil
		}})
		handler := serve(t, log, newGrants("org")).Config.Handler
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if status, text := basetest.Do(t, handler, http.MethodGet, "/api/sync/org", nil, ""); status != http.StatusOK || !strings.Contains(text, `"name":"a"`) {
					t.Errorf("%d %s", status, text)
				}
			})
		}
		<-asked
		close(release)
		wg.Wait()
		if len(asked) > 0 {
			t.Errorf("asked %d times more", len(asked))
		}
	}, live.Migrations)
}

// TestABigChangeIsAskedFor: the stream tells where it is, and the delta has it.
func TestABigChangeIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		server := serve(t, log, newGrants("org"))
		next := listen(t, server)
		expect(t, next, "heads", `"org":0`)
		big := row{Name: strings.Repeat("x", 256<<10)}
		if _, err := write(t, log, "", []string{"org"}, func(x *live.Tx) error { return x.Record("row", "1", nil, big) }); err != nil {
			t.Fatal(err)
		}
		epoch, err := log.Epoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		expect(t, next, "heads", `{"epoch":"`+epoch+`","scopes":{"org":1}}`)
		add(t, log, "org", "small")
		expect(t, next, "change", `"seq":2,"tx":"small"`)
		basetest.RunScenarios(t, server.Config.Handler, []basetest.Scenario{
			{Name: "delta", Path: "/api/sync/org?since=0", Status: 200, Has: []string{big.Name, `"seq":2`}},
		})
	})
}

// TestABigChangeRegrants all the same.
func TestABigChangeRegrants(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		g := newGrants("user:a", "project:1")
		next := listen(t, serve(t, log, g))
		expect(t, next, "heads", `"project:1":0`)
		g.set("user:a")
		big := row{Name: strings.Repeat("x", 256<<10)}
		_, err := write(t, log, "", []string{"project:1"}, func(x *live.Tx) error {
			return errors.Join(x.Record("row", "1", nil, big), x.Record(live.Member, "a", row{}, nil))
		})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, next, "purge", `"project:1"`)
	})
}

// TestNothingIsLost opens streams while others write: every client sees all that
// comes after the heads it was told.
func TestNothingIsLost(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		server := serve(t, log, newGrants("org"))
		const writes, clients = 60, 6
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range writes {
				add(t, log, "org", fmt.Sprint("w", i))
			}
		})
		for range clients {
			next := listen(t, server)
			wg.Go(func() {
				_, first := next()
				var at struct{ Scopes map[string]int64 }
				if err := json.Unmarshal([]byte(first), &at); err != nil {
					t.Error(err)
				}
				for seq := at.Scopes["org"]; seq < writes; {
					name, data := next()
					var e live.Entry
					if err := json.Unmarshal([]byte(data), &e); err != nil || name != "change" {
						t.Errorf("%s %s: %v", name, data, err)
						return
					}
					if e.Seq > seq+1 {
						t.Errorf("after %d comes %d", seq, e.Seq)
					}
					seq = max(seq, e.Seq)
				}
			})
		}
		wg.Wait()
	})
}

// TestGrants: losing and gaining a scope takes effect before the next event.
func TestGrants(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		g := newGrants("user:a", "project:1")
		next := listen(t, serve(t, log, g))
		expect(t, next, "heads", `"project:1":0`)

		g.set("user:a")
		_, err := write(t, log, "", []string{"project:1"}, func(tx *live.Tx) error { return tx.Record(live.Member, "a", row{}, nil) })
		if err != nil {
			t.Fatal(err)
		}
		expect(t, next, "purge", `"project:1"`)
		add(t, log, "project:1", "hidden")

		g.set("user:a", "project:2")
		add(t, log, "project:2", "before")
		add(t, log, "user:a", "joined")
		expect(t, next, "heads", `"scopes":{"project:2":1}`)
		expect(t, next, "change", `"tx":"joined"`)
		add(t, log, "project:2", "after")
		expect(t, next, "change", `"tx":"after"`)
	})
}

func TestStreamEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, hub *live.Hub) {
		next := listen(t, serve(t, log, newGrants("org")))
		expect(t, next, "heads", "")
		hub.End(func(w live.Who) bool { return w.Session == "another" })
		add(t, log, "org", "still here")
		expect(t, next, "change", "still here")
		hub.End(func(w live.Who) bool { return w.Session == "s1" })
		expect(t, next, "end", "")
	})
}

func TestStreamExpires(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		g := newGrants("org")
		g.who.Expires = time.Now()
		next := listen(t, serve(t, log, g))
		expect(t, next, "heads", "")
		expect(t, next, "expired", "{}")
		expect(t, next, "end", "")
	})
}

func TestSync(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		handler := serve(t, log, newGrants("org")).Config.Handler
		for i := range live.MaxDelta + 1 {
			add(t, log, "org", fmt.Sprint("t", i))
		}
		epoch, err := log.Epoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tag := fmt.Sprintf(`"%s-501"`, epoch)
		basetest.RunScenarios(t, handler, []basetest.Scenario{
			{Name: "snapshot", Path: "/api/sync/org", Status: 200, Has: []string{`"seq":501`, epoch, `"row":[{"name":"a","size":1}]`}},
			{Name: "snapshot again", Path: "/api/sync/org", Status: 200, Has: []string{`"seq":501`}},
			{Name: "same snapshot", Path: "/api/sync/org", Header: map[string]string{"If-None-Match": tag}, Status: 304, HasNot: []string{"seq"}},
			{Name: "older snapshot", Path: "/api/sync/org", Header: map[string]string{"If-None-Match": `"x-500"`}, Status: 200},
			{Name: "first page", Path: "/api/sync/org?since=0&epoch=" + epoch, Status: 200, Has: []string{`"seq":1,`, `"more":true`}},
			{Name: "last page", Path: "/api/sync/org?since=500", Status: 200, Has: []string{`"seq":501,`, `"more":false`}},
			{Name: "nothing new", Path: "/api/sync/org?since=501", Status: 200, Has: []string{`"entries":[]`, `"more":false`}},
			{Name: "ahead of the server", Path: "/api/sync/org?since=502", Status: 409},
			{Name: "another epoch", Path: "/api/sync/org?since=1&epoch=x", Status: 409},
			{Name: "another's scope", Path: "/api/sync/user:b", Status: 404},
			{Name: "another's delta", Path: "/api/sync/user:b?since=0", Status: 404},
			{Name: "bad since", Path: "/api/sync/org?since=-1", Status: 422, Has: []string{"since"}},
			{Name: "since is no number", Path: "/api/sync/org?since=x", Status: 422, Has: []string{"since"}},
		})
		add(t, log, "org", "newer")
		basetest.RunScenarios(t, handler, []basetest.Scenario{
			{Name: "newer snapshot", Path: "/api/sync/org", Header: map[string]string{"If-None-Match": tag}, Status: 200, Has: []string{`"seq":502`}},
		})
	})
}

// TestSyncNegotiates: a snapshot comes in the form that the client can read, and not at
// all when it holds one of the states that it names.
func TestSyncNegotiates(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		handler := serve(t, log, newGrants("org")).Config.Handler
		add(t, log, "org", "t")
		epoch, err := log.Epoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tag := fmt.Sprintf(`"%s-1"`, epoch)
		for _, c := range []struct {
			name, header, value, coding string
			status                      int
		}{
			{"nothing", "Accept-Encoding", "", "", 200},
			{"gzip", "Accept-Encoding", "deflate, gzip;q=0.5, br", "gzip", 200},
			{"anything", "Accept-Encoding", "*", "gzip", 200},
			{"no gzip", "Accept-Encoding", "gzip;q=0", "", 200},
			{"plain rather than gzip", "Accept-Encoding", "identity, gzip;q=0.5", "", 200},
			{"plain only", "Accept-Encoding", "identity;q=1, *;q=0", "", 200},
			{"a long list of codings", "Accept-Encoding", strings.Repeat("x, ", 200) + "gzip", "gzip", 200},
			{"the state among others", "If-None-Match", `"x", W/` + tag + `, "y"`, "", 304},
			{"any state", "If-None-Match", "*", "", 304},
			{"a long list of states", "If-None-Match", strings.Repeat(`"x", `, 200) + tag, "", 304},
			{"others", "If-None-Match", `"x", "y"`, "", 200},
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/sync/org", nil)
			r.Header.Set(c.header, c.value)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			answer := w.Result()
			if w.Code != c.status || answer.Header.Get("Content-Encoding") != c.coding || answer.Header.Get("ETag") != tag {
				t.Errorf("%s: %d %v", c.name, w.Code, answer.Header)
			}
			if c.status == http.StatusNotModified {
				continue
			}
			body := answer.Body
			if c.coding == "gzip" {
				if body, err = gzip.NewReader(body); err != nil {
					t.Errorf("%s: %v", c.name, err)
					continue
				}
			}
			if text, err := io.ReadAll(body); err != nil || !strings.Contains(string(text), `"seq":1`) {
				t.Errorf("%s: %s, %v", c.name, text, err)
			}
		}
	})
}

// TestStreamOfNoBody: HEAD is answered, and the connection is free again at once.
func TestStreamOfNoBody(t *testing.T) {
	each(t, func(t *testing.T, log *live.Log, _ *live.Hub) {
		server := serve(t, log, newGrants("org"))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for range 2 {
			r, err := http.NewRequestWithContext(ctx, http.MethodHead, server.URL+"/api/live", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				server.CloseClientConnections()
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("%d %v", answer.StatusCode, answer.Header)
			}
		}
	})
}

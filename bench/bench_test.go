// Package bench measures the program as its users meet it: the real binary, over
// HTTP on loopback, on both engines, durable. Client and server share the machine,
// and the figures beside each other come from one run.
//
//	make bench
//
// Each line tells requests per second, the 99th percentile of their times, and how
// much CPU the server alone spent per request. BenchmarkEmptyHandler and
// BenchmarkBareSQLite are the limits: net/http answering nothing, and the database
// alone. bench/table makes a table of it all, in which every figure is also a part of
// those limits.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
)

func TestMain(m *testing.M) {
	// The figures must be those of a server that keeps what it has answered.
	_ = os.Setenv(basetest.DurableEnv, "1") // an error shows as figures that are too good
	basetest.Main(m)
}

// seeded is how many issues the project has that is read.
const seeded = 1000

// description is as long as that of most issues.
var description = strings.TrimSpace(strings.Repeat("Some text. ", 30))

func connections() []int { return []int{1, 8, 64, 256} }

func BenchmarkServer(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := startServer(b, basetest.URL(b, engine))
			w := seed(b, s)
			for _, op := range w.operations() {
				b.Run(op.name, func(b *testing.B) {
					for _, n := range connections() {
						b.Run(fmt.Sprintf("conns=%d", n), func(b *testing.B) {
							w.client = s.client(w.token, n)
							load(b, n, s, op.run)
						})
					}
				})
			}
		})
	}
}

// world is a project with issues, on a server.
type world struct {
	server   *server
	client   *client
	token    string
	project  string // its key
	scope    string
	etag     string
	head     int64
	statuses []string
	keys     []string // of the issues
	ids      []string
}

type operation struct {
	name string
	run  func(ctx context.Context, i int) error
}

func (w *world) operations() []operation {
	get := func(path string, status int) func(context.Context, int) error {
		return func(ctx context.Context, _ int) error {
			return w.client.do(ctx, http.MethodGet, path, "", status, nil)
		}
	}
	return []operation{
		{"health", get("/health", http.StatusOK)},
		{"issue", get("/api/issues/"+w.project+"-500", http.StatusOK)},
		{"list50", get("/api/projects/"+w.project+"/issues?limit=50", http.StatusOK)},
		{"delta10", get(fmt.Sprintf("/api/sync/%s?since=%d", w.scope, w.head-10), http.StatusOK)},
		{"snapshot", get("/api/sync/"+w.scope, http.StatusOK)},
		{"snapshot304", func(ctx context.Context, _ int) error {
			return w.client.do(ctx, http.MethodGet, "/api/sync/"+w.scope, "", http.StatusNotModified, map[string]string{"If-None-Match": w.etag})
		}},
		// All of the project's first issues match, or thousands of SEED1: what is ranked is bounded.
		{"search", get("/api/search?q="+w.searched()+"&project="+w.project, http.StatusOK)},
		// These change the project that is read above, so they come last.
		// The snapshot is put together anew after every change.
		{"change+snapshot", func(ctx context.Context, i int) error {
			body := fmt.Sprintf(`{"title":"Issue that was changed %d times"}`, i)
			err := w.client.do(ctx, http.MethodPatch, "/api/issues/"+w.keys[i%len(w.keys)], body, http.StatusOK, nil)
			return cmp.Or(err, w.client.do(ctx, http.MethodGet, "/api/sync/"+w.scope, "", http.StatusOK, nil))
		}},
		{"create", func(ctx context.Context, i int) error {
			return w.client.do(ctx, http.MethodPost, "/api/projects/"+w.project+"/issues", fmt.Sprintf(`{"title":"Issue %d of the load"}`, i), http.StatusCreated, nil)
		}},
		{"comment", func(ctx context.Context, i int) error {
			return w.client.do(ctx, http.MethodPost, "/api/issues/"+w.keys[i%len(w.keys)]+"/comments", fmt.Sprintf(`{"body":"Comment %d of the load"}`, i), http.StatusCreated, nil)
		}},
		{"move", func(ctx context.Context, i int) error {
			key, after := w.keys[i%len(w.keys)], w.ids[(i*7+1)%len(w.ids)]
			body := fmt.Sprintf(`{"statusId":%q,"after":%q}`, w.statuses[i%len(w.statuses)], after)
			return w.client.do(ctx, http.MethodPost, "/api/issues/"+key+"/move", body, http.StatusOK, nil)
		}},
	}
}

// searched is a word, and the beginning of another one, that many of the project's issues
// have.
func (w *world) searched() string {
	if w.project == "LOAD" {
		return "stands+tea"
	}
	return "archive+tea"
}

// seed signs the first admin up and fills a project.
func seed(b *testing.B, s *server) *world {
	b.Helper()
	w := &world{server: s, project: "LOAD"}
	anonymous := s.client("", 64)
	var in struct{ AccessToken string }
	anonymous.must(b, http.MethodPost, "/api/auth/signup/password",
		`{"code":"`+inviteCode+`","email":"load@example.org","password":"correct horse","displayName":"Load"}`, http.StatusCreated, &in)
	w.token = in.AccessToken
	w.client = s.client(w.token, 64)
	var project struct{ ID string }
	w.client.must(b, http.MethodPost, "/api/projects", `{"key":"LOAD","name":"Load"}`, http.StatusCreated, &project)
	w.scope = "project:" + project.ID
	var statuses struct{ Items []struct{ ID string } }
	w.client.must(b, http.MethodGet, "/api/projects/LOAD/statuses", "", http.StatusOK, &statuses)
	for _, status := range statuses.Items {
		w.statuses = append(w.statuses, status.ID)
	}
	var failed atomic.Pointer[error]
	each(seeded, 64, func(i int) {
		body := fmt.Sprintf(`{"title":"Issue %d that stands for those of a team","description":%q,"effort":%d}`, i, description, i%8)
		if err := w.client.do(b.Context(), http.MethodPost, "/api/projects/LOAD/issues", body, http.StatusCreated, nil); err != nil {
			failed.Store(&err)
		}
	})
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	w.look(b)
	return w
}

// look reads the snapshot for what the requests will name.
func (w *world) look(b *testing.B) {
	b.Helper()
	var snapshot struct {
		Epoch    string
		Seq      int64
		Entities struct{ Issue []struct{ ID, Key string } }
	}
	w.client.must(b, http.MethodGet, "/api/sync/"+w.scope, "", http.StatusOK, &snapshot)
	w.head, w.etag = snapshot.Seq, fmt.Sprintf(`"%s-%d"`, snapshot.Epoch, snapshot.Seq)
	w.ids, w.keys = nil, nil
	for _, i := range snapshot.Entities.Issue {
		w.ids, w.keys = append(w.ids, i.ID), append(w.keys, i.Key)
	}
	if len(w.ids) < seeded {
		b.Fatalf("%d issues", len(w.ids))
	}
}

func decode(text []byte, v any) error {
	if v == nil {
		return nil
	}
	return json.Unmarshal(text, v)
}

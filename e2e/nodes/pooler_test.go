package nodes_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// TestBehindAPooler: the nodes' database is behind a PgBouncer in transaction mode, where
// no session is theirs for longer than a transaction. All works but the words between
// nodes, in whose place they look.
func TestBehindAPooler(t *testing.T) { //nolint:tparallel // one life
	t.Parallel()
	server := basetest.NewServer(t)
	w := newWorldAt(t, server, server.Pooled(t, "postgres", 12)+"&default_query_exec_mode=exec")
	t.Run("first start", w.firstStart)
	t.Run("jobs run once", w.jobsRunOnce)
	t.Run("nobody hears words", func(t *testing.T) { w.hear(t, "0") })
	t.Run("changes arrive", func(t *testing.T) { w.changesAreFound(t) })
	t.Run("what ends is obeyed", w.obeyed)
	t.Run("a node is killed", w.nodeIsKilled)
}

// hear asks all nodes whether they hear what others say.
func (w *world) hear(t *testing.T, want string) {
	t.Helper()
	for _, n := range w.nodes {
		eventually(t, n.url+" says whether it hears", func() bool { return n.figure(t, "peisear_db_listening") == want })
	}
}

// changesAreFound by looking, which each node does every two seconds.
func (w *world) changesAreFound(t *testing.T) {
	r := follow(t, w.nodes[1:2], 0, w.admin.AccessToken, w.scope)
	for i := range 3 {
		mutation := fmt.Sprint("found-", i)
		status, text, err := w.nodes[0].call(t.Context(), w.admin.AccessToken, http.MethodPost, "/api/projects/MESOS/issues", mutation, `{"title":"x"}`)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s %v", status, text, err)
		}
		began := time.Now()
		r.await(t, mutation+" arrives", func() bool { return !r.arrived[mutation].IsZero() })
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("found after %v", took)
		}
	}
}

// TestPoolerWithoutStatements: the program says what to set where a pooler loses its statements.
func TestPoolerWithoutStatements(t *testing.T) {
	t.Parallel()
	bin := build(t)
	server := basetest.NewServer(t)
	n := newNode(t, bin, server.Pooled(t, "postgres", 12), secrets(t, bin))
	n.start(t)
	err := n.cmd.Wait()
	n.cmd = nil
	if text := n.log.String(); err == nil || !strings.Contains(text, "default_query_exec_mode=exec") {
		t.Errorf("%v: %s", err, text)
	}
}

// figure is one of a node's, as its metrics have it.
func (n *node) figure(t *testing.T, name string) string {
	t.Helper()
	text := n.metrics(t)
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", name, text)
	}
	return found[1]
}

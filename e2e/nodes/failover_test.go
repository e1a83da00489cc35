package nodes_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// TestFailover loses the primary of two servers for good, under load. The nodes know
// both, and go on with the standby once it is promoted.
func TestFailover(t *testing.T) {
	t.Parallel()
	bin := build(t)
	primary := basetest.NewServer(t)
	standby := basetest.NewStandby(t, primary)
	database := fmt.Sprintf("postgres://postgres@/postgres?host=%s,%s&target_session_attrs=read-write&connect_timeout=2", standby.Dir, primary.Dir)
	env := secrets(t, bin)
	nodes := []*node{newNode(t, bin, database, env), newNode(t, bin, database, env)}
	for _, n := range nodes {
		n.start(t)
		n.await(t)
	}
	admin := signUp(t, nodes[0], code, "ada")
	project := must[struct{ ID string }](t, nodes[1], admin.AccessToken, http.MethodPost, "/api/projects", `{"key":"MESOS","name":"Apache Mesos"}`)
	scope := "project:" + project.ID
	readers := []*reader{follow(t, nodes[:1], 0, admin.AccessToken, scope), follow(t, nodes[1:], 0, admin.AccessToken, scope)}
	l := startLoad(t, nodes, admin.AccessToken, "MESOS", 4)
	l.await(t, "load", func(answered, _ int) bool { return answered >= 50 })
	primary.Stop(t)
	l.await(t, "the nodes say that it is gone", func(_, refused int) bool { return refused >= 4 })
	l.mu.Lock()
	before := len(l.answered)
	l.mu.Unlock()
	standby.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names") // it has no standby of its own
	began := time.Now()
	standby.Promote(t)
	l.await(t, "load goes on", func(answered, _ int) bool { return answered > before })
	t.Logf("the first write was answered %v after it was to be promoted", time.Since(began).Round(time.Millisecond))
	l.await(t, "load goes on", func(answered, _ int) bool { return answered >= before+50 })
	l.end(t, scope, readers)
	t.Logf("%d issues acknowledged, all there; refused: %v", len(l.answered), l.refused)
}

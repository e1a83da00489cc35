package nodes_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// world is three nodes, an admin and a project.
type world struct {
	life   *testing.T // of the nodes
	nodes  []*node
	server *basetest.Server
	copies string // folder of backups by schedule
	admin  user
	scope  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := basetest.NewServer(t)
	return newWorldAt(t, server, server.URL("postgres"))
}

// newWorldAt is one whose nodes reach the server in a way of their own.
func newWorldAt(t *testing.T, server *basetest.Server, database string) *world {
	t.Helper()
	bin := build(t)
	w := &world{life: t, server: server, copies: t.TempDir()}
	env := secrets(t, bin)
	env["BACKUP_DIR"], env["BACKUP_EVERY"] = w.copies, "1h"
	w.nodes = three(t, bin, env, database)
	w.admin = signUp(t, w.nodes[0], code, "ada")
	project := must[struct{ ID string }](t, w.nodes[1], w.admin.AccessToken, http.MethodPost, "/api/projects", `{"key":"MESOS","name":"Apache Mesos"}`)
	w.scope = "project:" + project.ID
	return w
}

// TestNodes is three nodes' life, from their first start at one time.
func TestNodes(t *testing.T) { //nolint:tparallel // one life
	t.Parallel()
	w := newWorld(t)
	t.Run("first start", w.firstStart)
	t.Run("jobs run once", w.jobsRunOnce)
	t.Run("all hear words", func(t *testing.T) { w.hear(t, "1") })
	t.Run("changes arrive", w.changesArrive)
	t.Run("what ends is obeyed", w.obeyed)
	t.Run("a node is killed", w.nodeIsKilled)
	t.Run("the database is restarted", w.databaseIsRestarted)
}

// firstStart: three that found an empty database made one schema and one invite.
func (w *world) firstStart(t *testing.T) {
	for what, query := range map[string]string{
		"migrations twice":       "SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version",
		"first invites too many": "SELECT count(*) - 1 FROM invite_codes WHERE initial",
		"secrets too many":       "SELECT count(*) - 1 FROM sealed_check",
		"epochs too many":        "SELECT greatest(count(*), 1) - 1 FROM log_epoch",
	} {
		if n := w.ask(t, query); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	for _, n := range w.nodes {
		if text := n.log.String(); strings.Contains(text, "ERROR") {
			t.Errorf("%s says %s", n.url, text)
		}
	}
}

// jobsRunOnce: a round of a schedule is one node's, whichever.
func (w *world) jobsRunOnce(t *testing.T) {
	for round := 1; round <= 3; round++ {
		eventually(t, "a backup", func() bool {
			return w.ask(t, "SELECT count(*) FROM job WHERE kind LIKE 'backup%' AND done_at IS NOT NULL AND NOT leased") == 1
		})
		if files, err := os.ReadDir(w.copies); err != nil || len(files) == 0 {
			t.Errorf("round %d: %v, %v", round, files, err)
		}
		done := 0 // by all nodes together
		for _, n := range w.nodes {
			done += n.backups(t)
		}
		if done != round {
			t.Errorf("round %d: the nodes have done %d", round, done)
		}
		w.server.Exec(t, "UPDATE job SET done_at = NULL, due_at = 0, run_at = 0 WHERE kind LIKE 'backup%'")
	}
}

// backups is how many a node says that it has made.
func (n *node) backups(t *testing.T) (done int) {
	t.Helper()
	text := n.metrics(t)
	if !strings.Contains(text, "peisear_jobs{") {
		t.Fatal(text)
	}
	if found := regexp.MustCompile(`peisear_jobs_ended_total\{kind="backup[^"]*",outcome="done"\} (\d+)`).FindStringSubmatch(text); found != nil {
		var err error
		if done, err = strconv.Atoi(found[1]); err != nil {
			t.Fatal(err)
		}
	}
	return done
}

// ask is a number from the database.
func (w *world) ask(t *testing.T, query string) (n int) {
	t.Helper()
	pool, err := sql.Open("pgx", w.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// changesArrive at the clients of another node while they are news.
func (w *world) changesArrive(t *testing.T) {
	r := follow(t, w.nodes[1:2], 0, w.admin.AccessToken, w.scope)
	var sent, answered []time.Duration
	const rounds = 100
	for i := range rounds {
		<-time.After(rand.N(100 * time.Millisecond)) // at any point of the 50 ms between two words
		mutation := fmt.Sprint("round-", i)
		began := time.Now()
		status, text, err := w.nodes[0].call(t.Context(), w.admin.AccessToken, http.MethodPost, "/api/projects/MESOS/issues", mutation, `{"title":"x"}`)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s %v", status, text, err)
		}
		acknowledged := time.Now()
		var at time.Time
		r.await(t, mutation+" arrives", func() bool {
			at = r.arrived[mutation]
			return !at.IsZero()
		})
		sent, answered = append(sent, at.Sub(began)), append(answered, at.Sub(acknowledged))
	}
	t.Logf("from sending to arrival: median %v, p99 %v, slowest %v; after the answer: median %v, p99 %v, slowest %v",
		quantile(sent, 0.5), quantile(sent, 0.99), quantile(sent, 1), quantile(answered, 0.5), quantile(answered, 0.99), quantile(answered, 1))
	if typical := quantile(answered, 0.5); typical > 300*time.Millisecond {
		t.Errorf("half of all changes took more than %v", typical)
	}
}

// obeyed: what an admin, or a user, ends at one node has ended at the others. Without a
// word it would be obeyed when the token expires, after 15 minutes.
func (w *world) obeyed(t *testing.T) {
	admin, first := w.admin.AccessToken, w.nodes[0]
	post := func(path string) func(u user) {
		return func(u user) { must[struct{}](t, first, u.AccessToken, http.MethodPost, path, "") }
	}
	manage := func(body string) func(u user) {
		return func(u user) { must[struct{}](t, first, admin, http.MethodPatch, "/api/admin/users/"+u.User.ID, body) }
	}
	var token struct{ ID, Token string }
	for name, c := range map[string]struct {
		before int
		path   string
		end    func(u user)
		after  int
		bearer func(u user) string
	}{
		"another role": {200, "/api/auth/me", manage(`{"role":"admin"}`), 401, nil},
		"disabled":     {200, "/api/auth/me", manage(`{"disabled":true}`), 401, nil},
		"signed out":   {200, "/api/auth/me", post("/api/auth/logout"), 401, nil},
		"signed out by an admin": {200, "/api/auth/me", func(u user) {
			must[struct{}](t, first, admin, http.MethodPost, "/api/admin/users/"+u.User.ID+"/sign-out", "")
		}, 401, nil},
		"an API token": {200, "/api/auth/me", func(u user) {
			must[struct{}](t, first, u.AccessToken, http.MethodDelete, "/api/account/tokens/"+token.ID, "")
		}, 401, func(u user) string {
			token = must[struct{ ID, Token string }](t, first, u.AccessToken, http.MethodPost, "/api/account/tokens", `{"name":"ci","scope":"read","expiresAt":null}`)
			return token.Token
		}},
		"a membership": {200, "/api/sync/" + w.scope, func(u user) {
			must[struct{}](t, first, admin, http.MethodDelete, "/api/projects/MESOS/members/"+u.User.ID, "")
		}, 404, func(u user) string {
			must[struct{}](t, first, admin, http.MethodPost, "/api/projects/MESOS/members", fmt.Sprintf(`{"email":%q,"role":"viewer"}`, u.User.Email))
			return u.AccessToken
		}},
	} {
		u := join(t, first, w.admin, strings.ReplaceAll(name, " ", "."))
		bearer := u.AccessToken
		if c.bearer != nil {
			bearer = c.bearer(u)
		}
		for _, n := range w.nodes {
			eventually(t, name+" before", func() bool { return n.status(t, bearer, c.path) == c.before })
		}
		c.end(u)
		began := time.Now()
		if status := first.status(t, bearer, c.path); status != c.after {
			t.Errorf("%s: here %d", name, status)
		}
		for _, n := range w.nodes[1:] {
			eventually(t, name, func() bool { return n.status(t, bearer, c.path) == c.after })
		}
		w.took(t, name, time.Since(began))
	}
	options := func(n *node) (o struct {
		Registration string
		Providers    []struct{ ID string }
	}) {
		return must[struct {
			Registration string
			Providers    []struct{ ID string }
		}](t, n, "", http.MethodGet, "/api/auth/options", "")
	}
	must[struct{}](t, first, admin, http.MethodPatch, "/api/admin/settings", `{"registration":"open"}`)
	began := time.Now()
	eventually(t, "registration", func() bool { return options(w.nodes[2]).Registration == "open" })
	w.took(t, "registration", time.Since(began))
	must[struct{}](t, first, admin, http.MethodPost, "/api/account/confirm", fmt.Sprintf(`{"password":%q}`, password))
	must[struct{}](t, first, admin, http.MethodPut, "/api/admin/providers/github", `{"clientId":"id","clientSecret":"secret"}`)
	began = time.Now()
	eventually(t, "a provider", func() bool { return len(options(w.nodes[2]).Providers) == 1 })
	w.took(t, "a provider", time.Since(began))
}

// took says how long others did not know. It is a second at most, and more where many
// tests share two cores.
func (w *world) took(t *testing.T, what string, d time.Duration) {
	t.Helper()
	t.Logf("%s: obeyed by all after %v", what, d.Round(time.Millisecond))
	if d > 5*time.Second {
		t.Errorf("%s took %v", what, d)
	}
}

// nodeIsKilled under load: its clients go on at the others.
func (w *world) nodeIsKilled(t *testing.T) {
	readers := w.readers(t)
	l := startLoad(t, w.nodes, w.admin.AccessToken, "MESOS", 6)
	l.await(t, "load", func(answered, _ int) bool { return answered >= 100 })
	w.nodes[0].kill(t)
	killed := time.Now()
	readers[0].await(t, "its reader goes on elsewhere", func() bool { return readers[0].streams > 1 })
	t.Logf("its reader was at another node after %v", time.Since(killed).Round(time.Millisecond))
	l.await(t, "load goes on", func(answered, _ int) bool { return answered >= 300 })
	l.end(t, w.scope, readers)
	t.Logf("%d issues acknowledged, all there; not answered: %v", len(l.answered), l.refused)
	w.nodes[0].start(w.life)
	w.nodes[0].await(t)
}

// databaseIsRestarted under load, as after a crash: nodes say so, and go on by themselves.
func (w *world) databaseIsRestarted(t *testing.T) {
	readers := w.readers(t)
	l := startLoad(t, w.nodes, w.admin.AccessToken, "MESOS", 6)
	l.await(t, "load", func(answered, _ int) bool { return answered >= 100 })
	w.server.Stop(t)
	l.await(t, "the nodes say that it is gone", func(_, refused int) bool { return refused >= 10 })
	w.server.Start(t)
	began := time.Now()
	l.mu.Lock()
	before := len(l.answered)
	l.mu.Unlock()
	l.await(t, "load goes on", func(answered, _ int) bool { return answered > before })
	t.Logf("the first write was answered %v after the database was back", time.Since(began).Round(time.Millisecond))
	l.await(t, "load goes on", func(answered, _ int) bool { return answered >= before+200 })
	l.end(t, w.scope, readers)
	if l.refused[http.StatusServiceUnavailable] == 0 || l.refused[0] > 0 {
		t.Errorf("refused: %v", l.refused)
	}
	for i, r := range readers {
		if r.streams != 1 {
			t.Errorf("reader %d opened %d streams", i, r.streams)
		}
	}
	t.Logf("%d issues acknowledged, all there; refused: %v", len(l.answered), l.refused)
}

// readers follow the project, one at each node.
func (w *world) readers(t *testing.T) (all []*reader) {
	t.Helper()
	for i := range w.nodes {
		all = append(all, follow(t, w.nodes, i, w.admin.AccessToken, w.scope))
	}
	return all
}

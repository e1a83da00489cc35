// Package nodes_test runs several processes of the real binary on one PostgreSQL, as they
// run behind a load balancer, and takes away now one of them and now the database.
package nodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const (
	code     = "open-sesame"
	password = "correct horse"

	// patience is how long anything may take on a machine that runs other tests besides.
	patience = 60 * time.Second
)

// node is one process.
type node struct {
	url     string
	figures string // the address of its metrics
	env     []string
	bin     string
	cmd     *exec.Cmd
	log     *lockedBuffer
}

// lockedBuffer collects what a process says while others read it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// build makes the binary, watched by the race detector where this test is.
func build(t *testing.T) string {
	t.Helper()
	if raceEnabled {
		return basetest.Build(t, "-race")
	}
	return basetest.Build(t)
}

// secrets is what the nodes have in common, besides the database.
func secrets(t *testing.T, bin string) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), bin, "gen-jwt-keys").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"PEISEAR_MODE": "production", "PUBLIC_BASE_URL": "http://localhost:3000", "INITIAL_INVITE_CODE": code,
		"COOKIE_SECRET": strings.Repeat("s", 32), "LOG_LEVEL": "warn",
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		all[name] = strings.ReplaceAll(strings.Trim(value, `"`), `\n`, "\n")
	}
	return all
}

// newNode returns a process that is to be started.
func newNode(t *testing.T, bin, database string, env map[string]string) *node {
	t.Helper()
	n := &node{bin: bin, log: new(lockedBuffer)}
	address, metrics := basetest.Address(t), basetest.Address(t)
	n.url, n.figures = "http://"+address, "http://"+metrics+"/metrics"
	all := maps.Clone(env)
	maps.Copy(all, map[string]string{"BIND_ADDR": address, "METRICS_ADDR": metrics, "DATABASE_URL": database, "DATA_DIR": t.TempDir(), "PATH": os.Getenv("PATH")})
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n.env = append(n.env, name+"="+all[name])
	}
	return n
}

// start runs the process; await waits until it answers. It ends with the test.
func (n *node) start(t *testing.T) {
	t.Helper()
	n.cmd = exec.Command(n.bin)
	n.cmd.Dir, n.cmd.Stderr, n.cmd.Stdout, n.cmd.Env = t.TempDir(), n.log, io.Discard, n.env
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := n.cmd
	t.Cleanup(func() {
		if n.cmd == cmd {
			_ = cmd.Process.Signal(syscall.SIGINT)
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("%s says\n%s", n.url, n.log)
		}
	})
}

// kill ends the process without a word.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = n.cmd.Wait()
	n.cmd = nil
}

func (n *node) await(t *testing.T) {
	t.Helper()
	eventually(t, n.url+" answers", func() bool {
		status, _, err := n.call(t.Context(), "", http.MethodGet, "/api/health", "", "")
		return err == nil && status == http.StatusOK
	})
}

// eventually looks again and again, and says how long it took.
func eventually(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	for began := time.Now(); ; <-time.After(5 * time.Millisecond) {
		if is() {
			return time.Since(began)
		}
		if time.Since(began) > patience {
			t.Fatalf("%s: not after %s", what, patience)
		}
	}
}

// call is one request; the error is that of the connection.
func (n *node) call(ctx context.Context, token, method, path, mutation, body string) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, n.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if mutation != "" {
		r.Header.Set("Idempotency-Key", mutation)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(got.Body)
	return got.StatusCode, string(text), errors.Join(err, got.Body.Close())
}

// metrics is all that a node tells of itself.
func (n *node) metrics(t *testing.T) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.figures, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// must is a call that succeeds, with its answer.
func must[T any](t *testing.T, n *node, token, method, path, body string) (v T) {
	t.Helper()
	status, answer, err := n.call(t.Context(), token, method, path, "", body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, status, answer, err)
	}
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// status is that of a GET.
func (n *node) status(t *testing.T, token, path string) int {
	t.Helper()
	status, _, err := n.call(t.Context(), token, http.MethodGet, path, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// user is somebody who has signed in.
type user struct {
	AccessToken string
	User        struct{ ID, Email string }
}

func signUp(t *testing.T, n *node, code, name string) user {
	t.Helper()
	body := fmt.Sprintf(`{"code":%q,"email":"%[2]s@example.org","password":%q,"displayName":%[2]q}`, code, name, password)
	return must[user](t, n, "", http.MethodPost, "/api/auth/signup/password", body)
}

// join lets an admin invite somebody, who signs up.
func join(t *testing.T, n *node, admin user, name string) user {
	t.Helper()
	invite := must[struct{ Code string }](t, n, admin.AccessToken, http.MethodPost, "/api/invites", `{"role":"user"}`)
	return signUp(t, n, invite.Code, name)
}

// three starts as many processes at one time.
func three(t *testing.T, bin string, env map[string]string, database string) []*node {
	t.Helper()
	var all []*node
	for range 3 {
		all = append(all, newNode(t, bin, database, env))
	}
	for _, n := range all {
		n.start(t)
	}
	for _, n := range all {
		n.await(t)
	}
	return all
}

// quantile is that of durations, 0.5 for the median.
func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(float64(len(sorted)-1)*q)].Round(100 * time.Microsecond)
}

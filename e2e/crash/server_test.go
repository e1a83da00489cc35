package crash_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

const inviteCode = "the-invite-of-the-first-admin"

// server is the program on one set of data. It can be killed and started again.
type server struct {
	command  []string
	url      string
	http     *http.Client
	database string
	env      []string
	dir      string

	mu  sync.Mutex
	cmd *exec.Cmd
	log lines
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newServer(t *testing.T, path, database string) *server {
	t.Helper()
	address := basetest.Address(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 4 * connections}
	t.Cleanup(transport.CloseIdleConnections)
	s := &server{command: []string{path}, url: "http://" + address, http: &http.Client{Transport: transport, Timeout: time.Minute}, database: database, dir: t.TempDir()}
	s.env = []string{
		"DATABASE_URL=" + database, "DATA_DIR=" + s.dir, "BIND_ADDR=" + address, "LOG_LEVEL=warn", "HOME=" + s.dir,
		"INITIAL_INVITE_CODE=" + inviteCode, "REGISTRATION=open", "TRUSTED_PROXIES=127.0.0.1", "ACCESS_TOKEN_TTL_SECS=86400",
	}
	t.Cleanup(func() {
		s.kill(t)
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log.String())
		}
	})
	return s
}

// start starts it and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	s.cmd = exec.Command(s.command[0], s.command[1:]...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, s.env, io.Discard, &s.log
	err := s.cmd.Start()
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	s.await(t)
}

func (s *server) await(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
		a := s.call(t.Context(), request{path: "/api/health"})
		if a.status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			s.kill(t)
			t.Fatalf("it does not answer: %d %s\n%s", a.status, a.body, s.log.String())
		}
	}
}

// kill ends the process, if it runs, with SIGKILL.
func (s *server) kill(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Errorf("it ended by itself: %v", err)
	}
	var killed *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &killed) || killed.ExitCode() >= 0 {
		t.Errorf("it ended by itself: %v", err)
	}
	s.cmd = nil
}

// request is what a client sends.
type request struct {
	method, path, body string
	key                string // the Idempotency-Key
	token, from        string
}

// answer is what comes back; status 0 for no answer.
type answer struct {
	status int
	body   []byte
}

// unknown reports whether the write may or may not have happened: there was no answer, or
// one that says that the server does not know.
func (a answer) unknown() bool { return a.status == 0 || a.status == http.StatusServiceUnavailable }

func (s *server) call(ctx context.Context, q request) answer {
	if q.method == "" {
		q.method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), q.method, s.url+q.path, strings.NewReader(q.body))
	if err != nil {
		return answer{}
	}
	for name, value := range map[string]string{"Idempotency-Key": q.key, "X-Forwarded-For": q.from} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	got, err := s.http.Do(r)
	if err != nil {
		return answer{}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{} // cut off
	}
	return answer{got.StatusCode, body}
}

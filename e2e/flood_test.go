//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// maxFlooded is how much memory the server may have taken at its peak, in KiB.
const maxFlooded = 150 << 10

// TestLoginFlood sends many logins at one time to the server as it is delivered, with
// passwords as dear as they are: its memory stays bounded, who comes beyond the queue is
// asked to come later, and afterwards it is as before.
func TestLoginFlood(t *testing.T) {
	for name, cores := range map[string]string{"as many cores as there are": "", "many cores": "32"} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "INITIAL_INVITE_CODE=open-sesame", "TRUSTED_PROXIES=127.0.0.1", "GOMAXPROCS="+cores)
			s.mustAnswer(t, http.StatusCreated, s.post(t, "/api/auth/signup/password", "198.51.100.1",
				`{"code":"open-sesame","email":"ada@example.org","password":"correct horse","displayName":"Ada"}`))
			right, wrong := `{"email":"ada@example.org","password":"correct horse"}`, `{"email":"eve%d@example.org","password":"wrong password"}`

			idle := s.peak(t)
			all := s.flood(t, 64, func(int) string { return right })
			if got := all.statuses(); got[http.StatusOK] == 0 || got[http.StatusOK]+got[http.StatusServiceUnavailable] != 64 {
				t.Errorf("64 that are right: %v", got) // all are let in, unless this machine is very busy
			}
			inQueue := s.peak(t)
			all = s.flood(t, 400, func(i int) string { return fmt.Sprintf(wrong, i) })
			got := all.statuses()
			if got[http.StatusUnauthorized] == 0 || got[http.StatusServiceUnavailable] == 0 || got[http.StatusUnauthorized]+got[http.StatusServiceUnavailable] != 400 {
				t.Errorf("400 that are wrong: %v", got)
			}
			for _, a := range all {
				if after, err := strconv.Atoi(a.retryAfter); a.status == http.StatusServiceUnavailable && (err != nil || after < 1) {
					t.Errorf("503 with Retry-After %q", a.retryAfter)
				}
			}
			beyond := s.peak(t)
			t.Logf("peak memory: %d MiB before, %d MiB with 64, %d MiB with 400; 64 took %v at most; answers to 400: %v",
				idle>>10, inQueue>>10, beyond>>10, all.slowest(), got)
			if beyond > maxFlooded {
				t.Errorf("%d MiB at the peak", beyond>>10)
			}
			s.mustAnswer(t, http.StatusOK, s.post(t, "/api/auth/login", "198.51.100.1", right))
		})
	}
}

// server is the program, running on a folder of its own.
type server struct {
	url string
	cmd *exec.Cmd
}

// startServer starts the program as it is delivered, not watched by the race detector,
// and waits until it answers. It ends with the test.
func startServer(t *testing.T, env ...string) *server {
	t.Helper()
	return startServerIn(t, basetest.Build(t), t.TempDir(), env...)
}

// startServerIn starts a program that is built, in a folder that is there.
func startServerIn(t *testing.T, bin, dir string, env ...string) *server {
	t.Helper()
	address := basetest.Address(t)
	s := &server{url: "http://" + address, cmd: exec.Command(bin)}
	var log bytes.Buffer
	s.cmd.Dir, s.cmd.Stderr, s.cmd.Stdout = dir, &log, io.Discard
	s.cmd.Env = append([]string{"BIND_ADDR=" + address, "METRICS_ADDR=off", "LOG_LEVEL=warn", "HOME=" + s.cmd.Dir}, env...)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		if err := s.cmd.Wait(); err != nil || t.Failed() {
			t.Logf("%v\n%s", err, log.String())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		r, err := http.Get(s.url + "/health")
		if err == nil {
			_ = r.Body.Close()
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// peak is the most memory that the server has taken, in KiB.
func (s *server) peak(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no peak in %s", text)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// answer is what the server says to one request.
type answer struct {
	status     int
	retryAfter string
	took       time.Duration
	body       string
}

type answers []answer

func (all answers) statuses() map[int]int {
	count := map[int]int{}
	for _, a := range all {
		count[a.status]++
	}
	return count
}

func (all answers) slowest() time.Duration {
	return slices.MaxFunc(all, func(a, b answer) int { return int(a.took - b.took) }).took.Round(time.Millisecond)
}

func (s *server) mustAnswer(t *testing.T, status int, a answer) {
	t.Helper()
	if a.status != status {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// post is one request, as a trusted proxy passes it on from an address.
func (s *server) post(t *testing.T, path, from, body string) answer {
	t.Helper()
	start := time.Now()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return answer{}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", from)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Error(err)
	}
	return answer{got.StatusCode, got.Header.Get("Retry-After"), time.Since(start), string(text)}
}

// flood sends logins at one time, each from an address of its own.
func (s *server) flood(t *testing.T, many int, body func(i int) string) answers {
	t.Helper()
	all := make(answers, many)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = s.post(t, "/api/auth/login", fmt.Sprintf("10.0.%d.%d", i/200, i%200), body(i)) })
	}
	wg.Wait()
	return all
}

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

const inviteCode = "the-invite-of-the-benchmark"

// ticks is how many units of CPU time in /proc are a second on Linux.
const ticks = 100

// server is the real binary, as a process of its own; or its handler, in this one.
type server struct {
	url     string
	pid     int
	cluster int // the process of PostgreSQL, 0 without one
	handler http.Handler
}

// client returns a client of the server with n connections.
func (s *server) client(token string, n int) *client {
	if s.handler != nil {
		return &client{url: s.url, token: token, http: &http.Client{Transport: direct{s.handler}}}
	}
	return newClient(s.url, token, n)
}

// binary builds the program once per run.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "peisear-bench")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "peisear")
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../cmd/peisear").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func startServer(b *testing.B, database string) *server {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	address := basetest.Address(b)
	log := new(bytes.Buffer)
	cmd := exec.Command(path)
	cmd.Dir = b.TempDir()
	cmd.Env = append(os.Environ(), "DATABASE_URL="+database, "BIND_ADDR="+address, "LOG_LEVEL=warn", "INITIAL_INVITE_CODE="+inviteCode, "ACCESS_TOKEN_TTL_SECS=86400")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
		if err != nil {
			b.Errorf("%v: %s", err, log)
		}
	})
	s := &server{url: "http://" + address, pid: cmd.Process.Pid, cluster: clusterOf(database)}
	c := newClient(s.url, "", 1)
	for range 500 {
		if err = c.do(b.Context(), http.MethodGet, "/health", "", http.StatusOK, nil); err == nil {
			return s
		}
		<-time.After(10 * time.Millisecond)
	}
	b.Fatalf("%v: %s", err, log)
	return nil
}

// clusterOf is the process of the PostgreSQL that the tests have started for a database.
func clusterOf(database string) (pid int) {
	_, dir, ok := strings.Cut(database, "host=")
	if !ok {
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ = strconv.Atoi(line)
	return pid
}

// cpu is the time that the program, and the database where it is another, have spent so
// far; 0 where /proc is not there.
func (s *server) cpu() (own, database time.Duration) {
	own, _ = spent(s.pid, false)
	if s.cluster == 0 {
		return own, 0
	}
	database, _ = spent(s.cluster, true) // with the connections that have ended
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range all {
		pid, _ := strconv.Atoi(filepath.Base(path))
		if time, parent := spent(pid, false); parent == s.cluster {
			database += time
		}
	}
	return own, database
}

// spent is a process's time, with that of its ended children if they shall count, and the
// process that has started it.
func spent(pid int, children bool) (_ time.Duration, parent int) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	parent, _ = strconv.Atoi(fields[1])
	total, end := 0, 13
	if children {
		end = 15
	}
	for _, field := range fields[11:end] {
		n, _ := strconv.Atoi(field)
		total += n
	}
	return time.Duration(total) * time.Second / ticks, parent
}

// client sends requests over a bounded number of connections that stay open.
type client struct {
	http  *http.Client
	url   string
	token string
}

func newClient(url, token string, conns int) *client {
	return &client{url: url, token: token, http: &http.Client{Transport: &http.Transport{
		MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns, MaxIdleConns: conns,
		DisableCompression: true, // the snapshot travels compressed, and stays so
	}}}
}

func (c *client) do(ctx context.Context, method, path, body string, want int, header map[string]string) error {
	_, err := c.send(ctx, method, path, body, want, header)
	return err
}

func (c *client) send(ctx context.Context, method, path, body string, want int, header map[string]string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if r.Header.Set("Content-Type", "application/json"); c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s %s: status %d, want %d: %.300s", method, path, answer.StatusCode, want, text)
	}
	return text, err
}

func (c *client) must(b *testing.B, method, path, body string, want int, into any) {
	b.Helper()
	text, err := c.send(b.Context(), method, path, body, want, map[string]string{"Accept-Encoding": "identity"})
	if err == nil {
		err = decode(text, into)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// load sends b.N requests over n connections, and reports what each cost. Any error
// ends the benchmark: a server that answers fast with errors is not fast.
func load(b *testing.B, n int, s *server, request func(ctx context.Context, i int) error) {
	b.Helper()
	times := make([]time.Duration, b.N)
	var failed atomic.Pointer[error]
	var own, database time.Duration
	if s != nil {
		own, database = s.cpu()
	}
	b.ResetTimer()
	each(b.N, n, func(i int) {
		start := time.Now()
		if err := request(b.Context(), i); err != nil {
			failed.Store(&err)
		}
		times[i] = time.Since(start)
	})
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	slices.Sort(times)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	if s == nil {
		return
	}
	perRequest := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
	ownNow, databaseNow := s.cpu()
	b.ReportMetric(perRequest(ownNow-own), "server-cpu-ms/req")
	if s.cluster != 0 {
		b.ReportMetric(perRequest(databaseNow-database), "postgres-cpu-ms/req")
	}
}

// each runs f for 0 to total-1 on n goroutines.
func each(total, n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(total); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wg.Wait()
}

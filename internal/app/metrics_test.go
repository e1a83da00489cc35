package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// serve runs an app until the test ends, and returns its address.
func serve(t *testing.T, a *app.App) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// get asks an address, and again while nobody listens there yet.
func get(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %s %v", answer.StatusCode, text, err)
		}
		return string(text)
	}
}

// figures asks for them until they are as the expression says, and leaves out what they mean.
func figures(t *testing.T, address, want string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		text := regexp.MustCompile(`(?m)^# .*\n`).ReplaceAllString(get(t, "http://"+address+"/metrics"), "")
		if regexp.MustCompile(want).MatchString(text) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("no %s in %s", want, text)
		}
	}
}

// TestMetrics: every kind of figure is there, under an operation's id and not an address,
// and all that the dashboard and the alerts ask for.
func TestMetrics(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, database string) {
		address := basetest.Address(t)
		a := open(t, database, map[string]string{"METRICS_ADDR": address, "BACKUP_DIR": t.TempDir()})
		serve(t, a)
		figures(t, address, `peisear_backup_done_timestamp_seconds [1-9]`) // so that nothing is being written
		ann, id := signUp(t, a)
		for _, s := range []struct{ method, path, body string }{
			{"POST", "/api/notes", `{"title":"one"}`},
			{"POST", "/api/notes", `{"title":1}`}, // is refused before the operation runs
			{"GET", "/api/sync/user:" + id, ""},
			{"GET", "/", ""},
			{"GET", "/api/nowhere/" + id, ""},
			{"HEAD", "/api/live", ""},
		} {
			basetest.Do(t, a.Handler, s.method, s.path, ann, s.body)
		}
		figures(t, address, `(?m)^peisear_db_write_queue 0$`) // when no round of a job writes
		text := get(t, "http://"+address+"/metrics")
		for _, want := range []string{
			`peisear_http_requests_total{operation="note.create",status="201"} 1`,
			`peisear_http_requests_total{operation="note.create",status="422"} 1`,
			`peisear_http_requests_total{operation="page",status="200"} 1`,
			`peisear_http_requests_total{operation="other",status="404"} 1`,
			`peisear_http_requests_total{operation="live.stream",status="200"} 1`,
			`peisear_http_request_seconds_count{operation="note.create"} 2`,
			"peisear_http_requests_in_flight 0",
			"peisear_db_write_batch_size_count ", "peisear_db_write_queue ", "peisear_db_write_wait_seconds_count ", "peisear_db_read_seconds_count ",
			"peisear_live_streams 0", "peisear_log_sequence_max 2", "peisear_log_scopes ", "peisear_hashes_total 1", "peisear_hash_queue 0",
			`peisear_jobs{kind="job.purge",state="dead"} 0`, `peisear_job_age_seconds{kind="job.purge"}`,
			"go_sql_open_connections{", "go_goroutines ", "peisear_build_info{version=",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s", want)
			}
		}
		for _, never := range []string{id, `request_seconds_count{operation="live.stream"}`} {
			if strings.Contains(text, never) {
				t.Errorf("there is %s", never)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
		wantShown(t, text, strings.HasPrefix(database, "postgres"))
	})
}

// wantShown looks for each figure that is named in deploy/grafana.
func wantShown(t *testing.T, text string, isPostgres bool) {
	t.Helper()
	var there []string
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(text, -1) {
		there = append(there, found[1])
	}
	files, err := filepath.Glob("../../deploy/grafana/*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		shown, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\b(peisear|go|process)_[a-z0-9_]+`).FindAllString(string(shown), -1)
		if len(names) < 4 {
			t.Errorf("%s names only %v", file, names)
		}
		for _, name := range names {
			series := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			known := slices.Contains(there, name) || slices.Contains(there, series)
			if !known && (name != "peisear_db_listening" || isPostgres) {
				t.Errorf("%s names %s, which is not there", filepath.Base(file), name)
			}
		}
	}
}

// TestMetricsAddress: one that is in use ends the program when an operator has chosen it,
// and "off" is no address.
func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := open(t, basetest.URL(t, "sqlite"), map[string]string{"METRICS_ADDR": taken.Addr().String()})
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := a.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "METRICS_ADDR") {
		t.Errorf("%v", err)
	}
	off := open(t, basetest.URL(t, "sqlite"), map[string]string{"METRICS_ADDR": "off"})
	if text := get(t, serve(t, off)+"/health"); text != "ok\n" {
		t.Error(text)
	}
}

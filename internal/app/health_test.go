package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/basetest/disk"
)

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

// TestDiskFillsUp: with no space left, writes are answered 503 with calm words, reading
// goes on, health and the log say so, the log once; and all of it ends with the space.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]struct {
		begins, ends func(*disk.Disk)
		writes, says string
	}{
		"full":   {func(d *disk.Disk) { d.Fill(100_000) }, (*disk.Disk).Free, "no space", "there is no space to keep changes"},
		"broken": {func(d *disk.Disk) { d.Break(disk.Write, disk.Sync) }, (*disk.Disk).Mend, "disk error", "the disk does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := disk.New(t)
			log := new(lines)
			a, err := app.New(t.Context(), config(t, "sqlite://"+on.Path("app.db"), nil), slog.New(slog.NewTextHandler(log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			})
			ann, id := signUp(t, a)
			trouble.begins(on)
			kept := writeNotes(t, a, ann, trouble.says)
			basetest.RunScenarios(t, a.Handler, []basetest.Scenario{
				{Name: "the list", Path: "/api/notes?limit=200", Header: ann, Status: 200},
				{Name: "snapshot", Path: "/api/sync/user:" + id, Header: ann, Status: 200},
				{Name: "health", Path: "/api/health", Status: 200, Has: []string{`"status":"degraded"`, `"writes":"` + trouble.writes + `"`, `"since":"20`}},
			})
			if n := strings.Count(log.String(), "changes are not kept"); n != 1 || strings.Count(log.String(), "level=ERROR") != 1 {
				t.Errorf("said %d times:\n%s", n, log)
			}
			trouble.ends(on)
			basetest.RunScenarios(t, a.Handler, []basetest.Scenario{
				{Name: "writes again", Method: "POST", Path: "/api/notes", Header: ann, Body: `{"title":"after"}`, Status: 201},
			})
			_, all := basetest.Do(t, a.Handler, "GET", "/api/notes?limit=200", ann, "")
			if n := strings.Count(all, `"title":"before`); n != len(kept) || !strings.Contains(all, `"title":"after"`) {
				t.Errorf("%d notes are there, %d were acknowledged", n, len(kept))
			}
			for _, title := range kept {
				if !strings.Contains(all, title) {
					t.Errorf("%s was acknowledged and is not there", title)
				}
			}
		})
	}
}

// writeNotes makes notes side by side until some are refused, and returns the others.
func writeNotes(t *testing.T, a *app.App, header map[string]string, says string) (kept []string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	refused := 0
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				title := fmt.Sprintf("before %d %d", w, i)
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/notes",
					strings.NewReader(`{"title":"`+title+`","body":"`+strings.Repeat("x", 3000)+`"}`))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", header["Authorization"])
				answer := httptest.NewRecorder()
				a.Handler.ServeHTTP(answer, r)
				mu.Lock()
				switch answer.Code {
				case http.StatusCreated:
					kept = append(kept, title)
				case http.StatusServiceUnavailable:
					refused++
					if h := answer.Header(); h.Get("Retry-After") == "" || h.Get("Content-Type") != "application/problem+json" || !strings.Contains(answer.Body.String(), says) {
						t.Errorf("%v %s", h, answer.Body)
					}
				default:
					t.Errorf("%d %s", answer.Code, answer.Body)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if refused == 0 {
		t.Fatal("nothing was refused")
	}
	return kept
}

//go:build linux

package crash_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

// onSmallDisk gives the program a file system of six megabytes, which nobody else sees
// and which ends with it, and half of it is taken by a file that can be removed.
const onSmallDisk = `
mount -t tmpfs -o size=6m tmpfs "$1" || exit 99
head -c 3000000 /dev/zero >"$1/ballast"
exec "$2"
`

// TestFullFileSystem runs the binary on a file system that fills up. Where the system
// lets nobody mount one, TestDiskFillsUp, which needs no rights, holds the same of the
// program without the operating system's part.
func TestFullFileSystem(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	s := newServer(t, basetest.Build(t), "sqlite://"+filepath.Join(disk, "app.db"))
	unshare := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	if out, err := exec.CommandContext(t.Context(), unshare[0], append(unshare[1:], "sh", "-c", onSmallDisk, "sh", disk, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here (%v, %s)", err, out)
	}
	s.command = append(unshare, "sh", "-c", onSmallDisk, "sh", disk, s.command[0])
	s.start(t)
	w := newWorld(t, s)

	kept, refused := w.fill(t)
	health := func() string { return string(s.call(t.Context(), request{path: "/api/health"}).body) }
	if got := health(); !strings.Contains(got, `"status":"degraded"`) || !strings.Contains(got, `"writes":"no space"`) {
		t.Errorf("health: %s", got)
	}
	w.holds(t, kept)
	if err := os.Remove(fmt.Sprintf("/proc/%d/root%s/ballast", s.cmd.Process.Pid, disk)); err != nil {
		t.Fatal(err)
	}
	w.must(t, http.MethodPost, "/api/notes", `{"title":"after"}`, new(any))
	kept["after"] = true
	w.holds(t, kept)
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(health(), `"status":"ok"`); <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("health: %s", health())
		}
	}
	if n := strings.Count(s.log.String(), `"msg":"changes are not kept for now"`); n != 1 || strings.Count(s.log.String(), `"level":"ERROR"`) != 1 {
		t.Errorf("said %d times", n)
	}
	t.Logf("%d notes were kept, %d refused", len(kept), refused)
}

// fill writes notes side by side until some are refused, and returns the others.
func (w *world) fill(t *testing.T) (kept map[string]bool, refused int) {
	t.Helper()
	kept = map[string]bool{}
	var mu sync.Mutex
	note := func(title string) (more bool) {
		a := w.server.call(t.Context(), request{
			method: http.MethodPost, path: "/api/notes", token: w.token,
			body: fmt.Sprintf(`{"title":%q,"body":%q}`, title, strings.Repeat("x", 5000)),
		})
		mu.Lock()
		defer mu.Unlock()
		switch {
		case a.status == http.StatusCreated:
			kept[title] = true
		case a.status == http.StatusServiceUnavailable && strings.Contains(string(a.body), "no space"):
			refused++
		default:
			t.Errorf("%d %s", a.status, a.body)
		}
		return refused < 20 && !t.Failed()
	}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := 0; note(fmt.Sprintf("n%d-%d", n, i)); i++ {
			}
		})
	}
	wg.Wait()
	return kept, refused
}

// holds: exactly the notes that were acknowledged are there.
func (w *world) holds(t *testing.T, kept map[string]bool) {
	t.Helper()
	var snapshot struct {
		Entities struct{ Note []struct{ Title string } }
	}
	w.must(t, http.MethodGet, "/api/sync/user:"+w.user, "", &snapshot)
	for _, n := range snapshot.Entities.Note {
		if !kept[n.Title] {
			t.Errorf("%s is there and was not acknowledged", n.Title)
		}
	}
	if len(snapshot.Entities.Note) != len(kept) {
		t.Errorf("%d notes are there, %d were acknowledged", len(snapshot.Entities.Note), len(kept))
	}
}

//go:build linux

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestBackupUnderLoad makes backups while others write as fast as they can: each is one
// state, has all that was answered before it began, and starts a server in another place,
// where everybody is still signed in.
func TestBackupUnderLoad(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		s := startServer(t, "PUBLIC_BASE_URL=http://localhost", "INITIAL_INVITE_CODE=open-sesame", "DATABASE_URL="+url, "DATA_DIR=data")
		token := s.newProject(t)
		ctx, cancel := context.WithCancel(t.Context())
		var answered atomic.Int64
		var writing sync.WaitGroup
		for w := range 8 {
			writing.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					status, text := s.as(t, token, "POST", "/api/projects/LOAD/issues", fmt.Sprintf(`{"title":"Issue %d of %d"}`, i, w))
					if status != http.StatusCreated {
						t.Errorf("%d %s", status, text)
						return
					}
					answered.Add(1)
				}
			})
		}
		var file string
		var before, after int64
		for i := range 3 {
			for wanted := answered.Load() + 100; answered.Load() < wanted && !t.Failed(); {
				<-time.After(5 * time.Millisecond)
			}
			file = filepath.Join(s.cmd.Dir, fmt.Sprintf("backup%d.zip", i))
			before = answered.Load()
			s.command(t, s.cmd.Dir, url, "backup", file)
			after = answered.Load() + 8 // what was on its way
		}
		cancel()
		writing.Wait()

		dir, target := t.TempDir(), basetest.URL(t, strings.Split(url, ":")[0])
		s.command(t, dir, target, "restore", file)
		if path, ok := strings.CutPrefix(target, "sqlite://"); ok {
			if _, err := db.CheckFile(t.Context(), path); err != nil {
				t.Error(err)
			}
		}
		count, last := issues(t, target)
		t.Logf("%d issues in the backup; %d were answered before it began and %d until it ended", count, before, after)
		if count != last || count < before || count > after {
			t.Errorf("%d issues, the last of number %d", count, last)
		}
		again := startServerIn(t, s.cmd.Path, dir, "PUBLIC_BASE_URL=http://localhost", "DATABASE_URL="+target, "DATA_DIR=data")
		if status, text := again.as(t, token, "GET", fmt.Sprintf("/api/issues/LOAD-%d", last), ""); status != http.StatusOK {
			t.Errorf("%d %s", status, text)
		}
	})
}

// newProject makes the first admin and a project of theirs, and returns their token.
func (s *server) newProject(t *testing.T) (token string) {
	t.Helper()
	var in struct{ AccessToken string }
	joined := s.post(t, "/api/auth/signup/password", "198.51.100.1", `{"code":"open-sesame","email":"ada@example.org","password":"correct horse","displayName":"Ada"}`)
	if err := json.Unmarshal([]byte(joined.body), &in); err != nil || joined.status != http.StatusCreated {
		t.Fatal(joined, err)
	}
	if status, text := s.as(t, in.AccessToken, "POST", "/api/projects", `{"key":"LOAD","name":"Under load"}`); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	return in.AccessToken
}

// issues counts them, and returns the highest number.
func issues(t *testing.T, url string) (count, last int64) {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, err = db.Read(t.Context(), d, func(ctx context.Context, c db.Conn) (struct{}, error) {
		return struct{}{}, c.QueryRowContext(ctx, "SELECT count(*), max(number) FROM issue").Scan(&count, &last)
	})
	if err != nil {
		t.Fatal(err)
	}
	return count, last
}

// command runs the program beside the server.
func (s *server) command(t *testing.T, dir, url string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.cmd.Path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"DATABASE_URL=" + url, "DATA_DIR=data", "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// as is one request of somebody who is signed in.
func (s *server) as(t *testing.T, token, method, path, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer got.Body.Close()
	answer, err := io.ReadAll(got.Body)
	if err != nil {
		t.Error(err)
	}
	return got.StatusCode, string(answer)
}

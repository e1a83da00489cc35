package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/pack"
)

var items = fstest.MapFS{"202601010000_test.sql": {Data: []byte("-- +goose Up\nCREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY);")}}

// planned is a service whose clock stands still until it is moved.
func planned(t *testing.T, engine string, p Plan) (*Service, *time.Time) {
	t.Helper()
	program := archive.Program{Version: "test"}
	program.Migrations = append(program.Migrations, live.Migrations, job.Migrations, items)
	url := basetest.URL(t, engine)
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), program.Migrations...); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	s := New(d, job.New(d, logger, job.Standard()), logger, Server{URL: url, DataDir: t.TempDir(), Program: program}, p)
	clock := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	return s, &clock
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestRetention keeps the newest ones, and leaves alone what it has not made.
func TestRetention(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "when", "missing")
	bucket := store(t, nil)
	s, clock := planned(t, "sqlite", Plan{Dir: dir, Bucket: &bucket, Every: time.Hour, Keep: 2})
	if err := s.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notes.txt", "peisear-20200101T000000Z.zip.part", "my-peisear-20200101T000000Z.zip"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stale := filepath.Join(dir, ".peisear-backup-1")
	if err := os.Mkdir(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(stale, time.Time{}, clock.Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	b := open(t, bucket)
	if err := b.put(t.Context(), "notes.txt", temp(t, nil)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		*clock = clock.Add(time.Hour)
		if err := s.make(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := "[my-peisear-20200101T000000Z.zip notes.txt peisear-20200101T000000Z.zip.part peisear-20261124T140000Z.zip peisear-20261124T150000Z.zip]"
	if got := fmt.Sprint(names(t, dir)); got != want {
		t.Errorf("the folder has %s", got)
	}
	there, err := b.list(t.Context())
	if err != nil || len(there) != 3 || there[0].Name != "notes.txt" || there[1].Name != "peisear-20261124T140000Z.zip" {
		t.Errorf("the bucket has %v, %v", there, err)
	}
	err = Open(filepath.Join(dir, "peisear-20261124T150000Z.zip"), func(r *pack.Reader) error { return r.Verify(t.Context(), func(int64) {}) })
	if err != nil {
		t.Error(err)
	}
}

// TestUploadIsTriedAgain with the backup that is there already.
func TestUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	bucket := store(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse.Load() {
				_, _ = io.Copy(io.Discard, r.Body)
				http.Error(w, "closed", http.StatusForbidden)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	dir := t.TempDir()
	s, clock := planned(t, "sqlite", Plan{Dir: dir, Bucket: &bucket, Every: time.Hour, Keep: 2})
	refuse.Store(true)
	for range 4 {
		if err := s.make(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("got %v", err)
		}
		*clock = clock.Add(time.Minute)
	}
	if all := names(t, dir); len(all) != 1 {
		t.Errorf("one round made %v", all)
	}
	refuse.Store(false)
	if err := s.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	there, err := open(t, bucket).list(t.Context())
	if err != nil || len(there) != 1 || there[0].Name != names(t, dir)[0] {
		t.Errorf("%v, %v", there, err)
	}
}

// TestBucketOnly leaves nothing on this machine.
func TestBucketOnly(t *testing.T) {
	t.Parallel()
	bucket := store(t, nil)
	s, _ := planned(t, "sqlite", Plan{Bucket: &bucket, Every: time.Hour, Keep: 2})
	if err := s.make(t.Context()); err != nil {
		t.Fatal(err)
	}
	there, err := open(t, bucket).list(t.Context())
	if left := names(t, s.server.DataDir); err != nil || len(there) != 1 || len(left) != 0 {
		t.Errorf("%v, left %v, %v", there, left, err)
	}
}

// TestByPlan: the queue makes the first backup at once, and says how the plan stands; what
// stands in the way is logged and shown.
func TestByPlan(t *testing.T) {
	t.Parallel()
	engines := []string{"sqlite", "postgres"}
	if os.Getenv("PEISEAR_TEST_ENGINES") == "sqlite" {
		engines = engines[:1]
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "backups")
			s, _ := planned(t, engine, Plan{Dir: dir, Every: time.Hour, Keep: 2})
			standing := byPlan(t, s, s.logger, func(s job.Schedule) bool { return !s.Done.IsZero() })
			if standing.Error != "" || len(names(t, dir)) != 1 {
				t.Errorf("%+v, %v", standing, names(t, dir))
			}
			blocked := filepath.Join(t.TempDir(), "a file")
			if err := os.WriteFile(blocked, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			s, _ = planned(t, engine, Plan{Dir: blocked, Every: time.Hour, Keep: 2})
			var log bytes.Buffer
			standing = byPlan(t, s, slog.New(slog.NewTextHandler(&log, nil)), func(s job.Schedule) bool { return s.Error != "" })
			if !standing.Done.IsZero() || !strings.Contains(standing.Error, "not a directory") || !strings.Contains(log.String(), "not a directory") {
				t.Errorf("%+v, log %s", standing, log.String())
			}
		})
	}
}

// byPlan runs the queue until the plan stands as is asked for.
func byPlan(t *testing.T, s *Service, logger *slog.Logger, good func(job.Schedule) bool) job.Schedule {
	t.Helper()
	s.queue = job.New(s.db, logger, job.Standard())
	s.queue.Offer(s.Jobs()...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.queue.Run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for end := time.Now().Add(20 * time.Second); ; {
		standing, err := s.Status(t.Context())
		if err == nil && good(standing) {
			return standing
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", standing, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

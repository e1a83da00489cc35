package backup

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
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
	server := Server{URL: url, DataDir: filepath.Join(t.TempDir(), "made when missing"), Program: program}
	s := New(d, live.New(d, live.NewHub()), job.New(d, logger, job.Standard()), logger, server, p)
	clock := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	return s, &clock
}

// named is what the service names the backup of an hour of that day.
func named(t *testing.T, s *Service, hour int) string {
	t.Helper()
	epoch, err := s.log.Epoch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seriesOf(epoch).name(time.Date(2026, 11, 24, hour, 0, 0, 0, time.UTC))
}

func made(t *testing.T, s *Service) {
	t.Helper()
	if err := s.make(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// want compares names, whatever their order.
func want(t *testing.T, where string, got []string, names ...string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(names))) {
		t.Errorf("%s has %q and not %q", where, got, names)
	}
}

// inBucket are the names there.
func inBucket(t *testing.T, b Bucket) (all []string) {
	t.Helper()
	there, err := open(t, b).list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range there {
		all = append(all, one.Name)
	}
	return all
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
	made(t, s)
	foreign := []string{"notes.txt", "my-" + named(t, s, 1), named(t, s, 1) + ".part"}
	for _, name := range foreign {
		put(t, filepath.Join(dir, name))
		if err := open(t, bucket).put(t.Context(), name, temp(t, nil)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		*clock = clock.Add(time.Hour)
		made(t, s)
	}
	all := slices.Concat(foreign, []string{named(t, s, 14), named(t, s, 15)})
	want(t, "the folder", names(t, dir), all...)
	want(t, "the bucket", inBucket(t, bucket), all...)
	err := Open(filepath.Join(dir, named(t, s, 15)), func(r *pack.Reader) error { return r.Verify(t.Context(), func(int64) {}) })
	if err != nil {
		t.Error(err)
	}
}

// TestClockWasWrong: backups that are dated in the future are neither taken for the
// newest, nor counted, nor removed.
func TestClockWasWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bucket := store(t, nil)
	s, clock := planned(t, "sqlite", Plan{Dir: dir, Bucket: &bucket, Every: time.Hour, Keep: 1})
	*clock = clock.AddDate(10, 0, 0)
	made(t, s)
	future := names(t, dir)
	*clock = clock.AddDate(-10, 0, 0)
	for range 2 {
		*clock = clock.Add(time.Hour)
		made(t, s)
	}
	all := slices.Concat(future, []string{named(t, s, 14)})
	want(t, "the folder", names(t, dir), all...)
	want(t, "the bucket", inBucket(t, bucket), all...)
}

// TestTwoShare a folder and a bucket: each database has its own backups there, of which
// it keeps as many as it is told; two processes on one database have them together.
func TestTwoShare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bucket := store(t, nil)
	plan := Plan{Dir: dir, Bucket: &bucket, Every: time.Hour, Keep: 1}
	one, oneClock := planned(t, "sqlite", plan)
	made(t, one)
	other, otherClock := planned(t, "sqlite", plan)
	made(t, other)
	both := []string{named(t, one, 12), named(t, other, 12)}
	want(t, "the folder", names(t, dir), both...)
	want(t, "the bucket", inBucket(t, bucket), both...)

	node := New(one.db, live.New(one.db, live.NewHub()), one.queue, one.logger, one.server, plan)
	*oneClock = oneClock.Add(time.Minute)
	node.now = one.now
	made(t, node)
	want(t, "with another node the folder", names(t, dir), both...)

	*otherClock = otherClock.Add(time.Hour)
	made(t, other)
	both[1] = named(t, other, 13)
	want(t, "later the folder", names(t, dir), both...)
	want(t, "later the bucket", inBucket(t, bucket), both...)
}

// TestUploadIsTriedAgain with the backup that is there already, with a folder for backups
// and without one.
func TestUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), ""} {
		bucket, refuse := refusing(t)
		s, clock := planned(t, "sqlite", Plan{Dir: dir, Bucket: &bucket, Every: time.Hour, Keep: 2})
		refuse.Store(true)
		for range 4 {
			if err := s.make(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
				t.Errorf("got %v", err)
			}
			*clock = clock.Add(time.Minute)
		}
		refuse.Store(false)
		made(t, s)
		want(t, "the bucket", inBucket(t, bucket), named(t, s, 12))
		if dir != "" {
			want(t, "the folder", names(t, dir), named(t, s, 12))
		}
	}
}

// refusing is a store that takes nothing while it is told so.
func refusing(t *testing.T) (Bucket, *atomic.Bool) {
	t.Helper()
	refuse := new(atomic.Bool)
	return store(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse.Load() {
				_, _ = io.Copy(io.Discard, r.Body)
				http.Error(w, "closed", http.StatusForbidden)
				return
			}
			h.ServeHTTP(w, r)
		})
	}), refuse
}

// TestBucketOnly leaves nothing on this machine.
func TestBucketOnly(t *testing.T) {
	t.Parallel()
	bucket := store(t, nil)
	s, _ := planned(t, "sqlite", Plan{Bucket: &bucket, Every: time.Hour, Keep: 2})
	made(t, s)
	want(t, "the bucket", inBucket(t, bucket), named(t, s, 12))
	want(t, "the data folder", names(t, s.server.DataDir))
}

// TestKilled: what a process has left that was killed while it made a backup, or sent it,
// goes with the next round, and the backup that was not sent with it.
func TestKilled(t *testing.T) {
	t.Parallel()
	bucket, refuse := refusing(t)
	s, clock := planned(t, "sqlite", Plan{Bucket: &bucket, Every: time.Hour, Keep: 2})
	refuse.Store(true)
	if err := s.make(t.Context()); err == nil {
		t.Error("it was sent")
	}
	left := names(t, s.server.DataDir)
	if len(left) != 1 {
		t.Fatalf("left %q", left)
	}
	outbox := filepath.Join(s.server.DataDir, left[0])
	want(t, "the outbox", names(t, outbox), named(t, s, 12))
	put(t, filepath.Join(outbox, ".peisear-backup-1", "app.db"))
	*clock = clock.Add(time.Hour)
	if err := s.make(t.Context()); err == nil {
		t.Error("it was sent")
	}
	want(t, "the outbox of another round", names(t, outbox), named(t, s, 13))
	refuse.Store(false)
	made(t, s)
	want(t, "the data folder", names(t, s.server.DataDir))
	want(t, "the bucket", inBucket(t, bucket), named(t, s, 13))
}

// TestSweep removes what nobody can be using any more, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "of [backups]")
	s, clock := planned(t, "sqlite", Plan{Dir: dir, Every: time.Hour, Keep: 2})
	if err := s.sweep(); err != nil {
		t.Errorf("where there are no folders yet: %v", err)
	}
	for _, parent := range []string{dir, s.server.DataDir} {
		for name, age := range map[string]time.Duration{
			".peisear-backup-1": 25 * time.Hour, ".peisear-backup-2": 23 * time.Hour, ".peisear-backup-unsent-aaaaaaaa": 25 * time.Hour, "attachments": 99 * time.Hour,
		} {
			put(t, filepath.Join(parent, name, "app.db"))
			if err := os.Chtimes(filepath.Join(parent, name), time.Time{}, clock.Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		put(t, filepath.Join(parent, ".peisear-backup-file"))
		if err := os.Chtimes(filepath.Join(parent, ".peisear-backup-file"), time.Time{}, clock.Add(-25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	s.Run(ended) // which sweeps once
	for _, parent := range []string{dir, s.server.DataDir} {
		want(t, parent, names(t, parent), ".peisear-backup-2", ".peisear-backup-file", "attachments")
	}
}

// TestSecretsAreMissed: a backup that lacks what the server has made up for itself is made,
// and says so.
func TestSecretsAreMissed(t *testing.T) {
	t.Parallel()
	s, clock := planned(t, "sqlite", Plan{Dir: t.TempDir(), Every: time.Hour, Keep: 2})
	s.server.Secrets = []string{"cookie-secret", "key.pem"}
	put(t, filepath.Join(s.server.DataDir, "key.pem"))
	var log bytes.Buffer
	s.logger = slog.New(slog.NewTextHandler(&log, nil))
	made(t, s)
	absent := filepath.Join(s.server.DataDir, "cookie-secret")
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, absent) || strings.Contains(text, "key.pem") {
		t.Errorf("the log says %s", text)
	}
	log.Reset()
	put(t, absent)
	*clock = clock.Add(time.Hour)
	made(t, s)
	if text := log.String(); strings.Contains(text, "WARN") || !strings.Contains(text, "backup made") {
		t.Errorf("with all of them the log says %s", text)
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
		standing, err := s.status(t.Context())
		if err == nil && good(standing) {
			return standing
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", standing, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

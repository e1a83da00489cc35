package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestBackupPlan(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(backup.Plan{Every: 24 * time.Hour, Keep: 7}, config(t, "sqlite://x/app.db", nil).Backup); diff != "" {
		t.Errorf("by default %s", diff)
	}
	c := config(t, "sqlite://x/app.db", map[string]string{
		"BACKUP_DIR": "/backups", "BACKUP_EVERY": "90m", "BACKUP_KEEP": "3", "BACKUP_S3_ENDPOINT": "https://s3.example.org/",
		"BACKUP_S3_BUCKET": "b", "BACKUP_S3_PREFIX": "/p/", "BACKUP_S3_ACCESS_KEY": "key", "BACKUP_S3_SECRET_KEY": "secret",
	})
	want := backup.Plan{Dir: "/backups", Every: 90 * time.Minute, Keep: 3, Bucket: &backup.Bucket{
		Endpoint: "https://s3.example.org", Region: "us-east-1", Name: "b", Prefix: "p/", AccessKey: "key", SecretKey: "secret",
	}}
	if diff := cmp.Diff(want, c.Backup); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"BACKUP_EVERY": "5", "BACKUP_KEEP": "0", "BACKUP_S3_ENDPOINT": "s3.example.org", "BACKUP_S3_BUCKET": "a/b",
	} {
		_, err := app.ReadConfig(func(asked string) string { return map[string]string{name: value}[asked] }, "")
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	_, err := app.ReadConfig(func(name string) string {
		return map[string]string{"BACKUP_S3_BUCKET": "b", "BACKUP_S3_SECRET_KEY": "s3cr3t"}[name]
	}, "")
	if err == nil || strings.Count(err.Error(), "is missing while others") != 2 || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("half a bucket: %v", err)
	}
}

// TestBucketInTheClear warns of a way to the bucket on which backups can be read.
func TestBucketInTheClear(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{
		"http://s3.example.org": true, "http://10.0.0.7:9000": true, "https://s3.example.org": false,
		"http://127.0.0.1:9000": false, "http://[::1]:9000": false, "http://localhost:9000": false, "": false,
	} {
		set := map[string]string{"BACKUP_S3_ENDPOINT": endpoint, "BACKUP_S3_BUCKET": "b", "BACKUP_S3_ACCESS_KEY": "key", "BACKUP_S3_SECRET_KEY": "secret"}
		if endpoint == "" {
			set = nil
		}
		if got := strings.Contains(strings.Join(config(t, "sqlite://x/app.db", set).Warnings(), "\n"), "BACKUP_S3_ENDPOINT"); got != want {
			t.Errorf("%q: warned %t", endpoint, got)
		}
	}
}

// TestBackupsAreSeen by whoever asks the app.
func TestBackupsAreSeen(t *testing.T) {
	t.Parallel()
	without := open(t, basetest.URL(t, "sqlite"), nil)
	if _, err := without.Backups(t.Context()); !errs.Is(err, errs.NotFound) {
		t.Errorf("without a plan: %v", err)
	}
	with := open(t, basetest.URL(t, "sqlite"), map[string]string{"BACKUP_DIR": t.TempDir()})
	for end := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		s, err := with.Backups(t.Context())
		if err == nil && !s.Done.IsZero() && s.Error == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", s, err)
		}
	}
}

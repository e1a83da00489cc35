package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/backup"
	"github.com/peisear/peisear/internal/base/basetest"
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

// TestBackupsAreSeen by whoever collects figures: when one was last made, and that the
// last try did not succeed.
func TestBackupsAreSeen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		t.TempDir(): `(?m)^peisear_backup_done_timestamp_seconds 1\.\d+e\+09\npeisear_backup_undone 0$`,
		file:        `(?m)^peisear_backup_done_timestamp_seconds 0\npeisear_backup_undone 1$`,
		"":          `(?m)^peisear_jobs`,
	} {
		address := basetest.Address(t)
		a := open(t, basetest.URL(t, "sqlite"), map[string]string{"METRICS_ADDR": address, "BACKUP_DIR": dir})
		serve(t, a)
		text := figures(t, address, want)
		if strings.Contains(text, "peisear_backup") != (dir != "") {
			t.Errorf("%q: %s", dir, text)
		}
	}
}

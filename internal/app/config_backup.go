package app

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/backup"
)

// leastEvery keeps a plan from being all that the server does.
const leastEvery = time.Minute

func backupSettings() []setting {
	return []setting{
		{"BACKUP_DIR", "", "folder for backups by schedule; with it, or with a bucket, they are made", false, setBackupDir},
		{"BACKUP_EVERY", "24h", "how often one is made: 90m, 24h", false, setBackupEvery},
		{"BACKUP_KEEP", "7", "how many are kept at each place", false, setBackupKeep},
		{"BACKUP_S3_ENDPOINT", "", "server that speaks S3's protocol and gets each backup too, https://s3.example.org", false, setBackupEndpoint},
		{"BACKUP_S3_BUCKET", "", "its bucket, which must be there", false, setBackupBucket},
		{"BACKUP_S3_REGION", "us-east-1", "its region", false, setBackupRegion},
		{"BACKUP_S3_PREFIX", "", "what stands before the names of backups there, peisear/", false, setBackupPrefix},
		{"BACKUP_S3_ACCESS_KEY", "", "key that may put, list and delete there", true, setBackupAccessKey},
		{"BACKUP_S3_SECRET_KEY", "", "the secret that belongs to it", true, setBackupSecretKey},
	}
}

// bucket is the plan's, for its settings to come together in.
func (c *Config) bucket() *backup.Bucket {
	if c.Backup.Bucket == nil {
		c.Backup.Bucket = new(backup.Bucket)
	}
	return c.Backup.Bucket
}

func setBackupDir(c *Config, value string) (err error) {
	c.Backup.Dir, err = filepath.Abs(value)
	return err
}

func setBackupEvery(c *Config, value string) (err error) {
	c.Backup.Every, err = time.ParseDuration(value)
	if err != nil || c.Backup.Every < leastEvery {
		return fmt.Errorf("expected a duration of at least %s", leastEvery)
	}
	return nil
}

func setBackupKeep(c *Config, value string) (err error) {
	c.Backup.Keep, err = strconv.Atoi(value)
	if err != nil || c.Backup.Keep < 1 {
		return errors.New("expected a number of at least 1")
	}
	return nil
}

func setBackupEndpoint(c *Config, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("must be http or https, and a host only")
	}
	c.bucket().Endpoint = u.Scheme + "://" + u.Host
	return nil
}

func setBackupBucket(c *Config, value string) error {
	if strings.ContainsAny(value, "/?#") {
		return errors.New("is a name, without slashes")
	}
	c.bucket().Name = value
	return nil
}

func setBackupRegion(c *Config, value string) error {
	c.bucket().Region = value
	return nil
}

func setBackupPrefix(c *Config, value string) error {
	c.bucket().Prefix = strings.TrimPrefix(value, "/")
	return nil
}

func setBackupAccessKey(c *Config, value string) error {
	c.bucket().AccessKey = value
	return nil
}

func setBackupSecretKey(c *Config, value string) error {
	c.bucket().SecretKey = value
	return nil
}

// halfBackup returns what is missing of the bucket, and takes it out of the plan when
// nothing of it is given.
func (c *Config) halfBackup(wrong map[string]bool) (all []error) {
	b := c.bucket()
	given := map[string]string{
		"BACKUP_S3_ENDPOINT": b.Endpoint, "BACKUP_S3_BUCKET": b.Name,
		"BACKUP_S3_ACCESS_KEY": b.AccessKey, "BACKUP_S3_SECRET_KEY": b.SecretKey,
	}
	some := false
	for _, value := range given {
		some = some || value != ""
	}
	if !some {
		c.Backup.Bucket = nil
		return nil
	}
	for _, name := range []string{"BACKUP_S3_ENDPOINT", "BACKUP_S3_BUCKET", "BACKUP_S3_ACCESS_KEY", "BACKUP_S3_SECRET_KEY"} {
		if given[name] == "" && !wrong[name] {
			all = append(all, fmt.Errorf("%s: is missing while others of BACKUP_S3 are set", name))
		}
	}
	return all
}

// planned reports whether backups are made by schedule.
func (c Config) planned() bool { return c.Backup.Dir != "" || c.Backup.Bucket != nil }

// backedUp is what a backup is made of, and restored to.
func (c Config) backedUp(program archive.Program) backup.Server {
	s := backup.Server{URL: c.DatabaseURL, DataDir: c.DataDir, Program: program}
	if c.CookieSecret == "" {
		s.Secrets = append(s.Secrets, cookieSecretFile)
	}
	if c.JWTPrivateKeyPEM == "" {
		s.Secrets = append(s.Secrets, privateKeyFile)
	}
	return s
}

package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
)

// jobName is the schedule's name in the queue.
const jobName = "backup.make"

// staleWork is when the workspace of a process that was killed may go.
const staleWork = 24 * time.Hour

// nameOf names backups so that their order is that of the time. Retention removes what is
// named like this, and nothing else.
const nameOf = "peisear-20060102T150405Z.zip"

func ours(name string) bool {
	return regexp.MustCompile(`^peisear-\d{8}T\d{6}Z\.zip$`).MatchString(name)
}

// Plan is when backups are made, where they go, and how many are kept at each place.
type Plan struct {
	Dir    string  // "": none stays here
	Bucket *Bucket // nil: none goes there
	Every  time.Duration
	Keep   int
}

// Service makes backups by plan.
type Service struct {
	db     *db.DB
	queue  *job.Queue
	logger *slog.Logger
	server Server
	plan   Plan
	now    func() time.Time
}

// New returns the service. It does no I/O; the queue calls it when its handler is offered.
func New(d *db.DB, q *job.Queue, logger *slog.Logger, s Server, p Plan) *Service {
	return &Service{db: d, queue: q, logger: logger, server: s, plan: p, now: time.Now}
}

// Jobs is the plan as the queue's handlers: of several processes one makes each backup.
func (s *Service) Jobs() []job.Handler {
	return []job.Handler{job.Handle(job.Kind[struct{}](jobName), func(ctx context.Context, _ struct{}) error { return s.make(ctx) }).Every(s.plan.Every)}
}

// Status is how the plan stands: when a backup was last made, and why the last try, if it
// was another, did not succeed.
// NotFound: no process has begun with the plan.
func (s *Service) Status(ctx context.Context) (job.Schedule, error) {
	return s.queue.Schedule(ctx, jobName)
}

// make makes a backup, brings it to its places, and removes what is beyond the number kept.
func (s *Service) make(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "backup")
	began := s.now()
	dir := s.plan.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp(s.server.DataDir, workspace); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name, err := s.local(ctx, dir)
	if err != nil {
		return err
	}
	if s.plan.Bucket != nil {
		if err := s.upload(ctx, filepath.Join(dir, name), name); err != nil {
			return err
		}
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "backup made", "name", name, "bytes", info.Size(), "took", s.now().Sub(began).Round(time.Millisecond).String())
	return nil
}

// local makes a backup in a folder. One of this round that is there already, because what
// came after it did not succeed, is as good.
func (s *Service) local(ctx context.Context, dir string) (name string, err error) {
	there, err := backupsIn(dir)
	if err != nil {
		return "", err
	}
	if n := len(there); n > 0 {
		made, err := time.Parse(nameOf, there[n-1])
		if age := s.now().Sub(made); err == nil && age >= 0 && age < s.plan.Every/2 {
			return there[n-1], nil
		}
	}
	name = s.now().UTC().Format(nameOf)
	if _, err := Make(ctx, s.db, s.server, filepath.Join(dir, name)); err != nil {
		return "", err
	}
	return name, s.prune(dir)
}

// prune removes the oldest backups, and what killed processes have left.
func (s *Service) prune(dir string) error {
	there, err := backupsIn(dir)
	if err != nil {
		return err
	}
	var all []error
	for _, old := range there[:max(0, len(there)-s.plan.Keep)] {
		all = append(all, os.Remove(filepath.Join(dir, old)))
	}
	left, err := filepath.Glob(filepath.Join(dir, workspace))
	for _, folder := range left {
		info, err := os.Stat(folder)
		if err == nil && s.now().Sub(info.ModTime()) > staleWork {
			all = append(all, os.RemoveAll(folder))
		}
	}
	return errors.Join(append(all, err)...)
}

// backupsIn are the names of the backups in a folder, the oldest first.
func backupsIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries { // in the order of the names
		if ours(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// upload brings a backup to the bucket, and removes the oldest there once it has arrived.
func (s *Service) upload(ctx context.Context, path, name string) error {
	b := newBucket(*s.plan.Bucket)
	defer b.close()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := b.put(ctx, name, path); err != nil {
		return err
	}
	there, err := b.list(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(there, Stored{name, info.Size()}) {
		return fmt.Errorf("S3: %s is not in the bucket after it was put there", name)
	}
	there = slices.DeleteFunc(there, func(one Stored) bool { return !ours(one.Name) })
	slices.SortFunc(there, func(a, b Stored) int { return cmp.Compare(a.Name, b.Name) })
	var all []error
	for _, old := range there[:max(0, len(there)-s.plan.Keep)] {
		all = append(all, b.remove(ctx, old.Name))
	}
	return errors.Join(all...)
}

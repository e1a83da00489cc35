package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/job"
	"github.com/peisear/peisear/internal/base/live"
)

// jobName is the schedule's name in the queue.
const jobName = "backup.make"

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
	log    *live.Log
	queue  *job.Queue
	logger *slog.Logger
	server Server
	plan   Plan
	now    func() time.Time
}

// New returns the service. It does no I/O; the queue calls it when its handler is offered.
func New(d *db.DB, l *live.Log, q *job.Queue, logger *slog.Logger, s Server, p Plan) *Service {
	return &Service{db: d, log: l, queue: q, logger: logger, server: s, plan: p, now: time.Now}
}

// Jobs is the plan as the queue's handlers: of several processes one makes each backup.
func (s *Service) Jobs() []job.Handler {
	return []job.Handler{job.Handle(job.Kind[struct{}](jobName), func(ctx context.Context, _ struct{}) error { return s.make(ctx) }).Every(s.plan.Every)}
}

// status is how the plan stands: when a backup was last made, and why the last try, if it
// was another, did not succeed.
// NotFound: no process has begun with the plan.
func (s *Service) status(ctx context.Context) (job.Schedule, error) {
	return s.queue.Schedule(ctx, jobName)
}

// make makes a backup, brings it to its places, and removes what is beyond the number kept.
func (s *Service) make(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "backup")
	epoch, err := s.log.Epoch(ctx)
	if err != nil {
		return err
	}
	own, dir := seriesOf(epoch), s.plan.Dir
	if dir == "" {
		dir = s.outbox(own)
	}
	name, err := s.local(ctx, dir, own)
	if err != nil {
		return err
	}
	if s.plan.Bucket != nil {
		if err := s.upload(ctx, filepath.Join(dir, name), name, own); err != nil {
			return err
		}
	}
	if s.plan.Dir == "" {
		return os.RemoveAll(dir)
	}
	return nil
}

// local makes a backup in a folder. One of this round that is there already, because what
// came after it did not succeed, is as good.
func (s *Service) local(ctx context.Context, dir string, own series) (name string, err error) {
	there, err := filesIn(dir)
	if err != nil {
		return "", err
	}
	now := s.now()
	if latest, ok := own.latest(there, now); ok {
		if at, _ := own.made(latest); now.Sub(at) < s.plan.Every/2 {
			return latest, nil
		}
	}
	if s.plan.Dir == "" { // what is in the outbox is too old, or was never finished
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name = own.name(now)
	m, err := Make(ctx, s.db, s.server, filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	s.logger.InfoContext(ctx, "backup made", "name", name, "bytes", info.Size(), "took", s.now().Sub(now).Round(time.Millisecond).String())
	if missing := s.server.Missing(m); len(missing) > 0 {
		s.logger.WarnContext(ctx, "the backup is without secrets that the server has made up: they are not where it keeps them", "missing", strings.Join(missing, ", "))
	}
	return name, s.prune(dir, name, own)
}

// prune removes the oldest backups after one was made.
func (s *Service) prune(dir, name string, own series) error {
	there, err := filesIn(dir)
	if err != nil {
		return err
	}
	var all []error
	for _, old := range own.beyond(there, name, s.plan.Keep) {
		all = append(all, os.Remove(filepath.Join(dir, old)))
	}
	return errors.Join(all...)
}

// filesIn are the names of the files in a folder; one that is not there has none.
func filesIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// upload brings a backup to the bucket, and removes the oldest there once it has arrived.
func (s *Service) upload(ctx context.Context, path, name string, own series) error {
	b := newBucket(*s.plan.Bucket)
	defer b.close()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	began := s.now()
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
	s.logger.InfoContext(ctx, "backup sent", "name", name, "bytes", info.Size(), "took", s.now().Sub(began).Round(time.Millisecond).String())
	var names []string
	for _, one := range there {
		names = append(names, one.Name)
	}
	var all []error
	for _, old := range own.beyond(names, name, s.plan.Keep) {
		all = append(all, b.remove(ctx, old))
	}
	return errors.Join(all...)
}

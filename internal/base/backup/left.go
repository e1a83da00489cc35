package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	sweepEvery = time.Hour
	staleWork  = 24 * time.Hour // is longer than any backup takes
)

// outbox is the folder in DataDir of backups that go to a bucket only, until they are
// there. Only the round of the schedule works in it, and of these there is one at a time,
// on all nodes: the job's lease sees to that. So a round that finds something there which
// it cannot send removes it, without asking who has left it.
func (s *Service) outbox(own series) string {
	return filepath.Join(s.server.DataDir, workBefore+"unsent-"+string(own))
}

// Run removes what processes that were killed have left on this machine, at once and then
// every hour, until ctx ends: the next round may be another node's.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweep(); err != nil {
			s.logger.WarnContext(ctx, "cannot clear away what is left of backups that were not finished", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep removes folders in which backups were made, once they are too old to be in use.
// Nothing else tells that: the folder may be shared with peisear backup, with other nodes
// and with other databases' servers, a process id means nothing outside of its container,
// and not every file system has locks that others see.
func (s *Service) sweep() error {
	var all []error
	for _, dir := range []string{s.server.DataDir, s.plan.Dir} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // also of a plan without a folder
			all = append(all, err)
		}
		for _, e := range entries {
			if !e.IsDir() || !strings.HasPrefix(e.Name(), workBefore) {
				continue
			}
			info, err := e.Info()
			if err == nil && s.now().Sub(info.ModTime()) > staleWork {
				all = append(all, os.RemoveAll(filepath.Join(dir, e.Name())))
			}
		}
	}
	return errors.Join(all...)
}

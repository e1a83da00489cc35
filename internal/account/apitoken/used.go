package apitoken

import (
	"context"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

const (
	usedEvery = time.Minute     // at most so often a token's last use is written down
	patience  = 5 * time.Second // with a database that does not take it
)

// uses is what is known of the tokens used within the last minute, so that requests do
// not wait for a write.
type uses struct {
	mu    sync.Mutex
	noted map[string]time.Time // by a token's id: the use that is, or will be, written down
	due   map[string]time.Time // those that will be
	woken chan struct{}
}

func newUses() *uses {
	return &uses{noted: map[string]time.Time{}, due: map[string]time.Time{}, woken: make(chan struct{}, 1)}
}

// used notes that a request came with the actor's token; see account.Bearer.
func (s *Service) used(by account.Actor) { s.uses.note(by.Grant.ID, s.now()) }

func (u *uses) note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.noted[id]; ok && now.Sub(last) < usedEvery {
		return
	}
	u.noted[id], u.due[id] = now, now
	select {
	case u.woken <- struct{}{}:
	default: // whoever comes takes all
	}
}

// take returns what is to be written down, and forgets what is older than a minute.
func (u *uses) take(now time.Time) map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	due := u.due
	u.due = map[string]time.Time{}
	for id, at := range u.noted {
		if now.Sub(at) >= usedEvery {
			delete(u.noted, id)
		}
	}
	return due
}

// Run writes down when tokens were used, until ctx ends, and then what is left.
func (s *Service) Run(ctx context.Context) {
	for {
		select {
		case <-s.uses.woken:
			s.writeDown(ctx)
		case <-ctx.Done():
			s.writeDown(ctx)
			return
		}
	}
}

// writeDown is Flush that is not given up when the program ends.
func (s *Service) writeDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		s.logger.WarnContext(ctx, "cannot write down when API tokens were used", "error", err.Error())
	}
}

// Flush writes down the uses that were noted since it was last called. Run calls it all
// the time.
func (s *Service) Flush(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "apitoken.Flush")
	due := s.uses.take(s.now())
	if len(due) == 0 {
		return nil
	}
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (none struct{}, err error) {
		for id, at := range due {
			use := query.UseTokenParams{ID: id, UsedAt: new(at.UnixMicro()), Before: at.Add(-usedEvery).UnixMicro()}
			if err := query.New(tx).UseToken(ctx, use); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	return err
}

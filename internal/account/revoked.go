package account

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

const (
	pollEvery  = 500 * time.Millisecond
	staleAfter = 2 * time.Second // memory that was not brought up to date for so long is not believed
	purgeEvery = time.Hour
)

// Subject is what processes tell each other when something about accounts has changed
// that each keeps in memory.
const Subject = "account"

// revocations is what ended before its tokens did, for as long as such tokens live.
type revocations struct {
	keep time.Duration // how long a token lives

	mu       sync.RWMutex
	users    map[string]mark // older epochs of the user have ended
	sessions map[string]mark // and API tokens: ids that have ended
	seq      int64           // what other processes have added is known up to it
	at       time.Time       // when it was last asked for
	told     chan struct{}   // holds a token when another process has ended something
}

// mark is one end, and when it happened.
type mark struct {
	epoch int64
	at    time.Time
}

func newRevocations(keep time.Duration) *revocations {
	return &revocations{
		keep: keep + time.Minute, users: map[string]mark{}, sessions: map[string]mark{}, told: make(chan struct{}, 1),
	}
}

// fresh reports whether memory is up to date with other processes.
func (r *revocations) fresh(now time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return !r.at.IsZero() && now.Sub(r.at) < staleAfter
}

// ended reports whether the token itself, its session or its user's epoch is over.
func (r *revocations) ended(id Identity) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, over := r.sessions[id.credential()]
	return over || id.Epoch < r.users[id.ID].epoch
}

func (r *revocations) add(rows ...query.Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		m := mark{row.Epoch, time.UnixMicro(row.At)}
		if row.SessionID != "" {
			r.sessions[row.SessionID] = m
		} else if m.epoch > r.users[row.UserID].epoch {
			r.users[row.UserID] = m
		}
	}
}

// hear lets Run look at once. It never blocks.
func (r *revocations) hear() {
	select {
	case r.told <- struct{}{}:
	default:
	}
}

// caughtUp notes that all up to seq is known at the time, and forgets what no
// living token can be about.
func (r *revocations) caughtUp(seq int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq, r.at = seq, now
	for _, all := range []map[string]mark{r.users, r.sessions} {
		for key, m := range all {
			if now.Sub(m.at) > r.keep {
				delete(all, key)
			}
		}
	}
}

func (r *revocations) head() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.seq
}

// revoke ends a session, or with sessionID "" everything older than the user's
// epoch: in the transaction for everybody, and after it on this node at once.
func (s *Service) revoke(ctx context.Context, tx *db.Tx, userID string, epoch int64, sessionID string) error {
	q := query.New(tx)
	seq, err := q.NextRevocation(ctx)
	if err != nil {
		return err
	}
	row := query.Revocation{Seq: seq, UserID: userID, Epoch: epoch, SessionID: sessionID, At: s.now().UnixMicro()}
	if err := q.AddRevocation(ctx, query.AddRevocationParams(row)); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.obey(row) })
	return tx.Tell(ctx, Subject)
}

// obey ends on this node what has ended.
func (s *Service) obey(rows ...query.Revocation) {
	s.revoked.add(rows...)
	for _, row := range rows {
		s.hub.End(func(w live.Who) bool {
			return w.User == row.UserID && (row.SessionID == "" || w.Session == row.SessionID)
		})
	}
}

// CatchUp learns what other processes have ended, and decided. Run calls it all the
// time.
func (s *Service) CatchUp(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "account.CatchUp")
	if err := s.readSettings(ctx); err != nil {
		return err
	}
	asked, after := s.now(), s.revoked.head()
	rows, last, err := s.revokedSince(ctx, after)
	if err == nil && last < after { // a standby took over that had not come so far
		rows, last, err = s.revokedSince(ctx, 0)
	}
	if err != nil {
		return err
	}
	s.obey(rows...)
	s.revoked.caughtUp(last, asked)
	return nil
}

// revokedSince returns what has ended after a seq, and the last one.
func (s *Service) revokedSince(ctx context.Context, after int64) (rows []query.Revocation, last int64, err error) {
	rows, err = db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (rows []query.Revocation, err error) {
		q := query.New(c)
		if last, err = q.LastRevocation(ctx); err != nil || last <= after {
			return nil, err
		}
		return q.ListRevocations(ctx, after)
	})
	if len(rows) > 0 {
		last = rows[len(rows)-1].Seq
	}
	return rows, last, err
}

// lookUp asks the database whether a token still stands for a session.
func (s *Service) lookUp(ctx context.Context, id Identity) error {
	epoch, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (int64, error) {
		return query.New(c).CheckSession(ctx, query.CheckSessionParams{UserID: id.ID, ID: id.Session})
	})
	switch {
	case errs.Is(err, errs.NotFound), err == nil && id.Epoch < epoch:
		return errEnded
	case err != nil:
		return errs.From(err, errs.Unavailable, errs.Of(errUnsure).Message)
	}
	return nil
}

// Run keeps this process up to date with what others end, sends the mails that nobody
// waits for, and removes what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var posting sync.WaitGroup
	defer posting.Wait()
	for range postmen {
		posting.Go(func() { s.post.run(ctx) })
	}
	poll, purge := time.NewTicker(pollEvery), time.NewTicker(purgeEvery)
	defer poll.Stop()
	defer purge.Stop()
	for {
		if err := s.CatchUp(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			s.logger.WarnContext(ctx, "accounts cannot look for ended sessions; each request asks the database", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-purge.C:
			if err := s.Purge(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				s.logger.WarnContext(ctx, "accounts cannot remove what has expired", "error", err.Error())
			}
		case <-s.revoked.told:
		case <-poll.C:
		}
	}
}

// Purge removes sessions and links that have expired, and what nobody has to remember.
func (s *Service) Purge(ctx context.Context) (err error) {
	defer errs.Wrap(&err, "account.Purge")
	now := s.now()
	_, err = db.Write(ctx, s.db, func(tx *db.Tx) (struct{}, error) {
		q := query.New(tx)
		before := now.Add(-s.revoked.keep).UnixMicro()
		return struct{}{}, errors.Join(
			q.PurgeSessions(ctx, now.UnixMicro()), q.PurgeSignIns(ctx, now.UnixMicro()),
			q.PurgeResets(ctx, now.UnixMicro()), q.PurgeEmailChanges(ctx, now.UnixMicro()), q.PurgeRevocations(ctx, before))
	})
	return err
}

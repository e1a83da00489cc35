package db

import (
	"context"
	"os"
	"strconv"
	"time"
)

// SQLite writes the WAL back into the file by itself, after each 1,000 pages. But it begins
// the WAL anew, instead of making it longer, only when it finds no reader that needs it:
// under a load of readers that overlap that moment never comes. So the writer asks for it
// between batches, when the WAL is long, and when nobody has written for a while.
const (
	walLimit = 16 << 20 // bytes
	walIdle  = 5 * time.Second
)

// How long writers wait for readers then: those who come later do not need the WAL, so only
// those are in the way that take longer than this. After them it is tried again, ever later.
const (
	walPatience = 50 * time.Millisecond
	walLatest   = 2 * time.Second
)

// wal is what the writer knows of it.
type wal struct {
	path  string
	used  bool      // since the last look
	last  time.Time // when it was used
	next  time.Time // it is left alone until then
	pause time.Duration
}

// due reports whether the WAL should begin anew.
func (w *wal) due(now time.Time) bool {
	if w.used {
		w.used, w.last = false, now
	}
	if now.Before(w.next) {
		return false
	}
	info, err := os.Stat(w.path)
	if err != nil || info.Size() == 0 {
		return false
	}
	return info.Size() > walLimit || now.Sub(w.last) > walIdle
}

// tried notes whether it has.
func (w *wal) tried(anew bool) {
	w.pause = min(max(2*w.pause, watchEvery), walLatest)
	if anew {
		w.pause = 0
	}
	w.next = time.Now().Add(w.pause)
}

// tend empties the WAL when it is due, unless a reader needs it for longer than a moment.
// Whatever else keeps it from that is found by the next write.
func (w *writer) tend(now time.Time) {
	if !w.wal.due(now) {
		return
	}
	if err := w.wait(walPatience); err != nil {
		return
	}
	var inTheWay bool
	var pages, moved int64
	err := w.tx.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&inTheWay, &pages, &moved)
	w.wal.tried(err == nil && !inTheWay)
	_ = w.wait(busyTimeout)
}

// wait sets how long statements wait for other connections. It goes past the cache of
// statements: SQLite obeys this one when it is parsed.
func (w *writer) wait(d time.Duration) error {
	_, err := w.tx.Conn.ExecContext(context.Background(), "PRAGMA busy_timeout = "+strconv.FormatInt(d.Milliseconds(), 10))
	return err
}

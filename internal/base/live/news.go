package live

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/peisear/peisear/internal/base/db"
)

// logSubject is what a word about the log begins with; in its other lines are scopes and,
// where it is known, how far each has come. The words of other subjects are these alone.
const logSubject = "log"

const (
	newsEvery = 50 * time.Millisecond // a word at most: telling slows all writers down
	newsAgain = time.Second           // after one that nobody could be told
	maxNews   = 500                   // scopes; of more, others look by themselves
)

// news is what this process has written and others have not been told of.
type news struct {
	running atomic.Bool

	mu     sync.Mutex
	scopes map[string]struct{}
	many   bool // more than can be told
	woken  chan struct{}
}

func newNews() *news { return &news{scopes: map[string]struct{}{}, woken: make(chan struct{}, 1)} }

// add notes that scopes have come further. It never blocks.
func (n *news) add(scopes []string) {
	if !n.running.Load() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, scope := range scopes {
		n.scopes[scope] = struct{}{}
	}
	if len(n.scopes) > maxNews {
		n.many = true
		clear(n.scopes)
	}
	n.signal()
}

// again notes that a word was told to nobody.
func (n *news) again() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.many = true
	n.signal()
}

func (n *news) signal() {
	select {
	case n.woken <- struct{}{}:
	default:
	}
}

func (n *news) take() (scopes []string, many bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	scopes, many = slices.Sorted(maps.Keys(n.scopes)), n.many
	clear(n.scopes)
	n.many = false
	return scopes, many
}

// run tells what was written, the first word at once, until ctx ends, and then the rest.
func (n *news) run(ctx context.Context, log *Log, logger *slog.Logger) {
	if !log.db.Tells() {
		return
	}
	n.running.Store(true)
	defer func() {
		n.running.Store(false)
		n.tell(context.WithoutCancel(ctx), log, logger)
	}()
	for {
		select {
		case <-n.woken:
		case <-ctx.Done():
			return
		}
		pause := newsEvery
		if !n.tell(ctx, log, logger) {
			pause = newsAgain
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// tell is false when nobody could be told: then all are told to look, later.
func (n *news) tell(ctx context.Context, log *Log, logger *slog.Logger) bool {
	scopes, many := n.take()
	if len(scopes) == 0 && !many {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, newsAgain)
	defer cancel()
	word := ""
	if !many {
		heads, err := log.heads(ctx, scopes)
		if err == nil {
			word = wordOf(scopes, heads)
		}
	}
	if err := log.db.Tell(ctx, word); err != nil {
		n.again()
		logger.WarnContext(ctx, "live hub cannot tell other processes what was written; they look every two seconds", "error", err.Error())
		return false
	}
	log.hub.meter.told.Inc()
	return true
}

// wordOf says which scopes have come further, "" when that is too long.
func wordOf(scopes []string, heads map[string]int64) string {
	var word strings.Builder
	word.WriteString(logSubject)
	for _, scope := range scopes {
		word.WriteString("\n" + scope)
		if seq, ok := heads[scope]; ok {
			word.WriteString(" " + strconv.FormatInt(seq, 10))
		}
		if word.Len() > db.MaxTold {
			return ""
		}
	}
	return word.String()
}

// readWord is wordOf read again.
func readWord(lines string) (further []string, heads map[string]int64) {
	heads = map[string]int64{}
	for line := range strings.SplitSeq(lines, "\n") {
		scope, text, known := strings.Cut(line, " ")
		seq, err := strconv.ParseInt(text, 10, 64)
		if known && err == nil {
			heads[scope] = seq
		} else {
			further = append(further, scope)
		}
	}
	return further, heads
}

// heard is called with what this process and others tell, and with "" when they may have
// written something that was not told.
func (h *Hub) heard(ctx context.Context, log *Log, logger *slog.Logger, word string) {
	subject, lines, _ := strings.Cut(word, "\n")
	switch subject {
	case "":
		h.lookAround(ctx, log, logger)
		for _, all := range h.subjects {
			for _, f := range all {
				f()
			}
		}
	case logSubject:
		h.meter.heard.Inc()
		further, heads := readWord(lines)
		for _, scope := range slices.Concat(further, slices.Collect(maps.Keys(heads))) {
			log.regrant(scope, nil)
		}
		h.wake(further)
		h.catchUp(heads)
	default:
		for _, f := range h.subjects[subject] {
			f()
		}
	}
}

// lookAround wakes the scopes that another process has written to, and lets all begin
// anew when the log has begun another epoch.
func (h *Hub) lookAround(ctx context.Context, log *Log, logger *slog.Logger) {
	h.mu.Lock()
	scopes := slices.Collect(maps.Keys(h.told))
	h.mu.Unlock()
	heads, err := log.heads(ctx, scopes)
	if err == nil {
		err = h.checkEpoch(ctx, log)
	}
	if err != nil {
		if ctx.Err() == nil {
			logger.WarnContext(ctx, "live hub cannot look for other processes' writes", "error", err.Error())
		}
		return
	}
	h.catchUp(heads)
}

// checkEpoch ends all streams when the epoch is another: what was told counts no more.
func (h *Hub) checkEpoch(ctx context.Context, log *Log) error {
	same, err := log.sameEpoch(ctx)
	if err != nil || same {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, all := range h.followers {
		for f := range all {
			h.drop(f)
		}
	}
	return nil
}

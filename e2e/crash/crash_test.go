// Package crash_test kills the real binary, or the PostgreSQL under it, with SIGKILL while
// several connections write, starts it again on the same data and compares: every write
// that was answered is there, none is there in part, and what was sent again because the
// answer was lost is there once.
//
// `make crash` is the long form. A run prints its seed; with CRASH_SEED the same moments
// and the same writes are tried again, as far as the scheduler lets them.
package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// What a run does when nothing else is said: a few kills, for every `make test`.
const (
	someKills   = 5
	connections = 6
	longestRun  = 600 * time.Millisecond // between two kills
)

// setting is a number from the environment.
func setting(t *testing.T, name string, standard uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestKilled is a run on each engine.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := basetest.Build(t)
	for _, engine := range basetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			if engine == "sqlite" {
				onSQLite(t, path)
				return
			}
			onPostgres(t, path)
		})
	}
}

// onSQLite kills the binary.
func onSQLite(t *testing.T, path string) {
	t.Helper()
	s := newServer(t, path, basetest.URL(t, "sqlite"))
	run(t, s, int(setting(t, "CRASH_KILLS", someKills)), func(*rand.Rand) string {
		s.kill(t)
		s.start(t)
		return "the binary"
	})
}

// onPostgres kills the binary, the database under it, which it must survive, and both.
func onPostgres(t *testing.T, path string) {
	t.Helper()
	cluster := basetest.NewCluster(t)
	s := newServer(t, path, cluster.URL(t))
	run(t, s, int(setting(t, "CRASH_KILLS_POSTGRES", someKills)), func(r *rand.Rand) string {
		what := r.IntN(5)
		if what > 1 {
			cluster.Kill(t)
		}
		if what < 2 || what == 4 {
			s.kill(t)
		}
		cluster.Await(t)
		if what < 2 || what == 4 {
			s.start(t)
		}
		return []string{"the binary", "the binary", "PostgreSQL", "PostgreSQL", "both"}[what]
	})
}

// run lets writers write, kills at random moments, and compares after each.
func run(t *testing.T, s *server, kills int, kill func(*rand.Rand) string) {
	t.Helper()
	seed := setting(t, "CRASH_SEED", rand.Uint64())
	t.Logf("CRASH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s.start(t)
	w := newWorld(t, s)
	w.check(t)
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	for i := range connections {
		writing.Go(func() { newWriter(w, i, rand.New(rand.NewPCG(seed, 1+uint64(i)))).write(ctx) })
	}
	writing.Go(func() { w.signUps(ctx) })
	killed := map[string]int{}
	for i := range kills {
		<-time.After(time.Duration(r.Int64N(int64(longestRun))))
		killed[kill(r)]++
		if r.IntN(5) == 0 { // again, before it has found itself
			<-time.After(time.Duration(r.Int64N(int64(longestRun) / 6)))
			killed[kill(r)]++
		}
		w.check(t)
		if t.Failed() {
			t.Fatalf("after kill %d: CRASH_SEED=%d, %v", i+1, seed, killed)
		}
	}
	cancel()
	writing.Wait()
	w.check(t)
	t.Logf("killed: %v; %s", killed, w.totals())
}

// totals is what a run has done.
func (w *world) totals() string {
	return fmt.Sprintf("%d writes answered, %d without an answer (%d sent again until there was one, %d looked up: %d were there), "+
		"%d sent twice at once, %d sign-ups; %d transactions compared",
		w.answered.Load(), w.lost.Load(), w.resent.Load(), w.lookedUp.Load(), w.found.Load(), w.twice.Load(), w.signedUp.Load(), w.compared)
}

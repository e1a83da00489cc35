package live_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/live"
)

// node is one process on a database. Its hub does not run.
func node(t *testing.T, url string) (*live.Log, *live.Hub, *db.DB) {
	t.Helper()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), live.Migrations); err != nil {
		t.Fatal(err)
	}
	hub := live.NewHub()
	return live.New(d, hub), hub, d
}

// TestOtherProcess: what a second process writes reaches the clients of this one within a
// second, be it a server or a command, as what this one writes does. They are told: looking
// every two seconds would take too long here.
func TestOtherProcess(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		log, hub, _ := node(t, url)
		run(t, hub, log)
		server, serverHub, _ := node(t, url)
		run(t, serverHub, server)
		command, _, _ := node(t, url)
		next := listen(t, serve(t, log, newGrants("org")))
		expect(t, next, "heads", "")
		const rounds = 10
		took := map[string]time.Duration{}
		for i := range rounds {
			for name, writer := range map[string]*live.Log{"itself": log, "server": server, "command": command} {
				tx, began := fmt.Sprint(name, i), time.Now()
				add(t, writer, "org", tx)
				expect(t, next, "change", `"tx":"`+tx+`"`)
				took[name] += time.Since(began)
			}
		}
		for name, all := range took {
			if each := all / rounds; each > time.Second {
				t.Errorf("each of %s took %s: nobody was told", name, each)
			}
		}
	})
}

// TestOnTold: who keeps something in memory is told when it changes elsewhere, and not
// when the transaction is undone.
func TestOnTold(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		log, hub, _ := node(t, url)
		told := make(chan struct{}, 100)
		log.OnTold("things", func() { told <- struct{}{} })
		run(t, hub, log)
		_, _, other := node(t, url)
		for range 3 {
			_, err := db.Write(t.Context(), other, func(tx *db.Tx) (struct{}, error) {
				_, err := tx.ExecContext(t.Context(), "INSERT INTO scope (id, seq) VALUES ('x', 0) ON CONFLICT (id) DO UPDATE SET seq = scope.seq + 1")
				if err != nil {
					return struct{}{}, err
				}
				return struct{}{}, tx.Tell(t.Context(), "things")
			})
			if err != nil {
				t.Fatal(err)
			}
			<-told
		}
	})
}

// TestAnotherEpoch: when a backup was restored beside a running server, its clients begin
// anew.
func TestAnotherEpoch(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		log, hub, _ := node(t, url)
		run(t, hub, log)
		_, _, other := node(t, url)
		server := serve(t, log, newGrants("org"))
		next := listen(t, server)
		expect(t, next, "heads", "")
		_, err := db.Write(t.Context(), other, func(tx *db.Tx) (struct{}, error) {
			_, err := tx.ExecContext(t.Context(), "UPDATE log_epoch SET epoch = 'another'")
			return struct{}{}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, next, "resync", "")
		expect(t, listen(t, server), "heads", `"epoch":"another"`)
	})
}

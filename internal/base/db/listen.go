package db

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// MaxTold bounds what is told at one time, in bytes; PostgreSQL takes just under 8,000.
const MaxTold = 7900

const (
	lookEvery   = 2 * time.Second         // without being told
	askEvery    = 5 * time.Second         // whether the connection that listens is alive
	askPatience = 2 * time.Second         // with the answer
	firstPause  = 50 * time.Millisecond   // before it is opened anew, then doubled
	longPause   = 1600 * time.Millisecond // at most
)

const (
	listenStatement = "LISTEN peisear"
	tellStatement   = "SELECT pg_notify('peisear', $1)"

	// greeting is what a connection that listens is told to see whether it does. It goes no
	// further.
	greeting = "hello"
)

// Tells reports whether processes can tell each other something. On SQLite they see, a
// quarter of a second later, that something was written.
func (d *DB) Tells() bool { return d.name() == "postgres" }

// Tell says a text of at most MaxTold bytes to all who Watch this database, in any
// process. Where they cannot tell each other it does nothing.
// Unavailable: nobody was told.
func (d *DB) Tell(ctx context.Context, text string) error { return d.translate(d.tell(ctx, text)) }

// Tell is DB.Tell once the transaction is durable. Transactions that tell commit one
// after another, so it is for what happens rarely.
func (tx *Tx) Tell(ctx context.Context, text string) error {
	if !tx.tells {
		return nil
	}
	_, err := tx.Queued().ExecContext(ctx, tellStatement, text)
	return err
}

func (p *postgres) tell(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, p.caps.read)
	defer cancel()
	_, err := p.pool.ExecContext(ctx, tellStatement, text)
	return err
}

func (l *lite) tell(context.Context, string) error { return nil }

// ear is the connection that listens.
type ear struct {
	config *pgx.ConnConfig
	tell   func(ctx context.Context, text string) error // by another connection
	hears  atomic.Bool                                  // it was told something
}

// watch says what it is told, and "" at a steady beat: a connection that pools between
// us and the server may listen for somebody else.
func (p *postgres) watch(ctx context.Context, heard func(text string)) {
	ctx, cancel := context.WithCancel(ctx)
	told, ended := make(chan string), make(chan struct{})
	go func() {
		defer close(ended)
		p.ear.run(ctx, told)
	}()
	defer func() { <-ended }()
	defer cancel() // first of all, so that a panic is not kept waiting
	beat := time.NewTicker(lookEvery)
	defer beat.Stop()
	for {
		select {
		case text := <-told:
			heard(text)
		case <-beat.C:
			heard("")
		case <-ctx.Done():
			return
		}
	}
}

// run listens until ctx ends, and opens the connection anew whenever it is lost.
func (e *ear) run(ctx context.Context, told chan<- string) {
	for pause := firstPause; ctx.Err() == nil; {
		if e.listen(ctx, told) {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, longPause)
	}
}

// listen returns when the connection is lost, or was not to be had.
func (e *ear) listen(ctx context.Context, told chan<- string) (listened bool) {
	conn, err := e.connect(ctx)
	if err != nil {
		return false
	}
	defer func() {
		e.hears.Store(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askPatience)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	text := "" // first of all: what was told before was not heard
	for {
		select {
		case told <- text:
		case <-ctx.Done():
			return true
		}
		for text = greeting; text == greeting; {
			if text, err = e.hear(ctx, conn); err != nil {
				return true
			}
		}
	}
}

func (e *ear) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, listenStatement); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// hear waits for the next text. When nothing was said for a while it greets itself by
// another connection: a pooler between us and the server says yes to LISTEN, and lets
// somebody else listen. And it asks the server something, which may have gone without a
// word.
func (e *ear) hear(ctx context.Context, conn *pgx.Conn) (text string, err error) {
	wait := askEvery
	if !e.hears.Load() {
		wait = 0
	}
	for ; ; wait = askEvery {
		if text, err = await(ctx, conn, wait); err == nil {
			e.hears.Store(true)
			return text, nil
		}
		if ctx.Err() != nil || conn.IsClosed() {
			return "", err
		}
		greeted := e.greet(ctx)
		text, err = await(ctx, conn, askPatience)
		if err == nil || greeted {
			e.hears.Store(err == nil)
		}
		if err == nil {
			return text, nil
		}
		asking, cancel := context.WithTimeout(ctx, askPatience)
		err = conn.Ping(asking)
		cancel()
		if err != nil {
			return "", err
		}
	}
}

func (e *ear) greet(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return e.tell(ctx, greeting) == nil
}

// await waits for the next text for so long.
func await(ctx context.Context, conn *pgx.Conn, d time.Duration) (text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}

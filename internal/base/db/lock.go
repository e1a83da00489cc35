package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
)

// lockPause is how long to wait before a lock is tried again.
const lockPause = 100 * time.Millisecond

// locked runs fn while no other process runs one. The lock is a transaction's: a pooler
// between us and the server may give the next statement another session. And it is tried
// again and again: of few sessions, those who wait must not take one each. fn's ctx ends
// when the lock is lost.
func (p *postgres) locked(ctx context.Context, fn func(ctx context.Context) error) error {
	conn, err := pgx.ConnectConfig(ctx, p.ear.config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		tx, err := p.tryLock(ctx, conn)
		if err != nil {
			return forgotten(err)
		}
		if tx != nil {
			err := p.holding(ctx, tx, fn)
			return errors.Join(err, tx.Commit(context.WithoutCancel(ctx))) // it says so when the lock was lost
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryLock returns a transaction that has the lock, or nil when another process has it.
func (p *postgres) tryLock(ctx context.Context, conn *pgx.Conn) (pgx.Tx, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	var has bool
	err = tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID).Scan(&has)
	if err == nil && has {
		_, err = tx.Exec(ctx, "SELECT set_config('idle_in_transaction_session_timeout', $1, true)", fmt.Sprint(p.caps.idle.Milliseconds()))
	}
	if err != nil || !has {
		return nil, errors.Join(err, tx.Rollback(ctx))
	}
	return tx, nil
}

// holding gives signs of life in the transaction while fn runs. Without them the server
// ends it: a machine that has vanished must not keep the lock.
func (p *postgres) holding(ctx context.Context, tx pgx.Tx, fn func(ctx context.Context) error) error {
	ctx, lost := context.WithCancelCause(ctx)
	ended, quiet := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		sign := time.NewTicker(p.caps.sign)
		defer sign.Stop()
		for {
			select {
			case <-ended:
				return
			case <-sign.C:
			}
			if _, err := tx.Exec(ctx, "SELECT 1"); err != nil {
				lost(err)
				return
			}
		}
	}()
	defer func() {
		close(ended)
		<-quiet
		lost(nil)
	}()
	return fn(ctx)
}

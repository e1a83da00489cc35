package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
)

// lockPause is how long to wait before a lock is tried again.
const lockPause = 100 * time.Millisecond

// locked runs fn while no other process runs one. The lock is a transaction's: a pooler
// between us and the server may give the next statement another session. And it is tried
// again and again: of few sessions, those who wait must not take one each.
func (p *postgres) locked(ctx context.Context, fn func() error) error {
	conn, err := pgx.ConnectConfig(ctx, p.ear.config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for {
		tx, err := tryLock(ctx, conn)
		if err != nil {
			return err
		}
		if tx != nil {
			err := fn()
			return errors.Join(err, tx.Commit(ctx)) // where the lock was lost meanwhile, it says so
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryLock returns a transaction that has the lock, or nil when another process has it.
func tryLock(ctx context.Context, conn *pgx.Conn) (pgx.Tx, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	var has bool
	err = tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID).Scan(&has)
	if err == nil && has {
		// It says nothing while the migrations run, however long they take.
		_, err = tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0")
	}
	if err != nil || !has {
		return nil, errors.Join(err, tx.Rollback(ctx))
	}
	return tx, nil
}

package factor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// TestASignInAndADeletionDoNotWaitForEachOther: whoever gives a second factor while their
// account is being deleted waits before anything that the deletion needs is locked. The
// other way round PostgreSQL would look for a deadlock, after a second, and undo one.
func TestASignInAndADeletionDoNotWaitForEachOther(t *testing.T) {
	for name, give := range map[string]func(t *testing.T, w *world, ann user, codes []string) func(token string) (account.SignedIn, error){
		"an app": func(t *testing.T, w *world, ann user, _ []string) func(string) (account.SignedIn, error) {
			return w.withCode(t, ann)
		},
		"a recovery code": func(t *testing.T, w *world, _ user, codes []string) func(string) (account.SignedIn, error) {
			return func(token string) (account.SignedIn, error) {
				return w.SignInWithRecovery(t.Context(), home, token, codes[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				if w.db.Engine() != "postgres" {
					return // it has one writer
				}
				w.signUp(t, "root", account.Admin)
				ann := w.signUp(t, "ann", account.User)
				_, codes := w.enrolApp(t, ann)
				token, enter := w.pending(t, ann), give(t, w, ann, codes)
				var signIn sync.WaitGroup
				var refused error
				w.accounts.Leaving.Subscribe(func(ctx context.Context, tx *live.Tx, _ account.Leave) error {
					signIn.Go(func() { _, refused = enter(token) })
					return w.waitsForUs(ctx, tx)
				})
				w.accounts.Leaving.Subscribe(func(ctx context.Context, tx *live.Tx, l account.Leave) error {
					for _, table := range []string{"sign_in", "totp", "recovery_code", "session"} {
						if n := unlocked(ctx, t, tx, table); n == 0 {
							t.Errorf("%s: the sign-in holds what it waits with", table)
						}
					}
					return factor.Erase(ctx, tx, l.UserID)
				})
				if err := w.accounts.Delete(t.Context(), account.Operator(), "", ann.ID, account.Deletion{Work: account.Unassign}); err != nil {
					t.Fatal(err)
				}
				signIn.Wait()
				wantKind(t, "the sign-in", refused, errs.Unauthorized)
				if n := w.count(t, "session", "user_id = $1", ann.ID); n != 0 {
					t.Errorf("%d sessions", n)
				}
			})
		})
	}
}

// waitsForUs returns when another transaction waits for this one.
func (*world) waitsForUs(ctx context.Context, tx *live.Tx) error {
	for {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))").Scan(&n)
		if err != nil || n > 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// unlocked is the number of a table's rows that no other transaction holds.
func unlocked(ctx context.Context, t *testing.T, tx *live.Tx, table string) (n int) {
	t.Helper()
	row := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+table+" FOR UPDATE SKIP LOCKED) AS free")
	if err := row.Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

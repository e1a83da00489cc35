package factor_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestCodesAreThoseOfTheRFC has the seed and times of RFC 6238, appendix B.
func TestCodesAreThoseOfTheRFC(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w = newProcess(t, w.db, publicURL, &clock{now: time.Unix(0, 0)})
		ann := w.signUp(t, "ann", account.User)
		w.enrolApp(t, ann)
		w.exec(t, "UPDATE totp SET step = 0, seed = $1", w.master.Seal("totp", ann.ID, []byte("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")))
		for _, c := range []struct {
			at   int64
			code string
		}{
			{59, "28 70 82"}, {1111111109, "081-804"}, {1111111111, "050471"}, {1234567890, " 005 924 "}, {2000000000, "279037"},
		} {
			w.clock.pass(time.Unix(c.at, 0).Sub(w.clock.Now()))
			if _, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), c.code); err != nil {
				t.Errorf("%d: %v", c.at, err)
			}
		}
	})
}

// TestClockEdges: a code counts in its own step, the one before and the one after, to
// the microsecond.
func TestClockEdges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		w.clock.pass(w.clock.Now().Truncate(step).Add(10 * step).Sub(w.clock.Now()))
		base := w.clock.Now()
		for name, c := range map[string]struct {
			of, at time.Duration // from base
			good   bool
		}{
			"its own step, first moment":   {0, 0, true},
			"its own step, last moment":    {0, step - time.Microsecond, true},
			"one step late, first moment":  {0, step, true},
			"one step late, last moment":   {0, 2*step - time.Microsecond, true},
			"two steps late":               {0, 2 * step, false},
			"one step early, last moment":  {step, step - time.Microsecond, true},
			"one step early, first moment": {step, 0, true},
			"two steps early":              {step, -time.Microsecond, false},
		} {
			w.exec(t, "UPDATE totp SET step = 0")
			w.clock.pass(base.Add(c.at).Sub(w.clock.Now()))
			_, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), codeAt(t, seed, base.Add(c.of)))
			if c.good != (err == nil) || !c.good && !errs.Is(err, errs.Unauthorized) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestACodeWorksOnce, wherever it is given: in another sign-in, to confirm, or after a
// later one.
func TestACodeWorksOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		early := w.code(t, seed)
		w.clock.pass(step)
		code := w.code(t, seed)
		if _, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), code); err != nil {
			t.Fatal(err)
		}
		for name, again := range map[string]string{"the same": code, "one before it": early} {
			_, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), again)
			wantKind(t, name, err, errs.Unauthorized)
			_, err = w.ConfirmWithTOTP(t.Context(), home, ann.Actor, again)
			wantKind(t, name+", to confirm", err, errs.Invalid)
		}
		next := codeAt(t, seed, w.clock.Now().Add(step))
		if _, err := w.ConfirmWithTOTP(t.Context(), home, ann.Actor, next); err != nil {
			t.Errorf("the next one: %v", err)
		}
		w.clock.pass(step)
		_, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), next)
		wantKind(t, "what has confirmed", err, errs.Unauthorized)
	})
}

// TestOneCodeInManySignInsAtOnce lets one in.
func TestOneCodeInManySignInsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		var tokens [8]string
		for i := range tokens {
			tokens[i] = w.pending(t, ann)
		}
		good := w.atOnce(t, len(tokens), func(i int) (account.SignedIn, error) {
			return w.SignInWithTOTP(t.Context(), home, tokens[i], w.code(t, seed))
		})
		if sessions := w.count(t, "session", "user_id = $1", ann.ID); good != 1 || sessions != 2 {
			t.Errorf("%d came in, %d sessions", good, sessions)
		}
	})
}

// atOnce runs attempts at one time and returns how many succeed. The others are
// refused, and nothing else.
func (w *world) atOnce(t *testing.T, n int, attempt func(i int) (account.SignedIn, error)) (good int) {
	t.Helper()
	var wg sync.WaitGroup
	failed := make([]error, n)
	for i := range n {
		wg.Go(func() { _, failed[i] = attempt(i) })
	}
	wg.Wait()
	for _, err := range failed {
		switch {
		case err == nil:
			good++
		case !errs.Is(err, errs.Unauthorized) && !errs.Is(err, errs.RateLimited):
			t.Error(err)
		}
	}
	return good
}

// TestFiveTriesASignIn, one after the other or all at once; the right code comes too
// late then.
func TestFiveTriesASignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, codes := w.enrolApp(t, ann)
		token := w.pending(t, ann)
		for i := range 5 {
			_, err := w.SignInWithTOTP(t.Context(), home, token, wrong(w.code(t, seed), i))
			wantKind(t, fmt.Sprint("try ", i), err, errs.Unauthorized)
		}
		_, err := w.SignInWithTOTP(t.Context(), home, token, w.code(t, seed))
		wantKind(t, "the sixth", err, errs.Unauthorized)
		_, err = w.SignInWithRecovery(t.Context(), home, token, codes[0])
		wantKind(t, "another way", err, errs.Unauthorized)

		w.clock.pass(time.Hour)
		token = w.pending(t, ann)
		good := w.atOnce(t, 40, func(i int) (account.SignedIn, error) {
			return w.SignInWithRecovery(t.Context(), home, token, fmt.Sprint("wrong", i))
		})
		if tries := w.text(t, "SELECT CAST(MAX(tries) AS TEXT) FROM sign_in WHERE expires_at > $1", w.clock.Now().UnixMicro()); good != 0 || tries != "5" {
			t.Errorf("%d came in, %s tries", good, tries)
		}
		_, err = w.SignInWithRecovery(t.Context(), home, token, codes[0])
		wantKind(t, "afterwards", err, errs.Unauthorized)
		w.clock.pass(time.Hour)
		if _, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), codes[0]); err != nil {
			t.Errorf("a new sign-in: %v", err)
		}
	})
}

// wrong is a code that is not the right one.
func wrong(code string, i int) string {
	if other := fmt.Sprintf("%06d", i); other != code {
		return other
	}
	return "999999"
}

// TestGuessersAreLimitedPerAccount: whoever knows the password and tries codes from
// everywhere, in new sign-ins and many at once, runs out of tries.
func TestGuessersAreLimitedPerAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		const guessers = 70
		tokens := make([]string, guessers)
		for i := range tokens {
			tokens[i] = w.pending(t, ann)
		}
		from := func(i int) account.Device {
			return account.Device{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})}
		}
		var limited atomic.Int64
		w.atOnce(t, guessers, func(i int) (account.SignedIn, error) {
			result, err := w.SignInWithTOTP(t.Context(), from(i), tokens[i], wrong(w.code(t, seed), i))
			if errs.Is(err, errs.RateLimited) {
				limited.Add(1)
			}
			return result, err
		})
		if n := limited.Load(); n != guessers-50 {
			t.Errorf("%d of %d were limited", n, guessers)
		}
		_, err := w.SignInWithTOTP(t.Context(), from(99), w.pending(t, ann), w.code(t, seed))
		wantKind(t, "the right code", err, errs.RateLimited)
		w.clock.pass(time.Minute)
		if _, err := w.SignInWithTOTP(t.Context(), from(99), w.pending(t, ann), w.code(t, seed)); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

// TestGuessersInASessionAreLimited too: who has found an unlocked laptop.
func TestGuessersInASessionAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		e, err := w.StartTOTP(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			_, err := w.ConfirmWithTOTP(t.Context(), home, ann.Actor, wrong(w.code(t, seed), i))
			wantKind(t, fmt.Sprint("to confirm ", i), err, errs.Invalid)
			_, err = w.FinishTOTP(t.Context(), home, ann.Actor, wrong(w.code(t, e.Secret), i))
			wantKind(t, fmt.Sprint("a new app ", i), err, errs.Invalid)
		}
		_, err = w.ConfirmWithTOTP(t.Context(), home, ann.Actor, w.code(t, seed))
		wantKind(t, "to confirm", err, errs.RateLimited)
		_, err = w.FinishTOTP(t.Context(), home, ann.Actor, w.code(t, e.Secret))
		wantKind(t, "a new app", err, errs.RateLimited)
		w.clock.pass(step)
		for range 3 { // a right code costs nothing
			if _, err := w.ConfirmWithTOTP(t.Context(), home, ann.Actor, w.code(t, seed)); err != nil {
				t.Errorf("later: %v", err)
			}
			w.clock.pass(step)
		}
	})
}

package factor_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// TestWhatAnAnswerMustBe changes one thing each about an answer that is right.
func TestWhatAnAnswerMustBe(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			change func(t *testing.T, w *world, k *key)
			alone  bool // that is fine for a passkey beside a password, or the other way round
			second bool
		}{
			"right":                     {func(*testing.T, *world, *key) {}, true, true},
			"another site":              {func(_ *testing.T, _ *world, k *key) { k.origin = "https://peisear.example.com" }, false, false},
			"another port":              {func(_ *testing.T, _ *world, k *key) { k.origin = publicURL + ":8443" }, false, false},
			"a site below":              {func(_ *testing.T, _ *world, k *key) { k.origin = "https://evil.peisear.example.org" }, false, false},
			"plain http":                {func(_ *testing.T, _ *world, k *key) { k.origin = "http://peisear.example.org" }, false, false},
			"another relying party":     {func(_ *testing.T, _ *world, k *key) { k.rpID = "example.org" }, false, false},
			"within another page":       {func(_ *testing.T, _ *world, k *key) { k.crossOrigin = true }, false, false},
			"an answer to make one":     {func(_ *testing.T, _ *world, k *key) { k.kind = "webauthn.create" }, false, false},
			"nobody there":              {func(_ *testing.T, _ *world, k *key) { k.present = false }, false, false},
			"nobody recognised":         {func(_ *testing.T, _ *world, k *key) { k.verified = false }, false, true},
			"not to be synced any more": {func(_ *testing.T, _ *world, k *key) { k.eligible, k.backedUp = false, false }, false, false},
			"another key":               {func(_ *testing.T, _ *world, k *key) { k.signer = newKey().signer }, false, false},
			"another passkey":           {func(_ *testing.T, _ *world, k *key) { k.id = newKey().id }, false, false},
			"another user's handle":     {func(_ *testing.T, _ *world, k *key) { k.handle = []byte("somebody else") }, false, false},
			"no handle":                 {func(_ *testing.T, _ *world, k *key) { k.handle = nil }, false, true},
			"too late":                  {func(_ *testing.T, w *world, _ *key) { w.clock.pass(5 * time.Minute) }, false, false},
			"in time":                   {func(_ *testing.T, w *world, _ *key) { w.clock.pass(5*time.Minute - time.Millisecond) }, true, true},
			"disabled":                  {func(t *testing.T, w *world, _ *key) { w.exec(t, "UPDATE users SET disabled_at = 1") }, false, false},
		} {
			t.Run(name, func(t *testing.T) {
				w.clock.pass(time.Minute) // earns the tries of others back
				ann := w.signUp(t, fmt.Sprint("u", w.count(t, "users", "1 = 1")), account.User)
				k := newKey()
				w.enrolKey(t, ann, k)
				token := w.pending(t, ann)
				made, err := w.StartSecond(t.Context(), home, token)
				second := began(t, made, err)
				made, err = w.StartAlone(t.Context(), home)
				alone := began(t, made, err)
				c.change(t, w, k)
				for way, one := range map[string]struct {
					good bool
					try  func() (account.SignedIn, error)
				}{
					"second": {c.second, func() (account.SignedIn, error) {
						return w.SignInWithPasskey(t.Context(), home, token, k.sign(t, second))
					}},
					"alone": {c.alone, func() (account.SignedIn, error) {
						return w.SignInAlone(t.Context(), home, alone.ID, k.sign(t, alone))
					}},
				} {
					result, err := one.try()
					if one.good != (err == nil) || !one.good && !errs.Is(err, errs.Unauthorized) {
						t.Errorf("%s: %v", way, err)
					}
					if good := result.User.ID == ann.ID; good != one.good {
						t.Errorf("%s: signed in as %q", way, result.User.ID)
					}
					_, err = one.try()
					wantKind(t, way+" again", err, errs.Unauthorized)
				}
			})
		}
	})
}

// TestWhatANewPasskeyMustBe does the same when one is made.
func TestWhatANewPasskeyMustBe(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			change func(t *testing.T, w *world, k *key)
			good   bool
		}{
			"right":                 {func(*testing.T, *world, *key) {}, true},
			"RSA":                   {func(_ *testing.T, _ *world, k *key) { k.signer = must(rsa.GenerateKey(rand.Reader, 2048)) }, true},
			"Ed25519":               {func(_ *testing.T, _ *world, k *key) { k.signer = ed25519.NewKeyFromSeed(random(32)) }, true},
			"within another page":   {func(_ *testing.T, _ *world, k *key) { k.crossOrigin = true }, false},
			"an answer to sign in":  {func(_ *testing.T, _ *world, k *key) { k.kind = "webauthn.get" }, false},
			"another site":          {func(_ *testing.T, _ *world, k *key) { k.origin = "https://peisear.example.com" }, false},
			"another relying party": {func(_ *testing.T, _ *world, k *key) { k.rpID = "example.org" }, false},
			"nobody there":          {func(_ *testing.T, _ *world, k *key) { k.present = false }, false},
			"nobody recognised":     {func(_ *testing.T, _ *world, k *key) { k.verified = false }, true},
			"synced, but not to be": {func(_ *testing.T, _ *world, k *key) { k.eligible = false }, false},
			"too late":              {func(_ *testing.T, w *world, _ *key) { w.clock.pass(5 * time.Minute) }, false},
		} {
			t.Run(name, func(t *testing.T) {
				w.clock.pass(time.Minute) // earns the tries of others back
				ann := w.signUp(t, fmt.Sprint("u", w.count(t, "users", "1 = 1")), account.User)
				made, err := w.StartPasskey(t.Context(), ann.Actor)
				began := began(t, made, err)
				k := newKey()
				c.change(t, w, k)
				_, codes, err := w.FinishPasskey(t.Context(), ann.Actor, began.ID, "", k.create(t, began))
				if c.good != (err == nil) || !c.good && !errs.Is(err, errs.Invalid) || (len(codes) == 10) != c.good {
					t.Errorf("%v, %d codes", err, len(codes))
				}
				if _, signIn := w.alone(t, k); c.good && k.verified && signIn != nil {
					t.Errorf("it signs nobody in: %v", signIn)
				}
				_, _, err = w.FinishPasskey(t.Context(), ann.Actor, began.ID, "", newKey().create(t, began))
				wantKind(t, "again", err, errs.Invalid)
			})
		}
	})
}

// TestChallengesAreBound: a challenge is answered by whom it was given to, for what it
// was given for, and nowhere else.
func TestChallengesAreBound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		k, other := newKey(), newKey()
		w.enrolKey(t, ann, k)
		w.enrolKey(t, bob, other)
		annElsewhere := w.again(t, ann, func(token string) (account.SignedIn, error) { return w.second(t, token, k) })

		made, err := w.StartPasskey(t.Context(), ann.Actor)
		enrol := began(t, made, err)
		mine := newKey()
		answer := mine.create(t, enrol)
		for name, by := range map[string]account.Actor{"another user": bob.Actor, "another session": annElsewhere.Actor} {
			_, _, err := w.FinishPasskey(t.Context(), by, enrol.ID, "", answer)
			wantKind(t, name+" keeps the passkey", err, errs.Invalid)
		}
		if _, _, err := w.FinishPasskey(t.Context(), ann.Actor, enrol.ID, "", answer); err != nil {
			t.Errorf("the right one, afterwards: %v", err)
		}
		made, err = w.StartPasskey(t.Context(), bob.Actor)
		theirs := began(t, made, err)
		_, _, err = w.FinishPasskey(t.Context(), bob.Actor, theirs.ID, "", mine.create(t, theirs))
		wantKind(t, "a passkey that is another's already", err, errs.Conflict)

		made, err = w.StartConfirm(t.Context(), ann.Actor)
		confirm := began(t, made, err)
		for name, by := range map[string]account.Actor{"another user": bob.Actor, "another session": annElsewhere.Actor} {
			_, err := w.ConfirmWithPasskey(t.Context(), by, confirm.ID, k.sign(t, confirm))
			wantKind(t, name+" confirms", err, errs.Invalid)
		}
		_, err = w.SignInAlone(t.Context(), home, confirm.ID, k.sign(t, confirm))
		wantKind(t, "confirming signs in", err, errs.Unauthorized)

		annToken, bobToken := w.pending(t, ann), w.pending(t, bob)
		made, err = w.StartSecond(t.Context(), home, annToken)
		second := began(t, made, err)
		_, err = w.SignInWithPasskey(t.Context(), home, bobToken, k.sign(t, second))
		wantKind(t, "in another's sign-in", err, errs.Unauthorized)
		made, err = w.StartSecond(t.Context(), home, bobToken)
		c := began(t, made, err)
		_, err = w.SignInWithPasskey(t.Context(), home, bobToken, k.sign(t, c))
		wantKind(t, "another's passkey", err, errs.Unauthorized)

		made, err = w.StartAlone(t.Context(), home)
		alone := began(t, made, err)
		_, err = w.ConfirmWithPasskey(t.Context(), ann.Actor, alone.ID, k.sign(t, alone))
		wantKind(t, "signing in confirms", err, errs.Invalid)
		_, err = w.SignInWithPasskey(t.Context(), home, annToken, k.sign(t, alone))
		wantKind(t, "an answer to another challenge", err, errs.Unauthorized)
		elsewhere := account.Device{IP: netip.MustParseAddr("203.0.113.9")}
		if _, err := w.SignInAlone(t.Context(), elsewhere, alone.ID, k.sign(t, alone)); err != nil {
			t.Errorf("from another network, as phones do: %v", err)
		}
	})
}

// TestOneAnswerTwiceAtOnce makes one session.
func TestOneAnswerTwiceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		w.enrolKey(t, ann, k)
		made, err := w.StartAlone(t.Context(), home)
		alone := began(t, made, err)
		answer := k.sign(t, alone)
		good := w.atOnce(t, 8, func(int) (account.SignedIn, error) { return w.SignInAlone(t.Context(), home, alone.ID, answer) })
		if sessions := w.count(t, "session", "1 = 1"); good != 1 || sessions != 2 {
			t.Errorf("%d came in, %d sessions", good, sessions)
		}
	})
}

// TestCounters: one that does not grow is refused and noted, unless there is none.
func TestCounters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		w.enrolKey(t, ann, k)
		ways := map[string]func() error{
			"alone":  func() error { return second(w.alone(t, k)) },
			"second": func() error { return second(w.second(t, w.pending(t, ann), k)) },
			"confirm": func() error {
				made, err := w.StartConfirm(t.Context(), ann.Actor)
				asked := began(t, made, err)
				return second(w.ConfirmWithPasskey(t.Context(), ann.Actor, asked.ID, k.sign(t, asked)))
			},
		}
		refused := 0
		for _, c := range []struct {
			counter     uint32
			grows, good bool
		}{
			{0, false, true}, {6, true, true}, {9, false, false}, {3, false, false}, {0, false, false},
			{9, true, true}, {1 << 31, true, true}, {12, true, false},
		} {
			k.counter = c.counter
			for name, try := range ways {
				if c.grows {
					k.counter++
				}
				err := try()
				if c.good != (err == nil) || !c.good && !strings.Contains(err.Error(), "a copy of it") {
					t.Errorf("%d, %s: %v", k.counter, name, err)
				}
				if !c.good {
					refused++
				}
			}
		}
		got := w.audited(t)
		if want := fmt.Sprintf(`"regressions":%d`, refused); len(got) != 1+refused || !strings.Contains(got[refused], want) {
			t.Errorf("no %s in %s", want, strings.Join(got, "\n"))
		}
	})
}

// TestAKeyWithoutAPersonSignsInNobodyAlone, even when it claims to recognise one later:
// whoever finds it could teach it that. Beside a password it may.
func TestAKeyWithoutAPersonSignsInNobodyAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newSecurityKey()
		w.enrolKey(t, ann, k)
		_, err := w.alone(t, k)
		wantKind(t, "alone", err, errs.Unauthorized)
		_, err = w.StartConfirm(t.Context(), ann.Actor)
		wantKind(t, "to confirm", err, errs.Conflict)
		if _, err := w.second(t, w.pending(t, ann), k); err != nil {
			t.Errorf("after the password: %v", err)
		}
		k.verified = true
		_, err = w.alone(t, k)
		wantKind(t, "with a PIN that somebody has set", err, errs.Unauthorized)
		if _, err := w.second(t, w.pending(t, ann), k); err != nil {
			t.Errorf("after the password, with a PIN: %v", err)
		}
		if _, err := w.alone(t, k); err != nil {
			t.Errorf("alone, with the owner's PIN: %v", err)
		}
	})
}

// TestChallengesAreBounded: neither a session nor a network fills the table.
func TestChallengesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		for range 20 {
			if _, err := w.StartPasskey(t.Context(), ann.Actor); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.StartPasskey(t.Context(), ann.Actor)
		wantKind(t, "the 21st of a session", err, errs.RateLimited)
		for i := range 200 {
			from := account.Device{IP: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))}
			if _, err := w.StartAlone(t.Context(), from); err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.StartAlone(t.Context(), account.Device{IP: netip.MustParseAddr("2001:db8::ffff")})
		wantKind(t, "the 201st of a network", err, errs.RateLimited)
		if _, err := w.StartAlone(t.Context(), home); err != nil {
			t.Errorf("elsewhere: %v", err)
		}
		w.exec(t, `INSERT INTO ceremony (id, purpose, asker, data, expires_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			SELECT 'x' || i, 'alone', 'x' || i, '', $1 FROM n`, w.clock.Now().Add(time.Minute).UnixMicro())
		_, err = w.StartAlone(t.Context(), home)
		wantKind(t, "from everywhere", err, errs.Unavailable)
		w.clock.pass(5 * time.Minute)
		w.exec(t, "UPDATE session SET confirmed_at = $1", w.clock.Now().UnixMicro())
		if _, err := w.StartPasskey(t.Context(), ann.Actor); !errs.Is(err, errs.RateLimited) { // counted before they are removed
			t.Errorf("%v", err)
		}
	})
}

package factor_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// challenge is the answer of the operations that begin.
type challenge struct {
	ID        string
	PublicKey json.RawMessage
}

func began(t testing.TB, c factor.Challenge, err error) challenge {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(c.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return challenge{c.ID, text}
}

// enrolKey keeps a passkey over HTTP.
func (w *world) enrolKey(t testing.TB, u user, k *key) (factor.Passkey, []string) {
	t.Helper()
	c := post[challenge](t, w, "/api/account/factors/passkeys/options", u.header, nil)
	made := post[struct {
		Passkey       factor.Passkey
		RecoveryCodes []string
	}](t, w, "/api/account/factors/passkeys", u.header, map[string]any{"id": c.ID, "name": " My key ", "credential": k.create(t, c)})
	return made.Passkey, made.RecoveryCodes
}

// alone signs in with nothing but the passkey.
func (w *world) alone(t testing.TB, k *key) (account.SignedIn, error) {
	t.Helper()
	made, err := w.StartAlone(t.Context(), home)
	c := began(t, made, err)
	return w.SignInAlone(t.Context(), home, c.ID, k.sign(t, c))
}

// second ends a sign-in with the passkey.
func (w *world) second(t testing.TB, token string, k *key) (account.SignedIn, error) {
	t.Helper()
	made, err := w.StartSecond(t.Context(), home, token)
	return w.SignInWithPasskey(t.Context(), home, token, k.sign(t, began(t, made, err)))
}

func TestPasskeyLives(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		p, codes := w.enrolKey(t, ann, k)
		if p.Name != "My key" || !p.Synced || p.UsedAt != nil || len(codes) != 10 {
			t.Errorf("%+v, %d codes", p, len(codes))
		}
		if string(k.handle) == ann.ID || len(k.handle) != 32 {
			t.Errorf("handle %q", k.handle)
		}
		result, err := w.second(t, w.pending(t, ann), k)
		if err != nil || result.User.ID != ann.ID {
			t.Errorf("as second factor: %+v, %v", result.User, err)
		}
		if result, err = w.alone(t, k); err != nil || result.User.ID != ann.ID || result.Pending != nil || result.Refresh == "" {
			t.Errorf("alone: %+v, %v", result, err)
		}
		if method := w.text(t, "SELECT method FROM session WHERE id = $1", w.user(t, result).Session); method != "passkey" {
			t.Errorf("method %s", method)
		}
		all, err := w.Get(t.Context(), ann.Actor)
		if err != nil || len(all.Passkeys) != 1 || all.Passkeys[0].UsedAt == nil || all.Passkeys[0].ID != p.ID {
			t.Errorf("%+v, %v", all, err)
		}
		status, answer := w.send(t, http.MethodPatch, "/api/account/factors/passkeys/"+p.ID, ann.header, map[string]string{"name": "Blue"})
		if status != http.StatusOK || !strings.Contains(answer, `"name":"Blue"`) {
			t.Errorf("%d %s", status, answer)
		}
		if status, answer := w.send(t, http.MethodDelete, "/api/account/factors/passkeys/"+p.ID, ann.header, nil); status != http.StatusNoContent {
			t.Errorf("%d %s", status, answer)
		}
		_, err = w.alone(t, k)
		wantKind(t, "a deleted one", err, errs.Unauthorized)
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
	})
}

// TestPasskeySignsInOverHTTP follows the contract: no e-mail, no token, a cookie.
func TestPasskeySignsInOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		w.enrolKey(t, ann, k)
		c := post[challenge](t, w, "/api/auth/passkey/options", nil, nil)
		var options struct {
			RpID             string
			UserVerification string
			AllowCredentials []any
		}
		if err := json.Unmarshal(c.PublicKey, &options); err != nil || options.RpID != "peisear.example.org" || options.UserVerification != "required" || len(options.AllowCredentials) != 0 {
			t.Errorf("%s, %v", c.PublicKey, err)
		}
		in := post[struct {
			AccessToken string
			User        account.Profile
		}](t, w, "/api/auth/passkey", nil, map[string]any{"id": c.ID, "credential": k.sign(t, c)})
		if in.AccessToken == "" || in.User.ID != ann.ID {
			t.Errorf("%+v", in)
		}
		token := post[struct{ Factor account.FactorNeed }](t, w, "/api/auth/login", nil, map[string]string{"email": ann.email, "password": password}).Factor.Token
		c = post[challenge](t, w, "/api/auth/factor/passkey/options", nil, map[string]string{"token": token})
		if c.ID != "" || !strings.Contains(string(c.PublicKey), `"allowCredentials":[{`) || !strings.Contains(string(c.PublicKey), `"userVerification":"preferred"`) {
			t.Errorf("%+v", c)
		}
		in = post[struct {
			AccessToken string
			User        account.Profile
		}](t, w, "/api/auth/factor/passkey", nil, map[string]any{"token": token, "credential": k.sign(t, c)})
		if in.AccessToken == "" || in.User.ID != ann.ID {
			t.Errorf("%+v", in)
		}
	})
}

// TestOptionsOfANewPasskey: no attestation, the random handle, and none twice on one
// authenticator.
func TestOptionsOfANewPasskey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		handles := map[string]bool{}
		for range 2 {
			var options struct {
				RP                     struct{ ID, Name string }
				User                   struct{ ID, Name, DisplayName string }
				Attestation            string
				AuthenticatorSelection struct{ ResidentKey, UserVerification string }
				ExcludeCredentials     []struct{ ID string }
			}
			made, err := w.StartPasskey(t.Context(), ann.Actor)
			c := began(t, made, err)
			if err := json.Unmarshal(c.PublicKey, &options); err != nil {
				t.Fatal(err)
			}
			if options.RP.ID != "peisear.example.org" || options.Attestation != "none" || options.AuthenticatorSelection.ResidentKey != "preferred" ||
				options.AuthenticatorSelection.UserVerification != "preferred" || options.User.Name != ann.email || options.User.DisplayName != "ann" {
				t.Errorf("%s", c.PublicKey)
			}
			if excluded := len(options.ExcludeCredentials); excluded != w.count(t, "passkey", "1 = 1") {
				t.Errorf("%d are excluded", excluded)
			}
			handles[options.User.ID] = true
			w.enrolKey(t, ann, newKey())
		}
		w.enrolKey(t, bob, newKey())
		if len(handles) != 1 || w.count(t, "passkey_handle", "1 = 1") != 2 {
			t.Errorf("handles %v", handles)
		}
	})
}

// TestWhatAnAnswerMustBe changes one thing each about an answer that is right.
func TestWhatAnAnswerMustBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world, k *key)
		alone  bool // that is fine for a passkey beside a password, or the other way round
		second bool
	}{
		"right":                     {func(*world, *key) {}, true, true},
		"another site":              {func(_ *world, k *key) { k.origin = "https://peisear.example.com" }, false, false},
		"another port":              {func(_ *world, k *key) { k.origin = publicURL + ":8443" }, false, false},
		"a site below":              {func(_ *world, k *key) { k.origin = "https://evil.peisear.example.org" }, false, false},
		"plain http":                {func(_ *world, k *key) { k.origin = "http://peisear.example.org" }, false, false},
		"another relying party":     {func(_ *world, k *key) { k.rpID = "example.org" }, false, false},
		"within another page":       {func(_ *world, k *key) { k.crossOrigin = true }, false, false},
		"an answer to make one":     {func(_ *world, k *key) { k.kind = "webauthn.create" }, false, false},
		"nobody there":              {func(_ *world, k *key) { k.present = false }, false, false},
		"nobody recognised":         {func(_ *world, k *key) { k.verified = false }, false, true},
		"not to be synced any more": {func(_ *world, k *key) { k.eligible, k.backedUp = false, false }, false, false},
		"another key":               {func(_ *world, k *key) { k.signer = newKey().signer }, false, false},
		"another passkey":           {func(_ *world, k *key) { k.id = newKey().id }, false, false},
		"another user's handle":     {func(_ *world, k *key) { k.handle = []byte("somebody else") }, false, false},
		"no handle":                 {func(_ *world, k *key) { k.handle = nil }, false, true},
		"too late":                  {func(w *world, _ *key) { w.clock.pass(5 * time.Minute) }, false, false},
		"in time":                   {func(w *world, _ *key) { w.clock.pass(5*time.Minute - time.Millisecond) }, true, true},
		"disabled":                  {func(w *world, _ *key) { w.exec(t, "UPDATE users SET disabled_at = 1") }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ann := w.signUp(t, "ann", account.User)
				k := newKey()
				w.enrolKey(t, ann, k)
				token := w.pending(t, ann)
				made, err := w.StartSecond(t.Context(), home, token)
				second := began(t, made, err)
				made, err = w.StartAlone(t.Context(), home)
				alone := began(t, made, err)
				c.change(w, k)
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
		})
	}
}

// TestWhatANewPasskeyMustBe does the same when one is made.
func TestWhatANewPasskeyMustBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world, k *key)
		good   bool
	}{
		"right":                 {func(*world, *key) {}, true},
		"RSA":                   {func(_ *world, k *key) { k.signer = must(rsa.GenerateKey(rand.Reader, 2048)) }, true},
		"Ed25519":               {func(_ *world, k *key) { k.signer = ed25519.NewKeyFromSeed(random(32)) }, true},
		"within another page":   {func(_ *world, k *key) { k.crossOrigin = true }, false},
		"an answer to sign in":  {func(_ *world, k *key) { k.kind = "webauthn.get" }, false},
		"another site":          {func(_ *world, k *key) { k.origin = "https://peisear.example.com" }, false},
		"another relying party": {func(_ *world, k *key) { k.rpID = "example.org" }, false},
		"nobody there":          {func(_ *world, k *key) { k.present = false }, false},
		"nobody recognised":     {func(_ *world, k *key) { k.verified = false }, true},
		"synced, but not to be": {func(_ *world, k *key) { k.eligible = false }, false},
		"too late":              {func(w *world, _ *key) { w.clock.pass(5 * time.Minute) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ann := w.signUp(t, "ann", account.User)
				made, err := w.StartPasskey(t.Context(), ann.Actor)
				began := began(t, made, err)
				k := newKey()
				c.change(w, k)
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
		})
	}
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

func TestConfirmWithPasskey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		p, _ := w.enrolKey(t, ann, k)
		w.clock.pass(account.ConfirmLifetime)
		wantCode(t, "before", w.RemovePasskey(t.Context(), ann.Actor, p.ID), errs.Forbidden, "confirm")
		c := post[challenge](t, w, "/api/account/confirm/passkey/options", ann.header, nil)
		if !strings.Contains(string(c.PublicKey), `"userVerification":"required"`) {
			t.Errorf("%s", c.PublicKey)
		}
		k.verified = false
		status, answer := w.send(t, http.MethodPost, "/api/account/confirm/passkey", ann.header, map[string]any{"id": c.ID, "credential": k.sign(t, c)})
		if status != http.StatusUnprocessableEntity {
			t.Errorf("nobody recognised: %d %s", status, answer)
		}
		k.verified = true
		c = post[challenge](t, w, "/api/account/confirm/passkey/options", ann.header, nil)
		until := post[struct{ ConfirmedUntil time.Time }](t, w, "/api/account/confirm/passkey", ann.header, map[string]any{"id": c.ID, "credential": k.sign(t, c)}).ConfirmedUntil
		if want := w.clock.Now().Add(account.ConfirmLifetime).Truncate(time.Microsecond); !until.Equal(want) {
			t.Errorf("until %v, want %v", until, want)
		}
		if err := w.RemovePasskey(t.Context(), ann.Actor, p.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestTheLastWayInStays: whoever has no password keeps a passkey that signs in alone.
func TestTheLastWayInStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		phone, key := newKey(), newSecurityKey()
		first, _ := w.enrolKey(t, ann, phone)
		second, _ := w.enrolKey(t, ann, key)
		w.exec(t, "UPDATE users SET password_hash = NULL")
		status, answer := w.send(t, http.MethodDelete, "/api/account/factors/passkeys/"+first.ID, ann.header, nil)
		if status != http.StatusConflict || !strings.Contains(answer, `"code":"last_way"`) {
			t.Errorf("%d %s", status, answer)
		}
		if _, err := w.alone(t, phone); err != nil {
			t.Errorf("it is still there: %v", err)
		}
		if err := w.RemovePasskey(t.Context(), ann.Actor, second.ID); err != nil {
			t.Errorf("one that is no way in: %v", err)
		}
		w.enrolKey(t, ann, newKey())
		if err := w.RemovePasskey(t.Context(), ann.Actor, first.ID); err != nil {
			t.Errorf("one of two: %v", err)
		}
	})
}

// TestTheLastTwoAtOnce: of two that are deleted at one time one stays.
func TestTheLastTwoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		var ids [2]string
		for i := range ids {
			p, _ := w.enrolKey(t, ann, newKey())
			ids[i] = p.ID
		}
		w.exec(t, "UPDATE users SET password_hash = NULL")
		var wg sync.WaitGroup
		var got [2]error
		for i := range ids {
			wg.Go(func() { got[i] = w.RemovePasskey(t.Context(), ann.Actor, ids[i]) })
		}
		wg.Wait()
		if left := w.count(t, "passkey", "1 = 1"); left != 1 || (got[0] == nil) == (got[1] == nil) {
			t.Errorf("%d left: %v", left, got)
		}
	})
}

func TestTwentyPasskeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		made, err := w.StartPasskey(t.Context(), ann.Actor)
		late := began(t, made, err)
		for range 20 {
			w.enrolKey(t, ann, newKey())
		}
		_, err = w.StartPasskey(t.Context(), ann.Actor)
		wantKind(t, "the next", err, errs.Conflict)
		_, _, err = w.FinishPasskey(t.Context(), ann.Actor, late.ID, "", newKey().create(t, late))
		wantKind(t, "one that was begun before", err, errs.Conflict)
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

// TestStrangersWithPasskeysAreLimited by address, as with passwords.
func TestStrangersWithPasskeysAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := newKey()
		for i := range 100 {
			_, err := w.alone(t, k)
			wantKind(t, fmt.Sprint("try ", i), err, errs.Unauthorized)
		}
		_, err := w.StartAlone(t.Context(), home)
		wantKind(t, "the next", err, errs.RateLimited)
	})
}

// TestAddressesWithoutPasskeys: a number is no name, and whoever has a passkey from
// before is still asked for it.
func TestAddressesWithoutPasskeys(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		named := newWorld(t, d, publicURL)
		ann := named.signUp(t, "ann", account.User)
		k := newKey()
		named.enrolKey(t, ann, k)
		for _, url := range []string{"http://127.0.0.1:3000", "http://[::1]:3000", ""} {
			w := newWorld(t, d, url)
			for name, err := range map[string]error{
				"enrol":   second(w.StartPasskey(t.Context(), ann.Actor)),
				"alone":   second(w.StartAlone(t.Context(), home)),
				"confirm": second(w.StartConfirm(t.Context(), ann.Actor)),
				"second":  second(w.StartSecond(t.Context(), home, w.pending(t, ann))),
			} {
				wantKind(t, url+" "+name, err, errs.Unavailable)
			}
			if asked := w.asks(t, ann); asked != "passkey recovery" {
				t.Errorf("asked for %s", asked)
			}
		}
		for _, url := range []string{"http://localhost:3000", "https://Peisear.Example.org:443", "https://a.b.example.org:8443"} {
			if _, err := newWorld(t, d, url).StartAlone(t.Context(), home); err != nil {
				t.Errorf("%s: %v", url, err)
			}
		}
		shouting := newWorld(t, d, "HTTPS://Peisear.Example.org:443")
		if _, err := shouting.alone(t, k); err != nil {
			t.Errorf("the address, written otherwise: %v", err)
		}
	}, migrations()...)
}

func second[T any](_ T, err error) error { return err }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

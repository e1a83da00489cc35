package factor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
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
		path := "/api/account/factors/passkeys/" + p.ID
		status, answer := w.send(t, http.MethodPatch, path, ann.header, map[string]string{"name": "Blue"})
		if status != http.StatusOK || !strings.Contains(answer, `"name":"Blue"`) {
			t.Errorf("%d %s", status, answer)
		}
		status, answer = w.send(t, http.MethodPatch, path, ann.header, map[string]string{"name": "\u200b\u2060"})
		if status != http.StatusOK || !strings.Contains(answer, `"name":"Passkey"`) {
			t.Errorf("a name that shows nothing: %d %s", status, answer)
		}
		if status, answer := w.send(t, http.MethodDelete, path, ann.header, nil); status != http.StatusNoContent {
			t.Errorf("%d %s", status, answer)
		}
		wantKind(t, "a deleted one", second(w.alone(t, k)), errs.Unauthorized)
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
	})
}

func TestPasskeySignsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		p, _ := w.enrolKey(t, ann, k)
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

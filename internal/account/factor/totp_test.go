package factor_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/totp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/secret"
)

const step = 30 * time.Second

// code is what an app shows now.
func (w *world) code(t testing.TB, seed string) string {
	t.Helper()
	return codeAt(t, seed, w.clock.Now())
}

func codeAt(t testing.TB, seed string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(seed, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrolApp sets an authenticator app up over HTTP and lets its first code pass.
func (w *world) enrolApp(t testing.TB, u user) (seed string, codes []string) {
	t.Helper()
	seed = post[struct{ Secret string }](t, w, "/api/account/factors/totp", u.header, nil).Secret
	codes = post[struct{ RecoveryCodes []string }](t, w, "/api/account/factors/totp/confirm", u.header, map[string]string{"code": w.code(t, seed)}).RecoveryCodes
	w.clock.pass(step)
	return seed, codes
}

// withCode ends a sign-in of the user's with the app, whose seed it takes from the
// database as nobody else can.
func (w *world) withCode(t testing.TB, u user) func(token string) (account.SignedIn, error) {
	return func(token string) (account.SignedIn, error) {
		seed, err := w.master.Open("totp", u.ID, w.text(t, "SELECT seed FROM totp WHERE user_id = $1", u.ID))
		if err != nil {
			return account.SignedIn{}, err
		}
		return w.SignInWithTOTP(t.Context(), home, token, w.code(t, string(seed)))
	}
}

func TestEnrolApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		e, err := w.StartTOTP(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		uri, err := url.Parse(e.URI)
		if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Peisear (peisear.example.org):ann@example.org" {
			t.Errorf("%s, %v", e.URI, err)
		}
		q := uri.Query()
		if q.Get("secret") != e.Secret || len(e.Secret) != 32 || q.Get("issuer") != "Peisear (peisear.example.org)" || q.Get("digits") != "6" || q.Get("period") != "30" {
			t.Errorf("%s for %s", e.URI, e.Secret)
		}
		image, isImage := strings.CutPrefix(e.QR, "data:image/svg+xml;base64,")
		svg, err := base64.StdEncoding.DecodeString(image)
		var parsed struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Paths   []struct {
				D string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := errors.Join(err, xml.Unmarshal(svg, &parsed)); err != nil || !isImage || len(parsed.Paths) != 2 {
			t.Errorf("%v: %s", err, e.QR)
		} else {
			sameModules(t, parsed.Paths[1].D, e.URI)
		}
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Errorf("asked for %s before the first code", asked)
		}
		_, err = w.FinishTOTP(t.Context(), ann.Actor, "000000")
		wantKind(t, "a wrong code", err, errs.Invalid)
		codes, err := w.FinishTOTP(t.Context(), ann.Actor, w.code(t, e.Secret))
		if err != nil || len(codes) != 10 {
			t.Errorf("%v, %v", codes, err)
		}
		_, err = w.FinishTOTP(t.Context(), ann.Actor, w.code(t, e.Secret))
		wantKind(t, "twice", err, errs.Conflict)
		_, err = w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, e.Secret))
		wantKind(t, "the first code signs nobody in", err, errs.Unauthorized)
		all, err := w.Get(t.Context(), ann.Actor)
		if err != nil || !all.TOTP.Enabled || all.TOTP.CreatedAt == nil || all.RecoveryCodesLeft != 10 {
			t.Errorf("%+v, %v", all, err)
		}
		_, err = w.FinishTOTP(t.Context(), w.signUp(t, "bob", account.User).Actor, w.code(t, e.Secret))
		wantKind(t, "another's", err, errs.Conflict)
	})
}

// sameModules compares a drawing, which has a frame of four, with the QR code of a text,
// module by module.
func sameModules(t *testing.T, path, text string) {
	t.Helper()
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	black := map[[2]int]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(path, -1) {
		var at [4]int
		for i := range at {
			if at[i], err = strconv.Atoi(run[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		for x := range at[2] {
			black[[2]int{at[0] + x, at[1]}] = at[2] == at[3]
		}
	}
	side, wrong := code.Bounds().Dx(), 0
	for x := range side + 8 {
		for y := range side + 8 {
			inside := x >= 4 && y >= 4 && x < side+4 && y < side+4
			if want := inside && code.At(x-4, y-4) == color.Black; black[[2]int{x, y}] != want {
				wrong++
			}
		}
	}
	if wrong > 0 || len(black) < side {
		t.Errorf("%d modules are wrong, %d black: %s", wrong, len(black), path)
	}
}

// TestAnAppThatIsNotConfirmedIsForgotten, after a quarter of an hour or ten tries.
func TestAnAppThatIsNotConfirmedIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		late, err := w.StartTOTP(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		tried, err := w.StartTOTP(t.Context(), bob.Actor)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			_, err := w.FinishTOTP(t.Context(), bob.Actor, "000000")
			wantKind(t, fmt.Sprint("try ", i), err, errs.Invalid)
		}
		_, err = w.FinishTOTP(t.Context(), bob.Actor, w.code(t, tried.Secret))
		wantKind(t, "the eleventh", err, errs.Conflict)
		w.clock.pass(15 * time.Minute)
		_, err = w.FinishTOTP(t.Context(), ann.Actor, w.code(t, late.Secret))
		wantKind(t, "late", err, errs.Conflict)
		if _, err := w.StartTOTP(t.Context(), w.again(t, ann, nil).Actor); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "totp_draft", "user_id <> $1", ann.ID); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// TestAnAppIsReplaced: the one before goes on until the new one has shown a code.
func TestAnAppIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		former, _ := w.enrolApp(t, ann)
		e, err := w.StartTOTP(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, former)); err != nil {
			t.Errorf("the former app: %v", err)
		}
		codes, err := w.FinishTOTP(t.Context(), ann.Actor, w.code(t, e.Secret))
		if err != nil || len(codes) != 0 {
			t.Errorf("%v, %v", codes, err)
		}
		w.clock.pass(step)
		_, err = w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, former))
		wantKind(t, "the former app", err, errs.Unauthorized)
		if _, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, e.Secret)); err != nil {
			t.Errorf("the new app: %v", err)
		}
	})
}

// TestCodesAreThoseOfTheRFC has the seed and times of RFC 6238, appendix B.
func TestCodesAreThoseOfTheRFC(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
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
			w.exec(t, "UPDATE totp SET step = 0, spent_until = 0")
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
			_, err = w.ConfirmWithTOTP(t.Context(), ann.Actor, again)
			wantKind(t, name+", to confirm", err, errs.Invalid)
		}
		next := codeAt(t, seed, w.clock.Now().Add(step))
		if _, err := w.ConfirmWithTOTP(t.Context(), ann.Actor, next); err != nil {
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
// everywhere, in new sign-ins and many at once, has ten tries and then one in five
// minutes. The owner has other ways meanwhile.
func TestGuessersAreLimitedPerAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, codes := w.enrolApp(t, ann)
		var tokens [30]string
		for i := range tokens {
			tokens[i] = w.pending(t, ann)
		}
		from := func(i int) account.Device {
			return account.Device{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})}
		}
		var mu sync.Mutex
		limited := 0
		w.atOnce(t, len(tokens), func(i int) (account.SignedIn, error) {
			result, err := w.SignInWithTOTP(t.Context(), from(i), tokens[i], wrong(w.code(t, seed), i))
			if mu.Lock(); errs.Is(err, errs.RateLimited) {
				limited++
			}
			mu.Unlock()
			return result, err
		})
		if limited != len(tokens)-10 {
			t.Errorf("%d of %d were limited", limited, len(tokens))
		}
		token := w.pending(t, ann)
		_, err := w.SignInWithTOTP(t.Context(), from(99), token, w.code(t, seed))
		wantKind(t, "the right code", err, errs.RateLimited)
		if after := errs.Of(err).RetryAfter; after <= 0 || after > 5*time.Minute {
			t.Errorf("retry after %v", after)
		}
		_, err = w.ConfirmWithTOTP(t.Context(), ann.Actor, w.code(t, seed))
		wantKind(t, "in a session", err, errs.RateLimited)
		if _, err := w.SignInWithRecovery(t.Context(), from(99), token, codes[0]); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		w.clock.pass(5 * time.Minute)
		if _, err := w.SignInWithTOTP(t.Context(), from(99), w.pending(t, ann), w.code(t, seed)); err != nil {
			t.Errorf("five minutes later: %v", err)
		}
		w.clock.pass(step) // a right code costs nothing
		if _, err := w.SignInWithTOTP(t.Context(), from(99), w.pending(t, ann), w.code(t, seed)); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
}

func TestConfirmWithTOTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		w.clock.pass(account.ConfirmLifetime)
		wantCode(t, "before", w.RemoveTOTP(t.Context(), ann.Actor), errs.Forbidden, "confirm")
		status, answer := w.send(t, http.MethodPost, "/api/account/confirm/totp", ann.header, map[string]string{"code": wrong(w.code(t, seed), 0)})
		if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "body.code") {
			t.Errorf("%d %s", status, answer)
		}
		until := post[struct{ ConfirmedUntil time.Time }](t, w, "/api/account/confirm/totp", ann.header, map[string]string{"code": w.code(t, seed)}).ConfirmedUntil
		if want := w.clock.Now().Add(account.ConfirmLifetime).Truncate(time.Microsecond); !until.Equal(want) {
			t.Errorf("until %v, want %v", until, want)
		}
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Errorf("after: %v", err)
		}
		_, err := w.ConfirmWithTOTP(t.Context(), ann.Actor, w.code(t, seed))
		wantKind(t, "without an app", err, errs.Invalid)
	})
}

// TestSeedsAreSealed: a thief of the database has no codes, nor has who moves a seed to
// another row.
func TestSeedsAreSealed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		seed, _ := w.enrolApp(t, ann)
		draft, err := w.StartTOTP(t.Context(), bob.Actor)
		if err != nil {
			t.Fatal(err)
		}
		for _, kept := range []string{w.text(t, "SELECT seed FROM totp"), w.text(t, "SELECT seed FROM totp_draft WHERE user_id = $1", bob.ID)} {
			if !strings.HasPrefix(kept, "v1.") || strings.Contains(kept, seed) || strings.Contains(kept, draft.Secret) {
				t.Errorf("kept as %s", kept)
			}
		}
		w.enrolApp(t, bob)
		w.exec(t, "UPDATE totp SET seed = $1", w.text(t, "SELECT seed FROM totp WHERE user_id = $1", ann.ID))
		_, err = w.SignInWithTOTP(t.Context(), home, w.pending(t, bob), w.code(t, seed))
		wantKind(t, "a moved seed", err, errs.Internal)
	})
}

func TestReseal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		seed, _ := w.enrolApp(t, ann)
		w.enrolApp(t, bob)
		if _, err := w.StartTOTP(t.Context(), bob.Actor); err != nil {
			t.Fatal(err)
		}
		next := master(t, "n")
		if _, err := factor.Reseal(t.Context(), w.db, next); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("without the former secret: %v", err)
		}
		both := master(t, "n", "s")
		for _, want := range []int{2, 0} {
			if n, err := factor.Reseal(t.Context(), w.db, both); n != want || err != nil {
				t.Errorf("resealed %d, want %d, %v", n, want, err)
			}
		}
		if n := w.count(t, "totp_draft", "1 = 1"); n != 0 {
			t.Errorf("%d that nobody has confirmed", n)
		}
		kept, err := next.Open("totp", ann.ID, w.text(t, "SELECT seed FROM totp WHERE user_id = $1", ann.ID))
		if err != nil || string(kept) != seed {
			t.Errorf("%s, %v", kept, err)
		}
	})
}

// TestTriesAreSharedByProcesses: what a try costs is the account's, whoever counts it.
func TestTriesAreSharedByProcesses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, _ := w.enrolApp(t, ann)
		other := newProcess(t, w.db, publicURL, w.clock)
		for i := range 10 {
			on := []*world{w, other}[i%2]
			_, err := on.SignInWithTOTP(t.Context(), home, on.pending(t, ann), wrong(w.code(t, seed), i))
			wantKind(t, fmt.Sprint("try ", i), err, errs.Unauthorized)
		}
		for _, on := range []*world{w, other} {
			_, err := on.SignInWithTOTP(t.Context(), account.Device{IP: netip.MustParseAddr("203.0.113.9")}, on.pending(t, ann), w.code(t, seed))
			wantKind(t, "the eleventh", err, errs.RateLimited)
		}
	})
}

func TestUnknownSignIns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, codes := w.enrolApp(t, ann)
		old := w.pending(t, ann)
		w.clock.pass(10 * time.Minute)
		for name, token := range map[string]string{"none": "", "invented": "x", "expired": old} {
			_, err := w.SignInWithTOTP(t.Context(), home, token, w.code(t, seed))
			wantKind(t, name, err, errs.Unauthorized)
			_, err = w.SignInWithRecovery(t.Context(), home, token, codes[0])
			wantKind(t, name, err, errs.Unauthorized)
			_, err = w.StartSecond(t.Context(), home, token)
			wantKind(t, name, err, errs.Unauthorized)
		}
		if n := w.count(t, "recovery_code", "1 = 1"); n != 10 {
			t.Errorf("%d codes are left", n)
		}
		used := w.pending(t, ann)
		if _, err := w.SignInWithTOTP(t.Context(), home, used, w.code(t, seed)); err != nil {
			t.Fatal(err)
		}
		_, err := w.SignInWithRecovery(t.Context(), home, used, codes[0])
		wantKind(t, "used", err, errs.Unauthorized)
	})
}

// TestDisabledMeanwhile: a second factor lets nobody in who may not come in any more.
func TestDisabledMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		seed, codes := w.enrolApp(t, ann)
		token := w.pending(t, ann)
		w.exec(t, "UPDATE users SET disabled_at = 1 WHERE id = $1", ann.ID)
		_, err := w.SignInWithTOTP(t.Context(), home, token, w.code(t, seed))
		wantKind(t, "a code", err, errs.Unauthorized)
		_, err = w.SignInWithRecovery(t.Context(), home, token, codes[0])
		wantKind(t, "a recovery code", err, errs.Unauthorized)
		if n := w.count(t, "recovery_code", "1 = 1"); n != 10 {
			t.Errorf("%d codes are left", n)
		}
	})
}

// master is a secret with former ones, each made of one letter.
func master(t testing.TB, letter string, former ...string) secret.Master {
	t.Helper()
	var texts []string
	for _, l := range former {
		texts = append(texts, strings.Repeat(l, secret.MinLength))
	}
	m, err := secret.NewMaster(strings.Repeat(letter, secret.MinLength), texts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

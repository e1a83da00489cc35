package factor_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"image/color"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
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
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Errorf("asked for %s before the first code", asked)
		}
		_, err = w.FinishTOTP(t.Context(), home, ann.Actor, wrong(w.code(t, e.Secret), 0))
		wantKind(t, "a wrong code", err, errs.Invalid)
		codes, err := w.FinishTOTP(t.Context(), home, ann.Actor, w.code(t, e.Secret))
		if err != nil || len(codes) != 10 {
			t.Errorf("%v, %v", codes, err)
		}
		_, err = w.FinishTOTP(t.Context(), home, ann.Actor, w.code(t, e.Secret))
		wantKind(t, "twice", err, errs.Conflict)
		_, err = w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, e.Secret))
		wantKind(t, "the first code signs nobody in", err, errs.Unauthorized)
		all, err := w.Get(t.Context(), ann.Actor)
		if err != nil || !all.TOTP.Enabled || all.TOTP.CreatedAt == nil || all.RecoveryCodesLeft != 10 {
			t.Errorf("%+v, %v", all, err)
		}
		_, err = w.FinishTOTP(t.Context(), home, w.signUp(t, "bob", account.User).Actor, w.code(t, e.Secret))
		wantKind(t, "another's", err, errs.Conflict)
	})
}

// TestWhatAnAppScans: the same in three forms, to scan, to click and to type.
func TestWhatAnAppScans(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		e, err := w.StartTOTP(t.Context(), w.signUp(t, "ann", account.User).Actor)
		if err != nil {
			t.Fatal(err)
		}
		const issuer = "Peisear (peisear.example.org)"
		uri, err := url.Parse(e.URI)
		if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/"+issuer+":ann@example.org" {
			t.Errorf("%s, %v", e.URI, err)
		}
		want := url.Values{"secret": {e.Secret}, "issuer": {issuer}, "digits": {"6"}, "period": {"30"}, "algorithm": {"SHA1"}}
		if got := uri.Query(); len(e.Secret) != 32 || got.Encode() != want.Encode() {
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
			t.Fatalf("%v: %s", err, e.QR)
		}
		sameModules(t, parsed.Paths[1].D, e.URI)
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

func TestAnAppThatIsNotConfirmedIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		e, err := w.StartTOTP(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.pass(15 * time.Minute)
		_, err = w.FinishTOTP(t.Context(), home, ann.Actor, w.code(t, e.Secret))
		wantKind(t, "late", err, errs.Conflict)
		if _, err := w.StartTOTP(t.Context(), w.signUp(t, "bob", account.User).Actor); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "totp_draft", "user_id = $1", ann.ID); n != 0 {
			t.Error("it is still there")
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
		codes, err := w.FinishTOTP(t.Context(), home, ann.Actor, w.code(t, e.Secret))
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
		_, err := w.ConfirmWithTOTP(t.Context(), home, ann.Actor, w.code(t, seed))
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
		wantKind(t, "a moved seed", err, errs.Unavailable)
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

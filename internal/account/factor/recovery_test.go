package factor_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		_, codes := w.enrolApp(t, ann)
		_, others := w.enrolApp(t, bob)
		seen := map[string]bool{}
		for _, code := range append(codes, others...) {
			if seen[code] || !regexp.MustCompile(`^([a-z2-7]{4}-){5}[a-z2-7]{4}$`).MatchString(code) {
				t.Errorf("code %s", code)
			}
			seen[code] = true
			if n := w.count(t, "recovery_code", "hash = $1", code); n != 0 {
				t.Error("kept as it is")
			}
		}
		try := func(code string) error {
			_, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), code)
			return err
		}
		for name, form := range map[string]string{
			"as shown": codes[0], "in capitals": strings.ToUpper(codes[1]),
			"without dashes": strings.ReplaceAll(codes[2], "-", ""), "with spaces": " " + strings.ReplaceAll(codes[3], "-", " ") + " ",
		} {
			if err := try(form); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			wantKind(t, name+" again", try(form), errs.Unauthorized)
		}
		for name, form := range map[string]string{"nothing": "", "dashes": "---", "another's": others[0], "half": codes[5][:14], "one more": codes[5] + "a"} {
			wantKind(t, name, try(form), errs.Unauthorized)
		}
		all, err := w.Get(t.Context(), ann.Actor)
		if err != nil || all.RecoveryCodesLeft != 6 {
			t.Errorf("%d left, %v", all.RecoveryCodesLeft, err)
		}
		if left := w.count(t, "recovery_code", "user_id = $1", bob.ID); left != 10 {
			t.Errorf("the other has %d left", left)
		}
	})
}

// TestOneCodeTwiceAtOnce makes one session.
func TestOneCodeTwiceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		_, codes := w.enrolApp(t, ann)
		for round := range 4 {
			before := w.count(t, "session", "1 = 1")
			tokens := []string{w.pending(t, ann), w.pending(t, ann)}
			good := w.atOnce(t, 2, func(i int) (account.SignedIn, error) {
				return w.SignInWithRecovery(t.Context(), home, tokens[i], codes[round])
			})
			if made := w.count(t, "session", "1 = 1") - before; good != 1 || made != 1 {
				t.Errorf("%d came in, %d sessions", good, made)
			}
			if left := w.count(t, "recovery_code", "1 = 1"); left != 9-round {
				t.Errorf("%d left", left)
			}
			w.clock.pass(account.ConfirmLifetime)
		}
		if got := w.audited(t); len(got) != 5 {
			t.Errorf("audited %s", strings.Join(got, "\n"))
		}
	})
}

func TestNewRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		_, former := w.enrolApp(t, ann)
		codes := post[struct{ RecoveryCodes []string }](t, w, "/api/account/factors/recovery", ann.header, nil).RecoveryCodes
		if len(codes) != 10 || w.count(t, "recovery_code", "1 = 1") != 10 {
			t.Fatal(codes)
		}
		for i, code := range former[:3] {
			_, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), code)
			wantKind(t, fmt.Sprint("a former one ", i), err, errs.Unauthorized)
		}
		if _, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), codes[0]); err != nil {
			t.Error(err)
		}
		for _, code := range codes[1:] {
			if _, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), code); err != nil {
				t.Fatal(err)
			}
		}
		if asked := w.asks(t, ann); asked != "totp" {
			t.Errorf("asked for %s", asked)
		}
	})
}

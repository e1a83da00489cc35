package factor_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/factor"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

func TestNobodyIsAskedWithoutAFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
		_, answer := w.send(t, http.MethodGet, "/api/account/factors", ann.header, nil)
		if answer != `{"totp":{"enabled":false,"createdAt":null},"passkeys":[],"recoveryCodesLeft":0}`+"\n" {
			t.Error(answer)
		}
		_, err := w.NewRecoveryCodes(t.Context(), ann.Actor)
		wantKind(t, "codes for nothing", err, errs.Conflict)
	})
}

// TestFactorsAreIndependent sets up both, in either order, and takes them away again:
// what is asked for follows, and the codes come and go with the first and the last.
func TestFactorsAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		key := newKey()
		step := func(what, asked string, codes []string, given bool) {
			t.Helper()
			if got := w.asks(t, ann); got != asked || (len(codes) == 10) != given {
				t.Errorf("%s: asked for %s, %d codes", what, got, len(codes))
			}
		}
		secret, codes := w.enrolApp(t, ann)
		step("app", "totp recovery", codes, true)
		first, codes := w.enrolKey(t, ann, key)
		step("app and passkey", "totp passkey recovery", codes, false)
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		step("passkey", "passkey recovery", nil, false)
		w.enrolApp(t, ann)
		if err := w.RemovePasskey(t.Context(), ann.Actor, first.ID); err != nil {
			t.Fatal(err)
		}
		step("another app", "totp recovery", nil, false)
		_, err := w.SignInWithTOTP(t.Context(), home, w.pending(t, ann), w.code(t, secret))
		wantKind(t, "a code of the former app", err, errs.Unauthorized)
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		step("nothing", "nothing", nil, false)
		if n := w.count(t, "recovery_code", "1 = 1"); n != 0 {
			t.Errorf("%d codes are left", n)
		}
		wantKind(t, "no app", w.RemoveTOTP(t.Context(), ann.Actor), errs.NotFound)
		wantKind(t, "no passkey", w.RemovePasskey(t.Context(), ann.Actor, first.ID), errs.NotFound)
	})
}

// TestWithoutCodesAFactorIsStillAsked: nothing that is used up opens the door.
func TestWithoutCodesAFactorIsStillAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		w.enrolKey(t, ann, newKey())
		w.exec(t, "DELETE FROM recovery_code")
		if asked := w.asks(t, ann); asked != "passkey" {
			t.Error(asked)
		}
	})
}

// TestEveryChangeIsAudited: who did what, in the transaction that does it, and nothing
// that would let anybody in.
func TestEveryChangeIsAudited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, admin := w.signUp(t, "ann", account.User), w.signUp(t, "admin", account.Admin)
		secret, codes := w.enrolApp(t, ann)
		key := newKey()
		p, _ := w.enrolKey(t, ann, key)
		if _, err := w.RenamePasskey(t.Context(), ann.Actor, p.ID, "Blue key"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RenamePasskey(t.Context(), ann.Actor, p.ID, "Blue key"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignInWithRecovery(t.Context(), home, w.pending(t, ann), codes[0]); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(time.Second)
		fresh, err := w.NewRecoveryCodes(t.Context(), ann.Actor)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveTOTP(t.Context(), ann.Actor); err != nil {
			t.Fatal(err)
		}
		publicKey := w.text(t, "SELECT public_key FROM passkey WHERE id = $1", p.ID)
		if err := w.Reset(t.Context(), admin.Actor, ann.ID); err != nil {
			t.Fatal(err)
		}
		got := w.audited(t)
		for i, want := range []string{
			"create " + ann.ID + " by " + ann.ID + `: {"totp":"20`,
			"update " + ann.ID + " by " + ann.ID + `: {"passkeys":[{"id":"` + p.ID,
			`"name":"Blue key"`,
			`{"recoveryCodes":9} was {"recoveryCodes":10}`,
			`{"recoveryCodes":10,"recoveryCodesAt":"20`,
			`{"totp":null} was {"totp":"20`,
			"delete " + ann.ID + " by " + admin.ID,
		} {
			if i >= len(got) || !strings.Contains(got[i], want) {
				t.Errorf("%d: no %s in\n%s", i, want, strings.Join(got, "\n"))
			}
		}
		if len(got) != 7 {
			t.Errorf("%d changes:\n%s", len(got), strings.Join(got, "\n"))
		}
		all := strings.Join(got, "\n")
		for _, hidden := range append(append([]string{secret, publicKey}, codes...), fresh...) {
			if hidden == "" || strings.Contains(all, hidden) {
				t.Errorf("shows %q", hidden)
			}
		}
	})
}

func TestReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob, admin := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User), w.signUp(t, "admin", account.Admin)
		w.enrolApp(t, ann)
		w.enrolKey(t, ann, newKey())
		w.enrolApp(t, bob)
		path := "/api/admin/users/" + ann.ID + "/factors/reset"
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "stranger", Method: "POST", Path: path, Status: 401},
			{Name: "the user", Method: "POST", Path: path, Header: ann.header, Status: 403},
			{Name: "another", Method: "POST", Path: path, Header: bob.header, Status: 403},
			{Name: "nobody's", Method: "POST", Path: "/api/admin/users/01900000-0000-7000-8000-000000000000/factors/reset", Header: admin.header, Status: 404},
			{Name: "no id", Method: "POST", Path: "/api/admin/users/7/factors/reset", Header: admin.header, Status: 422},
		})
		w.clock.pass(account.ConfirmLifetime)
		wantCode(t, "no fresh proof", w.Reset(t.Context(), admin.Actor, ann.ID), errs.Forbidden, "confirm")
		claims := account.Actor{ID: bob.ID, Role: account.Admin, Session: w.again(t, bob, w.withCode(t, bob)).Session}
		wantKind(t, "somebody who claims to be an admin", w.Reset(t.Context(), claims, ann.ID), errs.Forbidden)
		if asked := w.asks(t, ann); asked != "totp passkey recovery" {
			t.Fatal(asked)
		}
		admin = w.again(t, admin, nil)
		if status, answer := w.send(t, http.MethodPost, path, admin.header, nil); status != http.StatusNoContent {
			t.Fatal(status, answer)
		}
		if asked := w.asks(t, ann); asked != "nothing" {
			t.Error(asked)
		}
		if asked := w.asks(t, bob); asked != "totp recovery" {
			t.Error(asked)
		}
		if status, _ := w.send(t, http.MethodGet, "/api/account/factors", ann.header, nil); status != http.StatusOK {
			t.Errorf("the user's session: %d", status)
		}
		wantKind(t, "again", w.Reset(t.Context(), account.Operator(), ann.ID), errs.NotFound)
		if err := w.Reset(t.Context(), account.Operator(), bob.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestKinds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob, cat, dan := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User), w.signUp(t, "cat", account.User), w.signUp(t, "dan", account.User)
		w.enrolApp(t, ann)
		w.enrolKey(t, ann, newKey())
		w.enrolKey(t, ann, newKey())
		w.enrolApp(t, bob)
		w.enrolKey(t, dan, newKey())
		kinds := func(ids ...string) string {
			all, err := db.Read(t.Context(), w.db, func(ctx context.Context, c db.Conn) (map[string][]string, error) {
				return factor.Kinds(ctx, c, ids)
			})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(all)
		}
		for want, ids := range map[string][]string{
			fmt.Sprintf("map[%s:[totp passkey] %s:[totp] %s:[passkey]]", ann.ID, bob.ID, dan.ID): {dan.ID, cat.ID, ann.ID, bob.ID},
			fmt.Sprintf("map[%s:[totp passkey] %s:[passkey]]", ann.ID, dan.ID):                   {ann.ID, dan.ID}, // bob is between
			"map[]": {cat.ID, "x"},
		} {
			if got := kinds(ids...); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if got := kinds(); got != "map[]" {
			t.Error(got)
		}
	})
}

// TestFreshProof calls everything that needs one in a session that is five minutes old.
func TestFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		w.enrolApp(t, ann)
		p, _ := w.enrolKey(t, ann, newKey())
		before := w.audited(t)
		w.clock.pass(account.ConfirmLifetime)
		for _, c := range []struct{ method, path string }{
			{"POST", "/api/account/factors/totp"}, {"DELETE", "/api/account/factors/totp"},
			{"POST", "/api/account/factors/recovery"}, {"POST", "/api/account/factors/passkeys/options"},
			{"DELETE", "/api/account/factors/passkeys/" + p.ID},
		} {
			status, answer := w.send(t, c.method, c.path, ann.header, nil)
			if status != http.StatusForbidden || !strings.Contains(answer, `"code":"confirm"`) {
				t.Errorf("%s %s: %d %s", c.method, c.path, status, answer)
			}
		}
		if after := w.audited(t); !slices.Equal(before, after) {
			t.Errorf("changed %v", after[len(before):])
		}
	})
}

// TestStrangersAndPrograms: everything that is the user's own needs a session, and the
// ids of others are nobody's.
func TestStrangersAndPrograms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		p, _ := w.enrolKey(t, ann, newKey())
		program := accounttest.Sign(t, account.Actor{ID: ann.ID, Role: ann.Role}) // without a session, as API tokens are
		mine := "/api/account/factors/passkeys/" + p.ID
		const answer = `{"id":"x","credential":{}}`
		var all, programs []basetest.Scenario
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/api/account/factors", ""},
			{"POST", "/api/account/factors/totp", ""},
			{"POST", "/api/account/factors/totp/confirm", `{"code":"123456"}`},
			{"DELETE", "/api/account/factors/totp", ""},
			{"POST", "/api/account/factors/recovery", ""},
			{"POST", "/api/account/factors/passkeys/options", ""},
			{"POST", "/api/account/factors/passkeys", answer},
			{"PATCH", mine, `{"name":"x"}`},
			{"DELETE", mine, ""},
			{"POST", "/api/account/confirm/totp", `{"code":"123456"}`},
			{"POST", "/api/account/confirm/passkey/options", ""},
			{"POST", "/api/account/confirm/passkey", answer},
		} {
			all = append(all, basetest.Scenario{Name: "stranger " + c.method + c.path, Method: c.method, Path: c.path, Body: c.body, Status: 401})
			programs = append(programs, basetest.Scenario{Name: "program " + c.method + c.path, Method: c.method, Path: c.path, Body: c.body, Header: program, Status: 403, HasNot: []string{`"code"`}})
		}
		all = append(all,
			basetest.Scenario{Name: "rename another's", Method: "PATCH", Path: mine, Body: `{"name":"x"}`, Header: bob.header, Status: 404},
			basetest.Scenario{Name: "delete another's", Method: "DELETE", Path: mine, Header: bob.header, Status: 404},
			basetest.Scenario{Name: "list another's", Path: "/api/account/factors", Header: bob.header, Status: 200, Has: []string{`"passkeys":[]`}},
			basetest.Scenario{Name: "confirm with another's", Method: "POST", Path: "/api/account/confirm/passkey/options", Header: bob.header, Status: 409},
		)
		before := w.audited(t)
		basetest.RunScenarios(t, w.http, all)
		basetest.RunScenarios(t, w.programs, programs)
		if after := w.audited(t); !slices.Equal(before, after) {
			t.Errorf("changed %v", after[len(before):])
		}
	})
}

func TestBadInput(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		p, _ := w.enrolKey(t, ann, newKey())
		mine := "/api/account/factors/passkeys/" + p.ID
		bad := func(method, path, name, body, has string) basetest.Scenario {
			return basetest.Scenario{
				Name: path + " " + name, Method: method, Path: path, Header: ann.header, Body: body, Status: 422, Has: []string{has},
				HasNot: []string{"sql", "SQL", "constraint", "goroutine", "CBOR", "cbor"},
			}
		}
		long := strings.Repeat("x", 65)
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			bad("POST", "/api/auth/factor/totp", "nothing", `{}`, "token"),
			bad("POST", "/api/auth/factor/totp", "long token", `{"token":"`+long+`","code":"1"}`, "body.token"),
			bad("POST", "/api/auth/factor/totp", "number", `{"token":"x","code":123456}`, "body.code"),
			bad("POST", "/api/auth/factor/recovery", "long", `{"token":"x","code":"`+long+`"}`, "body.code"),
			bad("POST", "/api/auth/factor/passkey/options", "nothing", `{}`, "token"),
			bad("POST", "/api/auth/passkey", "no credential", `{"id":"x"}`, "credential"),
			bad("POST", "/api/auth/passkey", "null", `{"id":"x","credential":null}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "text", `{"id":"x","credential":"hello"}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "empty", `{"id":"x","credential":{}}`, "body.credential"),
			bad("POST", "/api/auth/passkey", "huge", `{"id":"x","credential":{"id":"`+strings.Repeat("A", 70_000)+`"}}`, "body.credential"),
			bad("POST", "/api/account/factors/totp/confirm", "long", `{"code":"123456789012345678901"}`, "body.code"),
			bad("POST", "/api/account/factors/passkeys", "empty", `{"id":"x","credential":{}}`, "body.credential"),
			bad("POST", "/api/account/factors/passkeys", "long name", `{"id":"x","name":"`+long+`","credential":{}}`, "body.name"),
			bad("PATCH", mine, "no name", `{"name":""}`, "body.name"),
			bad("PATCH", mine, "bell", `{"name":"a\u0007"}`, "body.name"),
			bad("PATCH", "/api/account/factors/passkeys/7", "no id", `{"name":"x"}`, "path.id"),
			bad("POST", "/api/account/confirm/passkey", "empty", `{"id":"x","credential":{}}`, "body.credential"),
		})
		if strings.Contains(w.lines.String(), "level=ERROR") {
			t.Errorf("logged %s", w.lines)
		}
	})
}

// TestErase: of a deleted user nothing is left but what the audit log says.
func TestErase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bob := w.signUp(t, "ann", account.User), w.signUp(t, "bob", account.User)
		for _, u := range []user{ann, bob} {
			w.enrolApp(t, u)
			w.enrolKey(t, u, newKey())
			if _, err := w.StartTOTP(t.Context(), u.Actor); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			_, _, err := live.Write(t.Context(), w.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (struct{}, error) {
				return struct{}{}, factor.Erase(t.Context(), tx, ann.ID)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for table, kept := range map[string]int{"totp": 1, "totp_draft": 1, "recovery_code": 10, "passkey": 1, "passkey_handle": 1} {
			if n := w.count(t, table, "user_id = $1", ann.ID); n != 0 {
				t.Errorf("%s: %d rows are left", table, n)
			}
			if n := w.count(t, table, "user_id = $1", bob.ID); n != kept {
				t.Errorf("%s: the other has %d rows", table, n)
			}
		}
		if got := w.audited(t); len(got) != 5 || !strings.HasPrefix(got[4], "delete "+ann.ID) {
			t.Errorf("audited %s", strings.Join(got, "\n"))
		}
	})
}

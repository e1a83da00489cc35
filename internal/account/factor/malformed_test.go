package factor_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/errs"
)

// spoilt returns the answer with one thing wrong each: a member that is missing or of
// another type, a text that is cut or has another letter. The names are paths.
func spoilt(t *testing.T, right json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	all := map[string]json.RawMessage{}
	var walk func(path string, members map[string]any, whole func() any)
	walk = func(path string, members map[string]any, whole func() any) {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			value, at := members[name], path+name
			put := func(how string, v any) {
				if members[name] = v; v == nil && how == "missing" {
					delete(members, name)
				}
				text, err := json.Marshal(whole())
				if err != nil {
					t.Fatal(err)
				}
				all[at+" "+how] = text
				members[name] = value
			}
			put("missing", nil)
			put("null", nil)
			put("number", 7)
			put("empty", "")
			put("list", []any{value})
			put("object", map[string]any{"x": value})
			switch v := value.(type) {
			case string:
				middle := len(v) / 2
				put("cut", v[:middle])
				put("not base64", v[:middle]+"!"+v[middle+1:])
				put("changed", v[:middle]+string('A'+(v[middle]-'A'+1)%26)+v[middle+1:])
			case map[string]any:
				walk(at+".", v, whole)
			}
		}
	}
	var document map[string]any
	if err := json.Unmarshal(right, &document); err != nil {
		t.Fatal(err)
	}
	walk("", document, func() any { return document })
	return all
}

// unsigned is what nobody signs, and nobody reads: it may be anything that parses.
func unsigned(path string) bool {
	return strings.HasPrefix(path, "authenticatorAttachment") || strings.HasPrefix(path, "clientExtensionResults") ||
		strings.HasPrefix(path, "response.transports")
}

// TestSpoiltAnswers: whatever is wrong with an answer, it opens nothing, keeps nothing
// and breaks nothing.
func TestSpoiltAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.signUp(t, "ann", account.User)
		k := newKey()
		w.enrolKey(t, ann, k)
		refuse := func(what string, status int, answer string, allowed ...int) {
			t.Helper()
			if !slices.Contains(allowed, status) || strings.Contains(answer, "panic") {
				t.Errorf("%s: %d %s", what, status, answer)
			}
		}
		begin := func(path string) challenge {
			w.clock.pass(10 * time.Second) // earns a try back
			return post[challenge](t, w, path, ann.header, nil)
		}
		c := begin("/api/auth/passkey/options")
		for name := range spoilt(t, k.sign(t, c)) {
			c := begin("/api/auth/passkey/options")
			status, answer := w.send(t, http.MethodPost, "/api/auth/passkey", nil, map[string]any{"id": c.ID, "credential": spoilt(t, k.sign(t, c))[name]})
			if unsigned(name) {
				refuse(name, status, answer, 200, 401, 422)
			} else {
				refuse(name, status, answer, 401, 422)
			}
			if status != http.StatusOK && w.count(t, "session", "method = 'passkey'") > 0 {
				t.Fatalf("%s: there is a session", name)
			}
			w.exec(t, "DELETE FROM session WHERE method = 'passkey'")
			w.exec(t, "DELETE FROM ceremony")
		}
		made, err := w.StartPasskey(t.Context(), w.again(t, ann, func(token string) (account.SignedIn, error) { return w.second(t, token, k) }).Actor)
		other := newKey()
		for name := range spoilt(t, other.create(t, began(t, made, err))) {
			w.exec(t, "UPDATE session SET confirmed_at = $1", w.clock.Now().UnixMicro())
			made, err := w.StartPasskey(t.Context(), ann.Actor)
			c := began(t, made, err)
			_, _, err = w.FinishPasskey(t.Context(), ann.Actor, c.ID, "", spoilt(t, other.create(t, c))[name])
			if good := err == nil; good && !unsigned(name) || !good && !errs.Is(err, errs.Invalid) {
				t.Errorf("new, %s: %v", name, err)
			}
			if kept := w.count(t, "passkey", "1 = 1"); kept != 1 && err != nil {
				t.Fatalf("new, %s: kept", name)
			}
			w.exec(t, "DELETE FROM passkey WHERE credential_id = $1", b64(other.id))
			w.exec(t, "DELETE FROM ceremony")
		}
		if strings.Contains(w.lines.String(), "level=ERROR") {
			t.Errorf("logged %s", w.lines)
		}
	})
}

// FuzzAnswers gives the two places that read answers anything, as a whole and in parts
// that fit the challenge: nobody comes in, and nothing breaks.
func FuzzAnswers(f *testing.F) {
	w := newWorld(f, basetest.NewDB(f, "sqlite", migrations()...), publicURL)
	ann := w.signUp(f, "ann", account.User)
	k := newKey()
	w.enrolKey(f, ann, k)
	made, err := w.StartPasskey(f.Context(), ann.Actor)
	enrol := began(f, made, err)
	made, err = w.StartAlone(f.Context(), home)
	alone := began(f, made, err)
	for _, whole := range []json.RawMessage{newKey().create(f, enrol), k.sign(f, alone), json.RawMessage(`{}`), json.RawMessage(`[`), json.RawMessage("\x00")} {
		var parts struct {
			Response struct{ AuthenticatorData, AttestationObject, Signature string }
		}
		_ = json.Unmarshal(whole, &parts) // some are none
		f.Add([]byte(whole), `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"`+publicURL+`"}`,
			parts.Response.AuthenticatorData+parts.Response.AttestationObject, parts.Response.Signature)
	}
	f.Fuzz(func(t *testing.T, whole []byte, clientData, data, signature string) {
		w.clock.pass(6 * time.Minute)
		w.exec(t, "UPDATE session SET confirmed_at = $1", w.clock.Now().UnixMicro())
		w.exec(t, "DELETE FROM ceremony")
		try := func(credential func(challenge string) []byte) {
			made, err := w.StartPasskey(t.Context(), ann.Actor)
			enrol := began(t, made, err)
			_, _, enrolErr := w.FinishPasskey(t.Context(), ann.Actor, enrol.ID, "", credential(challengeOf(t, enrol)))
			made, err = w.StartAlone(t.Context(), home)
			alone := began(t, made, err)
			_, aloneErr := w.SignInAlone(t.Context(), home, alone.ID, credential(challengeOf(t, alone)))
			if enrolErr == nil { // nobody vouches for a new passkey: one can be made by chance
				w.exec(t, "DELETE FROM passkey WHERE credential_id <> $1", b64(k.id))
			} else if !errs.Is(enrolErr, errs.Invalid) {
				t.Errorf("new: %v", enrolErr)
			}
			if !errs.Is(aloneErr, errs.Invalid) && !errs.Is(aloneErr, errs.Unauthorized) {
				t.Errorf("sign in: %v", aloneErr)
			}
		}
		try(func(string) []byte { return whole })
		try(func(challenge string) []byte {
			return answer(t, k.id, map[string]any{
				"clientDataJSON":    b64([]byte(strings.ReplaceAll(clientData, "CHALLENGE", challenge))),
				"attestationObject": data, "authenticatorData": data, "signature": signature, "userHandle": b64(k.handle),
			})
		})
	})
}

func challengeOf(t testing.TB, c challenge) string {
	t.Helper()
	var options struct{ Challenge string }
	if err := json.Unmarshal(c.PublicKey, &options); err != nil {
		t.Fatal(err)
	}
	return options.Challenge
}

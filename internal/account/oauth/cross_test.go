package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/account/provider/providertest"
)

// TestNobodyIsSentAway from another site: a page elsewhere begins no sign-in. Whoever
// comes from there finds the page with the button.
func TestNobodyIsSentAway(t *testing.T) {
	each(t, []provider.ID{provider.Google}, func(t *testing.T, w *world) {
		there := w.providers[provider.Google].URL
		for path, page := range map[string]string{
			"/api/auth/google/start":                                   "/login",
			"/api/auth/google/start?then=/projects/X":                  "/login?then=%2Fprojects%2FX",
			"/api/auth/google/start?then=https://evil.example":         "/login",
			"/api/auth/google/signup/start?code=C%26x":                 "/signup?code=C%26x",
			"/api/auth/google/signup/start?code=C&then=//evil.example": "/signup?code=C",
		} {
			for from, foreign := range map[string]bool{"cross-site": true, "same-site": true, "same-origin": false, "none": false, "": false} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				if from != "" {
					r.Header.Set("Sec-Fetch-Site", from)
				}
				answer := httptest.NewRecorder()
				w.handler.ServeHTTP(answer, r)
				to, cookies := answer.Header().Get("Location"), answer.Result().Cookies()
				if answer.Code != http.StatusSeeOther || foreign && (to != page || len(cookies) != 0) || !foreign && (!strings.HasPrefix(to, there) || len(cookies) != 1) {
					t.Errorf("%s from %q: %d %s %v", path, from, answer.Code, to, cookies)
				}
			}
		}
		if n := w.count(t, "oauth_attempt", "1 = 1"); n != 15 {
			t.Errorf("%d attempts were kept", n)
		}
	})
}

// TestTheSameNumberElsewhere is another person: who they are is the provider's number
// at that provider, whatever else is alike.
func TestTheSameNumberElsewhere(t *testing.T) {
	each(t, []provider.ID{provider.Google, provider.OpenID, provider.Microsoft, provider.Apple}, func(t *testing.T, w *world) {
		twin := providertest.Person{Subject: "7", Email: "ann@example.org", Verified: true, Name: "Ann", Tenant: "9122040d-6c67-4c5b-b112-36a304b66dad"}
		for _, s := range w.providers {
			s.SignIn(twin)
		}
		w.known(t) // at Google
		for _, id := range []provider.ID{provider.OpenID, provider.Microsoft, provider.Apple} {
			b := providertest.NewBrowser(t)
			w.journey(t, b, "/api/auth/"+string(id)+"/start")
			wantAt(t, string(id), b, "/signup?error=unknown_identity&provider="+string(id))
			if _, ok := w.refreshed(t, b); ok {
				t.Errorf("%s: signed in", id)
			}
		}
		b := providertest.NewBrowser(t)
		w.journey(t, b, "/api/auth/google/start")
		if _, ok := w.refreshed(t, b); !ok {
			t.Error("the one whose number it is does not get in")
		}
	})
}

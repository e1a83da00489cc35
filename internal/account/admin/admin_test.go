package admin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/account/admin"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/secret"
	"github.com/peisear/peisear/internal/base/web"
)

func TestMain(m *testing.M) { basetest.Main(m) }

const password = "correct horse"

// world is an instance with an admin, Ada, and a user, Bob, who are signed in.
type world struct {
	*admin.Service
	accounts *account.Service
	db       *db.DB
	log      *live.Log
	http     http.Handler
	ada, bob account.SignedIn
}

func each(t *testing.T, test func(t *testing.T, w world), changes ...func(*account.Settings)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d, changes...)) }, live.Migrations, account.Migrations)
}

func newWorld(t *testing.T, d *db.DB, changes ...func(*account.Settings)) world {
	t.Helper()
	master, err := secret.NewMaster(strings.Repeat("s", secret.MinLength))
	if err != nil {
		t.Fatal(err)
	}
	settings := account.Settings{
		PublicURL: "http://localhost:3000", Secret: master, Keys: accounttest.Keys(t), AccessTTL: 15 * time.Minute,
		RefreshTTL: time.Hour, Passwords: account.Argon2{Memory: 64, Time: 1, Threads: 1}, Clock: account.SystemClock(),
	}
	for _, change := range changes {
		change(&settings)
	}
	hub, logger := live.NewHub(), slog.New(slog.DiscardHandler)
	w := world{db: d, log: live.New(d, hub)}
	w.accounts = account.New(d, w.log, hub, logger, settings)
	w.Service = admin.New(d, w.log, w.accounts)
	api := web.New(logger, nil)
	account.Feature(w.accounts).Routes(api)
	admin.Feature(w.Service).Routes(api)
	w.http = api.Handler(w.accounts.Authenticate)
	w.ada, w.bob = w.signUp(t, "ada", account.Admin), w.signUp(t, "bob", account.User)
	return w
}

func (w world) signUp(t *testing.T, name string, role account.Role) account.SignedIn {
	t.Helper()
	_, code, err := w.accounts.Invite(t.Context(), account.Operator(), "", account.InviteDraft{Role: role})
	if err != nil {
		t.Fatal(err)
	}
	from := account.Device{IP: netip.MustParseAddr("192.0.2.1")}
	s, err := w.accounts.SignUp(t.Context(), from, account.SignUp{Code: code, Email: name + "@example.org", Password: password, DisplayName: name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func as(s account.SignedIn) map[string]string {
	return map[string]string{"Authorization": "Bearer " + s.AccessToken}
}

// do is one request and its answer, decoded.
func do[T any](t *testing.T, w world, s account.SignedIn, method, path, body string, status int) (v T) {
	t.Helper()
	got, answer := basetest.Do(t, w.http, method, path, as(s), body)
	if got != status {
		t.Fatalf("%s %s: %d %s", method, path, got, answer)
	}
	if answer == "" {
		return v
	}
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	return v
}

func exec(t *testing.T, d *db.DB, statement string, args ...any) {
	t.Helper()
	_, err := db.Write(t.Context(), d, func(tx *db.Tx) (struct{}, error) {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return struct{}{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

type page[T any] struct {
	Items      []T
	NextCursor *string
}

func TestUsersShowWhatOthersKnow(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		if plain := do[page[admin.User]](t, w, w.ada, "GET", "/api/admin/users", "", 200); plain.Items[0].Factors == nil || plain.Items[0].Providers == nil {
			t.Errorf("null for none: %+v", plain.Items[0])
		}
		w.ShowFactors(func(_ context.Context, _ db.Conn, ids []string) (map[string][]string, error) {
			if len(ids) > 2 {
				t.Errorf("asked for %v", ids)
			}
			return map[string][]string{w.bob.User.ID: {"totp"}}, nil
		})
		w.ShowProviders(func(context.Context, db.Conn, []string) (map[string][]string, error) {
			return map[string][]string{w.ada.User.ID: {"github"}}, nil
		})
		got := do[page[admin.User]](t, w, w.ada, "GET", "/api/admin/users", "", 200)
		if len(got.Items) != 2 || got.NextCursor != nil {
			t.Fatalf("%+v", got)
		}
		ada, bob := got.Items[0], got.Items[1]
		if diff := cmp.Diff([][]string{{}, {"github"}, {"totp"}, {}}, [][]string{ada.Factors, ada.Providers, bob.Factors, bob.Providers}); diff != "" {
			t.Error(diff)
		}
		if bob.Profile != w.bob.User || bob.Disabled || bob.Version != 1 || bob.LastSeenAt == nil || ada.Role != account.Admin {
			t.Errorf("%+v", bob)
		}
	})
}

func TestUsersByPage(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		for _, name := range []string{"cleo", "dora"} {
			w.signUp(t, name, account.User)
		}
		var names []string
		path := "/api/admin/users?limit=1"
		for range 5 {
			got := do[page[admin.User]](t, w, w.ada, "GET", path, "", 200)
			for _, u := range got.Items {
				names = append(names, u.DisplayName)
			}
			if got.NextCursor == nil {
				break
			}
			path = "/api/admin/users?limit=1&cursor=" + *got.NextCursor
		}
		if diff := cmp.Diff([]string{"ada", "bob", "cleo", "dora"}, names); diff != "" {
			t.Error(diff)
		}
		do[page[admin.User]](t, w, w.ada, "PATCH", "/api/admin/users/"+w.bob.User.ID, `{"disabled":true}`, 200)
		for path, want := range map[string]int{
			"?status=disabled": 1, "?status=active": 3, "?q=CLEO": 1, "?q=example.org&status=active": 3, "?q=nobody": 0,
		} {
			if got := do[page[admin.User]](t, w, w.ada, "GET", "/api/admin/users"+path, "", 200); len(got.Items) != want {
				t.Errorf("%s: %d users", path, len(got.Items))
			}
		}
	})
}

// TestAtOnce: what an admin does about a user the user's next request meets.
func TestAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ method, path, body string }{
		"demoted":    {"PATCH", "", `{"role":"user"}`},
		"promoted":   {"PATCH", "", `{"role":"admin"}`},
		"disabled":   {"PATCH", "", `{"disabled":true}`},
		"signed out": {"POST", "/sign-out", ``},
		"deleted":    {"DELETE", "", `{"work":"unassign"}`},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w world) {
				if err := w.accounts.CatchUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				whom := w.bob
				if name == "demoted" {
					whom = w.signUp(t, "eve", account.Admin)
				}
				do[account.Profile](t, w, whom, "GET", "/api/auth/me", "", 200)
				status := map[string]int{"PATCH": 200, "POST": 204, "DELETE": 204}[c.method]
				do[any](t, w, w.ada, c.method, "/api/admin/users/"+whom.User.ID+c.path, c.body, status)
				do[any](t, w, whom, "GET", "/api/auth/me", "", 401)
				do[account.Profile](t, w, w.ada, "GET", "/api/auth/me", "", 200)
			})
		})
	}
}

func TestResetLink(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		type link struct {
			URL       string
			ExpiresAt time.Time
		}
		got := do[link](t, w, w.ada, "POST", "/api/admin/users/"+w.bob.User.ID+"/reset-link", "", 200)
		code, ok := strings.CutPrefix(got.URL, "http://localhost:3000/reset#code=")
		if !ok || !got.ExpiresAt.After(time.Now()) {
			t.Fatalf("%+v", got)
		}
		do[any](t, w, account.SignedIn{}, "POST", "/api/auth/password/reset", `{"code":"`+code+`","password":"another horse"}`, 204)
		do[any](t, w, account.SignedIn{}, "POST", "/api/auth/login", `{"email":"bob@example.org","password":"another horse"}`, 200)
		do[any](t, w, w.ada, "PATCH", "/api/admin/users/"+w.bob.User.ID, `{"disabled":true}`, 200)
		do[any](t, w, w.ada, "POST", "/api/admin/users/"+w.bob.User.ID+"/reset-link", "", 409)
	})
}

// TestResetLinkNeedsAProof: the link is a way into somebody's account, and into the
// admin's own.
func TestResetLinkNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		exec(t, w.db, "UPDATE session SET confirmed_at = confirmed_at - 600000000")
		path := "/api/admin/users/" + w.bob.User.ID + "/reset-link"
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "without", Method: "POST", Path: path, Header: as(w.ada), Status: 403, Has: []string{`"code":"confirm"`}},
			{Name: "a user", Method: "POST", Path: path, Header: as(w.bob), Status: 403, HasNot: []string{`"code":"confirm"`}},
			{Name: "confirm", Method: "POST", Path: "/api/account/confirm", Header: as(w.ada), Body: `{"password":"correct horse"}`, Status: 200},
			{Name: "with", Method: "POST", Path: path, Header: as(w.ada), Status: 200},
		})
	})
}

// TestMakingAdminsNeedsAProof: the role outlives the session that was found open.
func TestMakingAdminsNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		_, before := basetest.Do(t, w.http, "POST", "/api/invites", as(w.ada), `{"role":"admin"}`)
		var open struct{ ID string }
		if err := json.Unmarshal([]byte(before), &open); err != nil || open.ID == "" {
			t.Fatal(before)
		}
		exec(t, w.db, "UPDATE session SET confirmed_at = confirmed_at - 600000000")
		bob, renew := "/api/admin/users/"+w.bob.User.ID, "/api/invites/"+open.ID+"/renew"
		asks := []string{`"code":"confirm"`}
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "a user", Method: "POST", Path: "/api/invites", Header: as(w.ada), Body: `{}`, Status: 201},
			{Name: "disable", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"disabled":true}`, Status: 200},
			{Name: "enable a user", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"disabled":false}`, Status: 200},
			{Name: "the role", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"role":"admin"}`, Status: 403, Has: asks},
			{Name: "an invite", Method: "POST", Path: "/api/invites", Header: as(w.ada), Body: `{"role":"admin"}`, Status: 403, Has: asks},
			{Name: "its new link", Method: "POST", Path: renew, Header: as(w.ada), Body: `{}`, Status: 403, Has: asks},
			{Name: "confirm", Method: "POST", Path: "/api/account/confirm", Header: as(w.ada), Body: `{"password":"correct horse"}`, Status: 200},
			{Name: "the role", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"role":"admin","disabled":true}`, Status: 200},
			{Name: "its new link", Method: "POST", Path: renew, Header: as(w.ada), Body: `{}`, Status: 200},
		})
		exec(t, w.db, "UPDATE session SET confirmed_at = confirmed_at - 600000000")
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "enable an admin", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"disabled":false}`, Status: 403, Has: asks},
			{Name: "a user again", Method: "PATCH", Path: bob, Header: as(w.ada), Body: `{"role":"user"}`, Status: 200},
		})
	})
}

// TestDeletingNeedsAProof: somebody who finds an admin's browser open deletes nobody.
func TestDeletingNeedsAProof(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		exec(t, w.db, "UPDATE session SET confirmed_at = confirmed_at - 600000000")
		path, body := "/api/admin/users/"+w.bob.User.ID, `{"work":"unassign"}`
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "without", Method: "DELETE", Path: path, Header: as(w.ada), Body: body, Status: 403, Has: []string{`"code":"confirm"`}},
			{Name: "confirm", Method: "POST", Path: "/api/account/confirm", Header: as(w.ada), Body: `{"password":"correct horse"}`, Status: 200},
			{Name: "with", Method: "DELETE", Path: path, Header: as(w.ada), Body: body, Status: 204},
			{Name: "again", Method: "DELETE", Path: path, Header: as(w.ada), Body: body, Status: 404},
		})
	})
}

func TestTheLastAdminIsKept(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		path := "/api/admin/users/" + w.ada.User.ID
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "demote", Method: "PATCH", Path: path, Header: as(w.ada), Body: `{"role":"user"}`, Status: 409, Has: []string{"only admin"}},
			{Name: "disable", Method: "PATCH", Path: path, Header: as(w.ada), Body: `{"disabled":true}`, Status: 409},
			{Name: "both", Method: "PATCH", Path: path, Header: as(w.ada), Body: `{"role":"user","disabled":true}`, Status: 409},
			{Name: "delete", Method: "DELETE", Path: path, Header: as(w.ada), Body: `{"work":"unassign"}`, Status: 409},
			{Name: "sign out", Method: "POST", Path: path + "/sign-out", Header: as(w.ada), Status: 204},
			{Name: "afterwards", Path: "/api/auth/me", Header: as(w.ada), Status: 401},
		})
	})
}

func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "at first", Path: "/api/admin/settings", Header: as(w.ada), Status: 200, Has: []string{`"registration":"invite"`, `"lockedBy":null`}},
			{Name: "open", Method: "PATCH", Path: "/api/admin/settings", Header: as(w.ada), Body: `{"registration":"open"}`, Status: 200, Has: []string{`"registration":"open"`}},
			{Name: "sign up", Method: "POST", Path: "/api/auth/signup/password", Body: `{"email":"eve@example.org","password":"correct horse","displayName":"Eve"}`, Status: 201},
			{Name: "something else", Method: "PATCH", Path: "/api/admin/settings", Header: as(w.ada), Body: `{"registration":"closed"}`, Status: 422},
		})
	})
}

func TestLockedSettings(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		basetest.RunScenarios(t, w.http, []basetest.Scenario{
			{Name: "get", Path: "/api/admin/settings", Header: as(w.ada), Status: 200, Has: []string{`"registration":"open"`, `"lockedBy":"environment"`}},
			{Name: "change", Method: "PATCH", Path: "/api/admin/settings", Header: as(w.ada), Body: `{"registration":"invite"}`, Status: 409, Has: []string{"REGISTRATION"}},
		})
	}, func(s *account.Settings) { s.Registration = account.OpenRegistration })
}

// TestServicesAskTheDatabase: a role in a token is a claim.
func TestServicesAskTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, claims := t.Context(), account.Actor{ID: w.bob.User.ID, Role: account.Admin, Session: "s"}
		_, _, usersErr := w.Users(ctx, claims, account.UserFilter{Limit: 1})
		_, updateErr := w.Update(ctx, claims, "", w.ada.User.ID, account.Standing{Disabled: new(true)})
		_, _, auditErr := w.Audit(ctx, claims, live.Trail{Limit: 1})
		for what, err := range map[string]error{
			"Users": usersErr, "Update": updateErr, "Audit": auditErr,
			"Delete": w.accounts.Delete(ctx, claims, "", w.ada.User.ID, account.Deletion{Work: account.Unassign}),
			"mail":   w.accounts.TestMail(ctx, claims, "x@example.org"),
		} {
			if !errs.Is(err, errs.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

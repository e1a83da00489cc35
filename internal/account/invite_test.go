package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
)

// join tries to sign up with a code.
func (n *node) join(t *testing.T, code, email string) (account.SignedIn, error) {
	t.Helper()
	return n.SignUp(t.Context(), home, account.SignUp{Code: code, Email: email, Password: password, DisplayName: "somebody"})
}

func TestFiftyWithOneCode(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		const many = 50
		code := n.invite(t, account.InviteDraft{})
		var wg sync.WaitGroup
		var failed [many]error
		for i := range many {
			wg.Go(func() { _, failed[i] = n.join(t, code, fmt.Sprintf("user%d@example.org", i)) })
		}
		wg.Wait()
		in := 0
		for _, err := range failed {
			if err == nil {
				in++
			} else if !errs.Is(err, errs.Invalid) {
				t.Errorf("refused with %v", err)
			}
		}
		if users := n.count(t, "users", "1 = 1"); in != 1 || users != 1 {
			t.Errorf("%d signed up, %d users", in, users)
		}
		if used := n.count(t, "invite_codes", "used_at IS NOT NULL AND used_by IS NOT NULL"); used != 1 {
			t.Errorf("%d used", used)
		}
	})
}

// TestFiftyWithOneAddress: each has an invite of its own, and keeps it when somebody
// else gets the address.
func TestFiftyWithOneAddress(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		const many = 50
		var wg sync.WaitGroup
		var failed [many]error
		for i := range many {
			code := n.invite(t, account.InviteDraft{})
			wg.Go(func() { _, failed[i] = n.join(t, code, "same@example.org") })
		}
		wg.Wait()
		for _, err := range failed {
			if err != nil && (!errs.Is(err, errs.Conflict) || errs.Of(err).Field != "body.email") {
				t.Errorf("refused with %v", err)
			}
		}
		if users, used := n.count(t, "users", "1 = 1"), n.count(t, "invite_codes", "used_at IS NOT NULL"); users != 1 || used != 1 {
			t.Errorf("%d users, %d used", users, used)
		}
	})
}

func TestUnusableCodesLookTheSame(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		used := n.invite(t, account.InviteDraft{})
		if _, err := n.join(t, used, "first@example.org"); err != nil {
			t.Fatal(err)
		}
		i, revoked, err := n.Invite(ctx, account.Operator(), "", account.InviteDraft{Role: account.User})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Revoke(ctx, account.Operator(), "", i.ID); err != nil {
			t.Fatal(err)
		}
		expired := n.invite(t, account.InviteDraft{ExpiresAt: new(n.clock.Now().Add(time.Hour))})
		n.clock.pass(time.Hour)
		bound := n.invite(t, account.InviteDraft{Email: new("ann@example.org")})
		var kept string
		n.exec(t, "INSERT INTO invite_codes (code) VALUES ('kept')")
		if _, err := n.CheckInvite(ctx, home.IP, "kept"); err != nil {
			t.Fatal(err)
		}
		kept = n.text(t, "SELECT code FROM invite_codes WHERE email IS NULL AND used_at IS NULL AND revoked_at IS NULL AND expires_at IS NULL")

		answers := map[string]string{}
		for name, code := range map[string]string{
			"unknown": "unknown", "used": used, "revoked": revoked, "expired": expired, "bound to another": bound,
			"none": "", "blank": "  ", "kept hash": kept, "hash of nothing": "sha256:", "with NUL": "a\x00b", "long": strings.Repeat("x", 201),
		} {
			_, err := n.join(t, code, "x@example.org")
			wantKind(t, "sign-up, "+name, err, errs.Invalid)
			if name != "bound to another" {
				_, err := n.CheckInvite(ctx, home.IP, code)
				wantKind(t, "check, "+name, err, errs.Invalid)
			}
			if len(code) <= 200 && !strings.Contains(code, "\x00") {
				body, _ := json.Marshal(map[string]string{"code": code, "email": "x@example.org", "password": password, "displayName": "x"})
				answer := n.send(t, http.MethodPost, "/api/auth/signup/password", nil, string(body))
				var text strings.Builder
				fmt.Fprint(&text, answer.StatusCode, decode[map[string]any](t, answer))
				answers[text.String()] = name
			}
		}
		if len(answers) != 1 {
			t.Errorf("several answers: %v", answers)
		}
		if users := n.count(t, "users", "1 = 1"); users != 1 {
			t.Errorf("%d users", users)
		}
	})
}

// text is the one value that a query returns.
func (n *node) text(t *testing.T, query string) (text string) {
	t.Helper()
	text, err := readText(t, n, query)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCheckThenUse(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		code := n.invite(t, account.InviteDraft{Email: new("Ann@Example.org"), Role: account.Admin})
		for range 2 { // checking uses nothing up
			i, err := n.CheckInvite(ctx, home.IP, " "+code+" ")
			if err != nil || *i.Email != "Ann@Example.org" || i.Role != account.Admin {
				t.Fatalf("%+v, %v", i, err)
			}
		}
		s, err := n.join(t, code, "ann@EXAMPLE.org")
		if err != nil || s.User.Role != account.Admin {
			t.Errorf("%+v, %v", s.User, err)
		}
		if log := n.logged(t, "admin"); strings.Contains(log, code) || strings.Contains(log, "sha256") || strings.Contains(log, password) {
			t.Errorf("the log holds a secret: %s", log)
		}
		if stored := n.count(t, "invite_codes", "code = $1", code); stored != 0 {
			t.Error("the table holds the code")
		}
	})
}

// TestWrittenByHand is what an operator does in a database client.
func TestWrittenByHand(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.exec(t, "INSERT INTO invite_codes (code, email, role) VALUES ('for-ann', 'Ann@example.org', 'admin')")
		n.exec(t, "INSERT INTO invite_codes (code, email, role) VALUES ('for-any', NULL, 'user')")
		n.exec(t, "INSERT INTO invite_codes (code, email, role) VALUES ('for-any-too', '', 'user')")
		n.exec(t, "INSERT INTO invite_codes (code) VALUES ('short')")
		if _, err := n.join(t, "for-ann", "bob@example.org"); !errs.Is(err, errs.Invalid) {
			t.Errorf("another's: %v", err)
		}
		for code, want := range map[string]account.Role{"for-ann": account.Admin, "for-any": account.User, "for-any-too": account.User, "short": account.User} {
			email := strings.TrimPrefix(code, "for-") + "@example.org"
			s, err := n.join(t, code, email)
			if err != nil || s.User.Role != want {
				t.Errorf("%s: %+v, %v", code, s.User, err)
			}
			if _, err := n.join(t, code, "again-"+email); !errs.Is(err, errs.Invalid) {
				t.Errorf("%s again: %v", code, err)
			}
		}
		if plain := n.count(t, "invite_codes", "code NOT LIKE 'sha256:%' OR id IS NULL OR created_at = 0"); plain != 0 {
			t.Errorf("%d rows are as they were written", plain)
		}
	})
}

func TestUsedCodeWrittenAgainStaysUsed(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.exec(t, "INSERT INTO invite_codes (code) VALUES ('one')")
		if _, err := n.join(t, "one", "ann@example.org"); err != nil {
			t.Fatal(err)
		}
		n.exec(t, "INSERT INTO invite_codes (code) VALUES ('one')")
		if _, err := n.InitialInvite(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.join(t, "one", "bob@example.org"); !errs.Is(err, errs.Invalid) {
			t.Error(err)
		}
		if rows := n.count(t, "invite_codes", "code = 'one'"); rows != 0 {
			t.Errorf("%d plain rows", rows)
		}
	})
}

func TestRolesOfInvitesAreChecked(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		if _, err := readText(t, n, "INSERT INTO invite_codes (code, role) VALUES ('x', 'owner') RETURNING code"); err == nil {
			t.Error("an unknown role was accepted")
		}
	})
}

func TestInitialInvite(t *testing.T) {
	for name, set := range map[string]string{"made up": "", "given": "first come"} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, n *node) { initialInvite(t, n, set) },
				func(s *account.Settings) { s.InitialInviteCode = set })
		})
	}
}

func initialInvite(t *testing.T, n *node, given string) {
	t.Helper()
	ctx := t.Context()
	boot := func() string {
		link, err := n.InitialInvite(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	var wg sync.WaitGroup
	var links [4]string
	for i := range links {
		wg.Go(func() { links[i] = boot() })
	}
	wg.Wait()
	code, ok := strings.CutPrefix(links[0], publicURL+"/signup?code=")
	for _, link := range links {
		if !ok || link != links[0] || len(code) < 8 {
			t.Fatalf("links %v", links)
		}
	}
	if given != "" {
		code = given
	}
	worksOnce(t, n, code, boot)
}

// worksOnce uses the code of the first invite, and boots again.
func worksOnce(t *testing.T, n *node, code string, boot func() string) {
	t.Helper()
	rows := func() int64 { return n.count(t, "invite_codes", "1 = 1") }
	if rows() != 1 {
		t.Errorf("%d rows after several boots", rows())
	}
	s, err := n.join(t, code, "ann@example.org")
	if err != nil || s.User.Role != account.Admin {
		t.Fatalf("%+v, %v", s.User, err)
	}
	if link := boot(); link != "" || rows() != 1 {
		t.Errorf("after use: %q, %d rows", link, rows())
	}
	if _, err := n.join(t, code, "bob@example.org"); !errs.Is(err, errs.Invalid) {
		t.Errorf("second use: %v", err)
	}
	n.exec(t, "UPDATE users SET role = 'user'")
	if link := boot(); link != "" || rows() != 1 {
		t.Errorf("revived: %q, %d rows", link, rows())
	}
}

// TestInitialInviteOfAnotherSecret: a link that was printed with a secret that has
// been replaced lets nobody in.
func TestInitialInviteOfAnotherSecret(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		old, err := n.InitialInvite(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		later := newNode(t, n.db, func(s *account.Settings) { s.InitialInviteCode = "another" })
		if _, err := later.InitialInvite(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(old, "code=")
		if _, err := later.join(t, code, "ann@example.org"); !errs.Is(err, errs.Invalid) {
			t.Error(err)
		}
		if rows := n.count(t, "invite_codes", "1 = 1"); rows != 1 {
			t.Errorf("%d rows", rows)
		}
	})
}

func TestOpenRegistration(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		if s, err := n.join(t, "", "ann@example.org"); err != nil || s.User.Role != account.User {
			t.Errorf("%+v, %v", s.User, err)
		}
		if s, err := n.join(t, n.invite(t, account.InviteDraft{Role: account.Admin}), "bob@example.org"); err != nil || s.User.Role != account.Admin {
			t.Errorf("%+v, %v", s.User, err)
		}
		_, err := n.join(t, "unknown", "eve@example.org")
		wantKind(t, "an unknown code", err, errs.Invalid)
	}, func(s *account.Settings) { s.Registration = account.OpenRegistration })
}

func TestAcceptedIsPartOfTheTransaction(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		refuse := errs.New(errs.Unavailable, "not now")
		var mu sync.Mutex
		var got []account.Acceptance
		n.Accepted.Subscribe(func(_ context.Context, tx *live.Tx, a account.Acceptance) error {
			if string(a.Grants) == `"refuse"` {
				return refuse
			}
			tx.AfterCommit(func() {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, a)
			})
			return tx.RecordIn("project:1", live.Member, a.UserID, nil, map[string]string{"id": a.UserID})
		})
		i, code, err := n.Invite(t.Context(), admin, "", account.InviteDraft{
			Role: account.User, Grants: map[string]any{"project": "1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := n.join(t, code, "ann@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].UserID != s.User.ID || got[0].InvitedBy != admin.ID || got[0].InviteID != i.ID || string(got[0].Grants) != `{"project":"1"}` {
			t.Errorf("published %+v", got)
		}
		if log := n.logged(t, "project:1"); !strings.Contains(log, s.User.ID) {
			t.Errorf("project's log: %s", log)
		}

		refused := n.invite(t, account.InviteDraft{Grants: "refuse"})
		if _, err := n.join(t, refused, "bob@example.org"); !errors.Is(err, refuse) {
			t.Errorf("got %v", err)
		}
		if users := n.count(t, "users", "1 = 1"); users != 2 {
			t.Errorf("%d users", users)
		}
		if _, err := n.CheckInvite(t.Context(), home.IP, refused); err != nil {
			t.Errorf("the invite is used up: %v", err)
		}
	})
}

func TestInvitesOfAnAdmin(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		first, code, err := n.Invite(ctx, admin, "tx-1", account.InviteDraft{Role: account.User})
		if err != nil || code == "" || *first.CreatedBy != admin.ID {
			t.Fatalf("%+v, %v", first, err)
		}
		again, code, err := n.Invite(ctx, admin, "tx-1", account.InviteDraft{Role: account.User})
		if err != nil || code != "" || again.ID != first.ID {
			t.Errorf("sent again: %+v with code %q, %v", again, code, err)
		}
		n.exec(t, "INSERT INTO invite_codes (code) VALUES ('by hand')")
		var ids []string
		for before, more := "", true; more; {
			var page []account.Invite
			if page, more, err = n.Invites(ctx, admin, before, 2); err != nil {
				t.Fatal(err)
			}
			for _, i := range page {
				ids = append(ids, i.ID)
			}
			before = page[len(page)-1].ID
		}
		if len(ids) != 3 || ids[1] != first.ID {
			t.Errorf("listed %v", ids)
		}
		for range 2 {
			if err := n.Revoke(ctx, admin, "", first.ID); err != nil {
				t.Error(err)
			}
		}
		wantKind(t, "revoking a used one", n.Revoke(ctx, admin, "", ids[2]), errs.Conflict)
		wantKind(t, "revoking none", n.Revoke(ctx, admin, "", "x"), errs.NotFound)
		_, _, err = n.Invites(ctx, admin, "", 201)
		wantKind(t, "too many", err, errs.Invalid)
	})
}

func TestBadInvites(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for field, d := range map[string]account.InviteDraft{
			"body.role":      {Role: "owner"},
			"body.email":     {Role: account.User, Email: new("nobody")},
			"body.expiresAt": {Role: account.User, ExpiresAt: new(n.clock.Now())},
			"body.grants":    {Role: account.User, Grants: strings.Repeat("x", 20_000)},
		} {
			_, _, err := n.Invite(t.Context(), account.Operator(), "", d)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}

// TestGuessingCodesIsSlow: refused attempts count, good ones do not.
func TestGuessingCodesIsSlow(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx, code := t.Context(), n.invite(t, account.InviteDraft{})
		for i := range 100 {
			if _, err := n.CheckInvite(ctx, home.IP, fmt.Sprint("guess", i)); !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
		}
		_, err := n.CheckInvite(ctx, home.IP, code)
		wantKind(t, "after 100", err, errs.RateLimited)
		if errs.Of(err).RetryAfter != time.Second {
			t.Errorf("retry after %v", errs.Of(err).RetryAfter)
		}
		if _, err := n.CheckInvite(ctx, netip.MustParseAddr("192.0.2.2"), code); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		n.clock.pass(time.Second)
		for range 200 {
			if _, err := n.CheckInvite(ctx, home.IP, code); err != nil {
				t.Fatalf("a good one: %v", err)
			}
		}
	})
}

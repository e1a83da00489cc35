package account_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/mail/mailtest"
)

func TestRenew(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		i, old, err := n.Invite(ctx, admin, "", account.InviteDraft{Role: account.User, Email: new("ann@example.org"), ExpiresAt: new(n.clock.Now().Add(time.Hour))})
		if err != nil || i.RenewedAt != nil {
			t.Fatal(i, err)
		}
		renewed, code, err := n.Renew(ctx, admin, "tx", i.ID, nil)
		if err != nil || code == "" || code == old || renewed.RenewedAt == nil || !renewed.ExpiresAt.Equal(*i.ExpiresAt) || *renewed.Email != *i.Email {
			t.Fatalf("%+v, %q, %v", renewed, code, err)
		}
		again, none, err := n.Renew(ctx, admin, "tx", i.ID, nil)
		if err != nil || none != "" || !again.RenewedAt.Equal(*renewed.RenewedAt) {
			t.Errorf("sent again: %+v, %q, %v", again, none, err)
		}
		_, err = n.join(t, old, "ann@example.org")
		wantKind(t, "the old code", err, errs.Invalid)
		if _, err := n.join(t, code, "ann@example.org"); err != nil {
			t.Errorf("the new code: %v", err)
		}
		_, _, err = n.Renew(ctx, admin, "", i.ID, nil)
		wantKind(t, "a used one", err, errs.Conflict)
	})
}

func TestRenewRefuses(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx, op := t.Context(), account.Operator()
		i, _, err := n.Invite(ctx, op, "", account.InviteDraft{Role: account.User, ExpiresAt: new(n.clock.Now().Add(time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		ann := actor(t, n, n.signUp(t, "ann", account.User))
		_, _, err = n.Renew(ctx, ann, "", i.ID, nil)
		wantKind(t, "by a user", err, errs.Forbidden)
		_, _, err = n.Renew(ctx, op, "", "01900000-0000-7000-8000-000000000000", nil)
		wantKind(t, "none", err, errs.NotFound)
		_, _, err = n.Renew(ctx, op, "", i.ID, new(n.clock.Now()))
		wantKind(t, "until now", err, errs.Invalid)
		n.clock.pass(2 * time.Hour)
		_, _, err = n.Renew(ctx, op, "", i.ID, nil)
		if wantKind(t, "an expired one", err, errs.Invalid); errs.Of(err).Field != "body.expiresAt" {
			t.Error(errs.Of(err).Field)
		}
		_, code, err := n.Renew(ctx, op, "", i.ID, new(n.clock.Now().Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.CheckInvite(ctx, home.IP, code); err != nil {
			t.Errorf("with a new time: %v", err)
		}
		if err := n.Revoke(ctx, op, "", i.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = n.Renew(ctx, op, "", i.ID, nil)
		wantKind(t, "a withdrawn one", err, errs.Conflict)
	})
}

// TestGrantsAreVetted: each grant must be understood by somebody, who may refuse it.
func TestGrantsAreVetted(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		understands := func(name string) account.Vet {
			return func(_ context.Context, _ db.Conn, by account.Actor, grant json.RawMessage) (bool, error) {
				var g map[string]string
				if err := json.Unmarshal(grant, &g); err != nil || g["kind"] != name {
					return false, nil //nolint:nilerr // somebody else's
				}
				if g["to"] == "refuse" || by.ID != admin.ID {
					return true, errs.Field("body.grants", "refused")
				}
				return true, nil
			}
		}
		n.VetGrants(understands("a"))
		n.VetGrants(understands("b"))
		for text, good := range map[string]bool{
			`null`: true, `[]`: true, `[{"kind":"a"}]`: true, `[{"kind":"a"},{"kind":"b"}]`: true,
			`[{"kind":"c"}]`: false, `[{"kind":"a"},{"kind":"b","to":"refuse"}]`: false, `{"kind":"a"}`: false, `"a"`: false, `[null]`: false,
		} {
			var grants any
			if err := json.Unmarshal([]byte(text), &grants); err != nil {
				t.Fatal(err)
			}
			_, _, err := n.Invite(t.Context(), admin, "", account.InviteDraft{Role: account.User, Grants: grants})
			if good && err != nil || !good && (!errs.Is(err, errs.Invalid) || errs.Of(err).Field != "body.grants") {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

// TestInvitesByMail: the link goes to the address, and the admin is told whether.
func TestInvitesByMail(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		server := mailtest.Start(t, mailtest.Refuse("gone@example.org"))
		n := newNode(t, d)
		admin := bearer(n.signUp(t, "admin", account.Admin).AccessToken)
		type made struct {
			ID, Code, URL string
			Mailed        bool
		}
		post := func(n *node, path, body string, status int) made {
			t.Helper()
			answer := n.send(t, http.MethodPost, path, admin, body)
			if answer.StatusCode != status {
				t.Fatalf("%s %s: %d", path, body, answer.StatusCode)
			}
			return decode[made](t, answer)
		}
		const ann = `{"email":"ann@example.org","expiresAt":"2030-01-02T03:04:05Z"}`
		if got := post(n, "/api/invites", ann, 201); got.Mailed {
			t.Error("a server without mail has sent one")
		}
		m := newNode(t, d, func(s *account.Settings) { s.Mail = server.Sender(t) })
		for _, got := range []made{
			post(m, "/api/invites", ann, 201),
			post(m, "/api/invites/"+post(n, "/api/invites", ann, 201).ID+"/renew", ``, 200),
		} {
			mail := server.Next(t)
			if !got.Mailed || mail.To != "ann@example.org" || !strings.Contains(mail.Text, got.URL+"\n") || !strings.Contains(mail.Text, "until 2 January 2030, 03:04 UTC") {
				t.Errorf("%+v, %+v", got, mail)
			}
		}
		if got := post(m, "/api/invites", `{"email":"gone@example.org"}`, 201); got.Mailed || got.URL == "" {
			t.Errorf("refused: %+v", got)
		}
		if got := post(m, "/api/invites", `{}`, 201); got.Mailed {
			t.Error("sent to nobody")
		}
	}, live.Migrations, account.Migrations)
}

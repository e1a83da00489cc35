package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature { return feature.Feature{Name: "admin", Routes: s.routes} }

// handle registers an operation for admins.
func handle[I, O any](api *web.API, id, route string, status int, h account.Operation[I, O]) {
	account.Handle(api, web.Op(id, route, status), account.RequireRole(account.Admin, h))
}

func (s *Service) routes(api *web.API) {
	handle(api, "user.list", "GET /api/admin/users", http.StatusOK, s.listUsers)
	handle(api, "user.update", "PATCH /api/admin/users/{id}", http.StatusOK, s.updateUser)
	handle(api, "user.signOut", "POST /api/admin/users/{id}/sign-out", http.StatusNoContent, s.signOut)
	account.HandleOwn(api, web.Op("user.resetLink", "POST /api/admin/users/{id}/reset-link", http.StatusOK), account.RequireRole(account.Admin, s.resetLink))
	account.HandleOwn(api, web.Op("user.delete", "DELETE /api/admin/users/{id}", http.StatusNoContent), account.RequireRole(account.Admin, s.deleteUser))
	handle(api, "audit.list", "GET /api/admin/audit", http.StatusOK, s.listAudit)
	export := web.Op("audit.export", "GET /api/admin/audit.csv", http.StatusOK)
	web.Downloads(&export, "text/csv", "all that fits, newest first; a cell that looks like a formula begins with '")
	account.Handle(api, export, account.RequireRole(account.Admin, s.exportAudit))
	handle(api, "setting.get", "GET /api/admin/settings", http.StatusOK, s.getSettings)
	handle(api, "setting.update", "PATCH /api/admin/settings", http.StatusOK, s.updateSettings)
	handle(api, "mail.test", "POST /api/admin/mail/test", http.StatusNoContent, s.testMail)
}

// AuditFilter is embedded in the input of operations on the audit trail.
type AuditFilter struct {
	Actor  string    `query:"actor" maxLength:"64" doc:"who did it: a user's id, or operator"`
	User   string    `query:"user" maxLength:"64" doc:"the id of a user whom it concerns, or who did it"`
	Entity string    `query:"entity" maxLength:"64" doc:"user, invite, session, password, setting…"`
	From   time.Time `query:"from" doc:"not before"`
	To     time.Time `query:"to" doc:"before"`
}

func (f AuditFilter) trail() live.Trail {
	return live.Trail{Actor: f.Actor, About: f.User, Entity: f.Entity, From: f.From, To: f.To}
}

type (
	listUsersInput struct {
		Text   string `query:"q" maxLength:"254" doc:"part of a name or of an e-mail address"`
		Status string `query:"status" enum:"active,disabled" doc:"without it all"`
		Cursor string `query:"cursor" maxLength:"800" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	updateUserInput struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Role     *account.Role `json:"role,omitempty" enum:"user,admin"`
			Disabled *bool         `json:"disabled,omitempty"`
			Version  *int64        `json:"version,omitempty" doc:"the version that the admin saw"`
		}
	}
	signOutInput struct {
		web.Mutation
		ID        string           `path:"id" format:"uuid"`
		EndTokens account.Programs `query:"endTokens" doc:"end all API tokens too"`
	}
	resetLinkInput struct {
		ID string `path:"id" format:"uuid"`
	}
	deleteUserInput struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Work   account.Work `json:"work" enum:"unassign,hand_over" doc:"what becomes of their open work: nobody's, or the heir's where they are in the project"`
			HeirID string       `json:"heirId,omitempty" format:"uuid" doc:"who takes over what only this user owned"`
		}
	}
	listAuditInput struct {
		AuditFilter
		Cursor string `query:"cursor" maxLength:"80" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	exportAuditInput    struct{ AuditFilter }
	updateSettingsInput struct {
		web.Mutation
		Body struct {
			Registration account.Registration `json:"registration" enum:"invite,open"`
		}
	}
	testMailInput struct {
		Body struct {
			Email string `json:"email" minLength:"1" maxLength:"254"`
		}
	}
	userOutput      struct{ Body User }
	listUsersOutput struct {
		Body struct {
			Items      []User  `json:"items" nullable:"false"`
			NextCursor *string `json:"nextCursor" doc:"null on the last page"`
		}
	}
	resetLinkOutput struct {
		Body struct {
			URL       string    `json:"url" doc:"sets a new password, once"`
			ExpiresAt time.Time `json:"expiresAt"`
		}
	}
	listAuditOutput struct {
		Body struct {
			Items      []AuditEntry `json:"items" nullable:"false"`
			NextCursor *string      `json:"nextCursor" doc:"null on the last page"`
		}
	}
	settingsOutput struct {
		Body struct {
			Registration account.Registration `json:"registration" enum:"invite,open"`
			LockedBy     *string              `json:"lockedBy" enum:"environment" doc:"who decides it instead; null: admins do"`
		}
	}
	noInput  struct{}
	noOutput struct{}
)

// cursor is null on the last page.
func cursor(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}

func (s *Service) listUsers(ctx context.Context, by account.Actor, in *listUsersInput) (*listUsersOutput, error) {
	out := new(listUsersOutput)
	items, next, err := s.Users(ctx, by, account.UserFilter{Text: in.Text, Status: in.Status, Cursor: in.Cursor, Limit: in.Limit})
	out.Body.Items, out.Body.NextCursor = items, cursor(next)
	return out, err
}

func (s *Service) updateUser(ctx context.Context, by account.Actor, in *updateUserInput) (*userOutput, error) {
	b := in.Body
	u, err := s.Update(ctx, by, in.Tx, in.ID, account.Standing{Role: b.Role, Disabled: b.Disabled, Version: b.Version})
	return &userOutput{u}, err
}

func (s *Service) signOut(ctx context.Context, by account.Actor, in *signOutInput) (*noOutput, error) {
	return nil, s.accounts.SignOutUser(ctx, by, in.Tx, in.ID, in.EndTokens)
}

func (s *Service) resetLink(ctx context.Context, by account.Actor, in *resetLinkInput) (*resetLinkOutput, error) {
	out := new(resetLinkOutput)
	var err error
	out.Body.URL, out.Body.ExpiresAt, err = s.ResetLink(ctx, by, in.ID)
	return out, err
}

func (s *Service) deleteUser(ctx context.Context, by account.Actor, in *deleteUserInput) (*noOutput, error) {
	return nil, s.Delete(ctx, by, in.Tx, in.ID, account.Deletion{Work: in.Body.Work, HeirID: in.Body.HeirID})
}

func (s *Service) listAudit(ctx context.Context, by account.Actor, in *listAuditInput) (*listAuditOutput, error) {
	t := in.trail()
	t.Cursor, t.Limit = in.Cursor, in.Limit
	out := new(listAuditOutput)
	items, next, err := s.Audit(ctx, by, t)
	out.Body.Items, out.Body.NextCursor = items, cursor(next)
	return out, err
}

func (s *Service) exportAudit(ctx context.Context, by account.Actor, in *exportAuditInput) (*web.Download, error) {
	// What is refused is refused before the file begins.
	t := in.trail()
	t.Limit = 1
	if _, _, err := s.Audit(ctx, by, t); err != nil {
		return nil, err
	}
	return web.NewDownload("text/csv; charset=utf-8", "audit.csv", func(w io.Writer) error { return s.writeCSV(ctx, by, t, w) }), nil
}

func (s *Service) getSettings(context.Context, account.Actor, *noInput) (*settingsOutput, error) {
	out := new(settingsOutput)
	out.Body.Registration = s.accounts.Registration()
	if s.accounts.RegistrationLocked() {
		out.Body.LockedBy = new("environment")
	}
	return out, nil
}

func (s *Service) updateSettings(ctx context.Context, by account.Actor, in *updateSettingsInput) (*settingsOutput, error) {
	if err := s.accounts.SetRegistration(ctx, by, in.Tx, in.Body.Registration); err != nil {
		return nil, err
	}
	return s.getSettings(ctx, by, nil)
}

func (s *Service) testMail(ctx context.Context, by account.Actor, in *testMailInput) (*noOutput, error) {
	return nil, s.accounts.TestMail(ctx, by, in.Body.Email)
}

package account

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/base/web"
)

type (
	createInviteInput struct {
		web.Mutation
		Body struct {
			Email     *string    `json:"email,omitempty" maxLength:"254" nullable:"true" doc:"only this address may use it; null for any"`
			Role      Role       `json:"role,omitempty" enum:"user,admin" default:"user"`
			ExpiresAt *time.Time `json:"expiresAt,omitempty" nullable:"true" doc:"null for never"`
			Grants    any        `json:"grants,omitempty" doc:"what the new user gets beyond the account, as other parts of the app read it"`
		}
	}
	newInviteOutput struct {
		Body struct {
			Invite
			Code   string `json:"code" doc:"shown this once; empty when the request was sent again"`
			URL    string `json:"url" doc:"the page that uses the code"`
			Mailed bool   `json:"mailed" doc:"the link was sent to the address, too"`
		}
	}
	listInvitesInput struct {
		Cursor string `query:"cursor" format:"uuid" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	listInvitesOutput struct {
		Body struct {
			Items      []Invite `json:"items" nullable:"false"`
			NextCursor *string  `json:"nextCursor" doc:"null on the last page"`
		}
	}
	renewInviteInput struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body *struct {
			ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"until when the new link is good; without it as long as the one before"`
		}
	}
	revokeInviteInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
)

func (s *Service) createInvite(ctx context.Context, by Actor, in *createInviteInput) (*newInviteOutput, error) {
	b := in.Body
	i, code, err := s.Invite(ctx, by, in.Tx, InviteDraft{b.Email, b.Role, b.ExpiresAt, b.Grants})
	if err != nil {
		return nil, err
	}
	return s.newInvite(ctx, i, code), nil
}

// newInvite shows a code, the only time.
func (s *Service) newInvite(ctx context.Context, i Invite, code string) *newInviteOutput {
	out := new(newInviteOutput)
	out.Body.Invite, out.Body.Code = i, code
	if code != "" {
		out.Body.URL = s.SignUpURL(code)
		out.Body.Mailed = s.MailInvite(ctx, i, code)
	}
	return out
}

func (s *Service) renewInvite(ctx context.Context, by Actor, in *renewInviteInput) (*newInviteOutput, error) {
	var expiresAt *time.Time
	if in.Body != nil {
		expiresAt = in.Body.ExpiresAt
	}
	i, code, err := s.Renew(ctx, by, in.Tx, in.ID, expiresAt)
	if err != nil {
		return nil, err
	}
	return s.newInvite(ctx, i, code), nil
}

func (s *Service) listInvites(ctx context.Context, by Actor, in *listInvitesInput) (*listInvitesOutput, error) {
	out := new(listInvitesOutput)
	items, more, err := s.Invites(ctx, by, in.Cursor, in.Limit)
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].ID
	}
	return out, err
}

func (s *Service) revokeInvite(ctx context.Context, by Actor, in *revokeInviteInput) (*noOutput, error) {
	return nil, s.Revoke(ctx, by, in.Tx, in.ID)
}

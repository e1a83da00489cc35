package account

import (
	"context"
	"time"

	"github.com/peisear/peisear/internal/base/web"
)

// ownRoutes are the operations on the actor's own account.
func (s *Service) ownRoutes(api *web.API) {
	HandleOwn(api, web.Op("account.get", "GET /api/account", 200), s.own)
	HandleOwn(api, web.Op("account.update", "PATCH /api/account", 200), s.updateOwn)
	HandleOwn(api, web.Op("account.confirm", "POST /api/account/confirm", 200), s.confirmPassword)
	HandleOwn(api, web.Op("password.change", "POST /api/account/password", 204), s.changePassword)
	HandleOwn(api, web.Op("email.change", "POST /api/account/email", 202), s.changeEmail)
	HandleOwn(api, web.Op("email.withdraw", "DELETE /api/account/email", 204), s.withdrawEmail)
	HandleOwn(api, web.Op("session.list", "GET /api/account/sessions", 200), s.listSessions)
	HandleOwn(api, web.Op("session.end", "DELETE /api/account/sessions/{id}", 204), s.endOne)
	HandleOwn(api, web.Op("session.end_all", "DELETE /api/account/sessions", 204), s.endMany)
}

type (
	ownOutput struct{ Body Own }

	updateOwnInput struct {
		web.Mutation
		Body struct {
			DisplayName web.Field[string] `json:"displayName,omitzero" nullable:"false" minLength:"1" maxLength:"100"`
		}
	}
	confirmInput struct {
		Body struct {
			Password string `json:"password" maxLength:"128"`
		}
	}
	// ConfirmedOutput is the answer of every operation that proves who the actor is.
	ConfirmedOutput struct {
		Body struct {
			ConfirmedUntil time.Time `json:"confirmedUntil"`
		}
	}
	changePasswordInput struct {
		Body struct {
			Current  string `json:"current,omitempty" maxLength:"128" doc:"not needed when there is none"`
			Password string `json:"password" minLength:"8" maxLength:"128"`

			EndTokens Programs `json:"endTokens,omitempty" doc:"end all API tokens too; without it they go on"`
		}
	}
	emailInput struct {
		Body struct {
			Email string `json:"email" minLength:"1" maxLength:"254"`
		}
	}
	withdrawEmailInput struct{ web.Mutation }

	listSessionsOutput struct {
		Body struct {
			Items []Session `json:"items" nullable:"false"`
		}
	}
	endOneInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	endManyInput struct {
		web.Mutation
		Keep      string   `query:"keep" enum:"current" doc:"current: all but the one that asks"`
		EndTokens Programs `query:"endTokens" doc:"end all API tokens too"`
	}
	codeInput struct {
		Body struct {
			Code string `json:"code" maxLength:"64"`
		}
	}
	checkResetOutput struct {
		Body struct {
			Valid bool `json:"valid"`
			First bool `json:"first" doc:"the link is the first proof that the address is the user's: linked identities, second factors and API tokens from before end with it"`
		}
	}
	resetInput struct {
		Body struct {
			Code      string `json:"code" maxLength:"64"`
			Password  string `json:"password" minLength:"8" maxLength:"128"`
			EndTokens *bool  `json:"endTokens,omitempty" doc:"end all API tokens too; so it is without it: somebody else may have had the account"`
		}
	}
	verifyEmailOutput struct {
		Body struct {
			Email string `json:"email"`
		}
	}
)

func (s *Service) own(ctx context.Context, by Actor, _ *noInput) (*ownOutput, error) {
	own, err := s.Own(ctx, by)
	return &ownOutput{own}, err
}

func (s *Service) updateOwn(ctx context.Context, by Actor, in *updateOwnInput) (*ownOutput, error) {
	name, err := in.Body.DisplayName.Given("body.displayName")
	if err == nil && name != nil {
		err = s.Rename(ctx, by, in.Tx, *name)
	}
	if err != nil {
		return nil, err
	}
	return s.own(ctx, by, nil)
}

func (s *Service) confirmPassword(ctx context.Context, by Actor, in *confirmInput) (*ConfirmedOutput, error) {
	until, err := s.ConfirmPassword(ctx, DeviceOf(ctx), by, in.Body.Password)
	out := new(ConfirmedOutput)
	out.Body.ConfirmedUntil = until
	return out, err
}

func (s *Service) changePassword(ctx context.Context, by Actor, in *changePasswordInput) (*noOutput, error) {
	return nil, s.ChangePassword(ctx, DeviceOf(ctx), by, in.Body.Current, in.Body.Password, in.Body.EndTokens)
}

func (s *Service) changeEmail(ctx context.Context, by Actor, in *emailInput) (*noOutput, error) {
	return nil, s.ChangeEmail(ctx, by, in.Body.Email)
}

func (s *Service) withdrawEmail(ctx context.Context, by Actor, in *withdrawEmailInput) (*noOutput, error) {
	return nil, s.WithdrawEmail(ctx, by, in.Tx)
}

func (s *Service) listSessions(ctx context.Context, by Actor, _ *noInput) (*listSessionsOutput, error) {
	out := new(listSessionsOutput)
	items, err := s.Sessions(ctx, by)
	out.Body.Items = items
	return out, err
}

func (s *Service) endOne(ctx context.Context, by Actor, in *endOneInput) (*noOutput, error) {
	return nil, s.EndSession(ctx, by, in.Tx, in.ID)
}

func (s *Service) endMany(ctx context.Context, by Actor, in *endManyInput) (*noOutput, error) {
	return nil, s.EndSessions(ctx, by, in.Tx, in.Keep == "current", in.EndTokens)
}

func (s *Service) forgot(ctx context.Context, in *emailInput) (*noOutput, error) {
	return nil, s.Forgot(ctx, DeviceOf(ctx), in.Body.Email)
}

func (s *Service) checkReset(ctx context.Context, in *codeInput) (*checkResetOutput, error) {
	out := new(checkResetOutput)
	var err error
	out.Body.Valid = true
	out.Body.First, err = s.CheckReset(ctx, web.ClientIP(ctx), in.Body.Code)
	return out, err
}

func (s *Service) reset(ctx context.Context, in *resetInput) (*noOutput, error) {
	programs := EndPrograms
	if in.Body.EndTokens != nil {
		programs = Programs(*in.Body.EndTokens)
	}
	return nil, s.Reset(ctx, web.ClientIP(ctx), in.Body.Code, in.Body.Password, programs)
}

func (s *Service) verifyEmail(ctx context.Context, in *codeInput) (*verifyEmailOutput, error) {
	email, err := s.VerifyEmail(ctx, web.ClientIP(ctx), in.Body.Code)
	out := new(verifyEmailOutput)
	out.Body.Email = email
	return out, err
}

package factor

import (
	"context"
	"encoding/json"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "factor", Migrations: Migrations, Routes: s.routes, Reseal: Reseal}
}

func (s *Service) routes(api *web.API) {
	web.Handle(api, web.Op("factor.totp", "POST /api/auth/factor/totp", 200), s.signInWithTOTP)
	web.Handle(api, web.Op("factor.recovery", "POST /api/auth/factor/recovery", 200), s.signInWithRecovery)
	web.Handle(api, web.Op("factor.start_passkey", "POST /api/auth/factor/passkey/options", 200), s.startSecond)
	web.Handle(api, web.Op("factor.passkey", "POST /api/auth/factor/passkey", 200), s.signInWithPasskey)
	web.Handle(api, web.Op("passkey.start_sign_in", "POST /api/auth/passkey/options", 200), s.startAlone)
	web.Handle(api, web.Op("passkey.sign_in", "POST /api/auth/passkey", 200), s.signInAlone)

	account.HandleOwn(api, web.Op("confirm.totp", "POST /api/account/confirm/totp", 200), s.confirmWithTOTP)
	account.HandleOwn(api, web.Op("confirm.start_passkey", "POST /api/account/confirm/passkey/options", 200), s.startConfirm)
	account.HandleOwn(api, web.Op("confirm.passkey", "POST /api/account/confirm/passkey", 200), s.confirmWithPasskey)

	account.HandleOwn(api, web.Op("factor.get", "GET /api/account/factors", 200), s.get)
	account.HandleOwn(api, web.Op("totp.start", "POST /api/account/factors/totp", 200), s.startTOTP)
	account.HandleOwn(api, web.Op("totp.confirm", "POST /api/account/factors/totp/confirm", 200), s.finishTOTP)
	account.HandleOwn(api, web.Op("totp.delete", "DELETE /api/account/factors/totp", 204), s.removeTOTP)
	account.HandleOwn(api, web.Op("recovery.renew", "POST /api/account/factors/recovery", 200), s.newRecoveryCodes)
	account.HandleOwn(api, web.Op("passkey.start", "POST /api/account/factors/passkeys/options", 200), s.startPasskey)
	account.HandleOwn(api, web.Op("passkey.create", "POST /api/account/factors/passkeys", 201), s.finishPasskey)
	account.HandleOwn(api, web.Op("passkey.update", "PATCH /api/account/factors/passkeys/{id}", 200), s.renamePasskey)
	account.HandleOwn(api, web.Op("passkey.delete", "DELETE /api/account/factors/passkeys/{id}", 204), s.removePasskey)

	account.HandleOwn(api, web.Op("factor.reset", "POST /api/admin/users/{id}/factors/reset", 204), account.RequireRole(account.Admin, s.reset))
}

type (
	tokenInput struct {
		Body struct {
			Token string `json:"token" maxLength:"64" doc:"of the sign-in that asks for a second factor"`
		}
	}
	tokenCodeInput struct {
		Body struct {
			Token string `json:"token" maxLength:"64" doc:"of the sign-in that asks for a second factor"`
			Code  string `json:"code" maxLength:"64"`
		}
	}
	tokenPasskeyInput struct {
		Body struct {
			Token      string          `json:"token" maxLength:"64" doc:"of the sign-in that asks for a second factor"`
			Credential json.RawMessage `json:"credential" doc:"an AuthenticationResponseJSON, as the browser's toJSON() makes it"`
		}
	}
	answerInput struct {
		Body struct {
			ID         string          `json:"id" maxLength:"64" doc:"of the challenge"`
			Credential json.RawMessage `json:"credential" doc:"an AuthenticationResponseJSON, as the browser's toJSON() makes it"`
		}
	}
	newPasskeyInput struct {
		Body struct {
			ID         string          `json:"id" maxLength:"64" doc:"of the challenge"`
			Name       string          `json:"name,omitempty" maxLength:"60"`
			Credential json.RawMessage `json:"credential" doc:"a RegistrationResponseJSON, as the browser's toJSON() makes it"`
		}
	}
	renameInput struct {
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Name string `json:"name" minLength:"1" maxLength:"60"`
		}
	}
	totpCodeInput struct {
		Body struct {
			Code string `json:"code" maxLength:"20" doc:"six digits"`
		}
	}
	idInput struct {
		ID string `path:"id" format:"uuid"`
	}
	noInput  struct{}
	noOutput struct{}

	factorsOutput   struct{ Body Factors }
	enrolmentOutput struct {
		Body struct {
			Secret string `json:"secret" doc:"base32, for apps that do not scan"`
			URI    string `json:"uri" doc:"otpauth://…"`
			QR     string `json:"qr" doc:"the uri as an image, a data: URI"`
		}
	}
	codesOutput struct {
		Body struct {
			RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"shown this once; empty when there are some already"`
		}
	}
	secondOutput struct {
		Body struct {
			PublicKey any `json:"publicKey" doc:"for the browser's parseRequestOptionsFromJSON()"`
		}
	}
	challengeOutput struct {
		Body struct {
			ID        string `json:"id" doc:"goes with the answer"`
			PublicKey any    `json:"publicKey" doc:"for the browser's parseCreationOptionsFromJSON() or parseRequestOptionsFromJSON()"`
		}
	}
	passkeyOutput    struct{ Body Passkey }
	newPasskeyOutput struct {
		Body struct {
			Passkey       Passkey  `json:"passkey"`
			RecoveryCodes []string `json:"recoveryCodes,omitempty" doc:"of the first factor, shown this once"`
		}
	}
)

func (s *Service) signInWithTOTP(ctx context.Context, in *tokenCodeInput) (*account.SignedInOutput, error) {
	result, err := s.SignInWithTOTP(ctx, account.DeviceOf(ctx), in.Body.Token, in.Body.Code)
	return s.accounts.Output(ctx, result), err
}

func (s *Service) signInWithRecovery(ctx context.Context, in *tokenCodeInput) (*account.SignedInOutput, error) {
	result, err := s.SignInWithRecovery(ctx, account.DeviceOf(ctx), in.Body.Token, in.Body.Code)
	return s.accounts.Output(ctx, result), err
}

func (s *Service) startSecond(ctx context.Context, in *tokenInput) (*secondOutput, error) {
	c, err := s.StartSecond(ctx, account.DeviceOf(ctx), in.Body.Token)
	out := new(secondOutput)
	out.Body.PublicKey = c.PublicKey
	return out, err
}

func (s *Service) signInWithPasskey(ctx context.Context, in *tokenPasskeyInput) (*account.SignedInOutput, error) {
	result, err := s.SignInWithPasskey(ctx, account.DeviceOf(ctx), in.Body.Token, in.Body.Credential)
	return s.accounts.Output(ctx, result), err
}

func (s *Service) startAlone(ctx context.Context, _ *noInput) (*challengeOutput, error) {
	return challenge(s.StartAlone(ctx, account.DeviceOf(ctx)))
}

func (s *Service) signInAlone(ctx context.Context, in *answerInput) (*account.SignedInOutput, error) {
	result, err := s.SignInAlone(ctx, account.DeviceOf(ctx), in.Body.ID, in.Body.Credential)
	return s.accounts.Output(ctx, result), err
}

func (s *Service) confirmWithTOTP(ctx context.Context, by account.Actor, in *totpCodeInput) (*account.ConfirmedOutput, error) {
	return confirmed(s.ConfirmWithTOTP(ctx, account.DeviceOf(ctx), by, in.Body.Code))
}

func (s *Service) startConfirm(ctx context.Context, by account.Actor, _ *noInput) (*challengeOutput, error) {
	return challenge(s.StartConfirm(ctx, by))
}

func (s *Service) confirmWithPasskey(ctx context.Context, by account.Actor, in *answerInput) (*account.ConfirmedOutput, error) {
	return confirmed(s.ConfirmWithPasskey(ctx, by, in.Body.ID, in.Body.Credential))
}

func (s *Service) get(ctx context.Context, by account.Actor, _ *noInput) (*factorsOutput, error) {
	all, err := s.Get(ctx, by)
	return &factorsOutput{all}, err
}

func (s *Service) startTOTP(ctx context.Context, by account.Actor, _ *noInput) (*enrolmentOutput, error) {
	e, err := s.StartTOTP(ctx, by)
	out := new(enrolmentOutput)
	out.Body.Secret, out.Body.URI, out.Body.QR = e.Secret, e.URI, e.QR
	return out, err
}

func (s *Service) finishTOTP(ctx context.Context, by account.Actor, in *totpCodeInput) (*codesOutput, error) {
	return codes(s.FinishTOTP(ctx, account.DeviceOf(ctx), by, in.Body.Code))
}

func (s *Service) removeTOTP(ctx context.Context, by account.Actor, _ *noInput) (*noOutput, error) {
	return nil, s.RemoveTOTP(ctx, by)
}

func (s *Service) newRecoveryCodes(ctx context.Context, by account.Actor, _ *noInput) (*codesOutput, error) {
	return codes(s.NewRecoveryCodes(ctx, by))
}

func (s *Service) startPasskey(ctx context.Context, by account.Actor, _ *noInput) (*challengeOutput, error) {
	return challenge(s.StartPasskey(ctx, by))
}

func (s *Service) finishPasskey(ctx context.Context, by account.Actor, in *newPasskeyInput) (*newPasskeyOutput, error) {
	out := new(newPasskeyOutput)
	p, codes, err := s.FinishPasskey(ctx, by, in.Body.ID, in.Body.Name, in.Body.Credential)
	out.Body.Passkey, out.Body.RecoveryCodes = p, codes
	return out, err
}

func (s *Service) renamePasskey(ctx context.Context, by account.Actor, in *renameInput) (*passkeyOutput, error) {
	p, err := s.RenamePasskey(ctx, by, in.ID, in.Body.Name)
	return &passkeyOutput{p}, err
}

func (s *Service) removePasskey(ctx context.Context, by account.Actor, in *idInput) (*noOutput, error) {
	return nil, s.RemovePasskey(ctx, by, in.ID)
}

func (s *Service) reset(ctx context.Context, by account.Actor, in *idInput) (*noOutput, error) {
	return nil, s.Reset(ctx, by, in.ID)
}

func challenge(c Challenge, err error) (*challengeOutput, error) {
	out := new(challengeOutput)
	out.Body.ID, out.Body.PublicKey = c.ID, c.PublicKey
	return out, err
}

func confirmed(until time.Time, err error) (*account.ConfirmedOutput, error) {
	out := new(account.ConfirmedOutput)
	out.Body.ConfirmedUntil = until
	return out, err
}

func codes(all []string, err error) (*codesOutput, error) {
	out := new(codesOutput)
	if out.Body.RecoveryCodes = all; all == nil {
		out.Body.RecoveryCodes = []string{}
	}
	return out, err
}

package account

import (
	"context"
	"net/http"
	"time"

	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{
		Name: "account", Migrations: Migrations, Routes: s.routes,
		Scopes: func(context.Context, string) ([]string, error) { return []string{orgScope}, nil },
		Parts:  []live.Part{{Kind: orgScope, Entity: personEntity, Rows: people}},
		Reseal: resealCheck,
	}
}

func (s *Service) routes(api *web.API) {
	web.Handle(api, web.Op("account.options", "GET /api/auth/options", 200), s.options)
	web.Handle(api, web.Op("invite.check", "POST /api/auth/signup/invite/check", 200), s.checkInvite)
	web.Handle(api, web.Op("account.signup", "POST /api/auth/signup/password", 201), s.signUp)
	web.Handle(api, web.Op("account.login", "POST /api/auth/login", 200), s.login)
	web.Handle(api, web.Op("account.refresh", "POST /api/auth/refresh", 200), s.refresh)
	web.Handle(api, web.Op("account.logout", "POST /api/auth/logout", 204), s.logout)
	web.Handle(api, web.Op("account.keys", "GET /api/auth/jwks.json", 200), s.keys)
	web.Handle(api, web.Op("password.forgot", "POST /api/auth/password/forgot", 202), s.forgot)
	web.Handle(api, web.Op("password.check", "POST /api/auth/password/reset/check", 200), s.checkReset)
	web.Handle(api, web.Op("password.reset", "POST /api/auth/password/reset", 204), s.reset)
	web.Handle(api, web.Op("email.verify", "POST /api/auth/email/verify", 200), s.verifyEmail)
	HandleScoped(api, web.Op("account.me", "GET /api/auth/me", 200), s.me) // a program may know for whom it acts
	s.ownRoutes(api)

	Handle(api, web.Op("invite.create", "POST /api/invites", 201), RequireRole(Admin, s.createInvite))
	Handle(api, web.Op("invite.list", "GET /api/invites", 200), RequireRole(Admin, s.listInvites))
	Handle(api, web.Op("invite.renew", "POST /api/invites/{id}/renew", 200), RequireRole(Admin, s.renewInvite))
	Handle(api, web.Op("invite.revoke", "DELETE /api/invites/{id}", 204), RequireRole(Admin, s.revokeInvite))
}

type (
	checkInput struct {
		Body struct {
			Code string `json:"code" maxLength:"200"`
		}
	}
	checkOutput struct {
		Body struct {
			Valid bool    `json:"valid"`
			Email *string `json:"email" doc:"only this address may use it; null for any"`
			Role  Role    `json:"role" enum:"user,admin"`
		}
	}
	signUpInput struct {
		Body struct {
			Code        string `json:"code,omitempty" maxLength:"200" doc:"may be left out where registration is open"`
			Email       string `json:"email" minLength:"1" maxLength:"254"`
			Password    string `json:"password" minLength:"8" maxLength:"128"`
			DisplayName string `json:"displayName" minLength:"1" maxLength:"100"`
		}
	}
	loginInput struct {
		Body struct {
			Email    string `json:"email" minLength:"1" maxLength:"254"`
			Password string `json:"password" maxLength:"128"`
		}
	}
	refreshInput struct {
		Plain  string `cookie:"peisear_refresh"`
		Secure string `cookie:"__Secure-peisear_refresh"`
		Body   *struct {
			Attempt string `json:"attempt,omitempty" maxLength:"64" doc:"the client's name for this try; with it a lost answer can be asked for again"`
		}
	}
	logoutInput struct {
		Plain  string `cookie:"peisear_refresh"`
		Secure string `cookie:"__Secure-peisear_refresh"`
	}
	logoutOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}
	// Provider is another place where people may sign in.
	Provider struct {
		ID   string `json:"id" doc:"as in the address of its sign-in"`
		Name string `json:"name" doc:"as people know it"`
	}
	optionsOutput struct {
		Body struct {
			Registration Registration `json:"registration" enum:"invite,open" doc:"open: an account needs no invite"`
			Providers    []Provider   `json:"providers" nullable:"false"`
			Mail         bool         `json:"mail" doc:"this server sends mail, so a forgotten password can be replaced"`
		}
	}
	noInput       struct{}
	noOutput      struct{}
	profileOutput struct{ Body Profile }
	keysOutput    struct{ Body KeySet }
)

// options says what a page needs to know before anybody has signed in.
func (s *Service) options(ctx context.Context, _ *noInput) (*optionsOutput, error) {
	out := new(optionsOutput)
	out.Body.Registration, out.Body.Providers = s.Registration(), []Provider{}
	if out.Body.Mail = s.settings.Mail.On(); s.offer == nil {
		return out, nil
	}
	offered, err := s.offer(ctx)
	out.Body.Providers = append(out.Body.Providers, offered...)
	return out, err
}

func (s *Service) checkInvite(ctx context.Context, in *checkInput) (*checkOutput, error) {
	i, err := s.CheckInvite(ctx, web.ClientIP(ctx), in.Body.Code)
	out := new(checkOutput)
	out.Body.Valid, out.Body.Email, out.Body.Role = true, i.Email, i.Role
	return out, err
}

// SignedInOutput is the answer of every operation that begins a session or goes on
// with one: an access token, and the refresh token in a cookie.
type SignedInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		AccessToken string  `json:"accessToken"`
		ExpiresIn   int     `json:"expiresIn" doc:"seconds"`
		User        Profile `json:"user"`
	}
}

// LoginOutput is the answer of an operation that gives one factor: 200 with what
// SignedInOutput has, or 202 with what is needed to give the second.
type LoginOutput struct {
	Status    int
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct {
		AccessToken string      `json:"accessToken,omitempty"`
		ExpiresIn   int         `json:"expiresIn,omitempty" doc:"seconds"`
		User        *Profile    `json:"user,omitempty"`
		Factor      *FactorNeed `json:"factor,omitempty" doc:"with 202: how the sign-in goes on"`
	}
}

// FactorNeed is a Pending in its API form.
type FactorNeed struct {
	Token     string   `json:"token"`
	Methods   []string `json:"methods" nullable:"false" doc:"totp, passkey, recovery"`
	ExpiresIn int      `json:"expiresIn" doc:"seconds"`
}

func (s *Service) signUp(ctx context.Context, in *signUpInput) (*SignedInOutput, error) {
	b := in.Body
	result, err := s.SignUp(ctx, DeviceOf(ctx), SignUp{b.Code, b.Email, b.Password, b.DisplayName})
	return s.Output(ctx, result), err
}

func (s *Service) login(ctx context.Context, in *loginInput) (*LoginOutput, error) {
	result, err := s.Login(ctx, DeviceOf(ctx), in.Body.Email, in.Body.Password)
	return s.LoginOutput(ctx, result), err
}

func (s *Service) refresh(ctx context.Context, in *refreshInput) (*SignedInOutput, error) {
	attempt := ""
	if in.Body != nil {
		attempt = in.Body.Attempt
	}
	result, err := s.Refresh(ctx, DeviceOf(ctx), s.cookieOf(ctx, in.Plain, in.Secure), attempt)
	return s.Output(ctx, result), err
}

func (s *Service) logout(ctx context.Context, in *logoutInput) (*logoutOutput, error) {
	by, _ := From(ctx) // a cookie is enough
	err := s.Logout(ctx, by, s.cookieOf(ctx, in.Plain, in.Secure))
	return &logoutOutput{s.cookie(ctx, "", time.Time{})}, err
}

func (s *Service) me(ctx context.Context, by Actor, _ *noInput) (*profileOutput, error) {
	p, err := s.Get(ctx, by.ID)
	return &profileOutput{p}, err
}

func (s *Service) keys(context.Context, *noInput) (*keysOutput, error) {
	return &keysOutput{s.tokens.KeySet()}, nil
}

// LoginOutput renders the outcome of a first factor.
func (s *Service) LoginOutput(ctx context.Context, result SignedIn) *LoginOutput {
	out := &LoginOutput{Status: http.StatusOK}
	if p := result.Pending; p != nil {
		out.Status = http.StatusAccepted
		out.Body.Factor = &FactorNeed{p.Token, p.Methods, int(p.ExpiresIn / time.Second)}
		return out
	}
	signedIn := s.Output(ctx, result)
	out.SetCookie = []http.Cookie{signedIn.SetCookie}
	out.Body.AccessToken, out.Body.ExpiresIn, out.Body.User = signedIn.Body.AccessToken, signedIn.Body.ExpiresIn, &signedIn.Body.User
	return out
}

// Cookie is the refresh token of a session that has begun, for an answer that is not
// JSON.
func (s *Service) Cookie(ctx context.Context, result SignedIn) http.Cookie {
	return s.cookie(ctx, result.Refresh, result.RefreshExpires)
}

// Output renders a session that has begun.
func (s *Service) Output(ctx context.Context, result SignedIn) *SignedInOutput {
	out := &SignedInOutput{SetCookie: s.cookie(ctx, result.Refresh, result.RefreshExpires)}
	out.Body.AccessToken = result.AccessToken
	out.Body.ExpiresIn = int(result.ExpiresIn / time.Second)
	out.Body.User = result.User
	return out
}

const (
	cookieName, secureCookieName = "peisear_refresh", "__Secure-peisear_refresh"
	cookiePath                   = "/api/auth"
)

// cookie carries the refresh token where no script and no other path reads it. A
// value of "" removes it.
func (s *Service) cookie(ctx context.Context, value string, expires time.Time) http.Cookie {
	c := http.Cookie{
		Name: s.cookieName(ctx), Value: value, Path: cookiePath,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.secure(ctx),
	}
	c.MaxAge = int(expires.Sub(s.now()) / time.Second)
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// cookieName is the name that counts: over https one that a plain http page cannot set.
func (s *Service) cookieName(ctx context.Context) string {
	if s.secure(ctx) {
		return secureCookieName
	}
	return cookieName
}

func (s *Service) secure(ctx context.Context) bool {
	return s.settings.SecureCookie || web.IsTLS(ctx)
}

// cookieOf is the refresh token of a request.
func (s *Service) cookieOf(ctx context.Context, plain, secure string) string {
	if s.secure(ctx) {
		return secure
	}
	return plain
}

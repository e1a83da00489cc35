package oauth

import (
	"context"
	"net/http"
	"net/url"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/provider"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "oauth", Migrations: Migrations, Routes: s.routes, Reseal: reseal}
}

// applePost is where a form of Apple's page comes to: from another site, and without
// cookies.
const applePost = "POST /api/auth/apple/callback"

func (s *Service) routes(api *web.API) {
	web.Handle(api, web.Op("oauth.start", "GET /api/auth/{provider}/start", http.StatusSeeOther), s.start)
	web.Handle(api, web.Op("oauth.signup", "GET /api/auth/{provider}/signup/start", http.StatusSeeOther), s.startSignUp)
	web.Handle(api, web.Op("oauth.callback", "GET /api/auth/{provider}/callback", http.StatusSeeOther), s.callback)
	web.Handle(api, web.Op("oauth.post", applePost, http.StatusSeeOther), s.post)
	api.FromAnywhere(applePost)
	account.HandleOwn(api, web.Op("oauth.link", "POST /api/auth/{provider}/link", http.StatusOK), s.startLink)
	account.HandleOwn(api, web.Op("oauth.confirm", "POST /api/auth/{provider}/confirm", http.StatusOK), s.startConfirm)

	account.HandleOwn(api, web.Op("identity.list", "GET /api/account/identities", http.StatusOK), s.listIdentities)
	account.HandleOwn(api, web.Op("identity.delete", "DELETE /api/account/identities/{id}", http.StatusNoContent), s.deleteIdentity)

	account.Handle(api, web.Op("provider.list", "GET /api/admin/providers", http.StatusOK), account.RequireRole(account.Admin, s.listProviders))
	account.HandleOwn(api, web.Op("provider.put", "PUT /api/admin/providers/{id}", http.StatusOK), account.RequireRole(account.Admin, s.putProvider))
	account.HandleOwn(api, web.Op("provider.delete", "DELETE /api/admin/providers/{id}", http.StatusNoContent), account.RequireRole(account.Admin, s.deleteProvider))
}

type (
	// Browser is embedded in the input of what a browser does on its way.
	Browser struct {
		Plain  string `cookie:"peisear_attempt"`
		Secure string `cookie:"__Secure-peisear_attempt"`
	}
	// Departure says of a browser that sets out where the link was that it followed.
	Departure struct {
		Browser
		Site string `header:"Sec-Fetch-Site" hidden:"true"`
	}
	startInput struct {
		Departure
		Provider string `path:"provider"`
		Then     string `query:"then" doc:"where to go afterwards, a path of the app"`
	}
	startSignUpInput struct {
		Departure
		Provider string `path:"provider"`
		Code     string `query:"code" doc:"of the invite; may be left out where registration is open"`
		Then     string `query:"then" doc:"where to go afterwards, a path of the app"`
	}
	callbackInput struct {
		Browser
		Provider    string `path:"provider"`
		State       string `query:"state"`
		Code        string `query:"code"`
		Issuer      string `query:"iss"`
		Error       string `query:"error"`
		Description string `query:"error_description"`
	}
	postInput struct {
		RawBody []byte `contentType:"application/x-www-form-urlencoded"`
	}
	linkInput struct {
		Browser
		Provider string `path:"provider"`
	}
	confirmInput struct {
		Browser
		Provider string `path:"provider"`
		Body     struct {
			Then string `json:"then" maxLength:"2000" doc:"where to go afterwards, a path of the app"`
		}
	}
	idInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	providerInput struct {
		web.Mutation
		ID string `path:"id"`
	}
	putInput struct {
		web.Mutation
		ID   string `path:"id"`
		Body struct {
			ClientID string `json:"clientId" maxLength:"8192"`
			Secret   string `json:"clientSecret,omitempty" maxLength:"8192" doc:"for Apple the private key, PEM; left out, the one that was entered before stays"`
			Tenant   string `json:"tenant,omitempty" maxLength:"8192" doc:"Microsoft's; common when it is left out"`
			TeamID   string `json:"teamId,omitempty" maxLength:"8192" doc:"Apple's"`
			KeyID    string `json:"keyId,omitempty" maxLength:"8192" doc:"Apple's"`
			Issuer   string `json:"issuer,omitempty" maxLength:"8192" doc:"of oidc"`
			Name     string `json:"name,omitempty" maxLength:"8192" doc:"what people call oidc"`
			URL      string `json:"url,omitempty" maxLength:"8192" doc:"where GitHub Enterprise is, or a cloud of Microsoft's"`
		}
	}
	redirectOutput struct {
		Location  string        `header:"Location"`
		SetCookie []http.Cookie `header:"Set-Cookie"`
	}
	addressOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
		Body      struct {
			URL string `json:"url" doc:"at the provider; the browser goes there"`
		}
	}
	identitiesOutput struct {
		Body struct {
			Items []Identity `json:"items" nullable:"false"`
		}
	}
	providersOutput struct {
		Body struct {
			Items []Configured `json:"items" nullable:"false"`
		}
	}
	providerOutput struct{ Body Configured }
	noInput        struct{}
	noOutput       struct{}
)

func (s *Service) start(ctx context.Context, in *startInput) (*redirectOutput, error) {
	return s.depart(ctx, in.Departure, in.Provider, Journey{Purpose: ForLogin, Then: in.Then})
}

func (s *Service) startSignUp(ctx context.Context, in *startSignUpInput) (*redirectOutput, error) {
	return s.depart(ctx, in.Departure, in.Provider, Journey{Purpose: ForSignUp, Invite: in.Code, Then: in.Then})
}

// depart sends the browser to the provider. What a person can do nothing about but wait
// is shown on a page; that there is no such provider is an answer to a program. A page
// of another site sends nobody away: a provider that knows the browser would ask nothing,
// and a session would begin that nobody wanted.
func (s *Service) depart(ctx context.Context, b Departure, id string, j Journey) (*redirectOutput, error) {
	if b.Site == "cross-site" || b.Site == "same-site" {
		return &redirectOutput{Location: button(j)}, nil
	}
	browser, cookie := s.marked(ctx, b.Plain, b.Secure)
	address, err := s.Begin(ctx, account.DeviceOf(ctx), browser, provider.ID(id), j)
	if code := errs.Of(err).Code; err != nil && (errs.Is(err, errs.NotFound) || code == codeUnconfigured) {
		return nil, err
	}
	if err != nil {
		o := s.refused(ctx, provider.ID(id), attempt{purpose: j.Purpose, kept: kept{Invite: j.Invite}, then: LocalPath(j.Then)}, err)
		return &redirectOutput{Location: o.Place}, nil
	}
	return &redirectOutput{Location: address, SetCookie: []http.Cookie{cookie}}, nil
}

// button is the page where a journey begins by a click.
func button(j Journey) string {
	if j.Purpose == ForSignUp {
		return with("/signup", "code", j.Invite)
	}
	if then := LocalPath(j.Then); then != "/" {
		return with("/login", "then", then)
	}
	return "/login"
}

func (s *Service) callback(ctx context.Context, in *callbackInput) (*redirectOutput, error) {
	answer := provider.Answer{Code: in.Code, Issuer: in.Issuer, Error: in.Error, Description: in.Description}
	browser := s.browserOf(ctx, in.Plain, in.Secure)
	o, err := s.Finish(ctx, account.DeviceOf(ctx), browser, provider.ID(in.Provider), in.State, answer)
	if err != nil {
		return nil, err
	}
	out := &redirectOutput{Location: o.Place}
	if o.Session != nil {
		out.SetCookie = []http.Cookie{s.accounts.Cookie(ctx, *o.Session)}
	}
	return out, nil
}

// post keeps the answer and lets the browser come again by GET, with its cookie. It
// says the same whatever it was given.
func (s *Service) post(ctx context.Context, in *postInput) (*redirectOutput, error) {
	form, err := url.ParseQuery(string(in.RawBody))
	if err != nil {
		form = url.Values{}
	}
	err = s.Deposit(ctx, provider.Apple, form.Get("state"), provider.Answer{
		Code: form.Get("code"), Issuer: form.Get("iss"), Error: form.Get("error"), Description: form.Get("error_description"), User: form.Get("user"),
	})
	place := url.URL{Path: "/api/auth/apple/callback", RawQuery: url.Values{"state": {form.Get("state")}}.Encode()}
	return &redirectOutput{Location: place.String()}, err
}

func (s *Service) startLink(ctx context.Context, by account.Actor, in *linkInput) (*addressOutput, error) {
	if err := s.accounts.Confirmed(ctx, by); err != nil {
		return nil, err
	}
	return s.address(ctx, in.Browser, in.Provider, Journey{Purpose: ForLink, By: by})
}

func (s *Service) startConfirm(ctx context.Context, by account.Actor, in *confirmInput) (*addressOutput, error) {
	if in.Body.Then != LocalPath(in.Body.Then) {
		return nil, errs.Field("body.then", "expected a path of the app")
	}
	if err := s.mayConfirm(ctx, by, provider.ID(in.Provider)); err != nil {
		return nil, err
	}
	return s.address(ctx, in.Browser, in.Provider, Journey{Purpose: ForConfirm, By: by, Then: in.Body.Then})
}

func (s *Service) address(ctx context.Context, b Browser, id string, j Journey) (*addressOutput, error) {
	browser, cookie := s.marked(ctx, b.Plain, b.Secure)
	address, err := s.Begin(ctx, account.DeviceOf(ctx), browser, provider.ID(id), j)
	if err != nil {
		s.report(ctx, provider.ID(id), err)
		return nil, err
	}
	out := &addressOutput{SetCookie: cookie}
	out.Body.URL = address
	return out, nil
}

func (s *Service) listIdentities(ctx context.Context, by account.Actor, _ *noInput) (*identitiesOutput, error) {
	out := new(identitiesOutput)
	items, err := s.Identities(ctx, by)
	out.Body.Items = items
	return out, err
}

func (s *Service) deleteIdentity(ctx context.Context, by account.Actor, in *idInput) (*noOutput, error) {
	return nil, s.Unlink(ctx, by, in.Tx, in.ID)
}

func (s *Service) listProviders(ctx context.Context, by account.Actor, _ *noInput) (*providersOutput, error) {
	out := new(providersOutput)
	items, err := s.Configured(ctx, by)
	out.Body.Items = items
	return out, err
}

func (s *Service) putProvider(ctx context.Context, by account.Actor, in *putInput) (*providerOutput, error) {
	b := in.Body
	c, err := s.Configure(ctx, by, in.Tx, provider.Settings{
		ID: provider.ID(in.ID), ClientID: b.ClientID, Secret: b.Secret, Tenant: b.Tenant, TeamID: b.TeamID, KeyID: b.KeyID,
		Issuer: b.Issuer, Name: b.Name, URL: b.URL,
	})
	return &providerOutput{c}, err
}

func (s *Service) deleteProvider(ctx context.Context, by account.Actor, in *providerInput) (*noOutput, error) {
	return nil, s.Unconfigure(ctx, by, in.Tx, provider.ID(in.ID))
}

package apitoken

import (
	"context"
	"net/http"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "apitoken", Migrations: Migrations, Routes: s.routes}
}

func (s *Service) routes(api *web.API) {
	account.HandleOwn(api, web.Op("token.list", "GET /api/account/tokens", http.StatusOK), s.list)
	account.HandleOwn(api, web.Op("token.create", "POST /api/account/tokens", http.StatusCreated), s.create)
	account.HandleOwn(api, web.Op("token.revoke", "DELETE /api/account/tokens/{id}", http.StatusNoContent), s.revoke)
}

type (
	noInput          struct{}
	createTokenInput struct {
		web.Mutation
		Body struct {
			Name      string        `json:"name" minLength:"1" maxLength:"100"`
			Scope     account.Scope `json:"scope" enum:"read,write,admin"`
			LogScopes []string      `json:"logScopes,omitempty" maxItems:"50" nullable:"true" doc:"scopes of the change log, like project:<id>, to limit it to; none or null for no limit"`
			ExpiresAt *time.Time    `json:"expiresAt,omitempty" nullable:"true" doc:"within a year; null for never"`
		}
	}
	revokeTokenInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	listTokensOutput struct {
		Body struct {
			Items []Token `json:"items" nullable:"false"`
		}
	}
	newTokenOutput struct {
		Body struct {
			Token
			Secret string `json:"token" doc:"shown this once; empty when the request was sent again"`
		}
	}
	noOutput struct{}
)

func (s *Service) list(ctx context.Context, by account.Actor, _ *noInput) (*listTokensOutput, error) {
	out := new(listTokensOutput)
	var err error
	out.Body.Items, err = s.List(ctx, by)
	return out, err
}

func (s *Service) create(ctx context.Context, by account.Actor, in *createTokenInput) (*newTokenOutput, error) {
	b := in.Body
	t, secret, err := s.Create(ctx, by, in.Tx, Draft{b.Name, b.Scope, b.LogScopes, b.ExpiresAt})
	out := new(newTokenOutput)
	out.Body.Token, out.Body.Secret = t, secret
	return out, err
}

func (s *Service) revoke(ctx context.Context, by account.Actor, in *revokeTokenInput) (*noOutput, error) {
	return nil, s.Revoke(ctx, by, in.Tx, in.ID)
}

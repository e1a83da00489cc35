package board

import (
	"context"
	"net/http"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "board", Routes: s.routes}
}

func (s *Service) routes(api *web.API) {
	account.HandleScoped(api, web.Op("issue.move", "POST /api/issues/{key}/move", http.StatusOK), s.move)
}

type moveInput struct {
	web.Mutation
	issue.Path
	Body struct {
		StatusID string            `json:"statusId" format:"uuid" doc:"the column"`
		After    web.Field[string] `json:"after,omitzero" minLength:"1" maxLength:"40" doc:"id or key of the issue to stand right below"`
		Before   web.Field[string] `json:"before,omitzero" minLength:"1" maxLength:"40" doc:"id or key of the issue to stand right above"`
		Version  *int64            `json:"version,omitempty" doc:"the version that the user saw"`
	}
}

type moveOutput struct{ Body issue.Placed }

func (s *Service) move(ctx context.Context, by account.Actor, in *moveInput) (*moveOutput, error) {
	key, err := issue.ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	placed, err := s.Move(ctx, by, in.Tx, key, Move{
		StatusID: in.Body.StatusID, After: in.Body.After.Value, Before: in.Body.Before.Value, Version: in.Body.Version,
	})
	return &moveOutput{placed}, err
}

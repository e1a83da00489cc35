package comment

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
	return feature.Feature{Name: "comment", Migrations: Migrations, Routes: s.routes}
}

func (s *Service) routes(api *web.API) {
	account.HandleScoped(api, web.Op("comment.create", "POST /api/issues/{key}/comments", http.StatusCreated), s.create)
	account.HandleScoped(api, web.Op("comment.list", "GET /api/issues/{key}/comments", http.StatusOK), s.list)
	account.HandleScoped(api, web.Op("comment.get", "GET /api/comments/{id}", http.StatusOK), s.get)
	account.HandleScoped(api, web.Op("comment.update", "PATCH /api/comments/{id}", http.StatusOK), s.update)
	account.HandleScoped(api, web.Op("comment.delete", "DELETE /api/comments/{id}", http.StatusNoContent), s.delete)
}

type (
	createInput struct {
		web.Mutation
		issue.Path
		Body struct {
			Body string `json:"body" minLength:"1" maxLength:"50000" doc:"Markdown"`
		}
	}
	listInput struct {
		issue.Path
		Sort   string `query:"sort" enum:"created,-created" default:"created" doc:"the oldest first, or the newest"`
		Cursor string `query:"cursor" format:"uuid" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	getInput struct {
		ID string `path:"id" format:"uuid"`
	}
	updateInput struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Body    web.Field[string] `json:"body,omitzero" nullable:"false" minLength:"1" maxLength:"50000"`
			Version int64             `json:"version" doc:"the version that the user saw"`
		}
	}
	deleteInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	output     struct{ Body Comment }
	listOutput struct {
		Body struct {
			Items      []Comment `json:"items" nullable:"false"`
			NextCursor *string   `json:"nextCursor" doc:"null on the last page"`
		}
	}
	noOutput struct{}
)

func (s *Service) create(ctx context.Context, by account.Actor, in *createInput) (*output, error) {
	key, err := issue.ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	c, err := s.Create(ctx, by, in.Tx, key, in.Body.Body)
	return &output{c}, err
}

func (s *Service) list(ctx context.Context, by account.Actor, in *listInput) (*listOutput, error) {
	key, err := issue.ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	out := new(listOutput)
	items, more, err := s.List(ctx, by, key, Range{Newest: in.Sort == "-created", After: in.Cursor, Limit: in.Limit})
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].ID
	}
	return out, err
}

func (s *Service) get(ctx context.Context, by account.Actor, in *getInput) (*output, error) {
	c, err := s.Get(ctx, by, in.ID)
	return &output{c}, err
}

func (s *Service) update(ctx context.Context, by account.Actor, in *updateInput) (*output, error) {
	body, err := in.Body.Body.Given("body.body")
	if err != nil {
		return nil, err
	}
	c, err := s.Update(ctx, by, in.Tx, in.ID, in.Body.Version, body)
	return &output{c}, err
}

func (s *Service) delete(ctx context.Context, by account.Actor, in *deleteInput) (*noOutput, error) {
	return nil, s.Delete(ctx, by, in.Tx, in.ID)
}

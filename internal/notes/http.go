package notes

import (
	"context"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{
		Name: "notes", Migrations: Migrations, Routes: s.routes,
		Parts: parts(),
	}
}

func (s *Service) routes(api *web.API) {
	mine := account.Actor.Scope // where all of it happens
	account.HandleIn(api, web.Op("note.create", "POST /api/notes", 201), mine, s.create)
	account.HandleIn(api, web.Op("note.list", "GET /api/notes", 200), mine, s.list)
	account.HandleIn(api, web.Op("note.get", "GET /api/notes/{id}", 200), mine, s.get)
	account.HandleIn(api, web.Op("note.update", "PATCH /api/notes/{id}", 200), mine, s.update)
	account.HandleIn(api, web.Op("note.delete", "DELETE /api/notes/{id}", 204), mine, s.delete)
}

type (
	createInput struct {
		web.Mutation
		Body struct {
			Title string `json:"title" minLength:"1" maxLength:"200"`
			Body  string `json:"body,omitempty" maxLength:"100000"`
		}
	}
	getInput struct {
		ID string `path:"id" format:"uuid"`
	}
	listInput struct {
		Cursor string `query:"cursor" format:"uuid" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	updateInput struct {
		web.Mutation
		ID   string `path:"id" format:"uuid"`
		Body struct {
			Title   web.Field[string] `json:"title,omitzero" minLength:"1" maxLength:"200"`
			Body    web.Field[string] `json:"body,omitzero" maxLength:"100000"`
			Version *int64            `json:"version,omitempty" doc:"the version that the user saw"`
		}
	}
	deleteInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	noteOutput struct{ Body Note }
	listOutput struct {
		Body struct {
			Items      []Note  `json:"items" nullable:"false"`
			NextCursor *string `json:"nextCursor" doc:"null on the last page"`
		}
	}
	noOutput struct{}
)

func (s *Service) create(ctx context.Context, by account.Actor, in *createInput) (*noteOutput, error) {
	n, err := s.Create(ctx, by, in.Tx, Draft{Title: in.Body.Title, Body: in.Body.Body})
	return &noteOutput{n}, err
}

func (s *Service) list(ctx context.Context, by account.Actor, in *listInput) (*listOutput, error) {
	out := new(listOutput)
	items, more, err := s.List(ctx, by, in.Cursor, in.Limit)
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].ID
	}
	return out, err
}

func (s *Service) get(ctx context.Context, by account.Actor, in *getInput) (*noteOutput, error) {
	n, err := s.Get(ctx, by, in.ID)
	return &noteOutput{n}, err
}

func (s *Service) update(ctx context.Context, by account.Actor, in *updateInput) (*noteOutput, error) {
	title, err := in.Body.Title.Given("body.title")
	if err != nil {
		return nil, err
	}
	e := Edit{Title: title, Version: in.Body.Version}
	if in.Body.Body.Sent {
		e.Body = &in.Body.Body.Value // "" for null
	}
	n, err := s.Update(ctx, by, in.Tx, in.ID, e)
	return &noteOutput{n}, err
}

func (s *Service) delete(ctx context.Context, by account.Actor, in *deleteInput) (*noOutput, error) {
	return nil, s.Delete(ctx, by, in.Tx, in.ID)
}

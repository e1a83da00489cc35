package search

import (
	"context"
	"net/http"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/archive"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "search", Migrations: Migrations, Routes: s.routes, Run: s.Run, Derived: derived()}
}

// derived are all of the slice's tables: what stands in them is made of the texts.
func derived() []archive.Derived {
	nothing := func(context.Context, *db.DB) error { return nil }
	return []archive.Derived{
		{Table: "search_doc", Rebuild: func(ctx context.Context, d *db.DB) error {
			return (&Service{db: d, index: newProgress()}).Fill(ctx)
		}},
		{Table: "search_index", Rebuild: nothing}, // with the docs
		{Table: "search_shelf", Rebuild: nothing},
		{Table: "search_todo", Rebuild: nothing},
		{Table: "search_turn", Rebuild: nothing},
	}
}

func (s *Service) routes(api *web.API) {
	account.HandleScoped(api, web.Op("search.find", "GET /api/search", http.StatusOK), s.serve)
}

type (
	findInput struct {
		Q       string `query:"q" maxLength:"500" doc:"words that must all be there; the last may go on unless a space follows; \"one after the other\"; or the key of an issue"`
		Project string `query:"project" maxLength:"40" doc:"the key of the only project to search"`
		Cursor  string `query:"cursor" maxLength:"200" doc:"nextCursor of the page before"`
		Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	findOutput struct {
		Body struct {
			Items      []Hit   `json:"items" nullable:"false"`
			NextCursor *string `json:"nextCursor" doc:"null on the last page"`
			Found      int     `json:"found" doc:"how many there are on all pages"`
			More       bool    `json:"more" doc:"there are older ones, which were not looked at"`
		}
	}
)

func (s *Service) serve(ctx context.Context, by account.Actor, in *findInput) (*findOutput, error) {
	p, err := s.Find(ctx, by, Query{Text: in.Q, Project: in.Project, Cursor: in.Cursor, Limit: in.Limit})
	out := new(findOutput)
	if out.Body.Items = p.Hits; p.Hits == nil {
		out.Body.Items = []Hit{}
	}
	if p.Next != "" {
		out.Body.NextCursor = &p.Next
	}
	out.Body.Found, out.Body.More = p.Found, p.More
	return out, err
}

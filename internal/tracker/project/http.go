package project

import (
	"context"
	"net/http"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "project", Migrations: Migrations, Routes: s.routes, Scopes: s.scopes, Parts: parts(), Jobs: s.jobs()}
}

func (s *Service) routes(api *web.API) {
	account.Handle(api, web.Op("project.create", "POST /api/projects", http.StatusCreated), s.create)
	account.HandleScoped(api, web.Op("project.list", "GET /api/projects", http.StatusOK), s.list)
	account.HandleScoped(api, web.Op("project.get", "GET /api/projects/{key}", http.StatusOK), s.get)
	account.HandleScoped(api, web.Op("project.update", "PATCH /api/projects/{key}", http.StatusOK), s.update)
	account.HandleScoped(api, web.Op("project.delete", "DELETE /api/projects/{key}", http.StatusNoContent), s.delete)
	account.HandleScoped(api, web.Op("status.list", "GET /api/projects/{key}/statuses", http.StatusOK), s.listStatuses)
	account.HandleScoped(api, web.Op("member.list", "GET /api/projects/{key}/members", http.StatusOK), s.listMembers)
	account.HandleScoped(api, web.Op("member.add", "POST /api/projects/{key}/members", http.StatusCreated), s.addMember)
	account.HandleScoped(api, web.Op("member.update", "PATCH /api/projects/{key}/members/{userId}", http.StatusOK), s.updateMember)
	account.HandleScoped(api, web.Op("member.remove", "DELETE /api/projects/{key}/members/{userId}", http.StatusNoContent), s.removeMember)

	account.Handle(api, web.Op("project.names", "GET /api/admin/projects", http.StatusOK), account.RequireRole(account.Admin, s.listNames))
	account.Handle(api, web.Op("project.takeOver", "POST /api/admin/projects/{id}/take-over", http.StatusOK), account.RequireRole(account.Admin, s.takeOver))
}

// Path is embedded in the input of operations on one project.
type Path struct {
	Key string `path:"key" maxLength:"20" doc:"the project's key, like MESOS"`
}

type (
	createInput struct {
		web.Mutation
		Body struct {
			Key         string `json:"key" pattern:"^[A-Z][A-Z0-9]{1,9}$" patternDescription:"2 to 10 capital letters and digits, beginning with a letter"`
			Name        string `json:"name" minLength:"1" maxLength:"120"`
			Description string `json:"description,omitempty" maxLength:"10000"`
		}
	}
	listInput struct {
		Cursor string `query:"cursor" pattern:"^[A-Z][A-Z0-9]{1,9}$" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	getInput    struct{ Path }
	updateInput struct {
		web.Mutation
		Path
		Body struct {
			Name        web.Field[string] `json:"name,omitzero" nullable:"false" minLength:"1" maxLength:"120"`
			Description web.Field[string] `json:"description,omitzero" maxLength:"10000"`
			Version     *int64            `json:"version,omitempty" doc:"the version that the user saw"`
		}
	}
	deleteInput struct {
		web.Mutation
		Path
	}
	listMembersInput struct {
		Path
		Cursor string `query:"cursor" format:"uuid" doc:"nextCursor of the page before"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	addMemberInput struct {
		web.Mutation
		Path
		Body struct {
			Email string `json:"email" minLength:"1" maxLength:"254"`
			Role  Role   `json:"role" enum:"owner,maintainer,member,viewer"`
		}
	}
	updateMemberInput struct {
		web.Mutation
		Path
		UserID string `path:"userId" format:"uuid"`
		Body   struct {
			Role Role `json:"role" enum:"owner,maintainer,member,viewer"`
		}
	}
	removeMemberInput struct {
		web.Mutation
		Path
		UserID string `path:"userId" format:"uuid"`
	}
	listNamesInput struct {
		Ownerless bool   `query:"ownerless" doc:"only those that no active user owns"`
		Cursor    string `query:"cursor" pattern:"^[A-Z][A-Z0-9]{1,9}$" doc:"nextCursor of the page before"`
		Limit     int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	takeOverInput struct {
		web.Mutation
		ID string `path:"id" format:"uuid"`
	}
	namesOutput struct {
		Body struct {
			Items      []Nameplate `json:"items" nullable:"false"`
			NextCursor *string     `json:"nextCursor" doc:"null on the last page"`
		}
	}
	projectOutput  struct{ Body Project }
	memberOutput   struct{ Body Person }
	projectsOutput struct {
		Body struct {
			Items      []Project `json:"items" nullable:"false"`
			NextCursor *string   `json:"nextCursor" doc:"null on the last page"`
		}
	}
	statusesOutput struct {
		Body struct {
			Items []Status `json:"items" nullable:"false"`
		}
	}
	membersOutput struct {
		Body struct {
			Items      []Person `json:"items" nullable:"false"`
			NextCursor *string  `json:"nextCursor" doc:"null on the last page"`
		}
	}
	noOutput struct{}
)

func (s *Service) create(ctx context.Context, by account.Actor, in *createInput) (*projectOutput, error) {
	p, err := s.Create(ctx, by, in.Tx, Draft{Key: in.Body.Key, Name: in.Body.Name, Description: in.Body.Description})
	return &projectOutput{p}, err
}

func (s *Service) list(ctx context.Context, by account.Actor, in *listInput) (*projectsOutput, error) {
	out := new(projectsOutput)
	items, more, err := s.List(ctx, by, in.Cursor, in.Limit)
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].Key
	}
	return out, err
}

func (s *Service) get(ctx context.Context, by account.Actor, in *getInput) (*projectOutput, error) {
	p, err := s.Get(ctx, by, in.Key)
	return &projectOutput{p}, err
}

func (s *Service) update(ctx context.Context, by account.Actor, in *updateInput) (*projectOutput, error) {
	name, err := in.Body.Name.Given("body.name")
	if err != nil {
		return nil, err
	}
	e := Edit{Name: name, Version: in.Body.Version}
	if in.Body.Description.Sent { // null clears it: the value is then ""
		e.Description = &in.Body.Description.Value
	}
	p, err := s.Update(ctx, by, in.Tx, in.Key, e)
	return &projectOutput{p}, err
}

func (s *Service) delete(ctx context.Context, by account.Actor, in *deleteInput) (*noOutput, error) {
	return nil, s.Delete(ctx, by, in.Tx, in.Key)
}

func (s *Service) listStatuses(ctx context.Context, by account.Actor, in *getInput) (*statusesOutput, error) {
	out := new(statusesOutput)
	var err error
	out.Body.Items, err = s.Statuses(ctx, by, in.Key)
	return out, err
}

func (s *Service) listMembers(ctx context.Context, by account.Actor, in *listMembersInput) (*membersOutput, error) {
	out := new(membersOutput)
	items, more, err := s.Members(ctx, by, in.Key, in.Cursor, in.Limit)
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].UserID
	}
	return out, err
}

func (s *Service) addMember(ctx context.Context, by account.Actor, in *addMemberInput) (*memberOutput, error) {
	p, err := s.AddMember(ctx, by, in.Tx, in.Key, in.Body.Email, in.Body.Role)
	return &memberOutput{p}, err
}

func (s *Service) updateMember(ctx context.Context, by account.Actor, in *updateMemberInput) (*memberOutput, error) {
	p, err := s.SetRole(ctx, by, in.Tx, in.Key, in.UserID, in.Body.Role)
	return &memberOutput{p}, err
}

func (s *Service) removeMember(ctx context.Context, by account.Actor, in *removeMemberInput) (*noOutput, error) {
	return nil, s.RemoveMember(ctx, by, in.Tx, in.Key, in.UserID)
}

func (s *Service) listNames(ctx context.Context, by account.Actor, in *listNamesInput) (*namesOutput, error) {
	out := new(namesOutput)
	items, more, err := s.Names(ctx, by, in.Ownerless, in.Cursor, in.Limit)
	if out.Body.Items = items; more {
		out.Body.NextCursor = &items[len(items)-1].Key
	}
	return out, err
}

func (s *Service) takeOver(ctx context.Context, by account.Actor, in *takeOverInput) (*projectOutput, error) {
	p, err := s.TakeOver(ctx, by, in.Tx, in.ID)
	return &projectOutput{p}, err
}

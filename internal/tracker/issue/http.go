package issue

import (
	"cmp"
	"context"
	"net/http"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/feature"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/project"
)

// Feature returns what the slice brings to the app.
func Feature(s *Service) feature.Feature {
	return feature.Feature{Name: "issue", Migrations: Migrations, Routes: s.routes, Parts: parts()}
}

func (s *Service) routes(api *web.API) {
	account.HandleScoped(api, web.Op("issue.create", "POST /api/projects/{key}/issues", http.StatusCreated), s.create)
	account.HandleScoped(api, web.Op("issue.list", "GET /api/projects/{key}/issues", http.StatusOK), s.list)
	account.HandleScoped(api, web.Op("issue.get", "GET /api/issues/{key}", http.StatusOK), s.get)
	account.HandleScoped(api, web.Op("issue.update", "PATCH /api/issues/{key}", http.StatusOK), s.update)
	account.HandleScoped(api, web.Op("issue.delete", "DELETE /api/issues/{key}", http.StatusNoContent), s.delete)
}

// Path is embedded in the input of operations on one issue.
type Path struct {
	Key string `path:"key" maxLength:"40" doc:"the issue's key, like MESOS-12"`
}

// Output is an operation's answer with one issue.
type Output struct{ Body Issue }

type (
	createInput struct {
		web.Mutation
		project.Path
		Body struct {
			Title       string             `json:"title" minLength:"1" maxLength:"200"`
			Description string             `json:"description,omitempty" maxLength:"100000"`
			StatusID    string             `json:"statusId,omitempty" format:"uuid"`
			Priority    Priority           `json:"priority,omitempty" enum:"low,medium,high,urgent" default:"medium"`
			AssigneeID  web.Field[string]  `json:"assigneeId,omitzero" format:"uuid"`
			Effort      web.Field[float64] `json:"effort,omitzero" minimum:"0" maximum:"10000"`
			ParentID    web.Field[string]  `json:"parentId,omitzero" format:"uuid"`
			DueOn       web.Field[string]  `json:"dueOn,omitzero" format:"date"`
		}
	}
	listInput struct {
		project.Path
		Status   []string   `query:"status" maxItems:"50" doc:"ids or categories, separated by commas"`
		Assignee []string   `query:"assignee" maxItems:"50" doc:"ids of users, me or none, separated by commas"`
		Priority []Priority `query:"priority" maxItems:"4" enum:"low,medium,high,urgent"`
		Q        string     `query:"q" maxLength:"200" doc:"part of the title, a key, or the source key of an import"`
		Sort     string     `query:"sort" enum:"number,-number,created,-created,updated,-updated,title,-title,priority,-priority,rank,-rank" default:"-number"`
		Cursor   string     `query:"cursor" maxLength:"10000" doc:"nextCursor of the page before"`
		Limit    int        `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	getInput    struct{ Path }
	updateInput struct {
		web.Mutation
		Path
		Body struct {
			Title       web.Field[string]   `json:"title,omitzero" nullable:"false" minLength:"1" maxLength:"200"`
			Description web.Field[string]   `json:"description,omitzero" maxLength:"100000"`
			StatusID    web.Field[string]   `json:"statusId,omitzero" nullable:"false" format:"uuid"`
			Priority    web.Field[Priority] `json:"priority,omitzero" nullable:"false" enum:"low,medium,high,urgent"`
			AssigneeID  web.Field[string]   `json:"assigneeId,omitzero" format:"uuid"`
			Effort      web.Field[float64]  `json:"effort,omitzero" minimum:"0" maximum:"10000"`
			ParentID    web.Field[string]   `json:"parentId,omitzero" format:"uuid"`
			DueOn       web.Field[string]   `json:"dueOn,omitzero" format:"date"`
			Version     *int64              `json:"version,omitempty" doc:"the version that the user saw; name it with a description"`
		}
	}
	deleteInput struct {
		web.Mutation
		Path
	}
	listOutput struct {
		Body struct {
			Items      []Issue `json:"items" nullable:"false"`
			NextCursor *string `json:"nextCursor" doc:"null on the last page"`
		}
	}
	noOutput struct{}
)

func (s *Service) create(ctx context.Context, by account.Actor, in *createInput) (*Output, error) {
	b := in.Body
	d := Draft{Title: b.Title, Description: b.Description, StatusID: b.StatusID, Priority: b.Priority}
	effort, err := effortOf(b.Effort)
	if err != nil {
		return nil, err
	}
	set(&d.AssigneeID, b.AssigneeID)
	set(&d.ParentID, b.ParentID)
	set(&d.DueOn, b.DueOn)
	d.Effort = effort
	i, err := s.Create(ctx, by, in.Tx, in.Key, d)
	return &Output{i}, err
}

func (s *Service) list(ctx context.Context, by account.Actor, in *listInput) (*listOutput, error) {
	page, err := s.List(ctx, by, in.Key, Filter{
		Statuses: in.Status, Assignees: in.Assignee, Priorities: in.Priority, Text: in.Q,
		Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit,
	})
	out := new(listOutput)
	if out.Body.Items = page.Items; page.Next != "" {
		out.Body.NextCursor = &page.Next
	}
	return out, err
}

func (s *Service) get(ctx context.Context, by account.Actor, in *getInput) (*Output, error) {
	key, err := ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	i, err := s.Get(ctx, by, key)
	return &Output{i}, err
}

func (s *Service) update(ctx context.Context, by account.Actor, in *updateInput) (*Output, error) {
	key, err := ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	edit, err := in.edit()
	if err != nil {
		return nil, err
	}
	i, err := s.Update(ctx, by, in.Tx, key, in.Body.Version, edit)
	return &Output{i}, err
}

// edit is what the body changes. Invalid: a field.
func (in *updateInput) edit() (Edit, error) {
	b := in.Body
	title, err1 := b.Title.Given("body.title")
	status, err2 := b.StatusID.Given("body.statusId")
	priority, err3 := b.Priority.Given("body.priority")
	effort, err4 := effortOf(b.Effort)
	return func(d *Draft) {
		replace(&d.Title, title)
		replace(&d.StatusID, status)
		replace(&d.Priority, priority)
		if b.Description.Sent {
			d.Description = b.Description.Value // "" for null
		}
		set(&d.AssigneeID, b.AssigneeID)
		set(&d.ParentID, b.ParentID)
		set(&d.DueOn, b.DueOn)
		if b.Effort.Sent {
			d.Effort = effort
		}
	}, cmp.Or(err1, err2, err3, err4)
}

func (s *Service) delete(ctx context.Context, by account.Actor, in *deleteInput) (*noOutput, error) {
	key, err := ParseKey(in.Key)
	if err != nil {
		return nil, err
	}
	return nil, s.Delete(ctx, by, in.Tx, key)
}

func effortOf(f web.Field[float64]) (*int64, error) {
	if !f.Sent {
		return nil, nil
	}
	return Effort(f.Pointer())
}

// replace sets a field that was sent.
func replace[T any](field *T, sent *T) {
	if sent != nil {
		*field = *sent
	}
}

// set sets or clears a field that was sent.
func set[T any](field **T, sent web.Field[T]) {
	if sent.Sent {
		*field = sent.Pointer()
	}
}

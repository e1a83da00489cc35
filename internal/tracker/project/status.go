package project

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/rank"
	"github.com/peisear/peisear/internal/tracker/project/query"
)

// Category is what a status means, whatever a project calls it.
type Category string

// The categories, in the order in which work goes through them.
const (
	Backlog    Category = "backlog"
	Open       Category = "open"
	InProgress Category = "in_progress"
	Done       Category = "done"
	Cancelled  Category = "cancelled"
)

// Status is one of the states that a project's issues can be in: a column of its
// board. Columns stand in the order of Rank.
type Status struct {
	ID       string   `json:"id" format:"uuid"`
	Name     string   `json:"name"`
	Category Category `json:"category" enum:"backlog,open,in_progress,done,cancelled"`
	Color    string   `json:"color" doc:"a name: gray, amber, green…"`
	Rank     string   `json:"rank" doc:"a fractional index, compared byte by byte"`
}

// createStatuses gives a new project the columns that most begin with.
func createStatuses(ctx context.Context, tx *live.Tx, by account.Actor, projectID string) error {
	last := ""
	for _, s := range []Status{
		{Name: "Open", Category: Open, Color: "gray"},
		{Name: "In Progress", Category: InProgress, Color: "amber"},
		{Name: "Done", Category: Done, Color: "green"},
	} {
		at, err := rank.Between(last, "")
		if err != nil {
			return err
		}
		row, err := query.New(tx).CreateStatus(ctx, query.CreateStatusParams{
			ID: uuid.Must(uuid.NewV7()).String(), Name: s.Name, Category: string(s.Category), Color: s.Color, Rank: at,
			ProjectID: projectID, Actor: by.ID,
		})
		if err != nil {
			return err
		}
		if err := tx.RecordIn(Scope(projectID), "status", row.ID, nil, status(row)); err != nil {
			return err
		}
		last = at
	}
	return nil
}

// Statuses returns the project's statuses in their order.
// NotFound: there is no project that the actor may see.
func (s *Service) Statuses(ctx context.Context, by account.Actor, key string) (_ []Status, err error) {
	defer errs.Wrap(&err, "project.Statuses(%s)", key)
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]Status, error) {
		p, err := Enter(ctx, c, by, key, Viewer)
		if err != nil {
			return nil, err
		}
		return statuses(ctx, c, p.ID)
	})
}

func statuses(ctx context.Context, c db.Conn, projectID string) ([]Status, error) {
	rows, err := query.New(c).ListStatuses(ctx, projectID)
	all := make([]Status, 0, len(rows))
	for _, row := range rows {
		all = append(all, status(row))
	}
	return all, err
}

func status(row query.Status) Status {
	return Status{ID: row.ID, Name: row.Name, Category: Category(row.Category), Color: row.Color, Rank: row.Rank}
}

// Scopes lists the scopes of the projects that the actor, and their token, may see.
func (s *Service) Scopes(ctx context.Context, by account.Actor) (_ []string, err error) {
	defer errs.Wrap(&err, "project.Scopes")
	all, err := s.scopes(ctx, by.ID)
	return slices.DeleteFunc(slices.Clone(all), func(scope string) bool { return !by.May(scope) }), err
}

// scopes lists the scopes that the user's memberships let them follow.
func (s *Service) scopes(ctx context.Context, userID string) ([]string, error) {
	return s.granted.of(userID, time.Now(), func() ([]string, error) {
		return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) ([]string, error) {
			ids, err := query.New(c).ListScopes(ctx, userID)
			for i, id := range ids {
				ids[i] = Scope(id)
			}
			return ids, err
		})
	})
}

// parts are the slice's rows in snapshots.
func parts() []live.Part {
	id := func(scope string) string { _, id, _ := strings.Cut(scope, ":"); return id }
	return []live.Part{
		{Kind: "user", Entity: "membership", Rows: func(ctx context.Context, c db.Conn, scope string) (any, error) {
			rows, err := query.New(c).ListMemberships(ctx, id(scope))
			all := make([]membership, 0, len(rows))
			for _, row := range rows {
				all = append(all, membership{ID: row.ProjectID, Role: Role(row.Role)})
			}
			return all, err
		}},
		{Kind: "project", Entity: "project", Rows: func(ctx context.Context, c db.Conn, scope string) (any, error) {
			row, err := query.New(c).GetProject(ctx, id(scope))
			return []Row{projectRow(row)}, err
		}},
		{Kind: "project", Entity: "status", Rows: func(ctx context.Context, c db.Conn, scope string) (any, error) {
			return statuses(ctx, c, id(scope))
		}},
		{Kind: "project", Entity: live.Member, Rows: func(ctx context.Context, c db.Conn, scope string) (any, error) {
			rows, err := query.New(c).AllMembers(ctx, id(scope))
			all := make([]memberRow, 0, len(rows))
			for _, row := range rows {
				all = append(all, memberRow{ID: row.UserID, Role: Role(row.Role)})
			}
			return all, err
		}},
	}
}

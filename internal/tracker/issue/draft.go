package issue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"time"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/blank"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue/query"
)

// Limits, in characters and points.
const (
	MaxTitle       = 200
	MaxDescription = 100_000
	MaxEffort      = 10_000
)

// effortUnit is how many units of the column are one point.
const effortUnit = 1000

// maxDepth bounds how deep sub-issues may be nested.
const maxDepth = 50

// Draft is what a user writes. The zero Priority is Medium, the zero StatusID the
// project's first open status.
type Draft struct {
	Title       string
	Description string
	StatusID    string
	Priority    Priority
	AssigneeID  *string
	Effort      *int64 // thousandths of a point; nil: not estimated
	ParentID    *string
	DueOn       *string
}

// Effort returns points as a draft keeps them, nil for nil.
// Invalid: below 0, above MaxEffort or finer than a thousandth.
func Effort(points *float64) (*int64, error) {
	if points == nil {
		return nil, nil
	}
	units := math.Round(*points * effortUnit)
	if !(*points >= 0 && *points <= MaxEffort) || units/effortUnit != *points {
		return nil, errs.Field("body.effort", "expected a number of points from 0 to %d, in steps of 0.001, or null", MaxEffort)
	}
	n := int64(units)
	return &n, nil
}

// checked returns the draft as it is kept, as far as it can be judged by itself.
func (d Draft) checked() (Draft, error) {
	d.Title = blank.Trim(d.Title)
	if d.Priority == "" {
		d.Priority = Medium
	}
	switch {
	case d.Title == "":
		return d, errs.Field("body.title", "an issue needs a title")
	case utf8.RuneCountInString(d.Title) > MaxTitle:
		return d, errs.Field("body.title", "at most %d characters", MaxTitle)
	case utf8.RuneCountInString(d.Description) > MaxDescription:
		return d, errs.Field("body.description", "at most %d characters", MaxDescription)
	case !d.Priority.known():
		return d, errs.Field("body.priority", "expected low, medium, high or urgent")
	case d.DueOn != nil && !isDate(*d.DueOn):
		return d, errs.Field("body.dueOn", "expected a date like 2026-12-31")
	}
	return d, nil
}

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// refers checks what the draft names against the database. id is the issue's own,
// "" for a new one.
func (d Draft) refers(ctx context.Context, c db.Conn, projectID, id string) error {
	q := query.New(c)
	if d.StatusID != "" {
		n, err := q.HasStatus(ctx, query.HasStatusParams{ID: d.StatusID, ProjectID: projectID})
		if err != nil || n == 0 {
			return cmp.Or(err, errNoStatus)
		}
	}
	if d.AssigneeID != nil {
		n, err := q.HasMember(ctx, query.HasMemberParams{UserID: *d.AssigneeID, ProjectID: projectID})
		if err != nil || n == 0 {
			return cmp.Or(err, errNoMember)
		}
	}
	return d.hasParent(ctx, q, projectID, id)
}

// hasParent walks up from the parent: it must be in the project, and the issue must
// not be above itself.
func (d Draft) hasParent(ctx context.Context, q *query.Queries, projectID, id string) error {
	at := d.ParentID
	for depth := 0; at != nil; depth++ {
		if *at == id {
			return errs.Field("body.parentId", "an issue cannot be its own parent, nor above it")
		}
		if depth == maxDepth {
			return errs.Field("body.parentId", "nested deeper than %d", maxDepth)
		}
		next, err := q.FindParent(ctx, query.FindParentParams{ID: *at, ProjectID: projectID})
		if errors.Is(err, sql.ErrNoRows) {
			return errs.Field("body.parentId", "the project has no such issue")
		}
		if err != nil {
			return err
		}
		at = next
	}
	return nil
}

func draftOf(row query.Issue) Draft {
	return Draft{
		Title: row.Title, Description: row.Description, StatusID: row.StatusID, Priority: Priority(row.Priority),
		AssigneeID: row.AssigneeID, Effort: row.Effort, ParentID: row.ParentID, DueOn: row.DueOn,
	}
}

// onto returns the row with the draft's fields.
func (d Draft) onto(row query.Issue) query.Issue {
	row.Title, row.Description, row.StatusID, row.Priority = d.Title, d.Description, d.StatusID, string(d.Priority)
	row.AssigneeID, row.Effort, row.ParentID, row.DueOn = d.AssigneeID, d.Effort, d.ParentID, d.DueOn
	return row
}

// since returns the draft without the references that it shares with an older one:
// what stood there before needs no second look, which it might not pass any more.
func (d Draft) since(old Draft) Draft {
	if d.StatusID == old.StatusID {
		d.StatusID = ""
	}
	if same(d.AssigneeID, old.AssigneeID) {
		d.AssigneeID = nil
	}
	if same(d.ParentID, old.ParentID) {
		d.ParentID = nil
	}
	return d
}

func (d Draft) equal(o Draft) bool {
	return d.Title == o.Title && d.Description == o.Description && d.StatusID == o.StatusID && d.Priority == o.Priority &&
		same(d.AssigneeID, o.AssigneeID) && same(d.Effort, o.Effort) && same(d.ParentID, o.ParentID) && same(d.DueOn, o.DueOn)
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

package issue

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/rank"
	"github.com/peisear/peisear/internal/tracker/issue/query"
	"github.com/peisear/peisear/internal/tracker/project"
)

var (
	errNoIssue   = errs.New(errs.NotFound, "no such issue")
	errNoProject = errs.New(errs.NotFound, "no such project")
	errNoStatus  = errs.Field("body.statusId", "the project has no such status")
	errNoMember  = errs.Field("body.assigneeId", "not a member of the project")
)

// Key is what people call an issue: MESOS-12.
type Key struct {
	Project string
	Number  int64
}

func (k Key) String() string { return k.Project + "-" + strconv.FormatInt(k.Number, 10) }

// ParseKey reads MESOS-12, in any case. NotFound: the text is no key, so that no
// issue can have it.
func ParseKey(text string) (Key, error) {
	name, digits, ok := strings.Cut(text, "-")
	number, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || number < 1 || strconv.FormatInt(number, 10) != digits {
		return Key{}, errNoIssue
	}
	return Key{Project: strings.ToUpper(name), Number: number}, nil
}

// enter returns the issue with the key and what the actor may do there.
// NotFound: there is none that they may see. Forbidden: their role is below need.
func enter(ctx context.Context, c db.Conn, by account.Actor, key Key, need project.Role) (query.EnterIssueRow, error) {
	row, err := query.New(c).EnterIssue(ctx, query.EnterIssueParams{Actor: by.ID, Number: key.Number, ProjectKey: key.Project})
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !by.May(project.Scope(row.Issue.ProjectID)):
		return query.EnterIssueRow{}, errNoIssue
	case err != nil:
		return row, err
	}
	return row, project.Role(row.Role).Require(need)
}

// enterIn is enter for a write to the project that is locked.
func enterIn(ctx context.Context, tx *live.Tx, by account.Actor, key Key, projectID string) (query.EnterIssueRow, error) {
	row, err := enter(ctx, tx, by, key, project.Member)
	if err == nil && row.Issue.ProjectID != projectID {
		err = errNoIssue
	}
	return row, err
}

// enterColumn returns where a draft's issue would stand. NotFound, Forbidden: as in
// enter. Invalid: the draft names a status or an assignee that the project has not.
func enterColumn(ctx context.Context, tx *live.Tx, by account.Actor, projectKey, projectID string, d Draft) (query.EnterColumnRow, error) {
	c, err := query.New(tx).EnterColumn(ctx, query.EnterColumnParams{
		AssigneeID: d.AssigneeID, Actor: by.ID, StatusID: d.StatusID, ProjectKey: projectKey,
	})
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && (c.ID != projectID || !by.May(project.Scope(c.ID))):
		return c, errNoProject
	case err != nil:
		return c, err
	}
	switch err := project.Role(c.Role).Require(project.Member); {
	case err != nil:
		return c, err
	case c.StatusID == "" && d.StatusID == "":
		return c, sql.ErrNoRows
	case c.StatusID == "":
		return c, errNoStatus
	case d.AssigneeID != nil && c.Assignees == 0:
		return c, errNoMember
	}
	return c, nil
}

// byID answers a creation that was sent again.
func (s *Service) byID(ctx context.Context, by account.Actor, projectKey, id string) (Issue, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Issue, error) {
		if _, err := project.Enter(ctx, c, by, projectKey, project.Viewer); err != nil {
			return Issue{}, err
		}
		row, err := query.New(c).GetIssue(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			err = errNoIssue
		}
		return issue(row, projectKey), err
	})
}

// noIssue says of a project that is not found what was asked for: the issue.
func noIssue(err error) error {
	if errs.Is(err, errs.NotFound) {
		return errNoIssue
	}
	return err
}

// top returns the rank before all of a column.
func top(ctx context.Context, c db.Conn, projectID, statusID string) (string, error) {
	first, err := query.New(c).FirstRank(ctx, query.FirstRankParams{ProjectID: projectID, StatusID: statusID})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return rank.Between("", first)
}

// bottom returns the rank after all of a column.
func bottom(ctx context.Context, c db.Conn, projectID, statusID string) (string, error) {
	last, err := query.New(c).LastRank(ctx, query.LastRankParams{ProjectID: projectID, StatusID: statusID})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return rank.Between(last, "")
}

func issue(r query.Issue, projectKey string) Issue {
	return Issue{
		Header: Header{
			ID: r.ID, Key: Key{projectKey, r.Number}.String(), Number: r.Number, Title: r.Title, StatusID: r.StatusID,
			Priority: Priority(r.Priority), AssigneeID: r.AssigneeID, Effort: points(r.Effort), ParentID: r.ParentID,
			DueOn: r.DueOn, Rank: r.Rank, AuthorID: r.AuthorID, CreatedAt: at(r.CreatedAt), UpdatedAt: at(r.UpdatedAt),
			Version: r.Version,
		},
		Description: r.Description,
	}
}

// with returns the issue as the row now is.
func (i Issue) with(row query.Issue) Issue {
	name, _, _ := strings.Cut(i.Key, "-")
	return issue(row, name)
}

func points(units *int64) *float64 {
	if units == nil {
		return nil
	}
	p := float64(*units) / effortUnit
	return &p
}

func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func (s *Service) knows(ctx context.Context, projectID, alias string) (bool, error) {
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (bool, error) {
		_, err := query.New(c).FindAlias(ctx, query.FindAliasParams{ProjectID: projectID, Alias: alias})
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		return err == nil, err
	})
}

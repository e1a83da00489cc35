// Package board moves issues: into a column, and to a place in its order. The order
// is a fractional index on each issue, so a move changes one row, and now and then those
// around it, which make room.
//
// A move names the issue that it shall stand right below (after), the one right
// above (before), or both. Others may have moved meanwhile: as long as one of the
// two is in the column, the place is next to it; when neither is, or none was named,
// the issue stands first. So moves that collide never fail. An issue that stands at
// its place already, or is told to stand next to itself, is left alone.
package board

import (
	"cmp"
	"context"
	"database/sql"
	"errors"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/board/query"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// Move is where an issue shall go. After and Before are ids or keys of issues of the
// same project, or "". Version, where it is given, is the one that the user saw.
type Move struct {
	StatusID string
	After    string
	Before   string
	Version  *int64
}

// Service moves issues.
type Service struct{ issues *issue.Service }

// New returns the service over the issues.
func New(issues *issue.Service) *Service { return &Service{issues} }

// Move puts an issue into a column and to a place there.
// NotFound: there is no such issue that the actor may see. Forbidden: they are a
// viewer. Invalid: the project has no such status, or no such issue as a neighbour.
// Conflict: the move names a version and the issue has another.
func (s *Service) Move(ctx context.Context, by account.Actor, tx string, key issue.Key, m Move) (_ issue.Placed, err error) {
	defer errs.Wrap(&err, "board.Move(%s)", key)
	return s.issues.Place(ctx, by, tx, key, m.Version, func(ctx context.Context, c db.Conn, projectID, id string, from issue.Spot) (issue.Spot, []issue.Ranked, error) {
		f := finder{q: query.New(c), projectID: projectID, moved: id, from: from, statusID: m.StatusID}
		return f.spot(ctx, m)
	})
}

// finder looks for a place in one column, as if the moved issue, which stands at
// from, were not there.
type finder struct {
	q                          *query.Queries
	projectID, moved, statusID string
	from                       issue.Spot
}

func (f finder) spot(ctx context.Context, m Move) (issue.Spot, []issue.Ranked, error) {
	low, high, err := f.gap(ctx, m)
	if err != nil {
		return issue.Spot{}, nil, err
	}
	if f.from.StatusID == f.statusID && low < f.from.Rank && (high == "" || f.from.Rank < high) {
		return f.from, nil, nil
	}
	at, others, err := f.rank(ctx, low, high)
	return issue.Spot{StatusID: m.StatusID, Rank: at}, others, err
}

// gap returns the ranks on both sides of the place, "" for an end of the column.
func (f finder) gap(ctx context.Context, m Move) (low, high string, err error) {
	low, high, err = f.sides(ctx, m)
	if low != "" || high != "" || f.from.StatusID == f.statusID || err != nil && !errs.Is(err, errs.Invalid) {
		return low, high, err
	}
	// No issue has shown that the column is one of the project's.
	n, unknown := f.q.HasStatus(ctx, query.HasStatusParams{ID: f.statusID, ProjectID: f.projectID})
	if unknown == nil && n == 0 {
		unknown = errs.Field("body.statusId", "the project has no such status")
	}
	return "", "", cmp.Or(unknown, err)
}

// sides is the gap by the issues in the column.
func (f finder) sides(ctx context.Context, m Move) (low, high string, err error) {
	after, err := f.neighbour(ctx, "body.after", m.After)
	if err != nil {
		return "", "", err
	}
	before, err := f.neighbour(ctx, "body.before", m.Before)
	if err != nil {
		return "", "", err
	}
	switch {
	case after != "" && !f.isOwn(after):
		high, err = f.above(ctx, after)
		return after, high, err
	case before != "" && !f.isOwn(before):
		low, err = f.below(ctx, before)
		return low, before, err
	case after != "" || before != "":
		return f.around(ctx)
	}
	high, err = f.above(ctx, "")
	return "", high, err
}

// isOwn reports whether a rank of the column is the moved issue's.
func (f finder) isOwn(at string) bool { return f.from == issue.Spot{StatusID: f.statusID, Rank: at} }

// around is the gap in which the moved issue stands.
func (f finder) around(ctx context.Context) (low, high string, err error) {
	if low, err = f.below(ctx, f.from.Rank); err != nil {
		return "", "", err
	}
	high, err = f.above(ctx, f.from.Rank)
	return low, high, err
}

// neighbour returns the rank of a named issue, "" when none is named or when it has
// left the column.
func (f finder) neighbour(ctx context.Context, field, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	row, err := f.find(ctx, name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", errs.Field(field, "the project has no such issue")
	case err != nil:
		return "", err
	case row.StatusID != f.statusID:
		return "", nil
	}
	return row.Rank, nil
}

func (f finder) find(ctx context.Context, name string) (query.FindNeighbourRow, error) {
	if key, err := issue.ParseKey(name); err == nil {
		row, err := f.q.FindNeighbourByNumber(ctx, query.FindNeighbourByNumberParams{
			Number: key.Number, ProjectKey: key.Project, ProjectID: f.projectID,
		})
		return query.FindNeighbourRow(row), err
	}
	return f.q.FindNeighbour(ctx, query.FindNeighbourParams{ID: name, ProjectID: f.projectID})
}

// above returns the next higher rank in the column, "" at its end.
func (f finder) above(ctx context.Context, from string) (string, error) {
	at, err := f.q.RankAfter(ctx, query.RankAfterParams{ProjectID: f.projectID, StatusID: f.statusID, Rank: from, Moved: f.moved})
	return orEnd(at, err)
}

// below returns the next lower rank in the column, "" at its beginning.
func (f finder) below(ctx context.Context, from string) (string, error) {
	at, err := f.q.RankBefore(ctx, query.RankBeforeParams{ProjectID: f.projectID, StatusID: f.statusID, Rank: from, Moved: f.moved})
	return orEnd(at, err)
}

func orEnd(at string, err error) (string, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return at, err
}

package account

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/georgysavva/scany/v2/sqlscan"

	"github.com/peisear/peisear/internal/account/query"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
)

// MaxPage bounds a page of users.
const MaxPage = maxPage

// The states of users that a list may be narrowed down to.
const (
	Active   = "active"
	Disabled = "disabled"
)

// UserFilter says which users a list holds. An empty field lets all pass. Users who
// were deleted are in no list.
type UserFilter struct {
	Text   string // part of the name or of the e-mail address
	Status string // Active or Disabled
	Cursor string // where the page before ended
	Limit  int    // 1 to MaxPage
}

// Users returns users by name, and the cursor of those after them, "" when there are
// none. Forbidden: by is no admin. Invalid: a field of the filter.
func (s *Service) Users(ctx context.Context, by Actor, f UserFilter) (page []Managed, next string, err error) {
	defer errs.Wrap(&err, "account.Users")
	text, args, err := f.build()
	if err != nil {
		return nil, "", err
	}
	rows, err := db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (rows []query.User, err error) {
		if err := mustBeAdmin(ctx, c, by); err != nil {
			return nil, err
		}
		err = sqlscan.Select(ctx, c, &rows, text, args...)
		return rows, err
	})
	if err != nil {
		return nil, "", err
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		next = spot{rows[f.Limit-1].NameFolded, rows[f.Limit-1].ID}.String()
	}
	page = make([]Managed, 0, len(rows))
	for _, u := range rows {
		page = append(page, managed(u))
	}
	return page, next, nil
}

// build writes the statement with the conditions that are asked for and no others.
func (f UserFilter) build() (string, []any, error) {
	s := new(db.Statement)
	s.Add("SELECT * FROM users WHERE deleted_at IS NULL")
	switch f.Status {
	case "":
	case Active:
		s.Add(" AND disabled_at IS NULL")
	case Disabled:
		s.Add(" AND disabled_at IS NOT NULL")
	default:
		return "", nil, errs.Field("query.status", "expected %s or %s", Active, Disabled)
	}
	if f.Limit < 1 || f.Limit > MaxPage {
		return "", nil, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	if text := strings.TrimSpace(f.Text); text != "" {
		s.Add(" AND (name_folded LIKE ? ESCAPE '\\' OR email_folded LIKE ? ESCAPE '\\')", fold.Pattern(text), fold.Within(Fold(text)))
	}
	if f.Cursor != "" {
		after, err := parseSpot(f.Cursor)
		if err != nil {
			return "", nil, err
		}
		s.Add(" AND (name_folded, id) > (?, ?)", after.name, after.id)
	}
	s.Add(" ORDER BY name_folded, id")
	s.Limit(f.Limit + 1)
	return s.Text(), s.Args(), nil
}

// spot is where a page of users ended.
type spot struct{ name, id string }

func (p spot) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.id + " " + p.name))
}

func parseSpot(cursor string) (spot, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	id, name, ok := strings.Cut(string(text), " ")
	if err != nil || !ok || !plain(string(text)) {
		return spot{}, errs.Field("query.cursor", "expected the nextCursor of a page")
	}
	return spot{name, id}, nil
}

// Named is how a list of what happened calls somebody.
type Named struct {
	Email       string
	DisplayName string
	Deleted     bool // and without a name
}

// maxNamed bounds the ids of one statement.
const maxNamed = 500

// Names returns the users among the ids, by id. Forbidden: by is no admin.
func (s *Service) Names(ctx context.Context, by Actor, ids []string) (names map[string]Named, err error) {
	defer errs.Wrap(&err, "account.Names")
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (map[string]Named, error) {
		if err := mustBeAdmin(ctx, c, by); err != nil {
			return nil, err
		}
		names := make(map[string]Named, len(ids))
		for len(ids) > 0 {
			some := ids[:min(maxNamed, len(ids))]
			ids = ids[len(some):]
			st := new(db.Statement)
			st.Add("SELECT * FROM users WHERE ")
			st.In("id", some)
			var rows []query.User
			if err := sqlscan.Select(ctx, c, &rows, st.Text(), st.Args()...); err != nil {
				return nil, err
			}
			for _, u := range rows {
				names[u.ID] = Named{u.Email, u.DisplayName, u.DeletedAt != nil}
			}
		}
		return names, nil
	})
}

package issue

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/tracker/issue/query"
	"github.com/peisear/peisear/internal/tracker/project"
)

// MaxPage bounds a page, in issues.
const MaxPage = 200

// Nobody stands for no assignee, and Me for the actor, in Filter.Assignees.
const (
	Nobody = "none"
	Me     = "me"
)

// Filter says which issues a list holds. An empty field lets all pass; several
// values of one field are alternatives.
type Filter struct {
	Statuses   []string   // ids, or categories
	Assignees  []string   // ids of users, Me or Nobody
	Priorities []Priority // any of them
	Text       string     // part of the title, of the source key of an import, or an issue's key
	Sort       string     // one of Sorts, with - before it for the other direction; "" is -number
	Cursor     string     // where the page before ended
	Limit      int        // 1 to MaxPage
}

// Page is a part of a list. Next is "" on the last one.
type Page struct {
	Items []Issue
	Next  string
}

// Sorts are the orders of a list.
func Sorts() []string {
	return []string{"number", "created", "updated", "title", "priority", "rank"}
}

// sortColumn is an order's expression, and whether it is a text.
func sortColumn(name string) (expression string, text bool) {
	switch name {
	case "created":
		return "i.created_at", false
	case "updated":
		return "i.updated_at", false
	case "title":
		return "i.title_folded", true
	case "priority":
		return "CASE i.priority WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 ELSE 4 END", false
	case "rank":
		return "i.rank", true
	}
	return "i.number", false
}

// List returns a page of a project's issues.
// NotFound: there is no project that the actor may see. Invalid: a field of the
// filter, or a cursor that is not of this order.
func (s *Service) List(ctx context.Context, by account.Actor, projectKey string, f Filter) (_ Page, err error) {
	defer errs.Wrap(&err, "issue.List(%s)", projectKey)
	if err := f.check(); err != nil {
		return Page{}, err
	}
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Page, error) {
		p, err := project.Enter(ctx, c, by, projectKey, project.Viewer)
		if err != nil {
			return Page{}, err
		}
		text, args, err := f.build(p, by)
		if err != nil {
			return Page{}, err
		}
		rows, err := readList(ctx, c, text, args, f.Limit+1)
		if err != nil {
			return Page{}, err
		}
		return f.page(rows, p.Key), nil
	})
}

// check refuses what can name nothing: a word that was mistyped must not look like
// a list without issues.
func (f Filter) check() error {
	none := func(values []string, known ...string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(known, v) && !isID(v) })
	}
	unknown := func(p Priority) bool { return !p.known() }
	switch {
	case f.Limit < 1 || f.Limit > MaxPage:
		return errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	case f.Sort != "" && !slices.Contains(Sorts(), strings.TrimPrefix(f.Sort, "-")):
		return errs.Field("query.sort", "expected one of %s, with - before it for the other direction", strings.Join(Sorts(), ", "))
	case none(f.Statuses, categories()...):
		return errs.Field("query.status", "expected ids of statuses, or %s", strings.Join(categories(), ", "))
	case none(f.Assignees, Me, Nobody):
		return errs.Field("query.assignee", "expected ids of users, %s or %s", Me, Nobody)
	case slices.ContainsFunc(f.Priorities, unknown):
		return errs.Field("query.priority", "expected low, medium, high or urgent")
	}
	return nil
}

func categories() []string {
	return []string{
		string(project.Backlog), string(project.Open), string(project.InProgress), string(project.Done), string(project.Cancelled),
	}
}

func isID(text string) bool { return len(text) == len(uuid.Nil.String()) && uuid.Validate(text) == nil }

type listRow struct {
	query.Issue
	SortKey string
}

// listColumns are what readList reads, before the sort key: what an Issue holds.
const listColumns = `i.id, i.number, i.title, i.description, i.status_id, i.priority, i.assignee_id,
i.effort, i.parent_id, i.due_on, i.rank, i.author_id, i.version, i.created_at, i.updated_at`

func readList(ctx context.Context, c db.Conn, text string, args []any, most int) (all []listRow, err error) {
	rows, err := c.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = make([]listRow, 0, most)
	for rows.Next() {
		all = append(all, listRow{})
		r := &all[len(all)-1]
		if err := rows.Scan(&r.ID, &r.Number, &r.Title, &r.Description, &r.StatusID, &r.Priority,
			&r.AssigneeID, &r.Effort, &r.ParentID, &r.DueOn, &r.Rank, &r.AuthorID, &r.Version, &r.CreatedAt, &r.UpdatedAt,
			&r.SortKey); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

func (f Filter) page(rows []listRow, projectKey string) Page {
	page := Page{Items: make([]Issue, 0, len(rows))}
	for n, row := range rows {
		if n == f.Limit {
			last := rows[n-1]
			page.Next = cursor{Sort: f.Sort, Value: last.SortKey, ID: last.ID}.String()
			break
		}
		page.Items = append(page.Items, issue(row.Issue, projectKey))
	}
	return page
}

// build writes the statement with the conditions that are asked for and no others:
// a condition that lets all pass keeps the database from using an index.
func (f Filter) build(p project.Project, by account.Actor) (string, []any, error) {
	name, descending := strings.CutPrefix(f.Sort, "-")
	if f.Sort == "" {
		name, descending = "number", true
	}
	column, isText := sortColumn(name)
	s := new(db.Statement)
	s.Add("SELECT "+listColumns+", CAST("+column+" AS TEXT) AS sort_key FROM issue i WHERE i.project_id = ?", p.ID)
	f.statuses(s)
	f.assignees(s, by)
	if len(f.Priorities) > 0 {
		values := make([]string, len(f.Priorities))
		for i, p := range f.Priorities {
			values[i] = string(p)
		}
		s.Add(" AND ")
		s.In("i.priority", values)
	}
	f.search(s, p)
	direction, compare := "", ">"
	if descending {
		direction, compare = " DESC", "<"
	}
	if f.Cursor != "" {
		value, id, err := f.position(isText)
		if err != nil {
			return "", nil, err
		}
		s.Add(" AND ("+column+", i.id) "+compare+" (?, ?)", value, id)
	}
	s.Add(" ORDER BY " + column + direction + ", i.id" + direction)
	s.Limit(f.Limit + 1)
	return s.Text(), s.Args(), nil
}

// statuses takes ids and categories alike.
func (f Filter) statuses(s *db.Statement) {
	if len(f.Statuses) == 0 {
		return
	}
	s.Add(" AND i.status_id IN (SELECT id FROM status WHERE status.project_id = i.project_id AND (")
	s.In("status.id", f.Statuses)
	s.Add(" OR ")
	s.In("status.category", f.Statuses)
	s.Add("))")
}

func (f Filter) assignees(s *db.Statement, by account.Actor) {
	if len(f.Assignees) == 0 {
		return
	}
	var ids []string
	nobody := false
	for _, id := range f.Assignees {
		switch id {
		case Nobody:
			nobody = true
		case Me:
			ids = append(ids, by.ID)
		default:
			ids = append(ids, id)
		}
	}
	s.Add(" AND (")
	if len(ids) > 0 {
		s.In("i.assignee_id", ids)
	}
	if nobody && len(ids) > 0 {
		s.Add(" OR ")
	}
	if nobody {
		s.Add("i.assignee_id IS NULL")
	}
	s.Add(")")
}

func (f Filter) search(s *db.Statement, p project.Project) {
	text := strings.TrimSpace(f.Text)
	if text == "" {
		return
	}
	pattern := fold.Pattern(text)
	s.Add(" AND (i.title_folded LIKE ? ESCAPE '\\' OR i.id IN (SELECT a.issue_id FROM issue_alias a"+
		" WHERE a.project_id = ? AND a.alias_folded LIKE ? ESCAPE '\\')", pattern, p.ID, pattern)
	if key, err := ParseKey(text); err == nil && key.Project == p.Key {
		s.Add(" OR i.number = ?", key.Number)
	}
	s.Add(")")
}

// cursor is where a page ended: the sort key and the id of its last row.
type cursor struct {
	Sort  string `json:"s"`
	Value string `json:"v"`
	ID    string `json:"i"`
}

func (c cursor) String() string {
	text, _ := json.Marshal(c) // three texts always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// position reads the cursor. Invalid: no page of this order has ended there. Only what
// String writes is one, so that nothing else reaches the database.
func (f Filter) position(isText bool) (value any, id string, err error) {
	refused := errs.Field("query.cursor", "expected the nextCursor of a page in the same order")
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil || json.Unmarshal(text, &c) != nil || c.String() != f.Cursor {
		return nil, "", refused
	}
	if c.Sort != f.Sort || !isID(c.ID) || !db.Keepable(c.Value) {
		return nil, "", refused
	}
	if isText {
		return c.Value, c.ID, nil
	}
	number, err := strconv.ParseInt(c.Value, 10, 64)
	if err != nil {
		return nil, "", refused
	}
	return number, c.ID, nil
}

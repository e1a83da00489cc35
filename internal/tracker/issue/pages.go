package issue

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue/query"
	"github.com/peisear/peisear/internal/tracker/project"
)

// parts are the slice's rows in snapshots.
func parts() []live.Part {
	return []live.Part{{Kind: "project", Entity: entity, Paged: &live.Paged{Page: headerPage, Row: header}}}
}

// header reads what a snapshot has of one issue.
func header(ctx context.Context, c db.Conn, scope, id string) (any, error) {
	row, err := query.New(c).GetHeader(ctx, query.GetHeaderParams{ProjectID: projectOf(scope), ID: id})
	if errors.Is(err, sql.ErrNoRows) {
		err = errNoIssue
	}
	return headerOf(query.PageHeadersRow(row)), err
}

// headerPage reads the issues of the columns in which there is work, column by column,
// and then of those where it has ended. In a page they stand by rank: what is at the top
// of a column is seen first, and clients show it while the rest arrives.
func headerPage(ctx context.Context, c db.Conn, scope, after string, room int) (json.RawMessage, string, error) {
	at, err := begin(ctx, c, scope, after)
	if err != nil {
		return nil, "", err
	}
	page := headers{room: room}
	for len(at.Columns) > 0 {
		more, err := page.column(ctx, c, scope, &at)
		switch {
		case err != nil:
			return nil, "", err
		case more:
			return page.text(), at.String(), nil
		}
		at = bookmark{Columns: at.Columns[1:]}
	}
	return page.text(), "", nil
}

// bookmark is where a page ended: the columns that are not read to their end, and the last
// issue that was read of the first of them. The columns are those of the first page, so
// that none is left out or read twice when they are changed in between.
type bookmark struct {
	Columns []string `json:"c"`
	Rank    string   `json:"r,omitempty"`
	ID      string   `json:"i,omitempty"`
}

func (b bookmark) String() string {
	text, _ := json.Marshal(b) // texts always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// begin reads the bookmark, which is before everything when there is none. Invalid: no page
// has ended there. Only what String writes is one, so that nothing else reaches the
// database.
func begin(ctx context.Context, c db.Conn, scope, after string) (at bookmark, err error) {
	if after == "" {
		at.Columns, err = query.New(c).ListColumns(ctx, projectOf(scope))
		return at, err
	}
	text, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil || json.Unmarshal(text, &at) != nil || at.String() != after || !at.known() {
		return at, errs.Field("query.after", "expected the next of a page of this scope")
	}
	return at, nil
}

// known reports whether the bookmark can be one. It stands before a column when it names
// no issue.
func (b bookmark) known() bool {
	notID := func(id string) bool { return !isID(id) }
	return len(b.Columns) > 0 && !slices.ContainsFunc(b.Columns, notID) && db.Keepable(b.Rank) &&
		(isID(b.ID) || b.ID == "" && b.Rank == "")
}

// maxHeaders bounds one statement, in rows.
const maxHeaders = 5000

// headers is a page that is being read.
type headers struct {
	room int
	rows []headerRow
}

type headerRow struct {
	rank string
	text []byte
}

// column reads on in the first column. more: the page is full before the column ends.
func (h *headers) column(ctx context.Context, c db.Conn, scope string, at *bookmark) (more bool, err error) {
	for {
		rows, err := query.New(c).PageHeaders(ctx, query.PageHeadersParams{
			ProjectID: projectOf(scope), StatusID: at.Columns[0], Rank: at.Rank, ID: at.ID, N: maxHeaders,
		})
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			text, err := json.Marshal(headerOf(row))
			if err != nil {
				return false, err
			}
			if h.room -= len(text) + 1; h.room < 0 && len(h.rows) > 0 {
				return true, nil
			}
			h.rows = append(h.rows, headerRow{row.Rank, text})
			at.Rank, at.ID = row.Rank, row.ID
		}
		if len(rows) < maxHeaders {
			return false, nil
		}
	}
}

func (h *headers) text() json.RawMessage {
	slices.SortStableFunc(h.rows, func(a, b headerRow) int { return strings.Compare(a.rank, b.rank) })
	size := 2
	for _, row := range h.rows {
		size += len(row.text) + 1
	}
	all := append(make([]byte, 0, size), '[')
	for i, row := range h.rows {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, row.text...)
	}
	return append(all, ']')
}

func headerOf(r query.PageHeadersRow) Header {
	return Header{
		ID: r.ID, Key: Key{r.ProjectKey, r.Number}.String(), Number: r.Number, Title: r.Title, StatusID: r.StatusID,
		Priority: Priority(r.Priority), AssigneeID: r.AssigneeID, Effort: points(r.Effort), ParentID: r.ParentID,
		DueOn: r.DueOn, Rank: r.Rank, AuthorID: r.AuthorID, CreatedAt: at(r.CreatedAt), UpdatedAt: at(r.UpdatedAt),
		Version: r.Version,
	}
}

func projectOf(scope string) string { return strings.TrimPrefix(scope, project.Scope("")) }

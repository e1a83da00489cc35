package search

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// maxJumps bounds the issues that had the same key elsewhere.
const maxJumps = 10

// Segment is a part of a text as it was written. It is marked where the query matches.
type Segment struct {
	Text   string `json:"text"`
	Marked bool   `json:"marked"`
}

// Hit is a text that was found, in its API form.
type Hit struct {
	Kind      Kind      `json:"kind" enum:"issue,comment" doc:"whether the issue's own text matches, or a comment's"`
	IssueID   string    `json:"issueId" format:"uuid"`
	CommentID *string   `json:"commentId" format:"uuid" doc:"null for an issue's own text"`
	ProjectID string    `json:"projectId" format:"uuid"`
	Key       string    `json:"key" doc:"the issue's key, like MESOS-12"`
	StatusID  string    `json:"statusId" format:"uuid" doc:"the issue's"`
	Named     bool      `json:"named" doc:"the query is the issue's key, here or where it was imported from"`
	Title     []Segment `json:"title" nullable:"false" doc:"the issue's title"`
	Text      []Segment `json:"text" nullable:"false" doc:"a part of the description or the comment where it matches; empty where only the title does"`
	AuthorID  string    `json:"authorId" format:"uuid" doc:"who has written the issue or the comment"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// jumps returns the issues that the text names, each once: one can have had elsewhere the
// key that it has here.
func (r reach) jumps(ctx context.Context, c db.Conn, text string) (all []row, err error) {
	text = strings.TrimSpace(text)
	if key, err := issue.ParseKey(text); err == nil {
		found, err := query.New(c).Jump(ctx, query.JumpParams{Actor: r.by.ID, Number: key.Number, ProjectKey: key.Project})
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if r.keys[f.ProjectID] != "" {
				all = append(all, row{issueID: f.ID, projectID: f.ProjectID, number: f.Number, titleFolded: f.TitleFolded})
			}
		}
	}
	named, err := r.aliased(ctx, c, text)
	return append(all, without(named, all)...), err
}

// aliased returns the issues that had the key elsewhere, the newest ones.
func (r reach) aliased(ctx context.Context, c db.Conn, alias string) ([]row, error) {
	s := new(db.Statement)
	s.Add(`SELECT 0, issue.id, '', issue.project_id, issue.number, issue.title_folded
		FROM issue JOIN project_member m ON m.project_id = issue.project_id AND m.user_id = ?
		WHERE issue.id IN (SELECT a.issue_id FROM issue_alias a WHERE a.alias_folded = ? AND `, r.by.ID, fold.Key(alias))
	s.In("a.project_id", r.ids)
	s.Add(") ORDER BY issue.id DESC")
	s.Limit(maxJumps)
	return read(ctx, c, r, s.Text(), s.Args()...)
}

// without leaves the texts of issues that were named out.
func without(rows, named []row) []row {
	return slices.DeleteFunc(rows, func(m row) bool {
		return m.commentID == "" && slices.ContainsFunc(named, func(n row) bool { return n.issueID == m.issueID })
	})
}

// A hit's text: which one it is, the issue's title and what stands there. A join with the
// members would lead SQLite through all issues of their projects.
const (
	issueTexts = `SELECT issue.id, issue.title, issue.description, issue.status_id, issue.author_id, issue.updated_at
		FROM issue
		WHERE EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = issue.project_id AND m.user_id = ?) AND `
	commentTexts = `SELECT comment.id, issue.title, comment.body, issue.status_id, comment.author_id, comment.updated_at
		FROM comment JOIN issue ON issue.id = comment.issue_id
		WHERE EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = issue.project_id AND m.user_id = ?) AND `
)

// found is a text as it was written.
type found struct {
	title, text, statusID, authorID string
	updatedAt                       int64
}

// hits reads what is shown of each. What was removed meanwhile is left out, and
// everything if the actor was.
func (r reach) hits(ctx context.Context, c db.Conn, a asked, rows []row) ([]Hit, error) {
	var issues, comments []string
	for _, m := range rows {
		if m.commentID != "" {
			comments = append(comments, m.commentID)
		} else {
			issues = append(issues, m.issueID)
		}
	}
	there := make(map[string]found, len(rows))
	if err := errors.Join(r.texts(ctx, c, there, issueTexts, "issue.id", issues), r.texts(ctx, c, there, commentTexts, "comment.id", comments)); err != nil {
		return nil, err
	}
	all := make([]Hit, 0, len(rows))
	for _, m := range rows {
		if f, ok := there[cmp.Or(m.commentID, m.issueID)]; ok {
			all = append(all, r.hit(a, m, f))
		}
	}
	return all, nil
}

// texts adds those with the ids.
func (r reach) texts(ctx context.Context, c db.Conn, to map[string]found, text, column string, ids []string) (err error) {
	if len(ids) == 0 {
		return nil
	}
	s := new(db.Statement)
	s.Add(text, r.by.ID)
	s.In(column, ids)
	rows, err := c.QueryContext(ctx, s.Text(), s.Args()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		var f found
		if err := rows.Scan(&id, &f.title, &f.text, &f.statusID, &f.authorID, &f.updatedAt); err != nil {
			return err
		}
		to[id] = f
	}
	return rows.Err()
}

func (r reach) hit(a asked, m row, f found) Hit {
	h := Hit{
		Kind: Issue, IssueID: m.issueID, ProjectID: m.projectID, Named: m.doc == 0,
		Key:   issue.Key{Project: r.keys[m.projectID], Number: m.number}.String(),
		Title: a.mark(f.title), Text: a.excerpt(f.text),
		StatusID: f.statusID, AuthorID: f.authorID, UpdatedAt: time.UnixMicro(f.updatedAt).UTC(),
	}
	if m.commentID != "" {
		h.Kind, h.CommentID = Comment, &m.commentID
	}
	return h
}

// cursor is where a page ended: so many hits were shown of those up to a doc.
type cursor struct {
	Anchor int64 `json:"a"`
	At     int   `json:"n"`
}

func (c cursor) String() string {
	text, _ := json.Marshal(c) // two numbers always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor reads a cursor. Invalid: no page has ended there.
func parseCursor(text string) (cursor, error) {
	c := cursor{Anchor: math.MaxInt64}
	if text == "" {
		return c, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(decoded, &c) != nil || c.String() != text || c.At < 1 || c.At > MaxFound+2*maxJumps {
		return c, errs.Field("query.cursor", "expected the nextCursor of a page")
	}
	return c, nil
}

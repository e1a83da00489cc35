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
	"unicode/utf8"

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
	Text      []Segment `json:"text" nullable:"false" doc:"a part of the description or the comment where it matches, or its beginning where that is far below; empty where only the title does"`
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

// maxLook bounds what one page reads of its texts, in characters. Each may have an equal
// share: all of it, but on a long page of very long texts.
const maxLook = 500_000

// A hit's text: which one it is, the issue's title and the beginning of what stands there.
// A join with the members would lead SQLite through all issues of their projects.
const (
	issueTexts = `SELECT issue.id, issue.title, substr(issue.description, 1, CAST(? AS INTEGER)), issue.status_id, issue.author_id, issue.updated_at
		FROM issue
		WHERE EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = issue.project_id AND m.user_id = ?) AND `
	commentTexts = `SELECT comment.id, issue.title, substr(comment.body, 1, CAST(? AS INTEGER)), issue.status_id, comment.author_id, comment.updated_at
		FROM comment JOIN issue ON issue.id = comment.issue_id
		WHERE EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = issue.project_id AND m.user_id = ?) AND `
)

// found is a text as it was written, as much of it as is looked at.
type found struct {
	title, text, statusID, authorID string
	goesOn                          bool // there is more of the text
	updatedAt                       int64
}

// hits reads what is shown of each. What was removed meanwhile is left out, and
// everything if the actor was.
func (r reach) hits(ctx context.Context, c db.Conn, m matcher, rows []row) ([]Hit, error) {
	var issues, comments []string
	for _, at := range rows {
		if at.commentID != "" {
			comments = append(comments, at.commentID)
		} else {
			issues = append(issues, at.issueID)
		}
	}
	there := shown{by: r.by.ID, share: maxLook / max(len(rows), 1), texts: make(map[string]found, len(rows))}
	if err := errors.Join(there.read(ctx, c, issueTexts, "issue.id", issues), there.read(ctx, c, commentTexts, "comment.id", comments)); err != nil {
		return nil, err
	}
	all := make([]Hit, 0, len(rows))
	for _, at := range rows {
		if f, ok := there.texts[cmp.Or(at.commentID, at.issueID)]; ok {
			all = append(all, r.hit(m, at, f))
		}
	}
	return all, nil
}

// shown are the texts of a page.
type shown struct {
	by    string // who may see them
	share int    // of each text so many characters are read
	texts map[string]found
}

// read adds those with the ids.
func (t *shown) read(ctx context.Context, c db.Conn, text, column string, ids []string) (err error) {
	if len(ids) == 0 {
		return nil
	}
	s := new(db.Statement)
	s.Add(text, t.share+1, t.by) // one more says that there are more
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
		if f.goesOn = utf8.RuneCountInString(f.text) > t.share; f.goesOn {
			_, size := utf8.DecodeLastRuneInString(f.text)
			f.text = f.text[:len(f.text)-size]
		}
		t.texts[id] = f
	}
	return rows.Err()
}

func (r reach) hit(m matcher, at row, f found) Hit {
	h := Hit{
		Kind: Issue, IssueID: at.issueID, ProjectID: at.projectID, Named: at.doc == 0,
		Key:   issue.Key{Project: r.keys[at.projectID], Number: at.number}.String(),
		Title: m.mark(f.title), Text: m.excerpt(f.text, f.goesOn),
		StatusID: f.statusID, AuthorID: f.authorID, UpdatedAt: time.UnixMicro(f.updatedAt).UTC(),
	}
	if at.commentID != "" {
		h.Kind, h.CommentID = Comment, &at.commentID
	}
	known := h.Named || h.CommentID == nil && slices.ContainsFunc(h.Title, func(s Segment) bool { return s.Marked })
	if len(h.Text) == 0 && f.goesOn && !known {
		h.Text = beginning(f.text, f.goesOn)
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

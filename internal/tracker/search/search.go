// Package search finds issues by what is written in them: titles, descriptions and
// comments, in the projects that the actor may see.
//
// Both engines have an index for words, and they differ in what they take for one. So
// the program takes texts and queries apart by itself (words.go, asked.go), and the
// engines only look words up: SQLite in FTS5, PostgreSQL in a tsvector, with the same
// answer. Of everything that matches, the newest 500 are ranked: those come first whose
// title has the words, then what is newer.
//
// A transaction that writes a text adds a line to the table search_todo, and nothing
// else; Run, which follows it, changes the index. To write the index in every
// transaction costs a third of an issue's creation; afterwards, for several at once, a
// tenth. Find waits for what this process has written before, but not long, so that one
// finds what one wrote. What was removed is not found any more when the transaction ends.
//
// An index that lacks texts, because it is new or was restored from elsewhere, is filled
// by Run, too, from the newest on.
package search

import (
	"context"
	"embed"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/search/query"
)

// Migrations creates the slice's tables, for each engine its own.
//
//go:embed migrations
var Migrations embed.FS

// MaxPage bounds a page, and MaxFound what is ranked, in hits.
const (
	MaxPage  = 200
	MaxFound = 500
)

var errNoProject = errs.New(errs.NotFound, "no such project")

// Kind says what a hit is.
type Kind string

// The kinds of hits.
const (
	Issue   Kind = "issue"
	Comment Kind = "comment"
)

// Service finds.
type Service struct {
	db    *db.DB
	index *progress
}

// New returns the service on a database. It hears of what is written from now on.
func New(d *db.DB, issues *issue.Service, comments *comment.Service) *Service {
	s := &Service{db: d, index: newProgress()}
	issues.Written.Subscribe(s.issueWritten)
	comments.Written.Subscribe(s.commentWritten)
	comments.Removed.Subscribe(s.commentRemoved)
	issues.OnPurge(s.purge)
	return s
}

// Query says what is looked for.
type Query struct {
	Text    string
	Project string // the key of the only project, "" for all
	Cursor  string // where the page before ended
	Limit   int    // 1 to MaxPage
}

// Page is a part of what was found.
type Page struct {
	Hits  []Hit
	Found int    // how many hits there are on all pages, at most MaxFound and the issues that the text names
	More  bool   // there are older ones that were not looked at
	Next  string // "" on the last page
}

// Find returns what matches, for the actor. A text without words finds nothing.
// Invalid: the text is too long, or the limit or the cursor is none. NotFound: there is
// no project with the key that the actor may see.
func (s *Service) Find(ctx context.Context, by account.Actor, q Query) (_ Page, err error) {
	defer errs.Wrap(&err, "search.Find")
	if q.Limit < 1 || q.Limit > MaxPage {
		return Page{}, errs.Field("query.limit", "expected a number from 1 to %d", MaxPage)
	}
	a, err := parse(q.Text)
	if err != nil {
		return Page{}, err
	}
	from, err := parseCursor(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	if err := s.index.settle(ctx); err != nil {
		return Page{}, err
	}
	return db.Read(ctx, s.db, func(ctx context.Context, c db.Conn) (Page, error) {
		r, err := reachOf(ctx, c, by, q.Project)
		if err != nil || len(a) == 0 || len(r.keys) == 0 {
			return Page{}, err
		}
		return s.find(ctx, c, r, q, a, from)
	})
}

func (s *Service) find(ctx context.Context, c db.Conn, r reach, q Query, a asked, from cursor) (Page, error) {
	first, err := r.jumps(ctx, c, q.Text)
	if err != nil {
		return Page{}, err
	}
	rows, err := engineOf(s.db).find(ctx, c, r, a, from.Anchor, MaxFound+1)
	if err != nil {
		return Page{}, err
	}
	var p Page
	if p.More = len(rows) > MaxFound; p.More {
		rows = rows[:MaxFound]
	}
	if len(rows) > 0 {
		from.Anchor = rows[0].doc
	}
	m := newMatcher(a)
	all := append(first, m.rank(without(rows, first))...)
	p.Found = len(all)
	all = all[min(from.At, len(all)):]
	if len(all) > q.Limit {
		all, p.Next = all[:q.Limit], cursor{from.Anchor, from.At + q.Limit}.String()
	}
	p.Hits, err = r.hits(ctx, c, m, all)
	return p, err
}

// reach is what an actor sees: projects' keys by their ids.
type reach struct {
	by   account.Actor
	ids  []string
	keys map[string]string
}

// reachOf asks the database, so that who was removed finds nothing from then on.
func reachOf(ctx context.Context, c db.Conn, by account.Actor, only string) (reach, error) {
	r := reach{by: by, keys: map[string]string{}}
	if only != "" {
		p, err := project.Enter(ctx, c, by, only, project.Viewer)
		if errs.Is(err, errs.NotFound) {
			err = errNoProject
		}
		r.ids, r.keys[p.ID] = []string{p.ID}, p.Key
		return r, err
	}
	rows, err := query.New(c).ListScopes(ctx, by.ID)
	for _, row := range rows {
		if by.May(project.Scope(row.ID)) {
			r.ids, r.keys[row.ID] = append(r.ids, row.ID), row.ProjectKey
		}
	}
	return r, err
}

// scopes are the words that stand in the texts of the projects.
func (r reach) scopes() []string {
	all := make([]string, len(r.ids))
	for i, id := range r.ids {
		all[i] = scopeWord(id)
	}
	return all
}

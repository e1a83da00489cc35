package comment_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/comment"
	"github.com/peisear/peisear/internal/tracker/comment/query"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// mutations are the names of the statements in queries.sql that change something.
func mutations(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "-- name: ") {
		if regexp.MustCompile(`(?m)^(INSERT|UPDATE|DELETE) `).MatchString(part) {
			name, _, _ := strings.Cut(part, " ")
			names = append(names, name)
		}
	}
	return names
}

// TestStatementsAsAStranger calls every statement that changes something as those who
// may not: it finds no row, whatever was forgotten above it.
func TestStatementsAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "mine")
		left := w.other // who wrote this, and may only read by now
		theirs := create(t, w, left, "theirs")
		if _, err := w.projects.SetRole(t.Context(), w.owner, "", "MESOS", left.ID, project.Viewer); err != nil {
			t.Fatal(err)
		}
		for _, by := range []account.Actor{w.stranger, w.viewer, left} {
			calls := mutationCalls(t, w, c, by.ID)
			for _, name := range mutations(t) {
				call, ok := calls[name]
				if !ok {
					t.Errorf("%s is not tried here", name)
					continue
				}
				wantKind(t, name, run(t, w, call), errs.NotFound)
			}
		}
		for what, calls := range map[string]map[string]func(q *query.Queries) error{
			"their own as a viewer": mutationCalls(t, w, theirs, left.ID),
			"another member's":      mutationCalls(t, w, theirs, w.member.ID),
		} {
			wantKind(t, what, run(t, w, calls["UpdateComment"]), errs.NotFound)
			wantKind(t, what, run(t, w, calls["DeleteComment"]), errs.NotFound)
		}
		wantKind(t, "edit as the owner", run(t, w, mutationCalls(t, w, theirs, w.owner.ID)["UpdateComment"]), errs.NotFound)
		late := c
		late.Version++
		wantKind(t, "a version that is not there", run(t, w, mutationCalls(t, w, late, w.member.ID)["UpdateComment"]), errs.NotFound)
		if diff := cmp.Diff([]comment.Comment{c, theirs}, []comment.Comment{get(t, w, c), get(t, w, theirs)}); diff != "" {
			t.Error(diff)
		}
		if n := count(t, w, "SELECT COUNT(*) FROM comment"); n != 2 {
			t.Errorf("%d comments", n)
		}
	})
}

func run(t *testing.T, w world, call func(q *query.Queries) error) error {
	t.Helper()
	_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) { return struct{}{}, call(query.New(tx.Queued())) })
	return err
}

func mutationCalls(t *testing.T, w world, c comment.Comment, actor string) map[string]func(q *query.Queries) error {
	t.Helper()
	ctx := t.Context()
	return map[string]func(q *query.Queries) error{
		"CreateComment": func(q *query.Queries) error {
			_, err := q.CreateComment(ctx, query.CreateCommentParams{
				ID: "c", Body: "b", ProjectKey: "MESOS", ProjectID: w.p.ID, Number: 1, Actor: actor,
			})
			return err
		},
		"UpdateComment": func(q *query.Queries) error {
			return q.UpdateComment(ctx, query.UpdateCommentParams{Body: "b", ID: c.ID, Version: c.Version, Actor: actor})
		},
		"DeleteComment": func(q *query.Queries) error {
			return q.DeleteComment(ctx, query.DeleteCommentParams{ID: c.ID, Actor: actor})
		},
	}
}

// TestWhoMayDoWhat does everything as everybody, with a comment of the member.
func TestWhoMayDoWhat(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		for name, c := range map[string]struct {
			by                         account.Actor
			read, create, edit, remove errs.Kind // 0 for allowed
		}{
			"its author":        {w.member, 0, 0, 0, 0},
			"another member":    {w.other, 0, 0, errs.Forbidden, errs.Forbidden},
			"a maintainer":      {w.maintainer, 0, 0, errs.Forbidden, 0},
			"an owner":          {w.owner, 0, 0, errs.Forbidden, 0},
			"a viewer":          {w.viewer, 0, errs.Forbidden, errs.Forbidden, errs.Forbidden},
			"a stranger":        {w.stranger, errs.NotFound, errs.NotFound, errs.NotFound, errs.NotFound},
			"an admin, outside": {account.Actor{ID: w.stranger.ID, Role: account.Admin}, errs.NotFound, errs.NotFound, errs.NotFound, errs.NotFound},
		} {
			mine := create(t, w, w.member, "mine")
			before := head(t, w)
			check := func(what string, err error, want errs.Kind) {
				if want == 0 && err != nil || want != 0 && !errs.Is(err, want) {
					t.Errorf("%s as %s: %v", what, name, err)
				}
				if after := head(t, w); (after != before) != (want == 0 && what != "Get" && what != "List") {
					t.Errorf("%s as %s: the log went from %d to %d", what, name, before, after)
				} else {
					before = after
				}
			}
			_, err := w.Get(ctx, c.by, mine.ID)
			check("Get", err, c.read)
			_, _, err = w.List(ctx, c.by, w.issue, comment.Range{Limit: 1})
			check("List", err, c.read)
			_, err = w.Create(ctx, c.by, "", w.issue, "x")
			check("Create", err, c.create)
			body := "new"
			_, err = w.Update(ctx, c.by, "", mine.ID, 1, &body)
			check("Update", err, c.edit)
			check("Delete", w.Delete(ctx, c.by, "", mine.ID), c.remove)
		}
	})
}

// TestRoleIsLookedAtInside: a role that is taken between two writes counts at once.
func TestRoleIsLookedAtInside(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "mine")
		if _, err := w.projects.SetRole(t.Context(), w.owner, "", "MESOS", w.member.ID, project.Viewer); err != nil {
			t.Fatal(err)
		}
		_, err := w.Create(t.Context(), w.member, "", w.issue, "two")
		wantKind(t, "create", err, errs.Forbidden)
		_, err = update(t, w, w.member, c, "two")
		wantKind(t, "edit", err, errs.Forbidden)
		wantKind(t, "delete", w.Delete(t.Context(), w.member, "", c.ID), errs.Forbidden)
	})
}

// TestTheKeyOfAnotherProject: what stood under a key is remembered, and counts for
// nothing.
func TestTheKeyOfAnotherProject(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, w.owner, "one")
		if err := w.projects.Delete(t.Context(), w.owner, "", "MESOS"); err != nil {
			t.Fatal(err)
		}
		_, err := w.Create(t.Context(), w.owner, "", w.issue, "two")
		wantKind(t, "in no project", err, errs.NotFound)
		newProject(t, w, w.owner, "MESOS")
		_, err = w.Create(t.Context(), w.owner, "", w.issue, "two")
		wantKind(t, "on no issue", err, errs.NotFound)
		i := newIssue(t, w, w.owner, "MESOS")
		if c := create(t, w, w.owner, "three"); c.IssueID != i.ID {
			t.Errorf("%+v", c)
		}
	})
}

// limitedTo is the actor by a token for one project.
func limitedTo(by account.Actor, projectID string) account.Actor {
	by.Session = ""
	by.Grant = &account.Grant{ID: "token", Scope: account.ScopeWrite, LogScopes: []string{project.Scope(projectID)}}
	return by
}

// TestLimitedTokens: for a token that is limited to another project nothing is here.
func TestLimitedTokens(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		c := create(t, w, w.member, "one")
		here, elsewhere := limitedTo(w.member, w.p.ID), limitedTo(w.member, c.ID)
		for name, call := range map[string]func(by account.Actor) error{
			"create": func(by account.Actor) error { _, err := w.Create(ctx, by, "", w.issue, "two"); return err },
			"get":    func(by account.Actor) error { _, err := w.Get(ctx, by, c.ID); return err },
			"list": func(by account.Actor) error {
				_, _, err := w.List(ctx, by, w.issue, comment.Range{Limit: 1})
				return err
			},
			"update": func(by account.Actor) error {
				now := get(t, w, c)
				body := now.Body + "!"
				_, err := w.Update(ctx, by, "", c.ID, now.Version, &body)
				return err
			},
		} {
			if err := call(here); err != nil {
				t.Errorf("%s, within: %v", name, err)
			}
			before := head(t, w)
			wantKind(t, name, call(elsewhere), errs.NotFound)
			if after := head(t, w); after != before {
				t.Errorf("%s changed something", name)
			}
		}
		wantKind(t, "delete", w.Delete(ctx, elsewhere, "", c.ID), errs.NotFound)
		if err := w.Delete(ctx, here, "d1", c.ID); err != nil {
			t.Errorf("delete, within: %v", err)
		}
		wantKind(t, "delete sent again", w.Delete(ctx, elsewhere, "d1", c.ID), errs.NotFound)
		if err := w.Delete(ctx, here, "d1", c.ID); err != nil {
			t.Errorf("delete sent again, within: %v", err)
		}
	})
}

// TestChecks inserts by hand what the program never would.
func TestChecks(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := create(t, w, w.member, "one")
		for name, args := range map[string][]any{
			"of no issue":  {"c1", "none", w.member.ID},
			"of no author": {"c1", c.IssueID, "nobody"},
			"twice":        {c.ID, c.IssueID, w.member.ID},
		} {
			_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) {
				_, err := tx.ExecContext(t.Context(), `INSERT INTO comment (id, issue_id, author_id, body, version, created_at, updated_at)
					VALUES ($1, $2, $3, 'b', 1, 1, 1)`, args...)
				return struct{}{}, err
			})
			wantKind(t, name, err, errs.Conflict)
		}
	})
}

// TestNoPartOfSnapshots: comments are read issue by issue.
func TestNoPartOfSnapshots(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		w.log.Offer(issue.Feature(w.issues).Parts...)
		w.log.Offer(comment.Feature(w.Service).Parts...)
		create(t, w, w.member, "needle")
		s, err := w.log.Snapshot(t.Context(), project.Scope(w.p.ID))
		if err != nil || s.Seq != head(t, w) || len(s.Entities) != 1 || strings.Contains(string(s.Entities["issue"]), "needle") {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

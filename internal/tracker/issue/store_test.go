package issue_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/issue/query"
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

// TestStatementsAsAStranger calls every statement that changes something with a
// stranger as the actor, and a viewer: it finds no row, whatever was forgotten
// above it.
func TestStatementsAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := create(t, w, issue.Draft{Title: "mine", AssigneeID: &w.member.ID})
		for _, by := range []account.Actor{w.stranger, w.viewer} {
			calls := mutationCalls(t, w, i, by.ID)
			for _, name := range mutations(t) {
				call, ok := calls[name]
				if !ok {
					t.Errorf("%s is not tried here", name)
					continue
				}
				_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) { return struct{}{}, call(query.New(tx.Queued())) })
				wantKind(t, name, err, errs.NotFound)
			}
		}
		if diff := cmp.Diff(i, get(t, w, i)); diff != "" {
			t.Error(diff)
		}
		n := count(t, w, "SELECT COUNT(*) FROM issue") + count(t, w, "SELECT COUNT(*) FROM issue_alias")
		if next := create(t, w, issue.Draft{Title: "next"}); n != 1 || next.Number != 2 {
			t.Errorf("%d rows, next number %d", n, next.Number)
		}
	})
}

func mutationCalls(t *testing.T, w world, i issue.Issue, actor string) map[string]func(q *query.Queries) error {
	t.Helper()
	ctx := t.Context()
	return map[string]func(q *query.Queries) error{
		"TakeNumbers": func(q *query.Queries) error {
			return q.TakeNumbers(ctx, query.TakeNumbersParams{Last: 9, ProjectID: w.p.ID, Actor: actor})
		},
		"CreateIssue": func(q *query.Queries) error {
			return q.CreateIssue(ctx, query.CreateIssueParams{
				ID: "i", Number: 7, Title: "t", StatusID: w.open, Priority: "low", Rank: "a9", ProjectID: w.p.ID, Actor: actor,
			})
		},
		"UpdateIssue": func(q *query.Queries) error {
			return q.UpdateIssue(ctx, query.UpdateIssueParams{
				Title: "t", StatusID: w.open, Priority: "low", ID: i.ID, Version: i.Version, Actor: actor,
			})
		},
		"PlaceIssue": func(q *query.Queries) error {
			return q.PlaceIssue(ctx, query.PlaceIssueParams{StatusID: w.open, Rank: "a9", ID: i.ID, Version: i.Version, Actor: actor})
		},
		"Rerank": func(q *query.Queries) error {
			_, err := q.Rerank(ctx, query.RerankParams{ID: i.ID, Rank: "a9", ProjectID: w.p.ID, Actor: actor})
			return err
		},
		"DeleteIssue": func(q *query.Queries) error {
			_, err := q.DeleteIssue(ctx, query.DeleteIssueParams{ID: i.ID, Actor: actor})
			return err
		},
		// Takes no actor: it is what follows when a member has left, and finds the
		// issues of nobody else.
		"Unassign": func(q *query.Queries) error {
			_, err := q.Unassign(ctx, query.UnassignParams{ID: i.ID})
			return err
		},
		"CreateAlias": func(q *query.Queries) error {
			return q.CreateAlias(ctx, query.CreateAliasParams{Alias: "A-1", IssueID: i.ID, ProjectID: w.p.ID, Actor: actor})
		},
	}
}

// TestStatementsThatComeLate touch no row, and so undo what they are part of: numbers
// that were handed out since, and versions that were overtaken.
func TestStatementsThatComeLate(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		create(t, w, issue.Draft{Title: "one"})
		i := create(t, w, issue.Draft{Title: "two"})
		for name, call := range map[string]func(q *query.Queries) error{
			"TakeNumbers": func(q *query.Queries) error {
				return q.TakeNumbers(t.Context(), query.TakeNumbersParams{Last: 2, ProjectID: w.p.ID, Actor: w.owner.ID})
			},
			"UpdateIssue": func(q *query.Queries) error {
				return q.UpdateIssue(t.Context(), query.UpdateIssueParams{
					Title: "t", StatusID: w.open, Priority: "low", ID: i.ID, Version: i.Version + 1, Actor: w.owner.ID,
				})
			},
			"PlaceIssue": func(q *query.Queries) error {
				return q.PlaceIssue(t.Context(), query.PlaceIssueParams{StatusID: w.open, Rank: "a9", ID: i.ID, Version: i.Version - 1, Actor: w.owner.ID})
			},
		} {
			_, err := db.Write(t.Context(), w.db, func(tx *db.Tx) (struct{}, error) { return struct{}{}, call(query.New(tx.Queued())) })
			wantKind(t, name, err, errs.NotFound)
		}
		if diff := cmp.Diff(i, get(t, w, i)); diff != "" {
			t.Error(diff)
		}
		if next := create(t, w, issue.Draft{Title: "next"}); next.Number != 3 {
			t.Errorf("next number %d", next.Number)
		}
	})
}

// TestChecks inserts by hand what the program never would.
func TestChecks(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const text = `INSERT INTO issue (id, project_id, number, title, title_folded, description, status_id, priority,
			effort, rank, author_id, version, created_at, updated_at)
			VALUES ($1, $2, $3, 't', 't', '', $4, $5, $6, 'a0', $7, 1, 1, 1)`
		for name, c := range map[string]struct {
			kind errs.Kind // 0 for good ones
			args []any
		}{
			"good":            {0, []any{"i1", w.p.ID, 1, w.open, "low", 0, w.owner.ID}},
			"without effort":  {0, []any{"i2", w.p.ID, 2, w.open, "urgent", nil, w.owner.ID}},
			"priority x":      {errs.Invalid, []any{"i3", w.p.ID, 3, w.open, "x", 0, w.owner.ID}},
			"priority High":   {errs.Invalid, []any{"i3", w.p.ID, 3, w.open, "High", 0, w.owner.ID}},
			"no priority":     {errs.Invalid, []any{"i3", w.p.ID, 3, w.open, nil, 0, w.owner.ID}},
			"negative effort": {errs.Invalid, []any{"i3", w.p.ID, 3, w.open, "low", -1, w.owner.ID}},
			"of no project":   {errs.Conflict, []any{"i3", "none", 3, w.open, "low", 0, w.owner.ID}},
			"of no status":    {errs.Conflict, []any{"i3", w.p.ID, 3, "none", "low", 0, w.owner.ID}},
			"of no author":    {errs.Conflict, []any{"i3", w.p.ID, 3, w.open, "low", 0, "nobody"}},
		} {
			err := try(t, w.db, text, c.args...)
			if c.kind == 0 && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if c.kind != 0 {
				wantKind(t, name, err, c.kind)
			}
		}
		err := try(t, w.db, text, "i3", w.p.ID, 1, w.open, "low", 0, w.owner.ID)
		wantKind(t, "a number twice", err, errs.Conflict)
	})
}

// TestRolesAndStrangers does everything as those who may not.
func TestRolesAndStrangers(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		i := create(t, w, issue.Draft{Title: "mine"})
		before, k := head(t, w), key(t, i.Key)
		for _, c := range []struct {
			by          account.Actor
			read, write errs.Kind
		}{{w.viewer, 0, errs.Forbidden}, {w.stranger, errs.NotFound, errs.NotFound}} {
			reads, writes := map[string]error{}, map[string]error{}
			_, reads["Get"] = w.Get(ctx, c.by, k)
			_, reads["List"] = w.List(ctx, c.by, "MESOS", issue.Filter{Limit: 1})
			_, writes["Known"] = w.Known(ctx, c.by, "MESOS", []string{"A-1"})
			_, writes["Create"] = w.Create(ctx, c.by, "", "MESOS", issue.Draft{Title: "t"})
			_, writes["Update"] = w.Update(ctx, c.by, "", k, nil, func(d *issue.Draft) { d.Title = "yours" })
			_, writes["Place"] = w.Place(ctx, c.by, "", k, nil, nil)
			_, writes["Import"] = w.Import(ctx, c.by, "MESOS", []issue.Source{{Alias: "A-1", Draft: issue.Draft{Title: "t"}}})
			writes["Delete"] = w.Delete(ctx, c.by, "", k)
			for name, err := range reads {
				if c.read == 0 && err != nil || c.read != 0 && !errs.Is(err, c.read) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for name, err := range writes {
				wantKind(t, name, err, c.write)
			}
		}
		if diff := cmp.Diff(i, get(t, w, i)); diff != "" || head(t, w) != before {
			t.Error(diff)
		}
		_, err := w.Create(ctx, w.owner, "", "NONE", issue.Draft{Title: "t"})
		wantKind(t, "in no project", err, errs.NotFound)
	})
}

// TestRoleIsLookedAtInside: a role that is taken between two writes counts at once.
func TestRoleIsLookedAtInside(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		i := create(t, w, issue.Draft{Title: "one"})
		if _, err := w.projects.SetRole(t.Context(), w.owner, "", "MESOS", w.member.ID, project.Viewer); err != nil {
			t.Fatal(err)
		}
		_, err := update(t, w, i, func(d *issue.Draft) { d.Title = "two" })
		wantKind(t, "as a viewer now", err, errs.Forbidden)
	})
}

// TestTheKeyOfAnotherProject: what stood under a key is remembered, and counts for
// nothing. A project that has it since is the one that is written to.
func TestTheKeyOfAnotherProject(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, first := t.Context(), w.p
		i := create(t, w, issue.Draft{Title: "one"})
		remove := func() {
			t.Helper()
			if err := w.projects.Delete(ctx, w.owner, "", "MESOS"); err != nil {
				t.Fatal(err)
			}
		}
		writes := func(check func(name string, err error)) {
			_, err := w.Create(ctx, w.owner, "", "MESOS", issue.Draft{Title: "two"})
			check("Create", err)
			_, err = w.Update(ctx, w.owner, "", key(t, i.Key), nil, func(d *issue.Draft) { d.Title = "three" })
			check("Update", err)
			_, err = w.Import(ctx, w.owner, "MESOS", []issue.Source{{Alias: "A-1", Draft: issue.Draft{Title: "four"}}})
			check("Import", err)
			check("Delete", w.Delete(ctx, w.owner, "", key(t, i.Key)))
		}
		remove()
		before := head(t, w)
		w.p, _ = newProject(t, w, w.owner, "MESOS")
		writes(func(name string, err error) {
			if err != nil {
				t.Errorf("%s in the new project: %v", name, err)
			}
		})
		if n := count(t, w, "SELECT COUNT(*) FROM issue WHERE project_id = $1", w.p.ID); n != 1 || w.p.ID == first.ID {
			t.Errorf("%d issues", n)
		}
		remove()
		writes(func(name string, err error) { wantKind(t, name+" in no project", err, errs.NotFound) })
		if w.p = first; head(t, w) != before {
			t.Error("the scope of the first project has moved on")
		}
	})
}

// TestMemoryGivesNoRight: who has written to a project and was removed finds nothing.
func TestMemoryGivesNoRight(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		if _, err := w.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "one"}); err != nil {
			t.Fatal(err)
		}
		if err := w.projects.RemoveMember(t.Context(), w.owner, "", "MESOS", w.member.ID); err != nil {
			t.Fatal(err)
		}
		before := head(t, w)
		_, err := w.Create(t.Context(), w.member, "", "MESOS", issue.Draft{Title: "two"})
		wantKind(t, "Create", err, errs.NotFound)
		_, err = w.Update(t.Context(), w.member, "", issue.Key{Project: "MESOS", Number: 1}, nil, func(d *issue.Draft) { d.Title = "two" })
		wantKind(t, "Update", err, errs.NotFound)
		if head(t, w) != before {
			t.Error("the scope has moved on")
		}
	})
}

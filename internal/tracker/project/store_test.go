package project_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/project"
	"github.com/peisear/peisear/internal/tracker/project/query"
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
// stranger as the actor: it finds no row, whatever was forgotten above it.
func TestStatementsAsAStranger(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx, stranger, statuses := t.Context(), w.stranger.ID, allStatuses(t, w)
		calls := map[string]func(q *query.Queries) error{
			"CreateOwner": func(q *query.Queries) error {
				_, err := q.CreateOwner(ctx, query.CreateOwnerParams{ProjectID: w.p.ID, UserID: stranger})
				return err
			},
			"CreateStatus": func(q *query.Queries) error {
				_, err := q.CreateStatus(ctx, query.CreateStatusParams{ID: "s", Name: "n", Category: "open", Rank: "a9", ProjectID: w.p.ID, Actor: stranger})
				return err
			},
			"UpdateProject": func(q *query.Queries) error {
				_, err := q.UpdateProject(ctx, query.UpdateProjectParams{ID: w.p.ID, Name: "mine", Actor: stranger})
				return err
			},
			"DeleteProject": func(q *query.Queries) error {
				_, err := q.DeleteProject(ctx, query.DeleteProjectParams{ID: w.p.ID, Actor: stranger})
				return err
			},
			"RemoveAllMembers": func(q *query.Queries) error { return q.RemoveAllMembers(ctx, w.p.ID) },
			"PurgeProject":     func(q *query.Queries) error { return q.PurgeProject(ctx, w.p.ID) },
			"AddMember": func(q *query.Queries) error {
				_, err := q.AddMember(ctx, query.AddMemberParams{UserID: stranger, Role: "owner", ProjectID: w.p.ID, Actor: stranger})
				return err
			},
			"SetRole": func(q *query.Queries) error {
				_, err := q.SetRole(ctx, query.SetRoleParams{Role: "owner", ProjectID: w.p.ID, UserID: w.viewer.ID, Actor: stranger})
				return err
			},
			"AddByOperator": func(q *query.Queries) error {
				_, err := q.AddByOperator(ctx, query.AddByOperatorParams{UserID: stranger, Role: "owner", ProjectID: w.p.ID, Actor: stranger})
				return err
			},
			"HandOver": func(q *query.Queries) error {
				_, err := q.HandOver(ctx, query.HandOverParams{Heir: stranger, ProjectID: w.p.ID, UserID: stranger})
				return err
			},
			"TakeOver": func(q *query.Queries) error {
				_, err := q.TakeOver(ctx, query.TakeOverParams{ProjectID: w.p.ID, Actor: stranger})
				return err
			},
			"RemoveMember": func(q *query.Queries) error {
				_, err := q.RemoveMember(ctx, query.RemoveMemberParams{ProjectID: w.p.ID, UserID: w.viewer.ID, Actor: stranger})
				return err
			},
		}
		for _, name := range mutations(t) {
			if name == "CreateProject" { // everybody may have projects of their own
				continue
			}
			call, ok := calls[name]
			if !ok {
				t.Errorf("%s is not tried here", name)
				continue
			}
			_, err := db.Write(ctx, w.db, func(tx *db.Tx) (struct{}, error) { return struct{}{}, call(query.New(tx.Queued())) })
			wantKind(t, name, err, errs.NotFound)
		}
		if p, err := w.Get(ctx, w.owner, "MESOS"); err != nil || p != w.p {
			t.Errorf("%+v, %v", p, err)
		}
		if kept := allStatuses(t, w); !slices.Equal(kept, statuses) {
			t.Errorf("statuses %v", kept)
		}
	})
}

func allStatuses(t *testing.T, w world) []project.Status {
	t.Helper()
	all, err := w.Statuses(t.Context(), w.owner, "MESOS")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestChecks inserts by hand what the program never would.
func TestChecks(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		const status = "INSERT INTO status (id, project_id, name, category, color, rank) VALUES ($1, $2, 'n', $3, 'gray', $4)"
		const member = "INSERT INTO project_member (project_id, user_id, role, joined_at) VALUES ($1, $2, $3, 1)"
		exec(t, w.db, status, "s1", w.p.ID, "backlog", "b1")
		for name, c := range map[string]struct {
			kind errs.Kind
			text string
			args []any
		}{
			"category x":         {errs.Invalid, status, []any{"s2", w.p.ID, "x", "b2"}},
			"no category":        {errs.Invalid, status, []any{"s2", w.p.ID, nil, "b2"}},
			"two with one rank":  {errs.Conflict, status, []any{"s2", w.p.ID, "open", "b1"}},
			"of no project":      {errs.Conflict, status, []any{"s2", "none", "open", "b2"}},
			"role x":             {errs.Invalid, member, []any{w.p.ID, w.stranger.ID, "x"}},
			"role Owner":         {errs.Invalid, member, []any{w.p.ID, w.stranger.ID, "Owner"}},
			"member twice":       {errs.Conflict, member, []any{w.p.ID, w.viewer.ID, "viewer"}},
			"nobody as a member": {errs.Conflict, member, []any{w.p.ID, "nobody", "viewer"}},
		} {
			wantKind(t, name, try(t.Context(), w.db, c.text, c.args...), c.kind)
		}
	})
}

// TestJoin accepts invites that promise roles.
func TestJoin(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		id := w.p.ID
		grant := func(role string) string { return `{"project":"` + id + `","role":"` + role + `"}` }
		for name, c := range map[string]struct {
			sender account.Actor
			grants string
			want   string // the role in MESOS, "" for none
		}{
			"an owner's":                   {w.owner, "[" + grant("owner") + "]", "owner"},
			"a maintainer's":               {w.maintainer, "[" + grant("maintainer") + "]", "maintainer"},
			"above the sender's own":       {w.maintainer, "[" + grant("owner") + "]", ""},
			"a member's":                   {w.member, "[" + grant("viewer") + "]", ""},
			"a stranger's":                 {w.stranger, "[" + grant("viewer") + "]", ""},
			"an operator's":                {account.Actor{}, "[" + grant("owner") + "]", "owner"},
			"an operator's, of no project": {account.Actor{}, `[{"project":"x","role":"member"}]`, ""},
			"no role at all":               {w.owner, "[" + grant("") + "]", ""},
			"an unknown role":              {w.owner, "[" + grant("chief") + "]", ""},
			"twice the same":               {w.owner, "[" + grant("member") + "," + grant("owner") + "]", "member"},
			"of no project, too":           {w.owner, `[{"project":"x","role":"member"},` + grant("viewer") + "]", "viewer"},
			"another slice's":              {w.owner, `{"team":7}`, ""},
			"others in a list":             {w.owner, `["team",7]`, ""},
			"nothing":                      {w.owner, "null", ""},
		} {
			user := accounttest.User(t, w.db, strings.ReplaceAll(name, " ", "-"))
			before := head(t, w, user.Scope())
			accept(t, w, account.Acceptance{UserID: user.ID, InviteID: "i", InvitedBy: c.sender.ID, Grants: json.RawMessage(c.grants)})
			p, err := w.Get(t.Context(), user, "MESOS")
			if string(p.Role) != c.want || c.want == "" && !errs.Is(err, errs.NotFound) {
				t.Errorf("%s: role %q, %v", name, p.Role, err)
			}
			if told := head(t, w, user.Scope()) > before; told != (c.want != "") {
				t.Errorf("%s: in the user's scope %v", name, told)
			}
		}
	})
}

func accept(t *testing.T, w world, a account.Acceptance) {
	t.Helper()
	m := live.Mutation{Scopes: []string{"admin"}, Actor: a.UserID}
	_, _, err := live.Write(t.Context(), w.log, m, func(tx *live.Tx) (struct{}, error) {
		return struct{}{}, w.Join(context.WithoutCancel(t.Context()), tx, a)
	})
	if err != nil {
		t.Errorf("%s: %v", a.Grants, err)
	}
}

// TestActors: who a program beside the server acts as.
func TestActors(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		add(t, w, w.stranger, "stranger", project.Owner)
		if by, err := w.FirstOwner(ctx, "MESOS"); err != nil || by.ID != w.owner.ID || by.Role != account.User {
			t.Errorf("%+v, %v", by, err)
		}
		_, err := w.FirstOwner(ctx, "NONE")
		wantKind(t, "of no project", err, errs.NotFound)
		if by, err := w.FindUser(ctx, "MEMBER@example.org"); err != nil || by.ID != w.member.ID || by.Role != account.User {
			t.Errorf("%+v, %v", by, err)
		}
		exec(t, w.db, "UPDATE users SET disabled_at = 1 WHERE id = $1", w.member.ID)
		_, err = w.FindUser(ctx, "member@example.org")
		wantKind(t, "disabled", err, errs.NotFound)
	})
}

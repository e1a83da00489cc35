package project_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/accounttest"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/base/web"
	"github.com/peisear/peisear/internal/tracker/project"
)

func TestMain(m *testing.M) { basetest.Main(m) }

// world is a database with the project MESOS, one person in it for every role, and
// a stranger.
type world struct {
	*project.Service
	db  *db.DB
	log *live.Log
	p   project.Project

	owner, maintainer, member, viewer, stranger account.Actor
}

func each(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) { test(t, newWorld(t, d)) },
		live.Migrations, account.Migrations, project.Migrations)
}

func newWorld(t *testing.T, d *db.DB) world {
	t.Helper()
	log := live.New(d, live.NewHub())
	w := world{Service: project.New(d, log), db: d, log: log}
	log.Offer(project.Feature(w.Service).Parts...)
	w.owner, w.stranger = accounttest.User(t, d, "owner"), accounttest.User(t, d, "stranger")
	w.p = create(t, w, w.owner, "MESOS")
	w.maintainer, w.member, w.viewer = join(t, w, project.Maintainer), join(t, w, project.Member), join(t, w, project.Viewer)
	return w
}

func create(t *testing.T, w world, by account.Actor, key string) project.Project {
	t.Helper()
	p, err := w.Create(t.Context(), by, "", project.Draft{Key: key, Name: "Project " + key})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// join adds a new user, called like the role, to MESOS.
func join(t *testing.T, w world, role project.Role) account.Actor {
	t.Helper()
	user := accounttest.User(t, w.db, string(role))
	add(t, w, user, string(role), role)
	return user
}

// add makes a user, known by name, a member of MESOS.
func add(t *testing.T, w world, user account.Actor, name string, role project.Role) {
	t.Helper()
	got, err := w.AddMember(t.Context(), w.owner, "", "MESOS", name+"@example.org", role)
	if err != nil || got.UserID != user.ID || got.Role != role {
		t.Fatalf("%+v, %v", got, err)
	}
}

// asRole is who has the role in MESOS; the zero role is the stranger's.
func (w world) asRole(role project.Role) account.Actor {
	switch role {
	case project.Owner:
		return w.owner
	case project.Maintainer:
		return w.maintainer
	case project.Member:
		return w.member
	case project.Viewer:
		return w.viewer
	}
	return w.stranger
}

// roles are all there are, the stranger's zero role first.
func roles() []project.Role {
	return []project.Role{"", project.Viewer, project.Member, project.Maintainer, project.Owner}
}

// wantKind checks an error's kind; a kind of nil wants no error.
func wantKind(t *testing.T, what string, err error, kind any) {
	t.Helper()
	if kind, ok := kind.(errs.Kind); ok != (err != nil) || ok && !errs.Is(err, kind) {
		t.Errorf("%s: %v, want kind %v", what, err, kind)
	}
}

func handler(w world) http.Handler { return newAPI(w).Handler(accounttest.Authenticate) }

// newAPI serves the slice and the sync of its scopes.
func newAPI(w world) *web.API {
	api := web.New(slog.New(slog.DiscardHandler), nil)
	f := project.Feature(w.Service)
	f.Routes(api)
	w.log.Routes(api, func(ctx context.Context) (live.Who, []string, error) {
		by, err := account.From(ctx)
		if err != nil {
			return live.Who{}, nil, err
		}
		scopes, err := f.Scopes(ctx, by.ID)
		return live.Who{User: by.ID}, append(scopes, by.Scope()), err
	})
	return api
}

// as is the headers of a request that the user makes, and more.
func as(t *testing.T, by account.Actor, more map[string]string) map[string]string {
	t.Helper()
	header := accounttest.Sign(t, by)
	maps.Copy(header, more)
	return header
}

// history is what the log holds of a scope, a line for each transaction: op, entity
// and who or what, by name; of updates also the fields.
func history(t *testing.T, w world, scope string, names map[string]string) string {
	t.Helper()
	entries, err := w.log.Since(t.Context(), scope, 0)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		var changes []string
		for _, c := range e.Changes {
			text := fmt.Sprintf("%s %s %s", c.Op, c.Entity, names[c.ID])
			if c.Op == live.Update {
				text += " " + strings.Join(fieldsOf(t, c.Patch), ",")
			}
			changes = append(changes, strings.TrimSpace(text))
		}
		lines = append(lines, fmt.Sprintf("%d %s: %s", e.Seq, names[e.Actor], strings.Join(changes, "; ")))
	}
	return strings.Join(lines, "\n")
}

func fieldsOf(t *testing.T, patch json.RawMessage) []string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(patch, &all); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(all))
}

func (w world) names() map[string]string {
	return map[string]string{
		w.p.ID: "MESOS", w.owner.ID: "owner", w.maintainer.ID: "maintainer", w.member.ID: "member",
		w.viewer.ID: "viewer", w.stranger.ID: "stranger",
	}
}

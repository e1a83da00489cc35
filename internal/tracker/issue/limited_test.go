package issue_test

import (
	"context"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// limitedTo is the actor by a token for one project.
func limitedTo(by account.Actor, projectID string) account.Actor {
	by.Session = ""
	by.Grant = &account.Grant{ID: "token", Scope: account.ScopeWrite, LogScopes: []string{project.Scope(projectID)}}
	return by
}

// TestLimitedTokens: for a token that is limited to another project, whatever its user
// may do here, nothing is here; also when memory knows the project.
func TestLimitedTokens(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		ctx := t.Context()
		i := create(t, w, issue.Draft{Title: "One"})
		here, k := limitedTo(w.member, w.p.ID), key(t, i.Key)
		elsewhere := limitedTo(w.member, i.ID)
		for name, call := range map[string]func(by account.Actor) error{
			"create": func(by account.Actor) error {
				_, err := w.Create(ctx, by, "", "mesos", issue.Draft{Title: "Two"})
				return err
			},
			"get":  func(by account.Actor) error { _, err := w.Get(ctx, by, k); return err },
			"list": func(by account.Actor) error { _, err := w.List(ctx, by, "MESOS", issue.Filter{Limit: 1}); return err },
			"update": func(by account.Actor) error {
				_, err := w.Update(ctx, by, "", k, nil, func(d *issue.Draft) { d.Title += "!" })
				return err
			},
			"place": func(by account.Actor) error {
				_, err := w.Place(ctx, by, "", k, nil, func(_ context.Context, _ db.Conn, _, _ string, from issue.Spot) (issue.Spot, []issue.Ranked, error) {
					return from, nil, nil
				})
				return err
			},
			"import": func(by account.Actor) error {
				_, err := w.Import(ctx, by, "MESOS", []issue.Source{{Alias: "A-1", Draft: issue.Draft{Title: "Three"}}})
				return err
			},
			"known": func(by account.Actor) error { _, err := w.Known(ctx, by, "MESOS", []string{"A-1"}); return err },
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
		wantKind(t, "delete", w.Delete(ctx, elsewhere, "", k), errs.NotFound)
		if err := w.Delete(ctx, here, "", k); err != nil {
			t.Errorf("delete, within: %v", err)
		}
	})
}

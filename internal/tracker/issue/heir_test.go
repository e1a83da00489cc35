package issue_test

import (
	"context"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// TestWorkOfTheDeleted: it goes to an heir who is in the project, and to nobody else.
func TestWorkOfTheDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		heir func(w world) string
		work account.Work
		want func(w world) *string // who has the issue then
	}{
		"to a member":              {func(w world) string { return w.viewer.ID }, account.HandOver, func(w world) *string { return &w.viewer.ID }},
		"to a stranger":            {func(w world) string { return w.stranger.ID }, account.HandOver, func(world) *string { return nil }},
		"to nobody":                {func(world) string { return "" }, account.Unassign, func(world) *string { return nil }},
		"to nobody, with an heir":  {func(w world) string { return w.viewer.ID }, account.Unassign, func(world) *string { return nil }},
		"of the owner to a member": {func(w world) string { return w.viewer.ID }, account.HandOver, func(w world) *string { return &w.viewer.ID }},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w world) {
				gone := w.member
				if strings.HasPrefix(name, "of the owner") {
					gone = w.owner
				}
				i := create(t, w, issue.Draft{Title: "theirs", AssigneeID: &gone.ID})
				other := create(t, w, issue.Draft{Title: "not theirs", AssigneeID: &w.viewer.ID})
				before := head(t, w)
				l := account.Leave{UserID: gone.ID, Deletion: account.Deletion{Work: c.work, HeirID: c.heir(w)}}
				_, _, err := live.Write(t.Context(), w.log, account.Audit(account.Operator(), ""), func(tx *live.Tx) (struct{}, error) {
					return struct{}{}, w.projects.Leave(context.WithoutCancel(t.Context()), tx, l)
				})
				if err != nil {
					t.Fatal(err)
				}
				got, want := get(t, w, i), c.want(w)
				if (got.AssigneeID == nil) != (want == nil) || want != nil && *got.AssigneeID != *want || got.Version != 2 {
					t.Errorf("%+v", got)
				}
				if kept := get(t, w, other); kept.Version != 1 || kept.AuthorID != w.member.ID {
					t.Errorf("%+v", kept)
				}
				if told := strings.Join(changes(t, w, before), "\n"); !strings.HasSuffix(told, "update issue MESOS-1 assigneeId") {
					t.Error(told)
				}
			})
		})
	}
}

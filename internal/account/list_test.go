package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/errs"
)

// listed are the display names of all pages.
func listed(t *testing.T, n *node, by account.Actor, f account.UserFilter) (names []string) {
	t.Helper()
	for range 50 {
		page, next, err := n.Users(t.Context(), by, f)
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		for _, u := range page {
			names = append(names, u.DisplayName)
		}
		if f.Cursor = next; next == "" {
			return names
		}
	}
	t.Fatal("pages without end")
	return nil
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		admin := actor(t, n, n.signUp(t, "admin", account.Admin))
		for i, name := range []string{"Größe", "bob", "Émile", "Zoë", "bob", "100%", "under_score", "gone"} {
			p, err := n.Create(ctx, account.Operator(), account.Draft{Email: fmt.Sprintf("u%d@Example.org", i), DisplayName: name, Role: account.User})
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "Zoë":
				_, err = n.SetDisabled(ctx, admin, p.ID, true)
			case "gone":
				err = n.Delete(ctx, admin, "", p.ID, unassign)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		all := []string{"100%", "admin", "bob", "bob", "Émile", "Größe", "under_score", "Zoë"}
		for limit := 1; limit <= 9; limit++ {
			if diff := cmp.Diff(all, listed(t, n, admin, account.UserFilter{Limit: limit})); diff != "" {
				t.Errorf("by %d: %s", limit, diff)
			}
		}
		for name, c := range map[string]struct {
			asked account.UserFilter
			want  []string
		}{
			"active":           {account.UserFilter{Status: account.Active}, all[:7]},
			"disabled":         {account.UserFilter{Status: account.Disabled}, []string{"Zoë"}},
			"by name, folded":  {account.UserFilter{Text: " GROSSE "}, []string{"Größe"}},
			"without accents":  {account.UserFilter{Text: "emile"}, []string{"Émile"}},
			"with accents":     {account.UserFilter{Text: "ÉMILE"}, []string{"Émile"}},
			"part of a name":   {account.UserFilter{Text: "ob"}, []string{"bob", "bob"}},
			"by address":       {account.UserFilter{Text: "U3@EXAMPLE"}, []string{"Zoë"}},
			"both":             {account.UserFilter{Text: "u3@", Status: account.Active}, nil},
			"a percent sign":   {account.UserFilter{Text: "%"}, []string{"100%"}},
			"an underscore":    {account.UserFilter{Text: "_"}, []string{"under_score"}},
			"a backslash":      {account.UserFilter{Text: `\`}, nil},
			"the deleted":      {account.UserFilter{Text: "gone"}, nil},
			"a deleted's mark": {account.UserFilter{Text: "deleted:"}, nil},
			"quotes":           {account.UserFilter{Text: `'" OR 1=1 --`}, nil},
		} {
			for _, limit := range []int{1, 50} {
				c.asked.Limit = limit
				if diff := cmp.Diff(c.want, listed(t, n, admin, c.asked)); diff != "" {
					t.Errorf("%s, by %d: %s", name, limit, diff)
				}
			}
		}
	})
}

func TestUsersRefuses(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann := actor(t, n, n.signUp(t, "ann", account.User))
		_, _, err := n.Users(ctx, account.Actor{ID: ann.ID, Role: account.Admin}, account.UserFilter{Limit: 1})
		wantKind(t, "a user", err, errs.Forbidden)
		_, err = n.Names(ctx, ann, []string{ann.ID})
		wantKind(t, "names for a user", err, errs.Forbidden)
		for field, f := range map[string]account.UserFilter{
			"query.limit": {}, "query.limit ": {Limit: 201}, "query.status": {Limit: 1, Status: "gone"},
			"query.cursor": {Limit: 1, Cursor: "?"}, "query.cursor ": {Limit: 1, Cursor: "AAAA"},
		} {
			_, _, err := n.Users(ctx, account.Operator(), f)
			if !errs.Is(err, errs.Invalid) || errs.Of(err).Field != strings.TrimSpace(field) {
				t.Errorf("%+v: %v", f, err)
			}
		}
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		ctx := t.Context()
		ann, gone := n.signUp(t, "ann", account.User).User, n.signUp(t, "gone", account.User).User
		if err := n.Delete(ctx, account.Operator(), "", gone.ID, unassign); err != nil {
			t.Fatal(err)
		}
		ids := []string{ann.ID, gone.ID, "nobody", "operator"}
		for i := range 600 { // more than one statement takes
			ids = append(ids, fmt.Sprint(i))
		}
		names, err := n.Names(ctx, account.Operator(), ids)
		want := map[string]account.Named{ann.ID: {Email: "ann@example.org", DisplayName: "ann"}, gone.ID: {Deleted: true}}
		if diff := cmp.Diff(want, names); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if names, err := n.Names(ctx, account.Operator(), nil); err != nil || len(names) != 0 {
			t.Errorf("%v, %v", names, err)
		}
	})
}

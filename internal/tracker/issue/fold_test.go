package issue_test

import (
	"slices"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/base/live"
	"github.com/peisear/peisear/internal/tracker/issue"
	"github.com/peisear/peisear/internal/tracker/project"
)

// TestKeysAreSpelledAnew: the keys of before are what the program makes by now.
func TestKeysAreSpelledAnew(t *testing.T) {
	const foldVersion = 20261124161000
	all := []struct{ title, before string }{
		{"ŁÓDŹ Øresund đorđe Ħ ħ ISPARTA ı", "łodz øresund đorđe ħ ħ isparta ı"},
		{"Ær Œuvre Þing Ðjúp", "ær œuvre þing ðjup"},
		{"Ὀδυσσεύς ΟΔΟΣ", "οδυσσευς οδοσ"},
		{"Größe, plain", "grosse, plain"},
	}
	versions, err := db.KnownVersions(live.Migrations, account.Migrations, project.Migrations, issue.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	versions = slices.DeleteFunc(versions, func(v int64) bool { return v == foldVersion })
	some, err := db.Subset(versions, live.Migrations, account.Migrations, project.Migrations, issue.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, text := range all {
			if _, err := w.Import(t.Context(), w.member, "MESOS", []issue.Source{{Alias: text.title, Draft: issue.Draft{Title: text.title}}}); err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{"UPDATE issue SET title_folded = $1 WHERE title = $2", "UPDATE issue_alias SET alias_folded = $1 WHERE alias = $2"} {
				if err := try(t, d, statement, text.before, text.title); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := d.Migrate(t.Context(), live.Migrations, account.Migrations, project.Migrations, issue.Migrations); err != nil {
			t.Fatal(err)
		}
		for _, text := range all {
			for _, statement := range []string{"SELECT COUNT(*) FROM issue WHERE title_folded = $1", "SELECT COUNT(*) FROM issue_alias WHERE alias_folded = $1"} {
				if n := count(t, w, statement, fold.Key(text.title)); n != 1 {
					t.Errorf("%s: %d have the key", text.title, n)
				}
			}
		}
	}, some)
}

package db_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

func TestStatementGroups(t *testing.T) {
	basetest.EachEngine(t, func(t *testing.T, d *db.DB) {
		s := new(db.Statement)
		s.Add("SELECT a, b FROM (SELECT 'x' AS a, 'one' AS b UNION SELECT 'x', 'two' UNION SELECT 'y', 'three') AS t WHERE ")
		s.In("a", []string{"x", "y", "z"})
		s.Add(" AND b <> ? ORDER BY a, b", "three")
		got, err := db.Read(t.Context(), d, s.Groups)
		if diff := cmp.Diff(map[string][]string{"x": {"one", "two"}}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}, schema)
}

func TestStatementGrows(t *testing.T) {
	t.Parallel()
	s := new(db.Statement)
	s.Add("SELECT id FROM t WHERE a = ?", 1)
	s.Add(" AND (b, c) < (?, ?)", "x", "y")
	s.Add(" AND ")
	s.In("d", []string{"p", "q"})
	s.Add(" ORDER BY id")
	if want := "SELECT id FROM t WHERE a = $1 AND (b, c) < ($2, $3) AND d IN ($4, $5) ORDER BY id"; s.Text() != want {
		t.Error(s.Text())
	}
	if diff := cmp.Diff([]any{1, "x", "y", "p", "q"}, s.Args()); diff != "" {
		t.Error(diff)
	}
}

package backup

import (
	"slices"
	"strings"
	"testing"
)

// TestConnection: no password stands where other users can read it, and libpq gets no
// name that it refuses.
func TestConnection(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct{ safe, env string }{
		"postgres://ann:s%3Acret@db.example.org:5433/app?sslmode=require": {"postgres://ann@db.example.org:5433/app?sslmode=require", "PGPASSWORD=s:cret"},
		"postgres://postgres@/test?host=/tmp/pg1":                         {"postgres://postgres@/test?host=%2Ftmp%2Fpg1", ""},
		"postgres://db/app?user=ann&password=x&pool_max_conns=5":          {"postgres://db/app?user=ann", "PGPASSWORD=x"},
		"postgres://db/app?search_path=a,b&statement_timeout=5 s":         {"postgres://db/app", `PGOPTIONS=-c search_path=a,b -c statement_timeout=5\ s`},
	} {
		safe, env, err := connection(url)
		slices.Sort(env)
		if err != nil || safe != want.safe || strings.Join(env, "|") != want.env {
			t.Errorf("%s: %s, %q, %v", url, safe, env, err)
		}
	}
}

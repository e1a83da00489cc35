package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/peisear/peisear/internal/"

// mayImport names, for every slice, the slices it may import besides itself and
// base. A slice missing here may import base only: adding one means deciding.
// app composes everybody; nobody imports app, nor notes, which is there to be
// mirrored or deleted.
func mayImport() map[string][]string {
	return map[string][]string{
		"account":          {},
		"account/provider": {},
		"account/oauth":    {"account", "account/provider"},
		"account/factor":   {"account"},
		"account/apitoken": {"account"},
		"account/admin":    {"account"},
		"notes":            {"account"},
		"tracker/project":  {"account"},
		"tracker/issue":    {"account", "tracker/project"},
		"tracker/comment":  {"account", "tracker/project", "tracker/issue"},
		"tracker/board":    {"account", "tracker/project", "tracker/issue"},
		"tracker/search":   {"account", "tracker/project", "tracker/issue", "tracker/comment"},
		"tracker/importer": {"account", "tracker/project", "tracker/issue", "tracker/comment", "tracker/search"},
		"tracker/seed":     {"account", "tracker/project", "tracker/issue", "tracker/comment", "tracker/search"},
		"tracker":          {"account", "tracker/project", "tracker/issue", "tracker/comment", "tracker/board", "tracker/search", "tracker/importer", "tracker/seed"},
	}
}

// TestArchitecture keeps imports going one way, so that the foundation knows no
// product. It parses the files itself: a test that ran `go list` would be
// answered from the cache after a violation.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	eachFile(t, ".go", func(file, _ string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		from := slice(path.Dir(file))
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if to, ok := strings.CutPrefix(imported, module); ok && !allowed(from, slice(to)) {
				t.Errorf("%s: %s must not import %s", file, from, slice(to))
			}
		}
	})
}

// TestProductIsNamedOnce: besides the tracker itself only app/product.go names it,
// so that deleting the tracker is deleting a folder and those lines.
func TestProductIsNamedOnce(t *testing.T) {
	t.Parallel()
	eachFile(t, ".go", func(file, text string) {
		if strings.HasPrefix(file, "tracker/") || file == "app/product.go" || strings.HasSuffix(file, "_test.go") {
			return
		}
		if strings.Contains(text, module+"tracker") {
			t.Errorf("%s names the tracker", file)
		}
	})
}

// TestEachTableHasOneWriter: a slice's statements change the tables that its own
// migrations make, and no others. A few tables may be read by others, with a reason.
func TestEachTableHasOneWriter(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	create := regexp.MustCompile(`(?i)CREATE TABLE (\w+)`)
	eachFile(t, ".sql", func(file, text string) {
		for _, found := range create.FindAllStringSubmatch(text, -1) {
			owner[found[1]] = slice(path.Dir(file))
		}
	})
	readers := map[string][]string{
		// Members by e-mail, and their names; whether a token's user may come in; an identity is an active user's.
		"users":          {"tracker/project", "account/apitoken", "account/oauth"},
		"project":        {"tracker/issue", "tracker/comment", "tracker/board", "tracker/search"}, // an issue's key holds the project's
		"project_member": {"tracker/issue", "tracker/comment", "tracker/search"},                  // every write asks for the role, and search for who may see
		"status":         {"tracker/issue", "tracker/board"},                                      // an issue's status is of its project
		"issue":          {"tracker/comment", "tracker/board", "tracker/search"},                  // what a comment is about; the neighbours of a place; what is written there
		"issue_alias":    {"tracker/search"},                                                      // an issue's key elsewhere
		"comment":        {"tracker/search"},                                                      // what is written there
	}
	write := regexp.MustCompile(`(?i)\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)`)
	read := regexp.MustCompile(`(?i)\b(?:FROM|JOIN)\s+(\w+)`)
	comment := regexp.MustCompile(`(?m)--.*$`)
	eachFile(t, "queries.sql", func(file, text string) {
		from := slice(path.Dir(file))
		text = comment.ReplaceAllString(text, "")
		for _, found := range write.FindAllStringSubmatch(text, -1) {
			if table := found[1]; table != "SET" && owner[table] != from {
				t.Errorf("%s changes %s, which is %s's", file, table, owner[table])
			}
		}
		for _, found := range read.FindAllStringSubmatch(text, -1) {
			if table := found[1]; owner[table] != from && !slices.Contains(readers[table], from) {
				t.Errorf("%s reads %s, which is %s's", file, table, owner[table])
			}
		}
	})
}

// TestMigrationNames: one number each over all slices, then the slice and what it does.
func TestMigrationNames(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^\d{14}_[a-z]+(_[a-z0-9]+)+\.sql$`)
	seen := map[string]string{}
	eachFile(t, ".sql", func(file, _ string) {
		if !strings.Contains(file, "/migrations/") {
			return
		}
		name := path.Base(file)
		number, _, _ := strings.Cut(name, "_")
		if !form.MatchString(name) {
			t.Errorf("%s: expected YYYYMMDDHHMMSS_slice_what.sql", file)
		}
		// Each engine's own text for one migration has one name.
		if other := seen[number]; other != "" && (path.Base(other) != name || path.Base(path.Dir(other)) == "migrations") {
			t.Errorf("%s and %s have one number", file, other)
		}
		seen[number] = file
	})
	if len(seen) < 5 {
		t.Errorf("only %d migrations found", len(seen))
	}
}

// TestMigrationsOfBothEngines: where one engine has a text of its own, so has the other.
func TestMigrationsOfBothEngines(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	eachFile(t, ".sql", func(file, _ string) {
		if engine := path.Base(path.Dir(file)); engine == "sqlite" || engine == "postgres" {
			names[engine] = append(names[engine], path.Join(path.Dir(path.Dir(file)), path.Base(file)))
		}
	})
	if len(names["sqlite"]) == 0 || !slices.Equal(names["sqlite"], names["postgres"]) {
		t.Errorf("SQLite has %v, PostgreSQL %v", names["sqlite"], names["postgres"])
	}
}

// TestNoSQLIsPutTogetherFromValues: statements are texts with parameters. Only the
// named files build text at all, from constants.
func TestNoSQLIsPutTogetherFromValues(t *testing.T) {
	t.Parallel()
	builders := []string{"tracker/issue/list.go", "base/live/log.go", "base/db/postgres.go", "base/db/tables.go", "base/db/load.go"}
	formatted := regexp.MustCompile(`(?i)(Sprintf|Fprintf|Appendf)\([^)]*"[^"]*\b(SELECT|INSERT|UPDATE|DELETE)\b[^"]*\b(FROM|INTO|SET)\b`)
	joined := regexp.MustCompile("(?i)[\"`][^\"`]*\\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\\s[^\"`]*[\"`]\\s*\\+")
	eachFile(t, ".go", func(file, text string) {
		if strings.HasSuffix(file, "_test.go") || slices.Contains(builders, file) {
			return
		}
		if formatted.MatchString(text) || joined.MatchString(text) {
			t.Errorf("%s puts SQL together", file)
		}
	})
}

// eachFile calls f with every file below internal whose name ends so.
func eachFile(t *testing.T, ending string, f func(file, text string)) {
	t.Helper()
	count := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ending) {
			return err
		}
		text, err := os.ReadFile(file)
		count++
		f(file, string(text))
		return err
	})
	if err != nil || count == 0 {
		t.Fatalf("%d files ending in %s, %v", count, ending, err)
	}
}

func allowed(from, to string) bool {
	switch {
	case from == to, from == "app", to == "base":
		return true
	}
	return from != "base" && slices.Contains(mayImport()[from], to)
}

// slice maps a package's folder to its slice, the longest that mayImport knows:
// base/db is base, notes/query is notes, tracker/issue/query is tracker/issue.
func slice(dir string) string {
	known := mayImport()
	for at := dir; at != "."; at = path.Dir(at) {
		if _, ok := known[at]; ok {
			return at
		}
	}
	first, _, _ := strings.Cut(dir, "/")
	return first
}

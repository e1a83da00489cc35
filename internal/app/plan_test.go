package app_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// readsAll are the queries that read a whole table, and why they may.
func readsAll() map[string]string {
	const few, end = "there are few rows", "it stops at its LIMIT, or the table is short at its end"
	return map[string]string{
		"account.CountAdmins":               "an index of admins alone",
		"account.DeleteStaleInitialInvites": few,
		"account.ListAddressed":             few,
		"account.ListOpenInvitesBy":         few,
		"account.ListPeople":                "everybody is what it is asked for",
		"account.PurgeRevocations":          few,
		"account/oauth.ListSettings":        few,
		"base/job.Counts":                   few,
		"base/job.DeadJobs":                 few,
		"base/live.Heads":                   "once per reading of the metrics, and a row per scope is short",
		"tracker/search.ListTodo":           end,
		"tracker/search.TakeTurn":           few,
		"tracker/search.WalkComments":       end,
		"tracker/search.WalkIssues":         end,
	}
}

// TestNoQueryReadsATable: what a query costs must not grow with what it does not ask for.
// SQLite says which index each takes; where it names none, it reads all rows.
func TestNoQueryReadsATable(t *testing.T) {
	t.Parallel()
	url := basetest.URL(t, "sqlite")
	a, err := app.New(t.Context(), config(t, url, nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	known := readsAll()
	for name, text := range queries(t) {
		all, err := scans(t.Context(), d, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, may := known[name]; may != (len(all) > 0) {
			t.Errorf("%s reads all of %v", name, all)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("there is no query %s", name)
	}
}

var (
	parameter = regexp.MustCompile(`\$\d+|\?\d+`)
	scanned   = regexp.MustCompile(`^SCAN (\w+)`)
)

// scans returns the tables that a statement reads from their beginning.
func scans(ctx context.Context, d *db.DB, text string) ([]string, error) {
	used := map[string]bool{}
	for _, p := range parameter.FindAllString(text, -1) {
		used[p] = true
	}
	return db.Read(ctx, d, func(ctx context.Context, c db.Conn) (all []string, err error) {
		rows, err := c.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, make([]any, len(used))...)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return nil, err
			}
			if strings.Contains(detail, "CONSTANT ROW") {
				continue
			}
			if m := scanned.FindStringSubmatch(detail); m != nil {
				all = append(all, detail)
			}
		}
		return all, rows.Err()
	})
}

// queries are the statements of all slices, by the slice's folder and their name.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../*/query/*.sql.go", "../*/*/query/*.sql.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			slice := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(filepath.Dir(path))), "../")
			for name, text := range constants(t, path) {
				all[slice+"."+name] = text
			}
		}
	}
	if len(all) < 100 {
		t.Fatalf("%d queries", len(all))
	}
	return all
}

// constants returns the statements of a generated file by their names.
func constants(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(text, "-- name: "); ok {
			name, _, _ = strings.Cut(name, " ")
			all[name] = text
		}
		return true
	})
	return all
}

package importer_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/tracker/issue"
)

// TestRealIssues imports what real teams wrote and compares every issue with its
// row in the file.
func TestRealIssues(t *testing.T) {
	paths := map[string]string{"mesos": dataFile(t, "mesos.csv"), "springxd": dataFile(t, "springxd.csv")}
	each(t, func(t *testing.T, w world) {
		total := 0
		for _, c := range []struct {
			name string
			rows int
		}{{"mesos", 1680}, {"springxd", 3526}} {
			summary := fmt.Sprintf("%d imported, 0 there already, 0 refused\n", c.rows)
			if out, _, err := run(t, w, paths[c.name]); err != nil || out != summary {
				t.Fatalf("%q, %v", out, err)
			}
			equalsFile(t, imported(t, w)[total:], paths[c.name])
			total += c.rows
		}
		at := head(t, w)
		if out, _, err := run(t, w, paths["mesos"]); err != nil || out != "0 imported, 1680 there already, 0 refused\n" || head(t, w) != at {
			t.Errorf("again: %q, %v", out, err)
		}
	})
}

// equalsFile compares issues with a file's rows, in order.
func equalsFile(t *testing.T, all []issue.Issue, path string) {
	t.Helper()
	rows := records(t, path)
	if len(all) != len(rows) {
		t.Fatalf("%d issues of %d rows", len(all), len(rows))
	}
	for n, r := range rows {
		title, description, i := strings.TrimSpace(r[1]), r[2], all[n]
		if description == "NULL" {
			description = ""
		}
		points, err := strconv.ParseFloat(r[3], 64)
		if err != nil || i.Title != title || i.Description != description || i.Effort == nil || *i.Effort != points {
			t.Fatalf("%s is %+v, %v", r[0], i, err)
		}
	}
}

// records are a file's rows without the first.
func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) < 2 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	return all[1:]
}

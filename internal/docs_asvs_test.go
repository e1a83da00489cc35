package internal_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// asvs lists the requirements of OWASP ASVS 5.0 at the levels 1 and 2 in the chapters
// V6, V7, V9 and V10.
const asvs = `
	6.1.1 6.1.2 6.1.3
	6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12
	6.3.1 6.3.2 6.3.3 6.3.4
	6.4.1 6.4.2 6.4.3 6.4.4
	6.5.1 6.5.2 6.5.3 6.5.4 6.5.5
	6.6.1 6.6.2 6.6.3
	6.8.1 6.8.2 6.8.3 6.8.4
	7.1.1 7.1.2 7.1.3
	7.2.1 7.2.2 7.2.3 7.2.4
	7.3.1 7.3.2
	7.4.1 7.4.2 7.4.3 7.4.4 7.4.5
	7.5.1 7.5.2
	7.6.1 7.6.2
	9.1.1 9.1.2 9.1.3
	9.2.1 9.2.2 9.2.3 9.2.4
	10.1.1 10.1.2
	10.2.1 10.2.2
	10.3.1 10.3.2 10.3.3 10.3.4
	10.4.1 10.4.2 10.4.3 10.4.4 10.4.5 10.4.6 10.4.7 10.4.8 10.4.9 10.4.10 10.4.11
	10.5.1 10.5.2 10.5.3 10.5.4 10.5.5
	10.6.1 10.6.2
	10.7.1 10.7.2 10.7.3
`

// TestDocsASVS: docs/asvs.md has a row for each requirement, in order, and every row
// names a test that exists, or a chapter of ours, or says why there is none.
func TestDocsASVS(t *testing.T) {
	t.Parallel()
	held := evidence(t)
	row := regexp.MustCompile(`^\| (\d+\.\d+\.\d+) \| [12] \| ([^|]+) \| ([^|]+) \|$`)
	var listed []string
	for line := range strings.Lines(read(t, "docs/asvs.md")) {
		cells := row.FindStringSubmatch(strings.TrimSpace(line))
		if cells == nil {
			continue
		}
		id, short, by := cells[1], cells[2], cells[3]
		listed = append(listed, id)
		named := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(by, -1)
		for _, name := range named {
			if !held.exists(name[1]) {
				t.Errorf("%s names %q, which is not there", id, name[1])
			}
		}
		excused := regexp.MustCompile(`^(not met|met in part|does not apply|no test can hold it)\b[^:]*: \w+`).MatchString(by)
		if len(named) == 0 && !excused && !strings.Contains(by, ".md") {
			t.Errorf("%s: neither a test nor a reason: %s", id, by)
		}
		if n := len(strings.Fields(short)); n > 12 {
			t.Errorf("%s: %d words", id, n)
		}
	}
	if want := strings.Fields(asvs); !slices.Equal(listed, want) {
		t.Errorf("rows %v, want %v", listed, want)
	}
}

// TestDocsWaysIn: every operation that begins a session or goes on with one is listed
// among the ways in, and nothing else is.
func TestDocsWaysIn(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(read(t, "api/openapi.json")), &document); err != nil {
		t.Fatal(err)
	}
	var ways []string
	for path, operations := range document.Paths {
		for method, operation := range operations {
			for status, answer := range operation.Responses {
				begins := regexp.MustCompile(`/(SignedIn|Login)OutputBody"`).Match(answer)
				if begins || status == "303" {
					ways = append(ways, strings.ToUpper(method)+" "+path)
				}
			}
		}
	}
	_, rest, found := strings.Cut(read(t, "docs/accounts.md"), "## Ways in, and how strong they are\n")
	section, _, ends := strings.Cut(rest, "\n## ")
	if !found || !ends || len(ways) < 10 {
		t.Fatalf("no section, or only %d ways", len(ways))
	}
	var listed []string
	for _, name := range regexp.MustCompile("`((?:GET|POST) [^`]+)`").FindAllStringSubmatch(section, -1) {
		listed = append(listed, name[1])
	}
	slices.Sort(ways)
	slices.Sort(listed)
	if !slices.Equal(ways, listed) {
		t.Errorf("docs/accounts.md lists %v, there are %v", listed, ways)
	}
}

package importer_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/tracker/importer"
	"github.com/peisear/peisear/internal/tracker/project"
)

// text is what a file holds, one row a line: line number and the fields.
func text(rows []importer.Row) string {
	var lines []string
	for _, r := range rows {
		f := r.Fields
		lines = append(lines, fmt.Sprintf("%d %q %q %q %q %q %q",
			r.Line, f["key"], f["title"], f["description"], f["effort"], f["status"], f["priority"]))
	}
	return strings.Join(lines, "\n")
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	team, err := os.ReadFile("testdata/team.csv")
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile("testdata/other.csv")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ in, want string }{
		"quotes, line breaks, NULL": {string(team), `2 "T-1" "Say \"hello\", world" "First line\n\nthird line, with a comma" "3" "" ""
5 "T-2" "Größe und Café 日本語 😀" "" "0.5" "" ""
6 "T-3" "  Two  spaces   inside " "  kept as it is  " "" "" ""
7 "T-4" "A title over\ntwo lines" "plain" "40" "" ""
9 "T-5" "Not estimated" "" "" "" ""`},
		"byte order mark, semicolons": {string(other), `2 "O-1" "Semicolons" "a; b" "8" "in progress" "HIGH"
3 "O-2" "All by default" "" "" "" ""
4 "O-3" "Done" "" "0" "DONE" "low"`},
		"tabs":                        {"key\ttitle\nA-1\ta, b; c\n", `2 "A-1" "a, b; c" "" "" "" ""`},
		"CRLF":                        {"key,title,description\r\nA-1,t,\"a\r\nb\"\r\n", `2 "A-1" "t" "a\nb" "" "" ""`},
		"the header alone":            {"key,title", ""},
		"no line break at the end":    {"key,title\nA-1,t", `2 "A-1" "t" "" "" "" ""`},
		"empty lines":                 {"key,title\n\n\nA-1,t\n\n", `4 "A-1" "t" "" "" "" ""`},
		"columns that nobody knows":   {"x,title,y,key\n1,t,2,A-1", `2 "A-1" "t" "" "" "" ""`},
		"columns by other names":      {"ID,Subject,Details,Story-Points,State\nA-1,t,d,3,Open", `2 "A-1" "t" "d" "3" "Open" ""`},
		"one name twice: the first":   {"key,title,title\nA-1,a,b", `2 "A-1" "a" "" "" "" ""`},
		"NULL is a value in a longer": {"key,title\nA-1,NULL pointer", `2 "A-1" "NULL pointer" "" "" "" ""`},
	} {
		rows, err := importer.ReadCSV([]byte(c.in))
		if diff := cmp.Diff(c.want, text(rows)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// broken are files of which nothing can be imported, and what is said about them.
func broken() map[string]struct{ in, says string } {
	return map[string]struct{ in, says string }{
		"empty":                        {"", "the file is empty"},
		"blank":                        {" \r\n\n", "the file is empty"},
		"a byte order mark alone":      {"\ufeff", "the file is empty"},
		"no title":                     {"key,description\nA-1,d", "no column for the title (named title, summary"},
		"no key":                       {"title\nt", "no column for the key (named issuekey, key"},
		"neither":                      {"a,b\n1,2", "for the key"},
		"a quote that stays open":      {"key,title\nA-1,\"t\nA-2,u\n", "line 2: a quote that begins here is not closed"},
		"a quote closed too early":     {"key,title\nA-1,t\nA-2,\"t\"x\n", "line 3"},
		"a quote inside":               {"key,title\nA-1,t\nA-2,a \"b\" c\n", "line 3: a quote stands inside"},
		"a quote open in the header":   {"key,\"title\nA-1,t", "line 1: a quote that begins here"},
		"Latin-1":                      {"key,title\nA-1,t\nA-2,Gr\xf6\xdfe\n", "line 3 is not valid UTF-8"},
		"UTF-16":                       {"\xff\xfek\x00e\x00y\x00", "line 1 is not valid UTF-8"},
		"invalid in a column not read": {"key,title,x\nA-1,t,\xff\n", "line 2 is not valid UTF-8"},
	}
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range broken() {
		rows, err := importer.ReadCSV([]byte(c.in))
		if !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Of(err).Message, c.says) || rows != nil {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
}

func statuses() []project.Status {
	return []project.Status{{ID: "open", Name: "Open"}, {ID: "doing", Name: "In Progress"}, {ID: "done", Name: "Done"}}
}

func TestPlanRefusesRows(t *testing.T) {
	t.Parallel()
	in, err := os.ReadFile("testdata/refused.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := importer.ReadCSV(in)
	if err != nil {
		t.Fatal(err)
	}
	plan := importer.NewPlan(rows, statuses())
	want := []importer.Refusal{
		{3, "has no key"},
		{4, "title: an issue needs a title"},
		{7, "has 2 fields, where the first line names 6"},
		{8, "has 8 fields, where the first line names 6"},
		{9, "the key R-1 stands in line 2 already"},
		{10, `effort: "many" is not a number`},
		{11, "effort: expected a number of points from 0 to 10000, in steps of 0.001, or null"},
		{12, "effort: expected a number of points from 0 to 10000, in steps of 0.001, or null"},
		{13, `effort: "NaN" is not a number`},
		{14, `the project has no status "Nowhere"`},
		{15, "priority: expected low, medium, high or urgent"},
		{16, "title: at most 200 characters"},
		{17, "the key is longer than 100 characters"},
	}
	if diff := cmp.Diff(want, plan.Refused); diff != "" {
		t.Error(diff)
	}
	var taken []string
	for _, s := range plan.Sources {
		taken = append(taken, s.Alias+" "+s.Draft.Title+" "+s.Draft.StatusID)
	}
	if diff := cmp.Diff([]string{"R-1 good ", "R-4 a title over lines ", "R-16 the last done"}, taken); diff != "" {
		t.Error(diff)
	}
}

// TestPlanRefusesText: what no database can keep, and what is too much.
func TestPlanRefusesText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"key,title\nA-1,a\x00b": "holds the character U+0000",
		"key,title,description\nA-1,t," + strings.Repeat("x", 100_001): "description: at most 100000 characters",
		"key,title,description\nA-1,t," + strings.Repeat("ü", 100_000): "",
	} {
		rows, err := importer.ReadCSV([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		plan := importer.NewPlan(rows, statuses())
		if want == "" && len(plan.Sources) != 1 || want != "" && (len(plan.Refused) != 1 || plan.Refused[0] != importer.Refusal{Line: 2, Reason: want}) {
			t.Errorf("%.30q: %+v", in, plan.Refused)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, c := range broken() {
		f.Add([]byte(c.in))
	}
	for _, name := range []string{"team", "other", "refused"} {
		text, err := os.ReadFile("testdata/" + name + ".csv")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, err := importer.ReadCSV(in)
		if err != nil && (!errs.Is(err, errs.Invalid) || rows != nil) {
			t.Errorf("%v with %d rows", err, len(rows))
		}
		last := 1
		for _, r := range rows {
			if r.Line <= last {
				t.Errorf("line %d comes after line %d", r.Line, last)
			}
			last = r.Line
		}
		plan := importer.NewPlan(rows, statuses())
		if len(plan.Sources)+len(plan.Refused) != len(rows) {
			t.Errorf("of %d rows %d are taken and %d refused", len(rows), len(plan.Sources), len(plan.Refused))
		}
		for _, s := range plan.Sources {
			if err := s.Draft.Check(); err != nil || s.Alias == "" {
				t.Errorf("%+v: %v", s, err)
			}
		}
	})
}

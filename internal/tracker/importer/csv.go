package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/fold"
	"github.com/peisear/peisear/internal/tracker/issue"
)

// maxAlias bounds the key that an issue had elsewhere, in characters.
const maxAlias = 100

// column is a part of an issue that a file may have, under one of several names.
type column struct {
	field    string
	names    []string // folded, without blanks, dashes and underscores
	required bool
}

func columns() []column {
	return []column{
		{"key", []string{"issuekey", "key", "id", "issueid"}, true},
		{"title", []string{"title", "summary", "name", "subject"}, true},
		{"description", []string{"description", "body", "details"}, false},
		{"effort", []string{"storypoint", "storypoints", "points", "estimate", "effort"}, false},
		{"status", []string{"status", "state"}, false},
		{"priority", []string{"priority"}, false},
	}
}

// Row is one issue of a file.
type Row struct {
	Line   int
	Fields map[string]string // by column.field
	broken string            // why the row cannot be read; "" when it can
}

// ReadCSV reads a whole file: UTF-8, fields separated by commas, semicolons or tabs,
// the first row naming the columns. Rows with too many or too few fields are kept,
// to be refused one by one.
// Invalid: the file is empty or not UTF-8, a quote is not closed, or a column that
// an issue needs is missing.
func ReadCSV(text []byte) ([]Row, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if line, ok := firstNotUTF8(text); !ok {
		return nil, errs.New(errs.Invalid, "line %d is not valid UTF-8: save the file as UTF-8 and try again", line)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errs.New(errs.Invalid, "the file is empty")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord = -1 // counted below, row by row
	header, err := r.Read()
	if err != nil {
		return nil, unreadable(err)
	}
	at, err := place(header)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		line, _ := r.FieldPos(0)
		rows = append(rows, newRow(line, record, len(header), at))
	}
}

func newRow(line int, record []string, want int, at map[string]int) Row {
	row := Row{Line: line, Fields: map[string]string{}}
	if len(record) != want {
		row.broken = fmt.Sprintf("has %d fields, where the first line names %d", len(record), want)
		return row
	}
	for field, i := range at {
		if value := record[i]; value != "NULL" { // how databases export nothing
			row.Fields[field] = value
		}
	}
	return row
}

// separator takes the one that the first line uses most.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	best := ','
	for _, candidate := range ";\t" {
		if bytes.Count(first, []byte(string(candidate))) > bytes.Count(first, []byte(string(best))) {
			best = candidate
		}
	}
	return best
}

func firstNotUTF8(text []byte) (line int, ok bool) {
	if utf8.Valid(text) {
		return 0, true
	}
	for line := 1; ; line++ {
		head, rest, _ := bytes.Cut(text, []byte("\n"))
		if !utf8.Valid(head) {
			return line, false
		}
		text = rest
	}
}

// place finds the columns by their names.
func place(header []string) (map[string]int, error) {
	at := map[string]int{}
	var missing []string
	for _, c := range columns() {
		i := slices.IndexFunc(header, func(name string) bool {
			return slices.Contains(c.names, strings.NewReplacer(" ", "", "-", "", "_", "").Replace(fold.Key(name)))
		})
		switch {
		case i >= 0:
			at[c.field] = i
		case c.required:
			missing = append(missing, fmt.Sprintf("%s (named %s)", c.field, strings.Join(c.names, ", ")))
		}
	}
	if len(missing) > 0 {
		return nil, errs.New(errs.Invalid, "the first line names no column for the %s", strings.Join(missing, " and the "))
	}
	return at, nil
}

// unreadable says what is wrong with the file as a whole.
func unreadable(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return errs.From(err, errs.Invalid, "the file cannot be read")
	}
	if errors.Is(parse.Err, csv.ErrQuote) {
		return errs.New(errs.Invalid, "line %d: a quote that begins here is not closed properly (noticed in line %d)", parse.StartLine, parse.Line)
	}
	return errs.New(errs.Invalid, "line %d: a quote stands inside an unquoted field", parse.Line)
}

// source turns the row into a draft; statuses are ids by folded name. reason is why
// it cannot be imported, "" when it can.
func (r Row) source(statuses map[string]string) (s issue.Source, reason string) {
	if r.broken != "" {
		return s, r.broken
	}
	s.Alias = strings.TrimSpace(r.Fields["key"])
	s.Draft.Title = oneLine(r.Fields["title"])
	s.Draft.Description = r.Fields["description"]
	switch {
	case s.Alias == "":
		return s, "has no key"
	case utf8.RuneCountInString(s.Alias) > maxAlias:
		return s, fmt.Sprintf("the key is longer than %d characters", maxAlias)
	case strings.ContainsRune(s.Alias+s.Draft.Title+s.Draft.Description, 0):
		return s, "holds the character U+0000"
	}
	if reason := r.effort(&s.Draft); reason != "" {
		return s, reason
	}
	if name := strings.TrimSpace(r.Fields["status"]); name != "" {
		id, ok := statuses[fold.Key(name)]
		if !ok {
			return s, fmt.Sprintf("the project has no status %q", name)
		}
		s.Draft.StatusID = id
	}
	if name := strings.TrimSpace(r.Fields["priority"]); name != "" {
		s.Draft.Priority = issue.Priority(fold.Key(name))
	}
	if err := s.Draft.Check(); err != nil {
		e := errs.Of(err)
		return s, strings.TrimPrefix(e.Field, "body.") + ": " + e.Message
	}
	return s, ""
}

func (r Row) effort(d *issue.Draft) (reason string) {
	text := strings.TrimSpace(r.Fields["effort"])
	if text == "" {
		return ""
	}
	points, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(points) {
		return fmt.Sprintf("effort: %q is not a number", text)
	}
	if d.Effort, err = issue.Effort(&points); err != nil {
		return "effort: " + errs.Of(err).Message
	}
	return ""
}

// oneLine puts a blank where a title breaks its line, and leaves it alone otherwise.
func oneLine(title string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(title)
}

func itoa(n int) string { return strconv.Itoa(n) }

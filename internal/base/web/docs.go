package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the page's two files
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs/page.html
var docsPage string

//go:embed docs/page.css
var docsStyle string

// manual is the API's description for people: one page without scripts, which loads
// nothing.
type manual struct {
	Title, Signed string
	Style         template.CSS
	Groups        []group
	Forms         []shape
}

// group is the operations of one tag.
type group struct {
	Name       string
	Operations []described
}

type described struct {
	ID, Method, Path, Summary string
	Signed                    bool
	Fields                    []member
	Answers                   []answer
}

// member is a parameter, or a field of a body or a form.
type member struct {
	Name, Where, Text string
	Required          bool
	Kind              []word
}

type answer struct {
	Status string
	Kind   []word
}

type shape struct {
	Name   string
	Fields []member
}

// word is a part of what a value is: a text, or a form that is described by itself.
type word struct{ Text, Form string }

// docs serves the manual. It is written when it is first asked for, when all operations
// are known.
func (a *API) docs() http.HandlerFunc {
	page := sync.OnceValues(func() ([]byte, error) { return a.manual() })
	sum := sha256.Sum256([]byte(docsStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := page()
		if err != nil {
			WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(text) // the client has gone
	}
}

func (a *API) manual() ([]byte, error) {
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, err
	}
	api := a.huma.OpenAPI()
	m := manual{Title: api.Info.Title, Signed: api.Components.SecuritySchemes[bearerScheme].Description, Style: template.CSS(docsStyle)} //nolint:gosec // ours
	forms := api.Components.Schemas.Map()
	m.Groups = groups(api, forms)
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		m.Forms = append(m.Forms, shape{name, fieldsOf(forms[name], "")})
	}
	var out bytes.Buffer
	err = t.Execute(&out, m)
	return out.Bytes(), err
}

// groups returns the operations by tag, both in the order of their names.
func groups(api *huma.OpenAPI, forms map[string]*huma.Schema) (all []group) {
	byTag := map[string][]described{}
	for path, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				tag := op.Tags[0]
				byTag[tag] = append(byTag[tag], describe(path, op, forms))
			}
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		slices.SortFunc(byTag[tag], func(a, b described) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.ID, b.ID))
		})
		all = append(all, group{tag, byTag[tag]})
	}
	return all
}

const jsonType = "application/json"

func describe(path string, op *huma.Operation, forms map[string]*huma.Schema) described {
	d := described{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Signed: len(op.Security) > 0}
	for _, p := range op.Parameters {
		text := cmp.Or(p.Description, p.Schema.Description)
		d.Fields = append(d.Fields, member{p.Name, p.In, text, p.Required, kindOf(p.Schema)})
	}
	if op.RequestBody != nil {
		d.Fields = append(d.Fields, fieldsOf(resolved(bodyOf(op), forms), "body")...)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if status == "default" {
			continue // an error, the same everywhere
		}
		a := answer{Status: status, Kind: []word{{Text: op.Responses[status].Description}}}
		if content := op.Responses[status].Content[jsonType]; content != nil {
			a.Kind = kindOf(content.Schema)
		}
		d.Answers = append(d.Answers, a)
	}
	return d
}

// bodyOf is what an operation takes: JSON, but for the few that take a form or bytes.
func bodyOf(op *huma.Operation) *huma.Schema {
	for _, name := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
		if content := op.RequestBody.Content[name]; content != nil && content.Schema != nil {
			return content.Schema
		}
	}
	return &huma.Schema{}
}

// resolved follows a reference.
func resolved(s *huma.Schema, forms map[string]*huma.Schema) *huma.Schema {
	if form, ok := forms[formOf(s)]; ok {
		return form
	}
	return s
}

// formOf is the name that a schema refers to, "" when it stands for itself.
func formOf(s *huma.Schema) string { return s.Ref[strings.LastIndex(s.Ref, "/")+1:] }

func fieldsOf(s *huma.Schema, where string) (all []member) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		all = append(all, member{name, where, p.Description, slices.Contains(s.Required, name), kindOf(p)})
	}
	return all
}

// kindOf says what a value is.
func kindOf(s *huma.Schema) (all []word) {
	switch {
	case s.Ref != "":
		all = []word{{Form: formOf(s)}}
	case s.Items != nil:
		all = append([]word{{Text: "list of "}}, kindOf(s.Items)...)
	case len(s.OneOf) > 0:
		for i, one := range s.OneOf {
			if i > 0 {
				all = append(all, word{Text: " or "})
			}
			all = append(all, kindOf(one)...)
		}
	default:
		all = []word{{Text: plainKind(s)}}
	}
	if s.Nullable {
		all = append(all, word{Text: " or null"})
	}
	return all
}

func plainKind(s *huma.Schema) string {
	text := cmp.Or(s.Type, "anything")
	if s.Type == huma.TypeString {
		text = cmp.Or(s.Format, text)
	}
	if len(s.Enum) > 0 {
		names := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			names[i] = fmt.Sprint(v)
		}
		text = "one of " + strings.Join(names, ", ")
	}
	text += limits(s)
	if s.Default != nil {
		text += fmt.Sprintf("; %v when left out", s.Default)
	}
	return text
}

// limits says how long or large a value may be, "" when nothing is said about it.
func limits(s *huma.Schema) string {
	text := between(s.MinLength, s.MaxLength, " characters") + between(s.Minimum, s.Maximum, "")
	if s.Pattern != "" {
		text += ", " + cmp.Or(s.PatternDescription, s.Pattern)
	}
	return text
}

func between[N int | float64](least, most *N, unit string) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf(", %v to %v%s", *least, *most, unit)
	case least != nil:
		return fmt.Sprintf(", at least %v%s", *least, unit)
	case most != nil:
		return fmt.Sprintf(", at most %v%s", *most, unit)
	}
	return ""
}

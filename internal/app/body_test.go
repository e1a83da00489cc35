package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// described is what the API's description says of an operation's body.
type described struct {
	RequestBody struct {
		Required bool
		Content  map[string]struct{ Schema ref }
	}
}

type ref struct {
	Ref string `json:"$ref"`
}

type bodySchema struct {
	Properties map[string]map[string]any
	Required   []string
}

// TestEveryBodyIsRefusedByName walks the route table: whatever an operation is sent that
// it does not take, the answer names the place, and says it in no words of the machinery.
func TestEveryBodyIsRefusedByName(t *testing.T) {
	t.Parallel()
	a := open(t, basetest.URL(t, "sqlite"), nil)
	ann, _ := signUp(t, a)
	document, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]bodySchema }
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	anyID := regexp.MustCompile(`\{\w*[iI]d\}`)
	tried := 0
	for path, methods := range doc.Paths {
		for method, text := range methods {
			var op described
			if err := json.Unmarshal(text, &op); err != nil {
				t.Fatal(err)
			}
			content, ok := op.RequestBody.Content["application/json"]
			if !ok {
				continue
			}
			tried++
			s := doc.Components.Schemas[strings.TrimPrefix(content.Schema.Ref, "#/components/schemas/")]
			if len(s.Properties) == 0 {
				t.Fatalf("%s %s: no schema", method, path)
			}
			for body, place := range refused(s, op.RequestBody.Required) {
				status, answer := basetest.Do(t, a.Handler, strings.ToUpper(method), anyID.ReplaceAllString(path, uuid.NewString()), ann, body)
				if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity || !strings.Contains(answer, `"location":"`+place+`"`) ||
					strings.Contains(answer, "Go value") || strings.Contains(answer, "goroutine") {
					t.Errorf("%s %s %s: %d %s", method, path, body, status, answer)
				}
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d operations", tried)
	}
}

// refused maps bodies to the places at fault.
func refused(s bodySchema, required bool) map[string]string {
	all := map[string]string{
		`null`: "body", `[]`: "body", `[{}]`: "body", `7`: "body", `"x"`: "body", `{`: "body", `{} {}`: "body",
		`{"unheard":1}`: "body.unheard",
	}
	if required {
		all[``] = "body"
	}
	for _, name := range s.Required {
		all[`{}`] = "body." + name
	}
	for name, property := range s.Properties {
		all[fmt.Sprintf(`{%q:"\ud800"}`, name)] = "body." + name
		all[fmt.Sprintf(`{%q:["\u0000"]}`, name)] = "body." + name + "[0]"
		_, isTyped := property["type"]
		_, isNamed := property["$ref"]
		if isTyped || isNamed { // the others take any JSON
			all[fmt.Sprintf(`{%q:{"a":[]}}`, name)] = "body." + name
		}
	}
	return all
}

// TestDocsOfEverything: the page for people describes whatever is registered.
func TestDocsOfEverything(t *testing.T) {
	t.Parallel()
	a := open(t, basetest.URL(t, "sqlite"), nil)
	status, page := basetest.Do(t, a.Handler, http.MethodGet, "/api/docs", nil, "")
	if status != http.StatusOK || !strings.Contains(page, "oauth.post") || !strings.Contains(page, "issue.move") {
		t.Errorf("%d %.300s", status, page)
	}
}

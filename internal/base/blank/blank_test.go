package blank_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/peisear/peisear/internal/base/blank"
)

func TestTrim(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(text, &texts); err != nil || len(texts) < 20 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	for text, want := range texts {
		if got := blank.Trim(text); got != want {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
		if got := blank.Is(text); got != (want == "") {
			t.Errorf("%+q is blank: %v", text, got)
		}
	}
}

// TestNotText: what is no UTF-8 is refused elsewhere, and is something until then.
func TestNotText(t *testing.T) {
	t.Parallel()
	if got := blank.Trim(" \xff "); got != "\xff" {
		t.Errorf("%q", got)
	}
}

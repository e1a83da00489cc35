package web

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFindUnkeepable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"\u0000"`:                               "body",
		`"\ud800"`:                               "body",
		`"\uDFFF"`:                               "body",
		`"\udc00\ud800"`:                         "body",
		`"\ud83d\ude00"`:                         "",
		`"\uD83D\uDE00"`:                         "",
		`"\ud800\ud83d\ude00"`:                   "body",
		`"\ud83d\ude00\ud83d"`:                   "body",
		`"\ud83d\\ude00"`:                        "body",
		`"\ud83d \ude00"`:                        "body",
		`"\ud83d\n"`:                             "body",
		`"\\ud800"`:                              "",
		`"\\\ud800"`:                             "body",
		`"\\\\u0000"`:                            "",
		`"\ufffd\u0001\ud7ff\ue000"`:             "",
		`"\"\u0000"`:                             "body",
		`7`:                                      "",
		`{"a":"\ud800"}`:                         "body.a",
		`{"a":{"b":[1,"x",{"c":"\u0000"}]}}`:     "body.a.b[2].c",
		`{"a":{"b":[[],{},"\ud800"]}}`:           "body.a.b[2]",
		`[["x"],["\ud800"]]`:                     "body[1][0]",
		`{"a":[{"x":1},2],"b":"\ud800"}`:         "body.b",
		`{"a":{"\ud800":1}}`:                     "body.a",
		`{"a":"\\","b\"":"\ud800"}`:              `body.b"`,
		`{"\u00e9":"\ud800"}`:                    "body.é",
		`{"a":"}],{[\\","b":[",",":","\ud800"]}`: "body.b[2]",
	} {
		if got := findUnkeepable([]byte(text), len(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzFindUnkeepable compares with what encoding/json makes of a text: where the text
// itself spells no U+FFFD, one in the values stands for a lone surrogate.
func FuzzFindUnkeepable(f *testing.F) {
	for _, text := range []string{
		`{"a":{"b":[1,"x",{"c":"\u0000"}]}}`, `["\ud83d\ude00","\\ud800"]`, `{"\udc00":"\ud800"}`, `"\ud800\ud800\udc00"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		spelled := bytes.Contains(bytes.ToLower(data), []byte(`\ufffd`)) || bytes.ContainsRune(data, utf8.RuneError)
		if !utf8.Valid(data) || !json.Valid(data) || spelled {
			return
		}
		wrong := false
		for tokens := json.NewDecoder(bytes.NewReader(data)); ; {
			token, err := tokens.Token()
			if err != nil {
				break
			}
			text, ok := token.(string)
			wrong = wrong || ok && strings.ContainsAny(text, "\x00\ufffd")
		}
		if place := findUnkeepable(data, len(data)); (place != "") != wrong || place != "" && !strings.HasPrefix(place, "body") {
			t.Errorf("%s: found %q", data, place)
		}
	})
}

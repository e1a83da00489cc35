package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/peisear/peisear/internal/base/errs"
)

// This file is the one place where text that no database can keep is refused:
// invalid UTF-8, which encoding/json would quietly replace, and U+0000.

// keepable looks at the address of a request; bodies are looked at by decode.
func keepable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unkeepable(r.URL.Path) {
			WriteError(w, r, errNoPath)
			return
		}
		if strings.Contains(r.URL.RawQuery, "%") {
			query, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				WriteError(w, r, errs.Field("query", "a percent sign is not followed by two hexadecimal digits"))
				return
			}
			for name, values := range query {
				if unkeepable(name) || slices.ContainsFunc(values, unkeepable) {
					WriteError(w, r, errs.Field("query."+strings.ToValidUTF8(name, "?"), "must be valid UTF-8 and free of U+0000"))
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

func unkeepable(text string) bool { return !utf8.ValidString(text) || strings.Contains(text, "\x00") }

// formats reads and writes JSON.
func formats() map[string]huma.Format {
	format := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(v)
		},
		Unmarshal: decode,
	}
	return map[string]huma.Format{"application/json": format, "json": format}
}

func decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("the body is not valid UTF-8")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return readable(err)
	}
	// The first decoding of a request is into any; only a body that spells out the
	// character is worth the walk.
	if parsed, ok := v.(*any); ok && bytes.Contains(data, []byte(`\u0000`)) {
		if place := findNUL("body", *parsed); place != "" {
			return fmt.Errorf("%s must not contain the character U+0000", place)
		}
	}
	return nil
}

// readable says of a value that fits no type of ours where it stands, and nothing of
// the program's insides.
func readable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: the value does not fit", strings.TrimSuffix("body."+strings.TrimPrefix(wrong.Field, "."), "."))
	}
	return err
}

// findNUL names the place of the first text that holds U+0000, "" when there is none.
func findNUL(place string, v any) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			return place
		}
	case []any:
		for i, element := range v {
			if found := findNUL(fmt.Sprintf("%s[%d]", place, i), element); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if strings.Contains(name, "\x00") {
				return place
			}
			if found := findNUL(place+"."+name, v[name]); found != "" {
				return found
			}
		}
	}
	return ""
}

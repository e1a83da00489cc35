package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/peisear/peisear/internal/base/errs"
)

// This file is the one place where text that no database can keep is refused:
// invalid UTF-8, which encoding/json would quietly replace, and U+0000.

// bodyPlace is the place of a request's body; those inside of it begin with it.
const bodyPlace = "body"

const keepableRule = "must be valid UTF-8 and free of U+0000"

// keepable looks at the address of a request and at the one header that is kept; bodies
// are looked at by decode.
func keepable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unkeepable(r.URL.Path) {
			WriteError(w, r, errNoPath)
			return
		}
		if strings.Contains(r.URL.RawQuery, "%") || !utf8.ValidString(r.URL.RawQuery) {
			query, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				WriteError(w, r, errs.Field("query", "a percent sign stands without two hexadecimal digits, or a semicolon between parameters"))
				return
			}
			for name, values := range query {
				if unkeepable(name) || slices.ContainsFunc(values, unkeepable) {
					WriteError(w, r, errs.Field("query."+strings.ToValidUTF8(name, "?"), keepableRule))
					return
				}
			}
		}
		if unkeepable(r.Header.Get(mutationHeader)) {
			WriteError(w, r, errs.Field("header."+mutationHeader, keepableRule))
			return
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

// decode refuses with a text that begins with the place at fault, like body.title, and
// a colon; see located.
func decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("the body is not valid UTF-8")
	}
	_, first := v.(*any) // then into what the operation takes
	if err := json.Unmarshal(data, v); err != nil {
		return readable(err, data, first)
	}
	// Only a body that spells characters out by number is worth the walk.
	if first && bytes.Contains(data, []byte(`\u`)) {
		if place := findUnkeepable(data, len(data)); place != "" {
			return fmt.Errorf(`%s: must not contain the character U+0000 or half of a surrogate pair (\ud800 to \udfff)`, place)
		}
	}
	return nil
}

// readable says of a value that fits no type of ours where it stands, and nothing of
// the program's insides.
func readable(err error, data []byte, first bool) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	place := bodyPlace
	switch {
	case first: // a number beyond all; the offset is past the character after it
		place = findUnkeepable(data, int(wrong.Offset)-2)
	case wrong.Field != "":
		place += "." + strings.TrimPrefix(wrong.Field, ".")
	}
	return fmt.Errorf("%s: the value does not fit", place)
}

// level is an object or a list around a place in JSON.
type level struct {
	list  bool
	index int    // of the element, in a list
	name  string // of the member, in an object
	named bool   // the name has been read, the value comes
}

// findUnkeepable names the place of the first text whose escapes stand for U+0000 or for
// half of a surrogate pair, which encoding/json would quietly replace, or what stands at
// the index stop; "" when there is neither. The data is valid JSON. Where the name of a
// member is at fault, the place is the object's.
func findUnkeepable(data []byte, stop int) string {
	var path []level
	for i := 0; i < len(data); i++ {
		if i == stop {
			return place(path)
		}
		switch data[i] {
		case '{', '[':
			path = append(path, level{list: data[i] == '['})
		case '}', ']':
			path = path[:len(path)-1]
		case ',':
			top := &path[len(path)-1]
			*top = level{list: top.list, index: top.index + 1}
		case '"':
			text := quoted(data[i:])
			i += len(text) - 1
			if badEscape(text) {
				return place(path)
			}
			if len(path) == 0 || path[len(path)-1].list || path[len(path)-1].named {
				continue
			}
			top := &path[len(path)-1]
			top.named = json.Unmarshal(text, &top.name) == nil
		}
	}
	return ""
}

// quoted is the text, with its quotes, that data begins with.
func quoted(data []byte) []byte {
	end := 1
	for ; data[end] != '"'; end++ {
		if data[end] == '\\' {
			end++
		}
	}
	return data[:end+1]
}

func badEscape(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		high := escaped(text[i:])
		switch {
		case high < 0: // another escape, of one character
			i++
			continue
		case high == 0:
			return true
		case utf16.IsSurrogate(high):
			if utf16.DecodeRune(high, escaped(text[i+6:])) == utf8.RuneError {
				return true
			}
			i += 6
		}
		i += 5
	}
	return false
}

// escaped is the number that a text of the form \uXXXX begins with, -1 for another text.
func escaped(text []byte) rune {
	if !bytes.HasPrefix(text, []byte(`\u`)) {
		return -1
	}
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16) // the data is valid JSON
	return rune(n)
}

func place(path []level) string {
	var text strings.Builder
	text.WriteString(bodyPlace)
	for _, l := range path {
		switch {
		case l.list:
			fmt.Fprintf(&text, "[%d]", l.index)
		case l.named:
			text.WriteString("." + l.name)
		}
	}
	return text.String()
}

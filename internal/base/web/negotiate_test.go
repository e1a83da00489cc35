package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/web"
)

func TestEncoding(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                               "",
		"gzip":                           "gzip",
		"GZip":                           "gzip",
		"br":                             "br",
		"gzip, br":                       "br", // the server's order decides between equals
		"gzip, deflate, br, zstd":        "br",
		"gzip;q=1.0, br;q=0.9":           "gzip",
		"br;q=0.001":                     "br",
		"gzip;q=0":                       "",
		"gzip;q=0.0, br;q=0.000":         "",
		"gzip ; q=0 , br ; Q=0.5":        "br",
		"br;q=0, *":                      "gzip",
		"*":                              "br",
		"*;q=0":                          "",
		"*;q=0, gzip":                    "gzip",
		"*;q=0.5, br;q=0.1":              "gzip",
		"identity":                       "",
		"identity, br":                   "br",
		"identity;q=1, *;q=0":            "",
		"identity;q=0":                   "", // plain, rather than nothing
		"identity;q=0, gzip;q=0.1":       "gzip",
		"identity, gzip;q=0.9":           "",
		"identity;q=0.5, gzip;q=0.9":     "gzip",
		"deflate":                        "",
		"gzipped, brotli":                "",
		"gzip;q=2":                       "", // no weight
		"gzip;q=-1":                      "",
		"gzip;q=":                        "",
		"gzip;q=0.1234":                  "",
		"gzip;q=1.5":                     "",
		"gzip;q=NaN":                     "",
		"gzip;q=1e0":                     "",
		"gzip;q=1.000":                   "gzip",
		"gzip;q=1.":                      "gzip",
		"gzip;level=9":                   "gzip",
		"gzip;q=0;q=1":                   "",
		",,gzip,,":                       "gzip",
		"gzip, gzip;q=0":                 "", // the last word
		strings.Repeat("x;q=1,", 10_000): "",
	} {
		if got := web.Encoding(accept, "br", "gzip"); got != want {
			t.Errorf("%.60s: %q, want %q", accept, got, want)
		}
	}
	if got := web.Encoding("br, gzip"); got != "" {
		t.Errorf("nothing offered: %q", got)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		``:                    false,
		`*`:                   true,
		` * `:                 true,
		`"a"`:                 true,
		`W/"a"`:               true,
		`"b"`:                 false,
		`"b", "a"`:            true,
		`"b","a"`:             true,
		"\"b\" ,\t W/\"a\" ,": true,
		`"b", W/"c"`:          false,
		`, "a"`:               true,
		`a`:                   false,
		`"a`:                  false,
		`"b" "a"`:             false,
		`"b", *`:              false,
		`w/"a"`:               false,
		`"b,\"", "a"`:         false, // a tag knows no escapes: it ends at its second quote
		`"b,", "a"`:           true,
		`"a "`:                false,
		`"b`:                  false,
		`"A"`:                 false,
	} {
		if got := web.Matches(header, `"a"`); got != want {
			t.Errorf("%s: %v", header, got)
		}
		if got := web.Matches(header, `W/"a"`); got != want {
			t.Errorf("%s with a weak tag: %v", header, got)
		}
	}
}

// FuzzNegotiation: whatever a client sends, the answer is one of those offered, and only
// a header that holds the tag matches it.
func FuzzNegotiation(f *testing.F) {
	f.Add(`gzip;q=0.5, *;q=0`)
	f.Add(`"b", W/"a"`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := web.Encoding(header, "br", "gzip"); !slices.Contains([]string{"", "br", "gzip"}, got) {
			t.Errorf("%q: %q", header, got)
		}
		if web.Matches(header, `"a"`) && !strings.Contains(header, `"a"`) && strings.Trim(header, " \t") != "*" {
			t.Errorf("%q matches", header)
		}
	})
}

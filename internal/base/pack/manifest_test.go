package pack_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/pack"
)

// TestManyFiles: a manifest may be as long as its entries need.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	const files = 20_000
	var out bytes.Buffer
	w := pack.NewWriter(&out)
	for i := range files {
		if err := w.Add(fmt.Sprintf("attachments/%064x", i), true, func(io.Writer) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(pack.Manifest{Format: pack.Backup}); err != nil {
		t.Fatal(err)
	}
	r, err := pack.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), pack.Backup)
	if err != nil || len(r.Manifest.Files) != files {
		t.Fatal(err)
	}
	if err := r.Verify(t.Context(), func(int64) {}); err != nil {
		t.Error(err)
	}
}

// TestSwollenManifest: one that is longer than what the entries need is read no further.
func TestSwollenManifest(t *testing.T) {
	t.Parallel()
	const begin = `{"format":"peisear backup","version":1,`
	const files = `"files":[{"name":"a","size":1,"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}]`
	for name, text := range map[string]func(much string) string{
		"versions": func(much string) string {
			return begin + files + `,"schema":[` + strings.ReplaceAll(much, " ", "1,") + `1]}`
		},
		"tables": func(much string) string {
			return begin + files + `,"tables":[` + strings.ReplaceAll(much, " ", "{},") + `{}]}`
		},
		"something new": func(much string) string { return begin + files + `,"new":"` + much + `"}` },
		"a long key":    func(much string) string { return begin + files + `,"` + much + `":1}` },
		"a long sum":    func(much string) string { return begin + strings.ReplaceAll(files, "ca9", much) + "}" },
		"blanks":        func(much string) string { return begin + files + much + "}" },
	} {
		if err := read(forged(t, func(w io.Writer) { fmt.Fprint(w, text(strings.Repeat(" ", 4<<20))) })); err == nil || !strings.Contains(err.Error(), "manifest.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFlood: a list of files that are not there, or there already, is read no further than
// the first of them. What follows here is no JSON.
func TestFlood(t *testing.T) {
	t.Parallel()
	for _, list := range []string{`{}`, `{"name":"b"}`, `{"name":"a"},{"name":"a"}`} {
		if err := read(forged(t, func(w io.Writer) {
			fmt.Fprintf(w, `{"format":"peisear backup","version":1,"files":[%s,%s`, list, strings.Repeat("x", 1<<20))
		})); err == nil || !strings.Contains(err.Error(), "it lacks") {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// forged is a file with the entry a and a manifest of one's own.
func forged(t *testing.T, manifest func(w io.Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, write := range map[string]func(io.Writer){
		"a":             func(w io.Writer) { fmt.Fprint(w, "a") },
		"manifest.json": manifest,
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		write(w)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

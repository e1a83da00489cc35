package pack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/peisear/peisear/internal/base/pack"
)

func made(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := pack.NewWriter(&out)
	for name, stored := range map[string]bool{"a.txt": false, "deep/b.bin": true} {
		err := w.Add(name, stored, func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Repeat(name+" ", 500))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(pack.Manifest{Format: pack.Backup, Engine: "sqlite", Schema: []int64{1, 2}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(text []byte) error {
	r, err := pack.Open(bytes.NewReader(text), int64(len(text)), pack.Backup)
	if err != nil {
		return err
	}
	return r.Verify(context.Background(), func(int64) {})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := made(t)
	r, err := pack.Open(bytes.NewReader(text), int64(len(text)), pack.Backup)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Copy(&out, "deep/b.bin"); err != nil || out.String() != strings.Repeat("deep/b.bin ", 500) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	last := int64(0)
	if err := r.Verify(t.Context(), func(n int64) { last = n }); err != nil || last != r.Size() {
		t.Errorf("%d of %d bytes, %v", last, r.Size(), err)
	}
	if _, err := pack.Open(bytes.NewReader(text), int64(len(text)), pack.Archive); err == nil || !strings.Contains(err.Error(), "not a peisear archive") {
		t.Errorf("as an archive: %v", err)
	}
	if err := r.Copy(io.Discard, "../a.txt"); err == nil {
		t.Error("read what is not there")
	}
}

// TestWithin: a file that is in another one is read where it is.
func TestWithin(t *testing.T) {
	t.Parallel()
	text := made(t)
	var out bytes.Buffer
	w := pack.NewWriter(&out)
	for name, stored := range map[string]bool{"stored.zip": true, "packed.zip": false} {
		err := w.Add(name, stored, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(pack.Manifest{Format: pack.Archive}); err != nil {
		t.Fatal(err)
	}
	outer, err := pack.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), pack.Archive)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := outer.Within("stored.zip", pack.Backup)
	if err != nil || !inner.Has("a.txt") || inner.Verify(t.Context(), func(int64) {}) != nil {
		t.Errorf("%v", err)
	}
	for name, format := range map[string]string{"packed.zip": pack.Backup, "absent.zip": pack.Backup, "stored.zip": pack.Archive} {
		if _, err := outer.Within(name, format); err == nil {
			t.Errorf("%s was opened as a %s", name, format)
		}
	}
}

// TestDamage: a file that is cut off anywhere, or in which a byte of the content is
// another, is noticed.
func TestDamage(t *testing.T) {
	t.Parallel()
	text := made(t)
	for n := 0; n < len(text); n += 7 {
		if err := read(text[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(text))
		}
	}
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		other := bytes.Clone(text)
		other[at+int64(f.CompressedSize64)/2] ^= 1
		if err := read(other); err == nil {
			t.Errorf("%s was changed unnoticed", f.Name)
		}
	}
}

// TestForged: names that lead out, entries that nobody named, and sums that are right for
// another size.
func TestForged(t *testing.T) {
	t.Parallel()
	good := pack.File{Name: "a", Size: 1, SHA256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}
	forge := func(m pack.Manifest, names ...string) error {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, name := range names {
			h := &zip.FileHeader{Name: name}
			if name == "link" {
				h.SetMode(os.ModeSymlink | 0o777)
			}
			w, err := z.CreateHeader(h)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, "a"); err != nil {
				t.Fatal(err)
			}
		}
		w, err := z.Create("manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.NewEncoder(w).Encode(m), z.Close()); err != nil {
			t.Fatal(err)
		}
		return read(out.Bytes())
	}
	named := func(names ...string) pack.Manifest {
		m := pack.Manifest{Format: pack.Backup, Version: 1}
		for _, name := range names {
			f := good
			f.Name = name
			m.Files = append(m.Files, f)
		}
		return m
	}
	if err := forge(named("a"), "a"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../a", "/a", "a/../../b", `..\a`, "a//b", ".", "", "c:a", "link"} {
		if err := forge(named(name), name); err == nil {
			t.Errorf("took an entry %q", name)
		}
	}
	small := named("a")
	small.Files[0].Size = 0
	for what, err := range map[string]error{
		"an entry that nobody names":     forge(named("a"), "a", "b"),
		"an entry twice":                 forge(named("a"), "a", "a"),
		"a name twice":                   forge(named("a", "a"), "a"),
		"an entry that is not there":     forge(named("a", "b"), "a"),
		"more than was said":             forge(small, "a"),
		"another version of the format":  forge(pack.Manifest{Format: pack.Backup, Version: 2}),
		"no manifest but an entry of it": read([]byte("PK\x05\x06" + strings.Repeat("\x00", 18))),
	} {
		if err == nil {
			t.Errorf("took %s", what)
		}
	}
}

// BenchmarkVerify reads a file of very many entries: an entry costs the same however many
// there are.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{1_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var out bytes.Buffer
			w := pack.NewWriter(&out)
			for i := range n {
				if err := w.Add(fmt.Sprintf("attachments/%08d", i), true, func(io.Writer) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := w.Close(pack.Manifest{Format: pack.Backup}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := read(out.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entry")
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(made(f))
	f.Fuzz(func(_ *testing.T, text []byte) { _ = read(text) })
}

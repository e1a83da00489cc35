// Package pack is the file format of backups and archives: a zip whose entry
// manifest.json names every other one with its size and SHA-256. The sums find damage;
// they prove nothing about who made the file.
package pack

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/errs"
)

// version is the only one there is of both formats.
const version = 1

const (
	manifestName = "manifest.json"
	level        = 5 // of compression: 2 makes files a tenth bigger in half the time
)

// The formats.
const (
	Backup  = "peisear backup"
	Archive = "peisear archive"
)

// Manifest says what a file holds.
type Manifest struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	Program   string    `json:"program"` // that has made it
	Engine    string    `json:"engine"`  // of the database that it was made from
	CreatedAt time.Time `json:"createdAt"`
	Schema    []int64   `json:"schema"` // the migrations that the database has seen
	Tables    []Table   `json:"tables,omitempty"`
	Files     []File    `json:"files"`
}

// Table is a table of an archive, in the order in which they can be filled.
type Table struct {
	Name    string      `json:"name"`
	File    string      `json:"file"`
	Rows    int64       `json:"rows"`
	Columns []db.Column `json:"columns"`
}

// File is one entry.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Writer makes a file.
type Writer struct {
	zip   *zip.Writer
	files []File
}

// NewWriter begins a file.
func NewWriter(w io.Writer) *Writer {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) })
	return &Writer{zip: z}
}

// Add adds an entry with what write puts into it. One that cannot become smaller is
// stored.
func (w *Writer) Add(name string, stored bool, write func(io.Writer) error) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Now()}
	if stored {
		header.Method = zip.Store
	}
	header.SetMode(0o600)
	entry, err := w.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	sum := &summed{hash: sha256.New()}
	if err := write(io.MultiWriter(entry, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.files = append(w.files, File{name, sum.size, sum.text()})
	return nil
}

// Close ends the file with the manifest, whose version and files it fills in.
func (w *Writer) Close(m Manifest) (Manifest, error) {
	m.Version, m.Files = version, w.files
	entry, err := w.zip.Create(manifestName)
	if err != nil {
		return m, err
	}
	encoder := json.NewEncoder(entry)
	encoder.SetIndent("", " ")
	return m, errors.Join(encoder.Encode(m), w.zip.Close())
}

// summed counts and hashes.
type summed struct {
	hash hash.Hash
	size int64
}

func (s *summed) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	return s.hash.Write(p)
}

func (s *summed) text() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// Reader reads a file.
type Reader struct {
	Manifest Manifest
	file     io.ReaderAt
	entries  map[string]*zip.File
	said     map[string]File // what the manifest says of each entry
}

// broken says what is wrong with a file.
func broken(format string, args ...any) error {
	return errs.New(errs.Invalid, "the file is damaged, cut off, or not one that peisear has made: "+format, args...)
}

// OpenFile calls fn with the file of that name, opened as by Open.
func OpenFile(name, format string, fn func(*Reader) error) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, err := Open(f, info.Size(), format)
	if err != nil {
		return err
	}
	return fn(r)
}

// Open reads a file's manifest, which names the entries, all of them and no others. format is what the file
// must be. What a manifest says is believed no further than that the names in it are
// paths without a way out, and that no two are one.
func Open(file io.ReaderAt, size int64, format string) (*Reader, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, broken("%v", err)
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	r := &Reader{file: file, entries: map[string]*zip.File{}, said: map[string]File{}}
	for _, f := range z.File {
		if !fs.ValidPath(f.Name) || f.Name == "." || strings.ContainsAny(f.Name, "\\:\x00") || !f.Mode().IsRegular() || r.entries[f.Name] != nil {
			return nil, broken("the entry %q", f.Name)
		}
		r.entries[f.Name] = f
	}
	err = r.readManifest()
	switch m := r.Manifest; {
	case err != nil && m.Version == 0: // before it said what it is
		return nil, err
	case m.Format != format:
		return nil, errs.New(errs.Invalid, "this is a %s, not a %s", m.Format, format)
	case m.Version != version:
		return nil, errs.New(errs.Invalid, "this %s has the version %d, and this program reads %d", format, m.Version, version)
	case err != nil:
		return nil, err
	}
	return r, nil
}

// Has reports whether there is an entry of that name.
func (r *Reader) Has(name string) bool { return r.entries[name] != nil }

// Within opens a file of this kind that is in this one, as an entry that is stored as it
// is: nothing is written anywhere. format is as for Open.
func (r *Reader) Within(name, format string) (*Reader, error) {
	entry := r.entries[name]
	if entry == nil || entry.Method != zip.Store {
		return nil, broken("it lacks %q, or has it compressed", name)
	}
	at, err := entry.DataOffset()
	if err != nil {
		return nil, broken("%q: %v", name, err)
	}
	size := int64(entry.CompressedSize64) // of a negative one Open says that it is no zip
	inner, err := Open(io.NewSectionReader(r.file, at, size), size, format)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return inner, nil
}

// Verify reads everything and compares the sums.
func (r *Reader) Verify(ctx context.Context, progress func(bytes int64)) error {
	done := int64(0)
	for _, f := range r.Manifest.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.Copy(io.Discard, f.Name); err != nil {
			return err
		}
		done += f.Size
		progress(done)
	}
	return nil
}

// Size is how much the entries hold.
func (r *Reader) Size() (bytes int64) {
	for _, f := range r.Manifest.Files {
		bytes += f.Size
	}
	return bytes
}

// Copy writes what an entry holds. It is an error when that is not what the manifest says;
// what was written is worth nothing then.
func (r *Reader) Copy(w io.Writer, name string) error {
	return r.Read(name, func(text io.Reader) error {
		_, err := io.Copy(w, text)
		return err
	})
}

// Read calls fn with what an entry holds, which fn reads to its end. It is an error, after
// fn, when that was not what the manifest says.
func (r *Reader) Read(name string, fn func(io.Reader) error) error {
	said, named := r.said[name]
	if !named {
		return broken("it lacks %q", name)
	}
	text, err := r.entries[name].Open()
	if err != nil {
		return broken("%q: %v", name, err)
	}
	defer text.Close() //nolint:errcheck // read only
	sum := &summed{hash: sha256.New()}
	// One byte more than was said is enough to know, however much more there is.
	from := io.TeeReader(io.LimitReader(text, said.Size+1), sum)
	if err := fn(from); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		return broken("%q: %v", name, err)
	}
	if sum.size != said.Size || sum.text() != said.SHA256 {
		return broken("%q is not what was put there", name)
	}
	return nil
}

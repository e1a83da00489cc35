package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// inlineScript finds what a browser would run of index.html itself.
const inlineScript = `(?s)<script(?:\s[^>]*)?>(.+?)</script>`

// worker is the page's service worker, which loads the app's files and nothing else.
const worker = "sw.js"

// asset is one file of the single-page app, as it is served.
type asset struct {
	plain      func() ([]byte, error)
	packed     map[string][]byte // by content coding
	etag, kind string
}

// codings are the compressed forms that the build makes, by the end of their names; the
// smallest first.
func codings() []struct{ name, end string } {
	return []struct{ name, end string }{{"br", ".br"}, {"gzip", ".gz"}}
}

// Assets serves the single-page app: its files, and index.html for every path that
// is neither a file nor below /api. Files below assets/ have their content's hash in
// the name and are kept by browsers for good. A name with .br or .gz at its end is a file's
// compressed form; where there is a .gz, the plain form need not be there.
func (a *API) Assets(files fs.FS) error {
	all, err := readAssets(files)
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	index, ok := all["index.html"]
	if !ok {
		return fmt.Errorf("assets: there is no index.html")
	}
	page, err := index.plain()
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	policy := pagePolicy(scriptHashes(page))
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		requestOf(r.Context()).operation = pageOperation
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		file, ok := all[name]
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuseMethod(w, http.MethodGet, http.MethodHead)
			return
		case !ok && (name == worker || strings.HasPrefix(name, "assets/")):
			http.NotFound(w, r) // a page of another version asks for what it knew
			return
		case !ok, name == "index.html":
			file = index
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Cache-Control", "no-cache")
		case strings.HasPrefix(name, "assets/"):
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		case name == worker:
			w.Header().Set("Content-Security-Policy", workerPolicy)
			fallthrough
		default:
			w.Header().Set("Cache-Control", "no-cache")
		}
		file.serve(w, r)
	})
	return nil
}

func (f *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	var offered []string
	for _, coding := range codings() {
		if f.packed[coding.name] != nil {
			offered = append(offered, coding.name)
		}
	}
	coding := Encoding(strings.Join(r.Header.Values("Accept-Encoding"), ","), offered...)
	data, tag := f.packed[coding], f.etag+"-"+coding
	if coding == "" {
		var err error
		if data, err = f.plain(); err != nil {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		tag = f.etag
	} else {
		h.Set("Content-Encoding", coding)
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func readAssets(files fs.FS) (map[string]*asset, error) {
	all := map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, coding := range codings() {
			name = strings.TrimSuffix(name, coding.end)
		}
		if all[name] == nil {
			all[name], err = readAsset(files, name)
		}
		return err
	})
	return all, err
}

func readAsset(files fs.FS, name string) (*asset, error) {
	f := &asset{packed: map[string][]byte{}, kind: mime.TypeByExtension(path.Ext(name))}
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	if path.Ext(name) == ".webmanifest" {
		f.kind = "application/manifest+json"
	}
	for _, coding := range codings() {
		data, err := fs.ReadFile(files, name+coding.end)
		switch {
		case err == nil:
			f.packed[coding.name] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	data, err := fs.ReadFile(files, name)
	f.plain = func() ([]byte, error) { return data, nil }
	if packed := f.packed["gzip"]; errors.Is(err, fs.ErrNotExist) && packed != nil {
		data, err = packed, nil
		f.plain = sync.OnceValues(func() ([]byte, error) { return unpack(packed) }) // few ask for it
	}
	sum := sha256.Sum256(data)
	f.etag = hex.EncodeToString(sum[:8])
	return f, err
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// scriptHashes returns the CSP sources of the scripts inside a page.
func scriptHashes(page []byte) (hashes []string) {
	for _, found := range regexp.MustCompile(inlineScript).FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(found[1])
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return hashes
}

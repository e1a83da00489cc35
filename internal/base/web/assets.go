package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// inlineScript finds what a browser would run of index.html itself.
const inlineScript = `(?s)<script(?:\s[^>]*)?>(.+?)</script>`

// worker is the page's service worker, which loads the app's files and nothing else.
const worker = "sw.js"

// asset is one file of the single-page app, as it is served.
type asset struct {
	data, brotli []byte // brotli is nil where the file was not compressed
	etag, kind   string
}

// Assets serves the single-page app: its files, and index.html for every path that
// is neither a file nor below /api. Files below assets/ have their content's hash in
// the name and are kept by browsers for good. A file beside another with .br at the
// end is its compressed form.
func (a *API) Assets(files fs.FS) error {
	all, err := readAssets(files)
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	index, ok := all["index.html"]
	if !ok {
		return fmt.Errorf("assets: there is no index.html")
	}
	policy := pagePolicy(scriptHashes(index.data))
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
	data, tag := f.data, f.etag
	accept := strings.Join(r.Header.Values("Accept-Encoding"), ",")
	if f.brotli != nil && Encoding(accept, "br") == "br" {
		data, tag = f.brotli, f.etag+"-br"
		h.Set("Content-Encoding", "br")
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func readAssets(files fs.FS) (map[string]*asset, error) {
	all := map[string]*asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".br" {
			return err
		}
		f := &asset{kind: mime.TypeByExtension(path.Ext(name))}
		if f.kind == "" {
			f.kind = "application/octet-stream"
		}
		if path.Ext(name) == ".webmanifest" {
			f.kind = "application/manifest+json"
		}
		if f.data, err = fs.ReadFile(files, name); err != nil {
			return err
		}
		if packed, err := fs.ReadFile(files, name+".br"); err == nil {
			f.brotli = packed
		}
		sum := sha256.Sum256(f.data)
		f.etag = hex.EncodeToString(sum[:8])
		all[name] = f
		return nil
	})
	return all, err
}

// scriptHashes returns the CSP sources of the scripts inside a page.
func scriptHashes(page []byte) (hashes []string) {
	for _, found := range regexp.MustCompile(inlineScript).FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(found[1])
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return hashes
}

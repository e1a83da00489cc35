package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// TestSignature holds the examples of AWS's own documentation of Signature Version 4.
func TestSignature(t *testing.T) {
	t.Parallel()
	b := newBucket(Bucket{Region: "us-east-1", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	b.now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		method, path, query, content, signature string
		header                                  map[string]string
	}{
		{"GET", "/test.txt", "", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", map[string]string{"Range": "bytes=0-9"}},
		{"PUT", "/test$file.text", "", "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", map[string]string{"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY"}},
		{"GET", "/", "lifecycle=", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", nil},
		{"GET", "/", "prefix=J&max-keys=2", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", nil},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "https://examplebucket.s3.amazonaws.com"+escaped(c.path)+"?"+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.header {
			r.Header.Set(name, value)
		}
		sum := sha256.Sum256([]byte(c.content))
		b.sign(r, c.path, r.URL.Query(), hex.EncodeToString(sum[:]))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.signature) {
			t.Errorf("%s %s: %s", c.method, c.path, got)
		}
	}
}

// store is a server of S3's protocol that checks every signature.
func store(t *testing.T, around func(http.Handler) http.Handler) Bucket {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "backups"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend, gofakes3.WithV4Auth(map[string]string{"key": "secret"})).Server()
	if around != nil {
		h = around(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Bucket{Endpoint: server.URL + "/", Region: "eu-central-1", Name: "backups", Prefix: "team a+b/", AccessKey: "key", SecretKey: "secret"}
}

func open(t *testing.T, b Bucket) *bucket {
	t.Helper()
	opened := newBucket(b)
	t.Cleanup(opened.close)
	return opened
}

func temp(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBucket(t *testing.T) {
	t.Parallel()
	b := open(t, store(t, nil))
	b.part = 5 << 20
	big := bytes.Repeat([]byte("0123456789abcdef"), 12<<16) // 12 MiB: three parts
	for name, content := range map[string][]byte{"small.zip": []byte("small"), "empty": nil, "big.zip": big} {
		if err := b.put(t.Context(), name, temp(t, content)); err != nil {
			t.Fatal(err)
		}
		got, err := b.send(t.Context(), http.MethodGet, name, nil, nil)
		if err != nil || len(content) < maxAnswer && !bytes.Equal(got.body, content) {
			t.Errorf("%s: %d bytes came back, %v", name, len(got.body), err)
		}
	}
	there, err := b.list(t.Context())
	if want := []Stored{{"big.zip", int64(len(big))}, {"empty", 0}, {"small.zip", 5}}; err != nil || fmt.Sprint(there) != fmt.Sprint(want) {
		t.Errorf("%v, %v", there, err)
	}
	if err := b.remove(t.Context(), "big.zip"); err != nil {
		t.Error(err)
	}
	if there, err := b.list(t.Context()); err != nil || len(there) != 2 {
		t.Errorf("%v, %v", there, err)
	}
}

// TestBucketPages: a list longer than a page is read to its end.
func TestBucketPages(t *testing.T) {
	t.Parallel()
	b := open(t, store(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("list-type") { // the server's pages, made small behind the signature
				fmt.Fprint(w, page(r.URL.Query().Get("continuation-token")))
				return
			}
			h.ServeHTTP(w, r)
		})
	}))
	there, err := b.list(t.Context())
	if err != nil || fmt.Sprint(there) != "[{a 1} {b 2} {c 3}]" {
		t.Errorf("%v, %v", there, err)
	}
}

func page(token string) string {
	const item = "<Contents><Key>team a+b/%s</Key><Size>%d</Size></Contents>"
	switch token {
	case "":
		return "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>two+2/=</NextContinuationToken>" + fmt.Sprintf(item, "a", 1) + "</ListBucketResult>"
	case "two+2/=":
		return "<ListBucketResult>" + fmt.Sprintf(item, "b", 2) + fmt.Sprintf(item, "c", 3) + "</ListBucketResult>"
	}
	return "<Error/>"
}

// TestBucketRefuses says what the server says, and never the key.
func TestBucketRefuses(t *testing.T) {
	t.Parallel()
	path := temp(t, []byte("x"))
	wrong := store(t, nil)
	wrong.SecretKey = "not the secret"
	err := open(t, wrong).put(t.Context(), "a", path)
	if err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") || strings.Contains(err.Error(), wrong.SecretKey) {
		t.Errorf("a wrong key: %v", err)
	}
	absent := store(t, nil)
	absent.Name = "nowhere"
	if err := open(t, absent).put(t.Context(), "a", path); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("no bucket: %v", err)
	}
	moved := store(t, func(http.Handler) http.Handler {
		return http.RedirectHandler("http://127.0.0.1:1/", http.StatusMovedPermanently)
	})
	if err := open(t, moved).put(t.Context(), "a", path); err == nil || !strings.Contains(err.Error(), "301") {
		t.Errorf("a redirect: %v", err)
	}
}

// TestBucketTriesAgain what may succeed later; and an upload that is not completed is
// taken back.
func TestBucketTriesAgain(t *testing.T) {
	t.Parallel()
	var calls, aborted atomic.Int64
	b := open(t, store(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Query().Get("partNumber") == "2":
				_, _ = io.Copy(io.Discard, r.Body)
				http.Error(w, "busy", http.StatusForbidden)
				return
			case r.Method == http.MethodDelete && r.URL.Query().Has("uploadId"):
				aborted.Add(1)
			case calls.Add(1) == 1:
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			h.ServeHTTP(w, r)
		})
	}))
	if err := b.put(t.Context(), "a", temp(t, []byte("content"))); err != nil {
		t.Errorf("after one refusal: %v", err)
	}
	if got, err := b.send(t.Context(), http.MethodGet, "a", nil, nil); err != nil || string(got.body) != "content" {
		t.Errorf("%q, %v", got.body, err)
	}
	b.part = 5 << 20
	if err := b.put(t.Context(), "b", temp(t, make([]byte, 12<<20))); err == nil || aborted.Load() != 1 {
		t.Errorf("%v, %d aborted", err, aborted.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.put(ctx, "c", temp(t, nil)); err == nil {
		t.Error("put after the end")
	}
}

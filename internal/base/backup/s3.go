package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Measures of an upload. A file bigger than a part goes in parts, of which there may be
// 10,000.
const (
	partSize   = 64 << 20
	maxParts   = 9_000
	tries      = 3 // of a request that may succeed later
	requestCap = 30 * time.Minute
	maxAnswer  = 8 << 20
)

// Bucket is a place for backups on a server that speaks S3's protocol, addressed by path.
// Its requests are signed with AWS's Signature Version 4.
type Bucket struct {
	Endpoint  string // https://s3.example.org
	Region    string
	Name      string
	Prefix    string // before the names of backups
	AccessKey string
	SecretKey string
}

// Stored is an object in the bucket.
type Stored struct {
	Name string // without the prefix
	Size int64
}

// bucket is a Bucket with a client.
type bucket struct {
	Bucket
	client *http.Client
	part   int64
	now    func() time.Time
}

func newBucket(b Bucket) *bucket {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's
	transport.ResponseHeaderTimeout = time.Minute
	return &bucket{Bucket: b, part: partSize, now: time.Now, client: &http.Client{
		Transport: transport,
		Timeout:   requestCap,
		// A redirect would take the signature elsewhere: the endpoint is wrong then.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// close lets idle connections go.
func (b *bucket) close() { b.client.CloseIdleConnections() }

// put uploads a file.
func (b *bucket) put(ctx context.Context, name, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() <= b.part {
		_, err := b.send(ctx, http.MethodPut, name, nil, io.NewSectionReader(f, 0, info.Size()))
		return err
	}
	return b.putParts(ctx, name, f, info.Size())
}

type completed struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Part    []partOf
}

type partOf struct {
	PartNumber int
	ETag       string
}

func (b *bucket) putParts(ctx context.Context, name string, f io.ReaderAt, size int64) (err error) {
	answer, err := b.send(ctx, http.MethodPost, name, url.Values{"uploads": {""}}, nil)
	if err != nil {
		return err
	}
	var begun struct{ UploadId string }
	if err := xml.Unmarshal(answer.body, &begun); err != nil || begun.UploadId == "" {
		return fmt.Errorf("the upload was not begun: %s", short(answer.body))
	}
	defer func() {
		if err != nil { // parts that nobody completes are kept, and paid for
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			_, aborted := b.send(ctx, http.MethodDelete, name, url.Values{"uploadId": {begun.UploadId}}, nil)
			err = errors.Join(err, aborted)
		}
	}()
	part := max(b.part, (size+maxParts-1)/maxParts)
	var all completed
	for at := int64(0); at < size; at += part {
		n := len(all.Part) + 1
		query := url.Values{"partNumber": {strconv.Itoa(n)}, "uploadId": {begun.UploadId}}
		answer, err := b.send(ctx, http.MethodPut, name, query, io.NewSectionReader(f, at, min(part, size-at)))
		if err != nil {
			return err
		}
		all.Part = append(all.Part, partOf{n, answer.etag})
	}
	text, err := xml.Marshal(all)
	if err != nil {
		return err
	}
	answer, err = b.send(ctx, http.MethodPost, name, url.Values{"uploadId": {begun.UploadId}}, bytes.NewReader(text))
	if err == nil && bytes.Contains(answer.body, []byte("<Error>")) { // which comes with status 200
		err = fmt.Errorf("the upload was not completed: %s", short(answer.body))
	}
	return err
}

// list returns what is in the bucket under the prefix, in the order of the names.
func (b *bucket) list(ctx context.Context) (all []Stored, err error) {
	query := url.Values{"list-type": {"2"}, "prefix": {b.Prefix}}
	for {
		answer, err := b.send(ctx, http.MethodGet, "", query, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			IsTruncated           bool
			NextContinuationToken string
			Contents              []struct {
				Key  string
				Size int64
			}
		}
		if err := xml.Unmarshal(answer.body, &page); err != nil {
			return nil, fmt.Errorf("the list of the bucket cannot be read: %w", err)
		}
		for _, c := range page.Contents {
			all = append(all, Stored{strings.TrimPrefix(c.Key, b.Prefix), c.Size})
		}
		if !page.IsTruncated || page.NextContinuationToken == "" {
			return all, nil
		}
		query.Set("continuation-token", page.NextContinuationToken)
	}
}

func (b *bucket) remove(ctx context.Context, name string) error {
	_, err := b.send(ctx, http.MethodDelete, name, nil, nil)
	return err
}

// answered is what a server said.
type answered struct {
	status int
	etag   string
	body   []byte
}

// send sends a request about an object, or about the bucket when the name is "", and once
// more when the server was not able to answer it.
func (b *bucket) send(ctx context.Context, method, name string, query url.Values, content io.ReadSeeker) (a answered, err error) {
	for try := 1; ; try++ {
		a, err = b.once(ctx, method, name, query, content)
		later := err != nil || a.status >= http.StatusInternalServerError || a.status == http.StatusTooManyRequests
		if !later || try == tries || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(time.Duration(try) * time.Second):
		case <-ctx.Done():
		}
	}
	if err == nil && a.status >= http.StatusMultipleChoices {
		err = fmt.Errorf("status %d: %s", a.status, short(a.body))
	}
	if err != nil {
		return a, fmt.Errorf("S3: %s %s%s: %w", method, b.Prefix, name, err)
	}
	return a, nil
}

func (b *bucket) once(ctx context.Context, method, name string, query url.Values, content io.ReadSeeker) (a answered, err error) {
	path := "/" + b.Name
	if name != "" {
		path += "/" + b.Prefix + name
	}
	var size int64
	sum := sha256.New()
	var body io.Reader = http.NoBody
	if content != nil {
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return a, err
		}
		if size, err = io.Copy(sum, content); err != nil {
			return a, err
		}
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return a, err
		}
		body = io.NopCloser(content) // the file is closed by whoever has opened it
	}
	target := strings.TrimSuffix(b.Endpoint, "/") + escaped(path)
	if len(query) > 0 {
		target += "?" + canonicalQuery(query)
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return a, err
	}
	r.ContentLength = size
	b.sign(r, path, query, hex.EncodeToString(sum.Sum(nil)))
	got, err := b.client.Do(r)
	if err != nil {
		return a, err
	}
	defer got.Body.Close() //nolint:errcheck // read only
	a.status, a.etag = got.StatusCode, got.Header.Get("ETag")
	a.body, err = io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	return a, err
}

// short is an answer as it can stand in a line.
func short(text []byte) string {
	line := strings.Join(strings.Fields(string(text)), " ")
	return line[:min(len(line), 500)]
}

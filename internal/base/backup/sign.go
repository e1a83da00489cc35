package backup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	amzTime = "20060102T150405Z"
	amzDate = "20060102"
)

// sign signs a request with AWS's Signature Version 4: everything that matters of it goes
// into one text, whose HMAC only the two who know the key can make. All headers that the
// request has by now are signed.
func (b *bucket) sign(r *http.Request, path string, query url.Values, contentSum string) {
	now := b.now().UTC()
	r.Header.Set("X-Amz-Date", now.Format(amzTime))
	r.Header.Set("X-Amz-Content-Sha256", contentSum)
	headers := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.TrimSpace(strings.Join(values, ","))
	}
	names := slices.Sorted(maps.Keys(headers))
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + escaped(path) + "\n" + canonicalQuery(query) + "\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + contentSum)

	scope := now.Format(amzDate) + "/" + b.Region + "/s3/aws4_request"
	sum := sha256.Sum256([]byte(canonical.String()))
	text := "AWS4-HMAC-SHA256\n" + now.Format(amzTime) + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := []byte("AWS4" + b.SecretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+b.AccessKey+"/"+scope+
		",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac(key, text)))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text)) // never fails
	return m.Sum(nil)
}

// canonicalQuery is a query in the order of its names, each written in one way only.
func canonicalQuery(query url.Values) string {
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

// escaped is a path with everything but unreserved characters and slashes as %XX.
func escaped(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(path), "+", "%20"), "%2F", "/")
}

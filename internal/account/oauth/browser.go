package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/peisear/peisear/internal/base/web"
)

// The cookie says which browser an attempt belongs to. It is Lax and not Strict: the
// browser brings it along when the provider sends it back to us.
//
//	base64(a random name, 16 bytes ‖ when it ends, 8 bytes ‖ MAC, 32 bytes)
const (
	cookieName       = "peisear_attempt"
	secureCookieName = "__Secure-peisear_attempt"
	nameLength       = 16
	endLength        = 8
)

// browserOf is the browser's name in the cookie of a request, "" when there is none
// that we have made, or when it has ended. Over https only the cookie counts that a
// plain http page cannot set.
func (s *Service) browserOf(ctx context.Context, plain, secure string) string {
	text := plain
	if s.secure(ctx) {
		text = secure
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != nameLength+endLength+sha256.Size {
		return ""
	}
	signed, mac := raw[:nameLength+endLength], raw[nameLength+endLength:]
	end := time.UnixMicro(int64(binary.BigEndian.Uint64(signed[nameLength:])))
	if !hmac.Equal(mac, s.mac(signed)) || !s.now().Before(end) {
		return ""
	}
	return string(signed[:nameLength])
}

// marked returns the browser's name and the cookie that makes it last for one more
// attempt. A browser that is on its way already keeps its name: several tabs may be.
func (s *Service) marked(ctx context.Context, plain, secure string) (browser string, c http.Cookie) {
	browser = s.browserOf(ctx, plain, secure)
	if browser == "" {
		name := make([]byte, nameLength)
		rand.Read(name) // never fails
		browser = string(name)
	}
	signed := binary.BigEndian.AppendUint64([]byte(browser), uint64(s.now().Add(attemptLifetime).UnixMicro()))
	c = http.Cookie{
		Name: cookieName, Value: base64.RawURLEncoding.EncodeToString(append(signed, s.mac(signed)...)), Path: "/api/auth",
		MaxAge: int(attemptLifetime / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(ctx),
	}
	if c.Secure {
		c.Name = secureCookieName
	}
	return browser, c
}

func (s *Service) mac(signed []byte) []byte {
	h := hmac.New(sha256.New, s.macKey)
	h.Write(signed)
	return h.Sum(nil)
}

func (s *Service) secure(ctx context.Context) bool { return s.settings.SecureCookie || web.IsTLS(ctx) }

// maxPlace bounds a path to go to, in bytes.
const maxPlace = 2000

// LocalPath returns the path when it leads to a page of the app, and "/" when it leads,
// or might lead, anywhere else: browsers read "//x", "/\x" and "/<tab>/x" as another
// host.
func LocalPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxPlace || !utf8.ValidString(text) || strings.Contains(text, `\`) ||
		strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return "/"
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(text, "//") {
		return "/"
	}
	if clean := path.Clean(u.Path); clean == "/api" || strings.HasPrefix(clean, "/api/") {
		return "/" // no page
	}
	return text
}

// with adds parameters to a path of the app.
func with(place string, pairs ...string) string {
	u, err := url.Parse(place)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/peisear/peisear/internal/base/db"
	"github.com/peisear/peisear/internal/base/trace"
)

// What one request to a provider may cost.
const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20 // bytes
	maxHeader      = 64 << 10
)

// newClient returns a client for requests that carry secrets: it follows no redirect,
// and what it reads is bounded. It keeps no connection: sign-ins are seldom.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.MaxResponseHeaderBytes = maxHeader
	return &http.Client{
		Transport:     trace.Transport(bounded{transport}),
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded lets nobody read an answer without end.
type bounded struct{ http.RoundTripper }

// RoundTrip also says who asks, which GitHub requires.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "peisear")
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &boundedBody{Reader: io.LimitReader(answer.Body, maxAnswer), Closer: answer.Body}
	}
	return answer, err
}

type boundedBody struct {
	io.Reader
	io.Closer
}

// statusError is an answer that is not 200.
type statusError struct {
	address   string
	status    int
	elsewhere string // where it redirects to
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers with status %d", e.address, e.status)
	if e.elsewhere != "" {
		text += " and points to " + e.elsewhere
	}
	return text
}

// errNotJSON is in the error of an answer that cannot be read.
var errNotJSON = errors.New("the answer is not JSON of the expected form")

// get reads a JSON document.
func get(ctx context.Context, client *http.Client, address string, header http.Header, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	maps.Copy(r.Header, header)
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if answer.StatusCode != http.StatusOK {
		return answer.Header, &statusError{address, answer.StatusCode, answer.Header.Get("Location")}
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return answer.Header, fmt.Errorf("%s: %w: %w", address, errNotJSON, err)
	}
	return answer.Header, nil
}

// maxSaid bounds what goes into the log of what a provider says, in bytes.
const maxSaid = 300

// said is a provider's own word on why not. The text is for the log: one line, bounded,
// in quotes.
type said struct{ word, description string }

func (s said) Error() string {
	text := s.word
	if s.description != "" {
		text += ": " + s.description
	}
	if len(text) > maxSaid {
		text = text[:maxSaid] + "…"
	}
	return "the provider says " + strconv.QuoteToASCII(strings.ToValidUTF8(text, "?"))
}

// maxIdentifier bounds a subject and an issuer, in bytes. OpenID Connect allows a
// subject 255 characters.
const maxIdentifier = 1000

// keepable reports whether a text can be an identifier in the database.
func keepable(text string) bool {
	return text != "" && len(text) <= maxIdentifier && db.Keepable(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

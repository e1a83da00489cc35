package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/peisear/peisear/internal/base/errs"
	"github.com/peisear/peisear/internal/base/trace"
)

// Proxies are the addresses whose forwarded headers are believed.
type Proxies []netip.Prefix

func (p Proxies) trust(ip netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// request is what the outermost handler finds out once.
type request struct {
	id    string
	ip    netip.Addr
	tls   bool
	agent string

	operation string // that it is of, once that is known
	stream    bool
	span      trace.Span
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// RequestID returns the id that the log and the answer's X-Request-Id carry.
func RequestID(ctx context.Context) string { return requestOf(ctx).id }

// ClientIP returns the address that the request came from: the one before the
// trusted proxies. It is the zero Addr outside of a request.
func ClientIP(ctx context.Context) netip.Addr { return requestOf(ctx).ip }

// UserAgent returns what the client calls itself.
func UserAgent(ctx context.Context) string { return requestOf(ctx).agent }

// IsTLS reports whether the client's own connection is encrypted, as far as we or a
// trusted proxy know.
func IsTLS(ctx context.Context) bool { return requestOf(ctx).tls }

// logged gives the request an id, writes one line when it is done and turns a
// panic into a 500.
func (a *API) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		about := &request{id: uuid.NewString(), agent: r.UserAgent()}
		about.ip, about.tls = a.proxies.client(r)
		r = a.begun(r.WithContext(context.WithValue(r.Context(), requestKey{}, about)), about)
		w.Header().Set("X-Request-Id", about.id)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			isCut := a.recovered(rec, r, recover())
			took := time.Since(start)
			a.log.LogAttrs(r.Context(), slog.LevelInfo, "request", about.line(r, rec.status, took)...)
			a.ended(about, rec.status, took)
			if isCut {
				panic(http.ErrAbortHandler) // which closes the connection, and says nothing more
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// line is what the log says of a request.
func (about *request) line(r *http.Request, status int, took time.Duration) []slog.Attr {
	all := []slog.Attr{
		slog.String("request", about.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", status),
		slog.Duration("took", took),
	}
	if id := about.span.ID(); id != "" {
		all = append(all, slog.String("trace", id))
	}
	return all
}

// recovered reports whether the answer must be cut off.
func (a *API) recovered(rec *recorder, r *http.Request, p any) (isCut bool) {
	if p == nil {
		return false
	}
	if c, ok := p.(cut); ok {
		if r.Context().Err() == nil { // else the client has gone
			a.log.ErrorContext(r.Context(), "download", "request", RequestID(r.Context()), "error", c.cause.Error())
		}
		return true
	}
	a.log.ErrorContext(r.Context(), "panic", "request", RequestID(r.Context()),
		"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if rec.status == 0 {
		WriteError(rec, r, errs.New(errs.Internal, "internal error"))
	}
	return false
}

// client walks back through the proxies that are trusted: the last address that is
// not one of them is the client's.
func (p Proxies) client(r *http.Request) (ip netip.Addr, tls bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, _ = netip.ParseAddr(host)
	ip = ip.Unmap()
	tls = r.TLS != nil
	if !p.trust(ip) {
		return ip, tls
	}
	tls = tls || r.Header.Get("X-Forwarded-Proto") == "https"
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trust(ip); i-- {
		hop, ok := hopOf(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		ip = hop.Unmap()
	}
	return ip, tls
}

// hopOf reads an address as proxies write it: alone, in brackets, or with a port.
func hopOf(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr(), true
	}
	inner, bracket := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ip, err := netip.ParseAddr(inner)
	return ip, err == nil && bracket == closed && (!bracket || ip.Is6())
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

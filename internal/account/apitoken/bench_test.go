package apitoken_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/account/apitoken"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/live"
)

// BenchmarkRequest compares an operation that does nothing, as asked by nobody, by
// somebody in a session, by a program, and by a program whose token was mistyped. The
// whole handler runs, without a network.
func BenchmarkRequest(b *testing.B) {
	n := newNodeAt(b, basetest.NewDB(b, "sqlite", live.Migrations, account.Migrations, apitoken.Migrations), nil)
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { n.accounts.Run(ctx) })
	running.Go(func() { n.Run(ctx) })
	defer running.Wait()
	defer stop()
	ann, access := n.signIn(b, "ann", account.User)
	_, token := n.make(b, ann, apitoken.Draft{})
	_, limited := n.make(b, ann, apitoken.Draft{LogScopes: []string{"org", ann.Scope()}})
	for _, c := range []struct {
		name, path, token string
		status            int
	}{
		{"anonymous", "/api/test/public", "", http.StatusNoContent},
		{"session", "/api/test/mine", access, http.StatusNoContent},
		{"token", "/api/test/mine", token, http.StatusNoContent},
		{"limited token", "/api/test/mine", limited, http.StatusNoContent},
		{"mistyped token", "/api/test/mine", token[:39], http.StatusUnauthorized},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, c.path, nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if n.http.ServeHTTP(w, r); w.Code != c.status {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// BenchmarkAuthenticate is the middleware alone.
func BenchmarkAuthenticate(b *testing.B) {
	n := newNodeAt(b, basetest.NewDB(b, "sqlite", live.Migrations, account.Migrations, apitoken.Migrations), nil)
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { n.accounts.Run(ctx) })
	defer running.Wait()
	defer stop()
	ann, access := n.signIn(b, "ann", account.User)
	_, token := n.make(b, ann, apitoken.Draft{})
	for _, c := range []struct{ name, token string }{{"anonymous", ""}, {"session", access}, {"token", token}} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			h := n.accounts.Authenticate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(nil, r)
			}
		})
	}
}

package account_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/peisear/peisear/internal/account"
	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/live"
)

// BenchmarkRequest is what it costs to know who is asking: one operation that does
// nothing, asked by a stranger and by somebody who is signed in.
func BenchmarkRequest(b *testing.B) {
	n := newNode(b, basetest.NewDB(b, "sqlite", live.Migrations, account.Migrations))
	s := n.signUp(b, "ann", account.User)
	if err := n.CatchUp(b.Context()); err != nil {
		b.Fatal(err)
	}
	for name, header := range map[string]map[string]string{"anonymous": nil, "authenticated": bearer(s.AccessToken)} {
		b.Run(name, func(b *testing.B) {
			r, w := request(b, http.MethodGet, "/api/public", header, ""), httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				n.http.ServeHTTP(w, r)
			}
			if w.Code != http.StatusNoContent {
				b.Fatal(w.Code)
			}
		})
	}
}

package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkMeter is what counting a request costs.
func BenchmarkMeter(b *testing.B) {
	a := New(slog.New(slog.DiscardHandler), nil)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	for b.Loop() {
		about := &request{operation: "issue.get"}
		a.begun(r, about)
		a.ended(about, http.StatusOK, time.Millisecond)
	}
}

package bench

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/app"
	"github.com/peisear/peisear/internal/base/basetest"
)

// BenchmarkHandler is the program in this process, without the network between: for
// -cpuprofile, -memprofile and -benchmem, which see no other process.
func BenchmarkHandler(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			w := seed(b, startHandler(b, basetest.URL(b, engine)))
			for _, op := range w.operations() {
				b.Run(op.name, func(b *testing.B) {
					for _, n := range []int{1, 64} {
						b.Run(fmt.Sprintf("conns=%d", n), func(b *testing.B) {
							b.ReportAllocs()
							spent := ownCPU()
							load(b, n, nil, op.run)
							b.ReportMetric(float64((ownCPU()-spent).Microseconds())/1000/float64(b.N), "cpu-ms/req")
						})
					}
				})
			}
		})
	}
}

// startHandler opens the app and returns a server that has no process of its own.
func startHandler(b *testing.B, database string) *server {
	b.Helper()
	env := map[string]string{"DATABASE_URL": database, "DATA_DIR": b.TempDir(), "INITIAL_INVITE_CODE": inviteCode}
	c, err := app.ReadConfig(func(name string) string { return env[name] }, "")
	if err != nil {
		b.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(b.Context(), c, quiet)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	})
	return &server{url: "http://peisear.test", handler: a.Handler}
}

// direct answers requests by calling the handler.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RemoteAddr = "127.0.0.1:1"
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// ownCPU is the time that this process has spent so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

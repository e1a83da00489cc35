package web

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestForwarded: what a proxy says about the client is believed from those that are
// trusted, and no further back than their chain goes.
func TestForwarded(t *testing.T) {
	t.Parallel()
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		trusted Proxies
		from    string
		header  http.Header
		ip      string
		tls     bool
	}{
		"nobody is trusted":         {nil, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1", false},
		"a stranger says":           {proxies, "198.51.100.9:9", http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "198.51.100.9", false},
		"a proxy says":              {proxies, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.7", true},
		"over IPv6":                 {proxies, "[fd00::1]:9", http.Header{"X-Forwarded-For": {"2001:db8::7"}}, "2001:db8::7", false},
		"two proxies":               {proxies, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"192.0.2.7, 10.0.0.2"}}, "192.0.2.7", false},
		"two headers":               {proxies, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"192.0.2.7", "10.0.0.2"}}, "192.0.2.7", false},
		"the client made some up":   {proxies, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"127.0.0.1, 192.0.2.7"}}, "192.0.2.7", false},
		"a proxy says nothing":      {proxies, "10.0.0.1:9", nil, "10.0.0.1", false},
		"a proxy says what is none": {proxies, "10.0.0.1:9", http.Header{"X-Forwarded-For": {"unknown"}}, "10.0.0.1", false},
	} {
		a := New(slog.New(slog.DiscardHandler), c.trusted)
		var ip netip.Addr
		var tls bool
		a.Stream("test.who", "GET /who", func(_ http.ResponseWriter, r *http.Request) { ip, tls = ClientIP(r.Context()), IsTLS(r.Context()) })
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/who", nil)
		r.RemoteAddr = c.from
		maps.Copy(r.Header, c.header)
		a.Handler().ServeHTTP(httptest.NewRecorder(), r)
		if ip.String() != c.ip || tls != c.tls {
			t.Errorf("%s: %s, %t", name, ip, tls)
		}
	}
}

package web_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/peisear/peisear/internal/base/web"
)

// TestClientIsTheLastOutside: proxies write addresses with and without ports, and only
// those that are trusted are passed.
func TestClientIsTheLastOutside(t *testing.T) {
	t.Parallel()
	proxies := web.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, c := range map[string]struct {
		remote, forwarded, want string
	}{
		"nothing is forwarded":      {"10.0.0.1:80", "", "10.0.0.1"},
		"no proxy":                  {"192.0.2.9:4711", "1.2.3.4", "192.0.2.9"},
		"an address":                {"10.0.0.1:80", "1.2.3.4", "1.2.3.4"},
		"with a port":               {"10.0.0.1:80", "1.2.3.4:5678", "1.2.3.4"},
		"IPv6":                      {"10.0.0.1:80", "2001:db8::7", "2001:db8::7"},
		"IPv6 in brackets":          {"10.0.0.1:80", "[2001:db8::7]", "2001:db8::7"},
		"IPv6 with a port":          {"10.0.0.1:80", "[2001:db8::7]:80", "2001:db8::7"},
		"IPv4 written as IPv6":      {"10.0.0.1:80", "[::ffff:1.2.3.4]:80", "1.2.3.4"},
		"a proxy with a port":       {"10.0.0.1:80", "1.2.3.4:5678, [::1]:80", "1.2.3.4"},
		"what the client has added": {"10.0.0.1:80", "8.8.8.8:1, 1.2.3.4:5678, 10.0.0.2:9", "1.2.3.4"},
		"a port that is none":       {"10.0.0.1:80", "1.2.3.4:x", "10.0.0.1"},
		"no address":                {"10.0.0.1:80", "1.2.3.4, unknown", "10.0.0.1"},
		"half a bracket":            {"10.0.0.1:80", "[2001:db8::7", "10.0.0.1"},
		"IPv4 in brackets":          {"10.0.0.1:80", "[1.2.3.4]:80", "10.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := proxies.Client(r); got.String() != c.want {
			t.Errorf("%s: %s, expected %s", name, got, c.want)
		}
	}
}

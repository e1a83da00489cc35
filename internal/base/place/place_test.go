package place_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/peisear/peisear/internal/base/place"
)

// places writes a database like those that operators download.
func places(t *testing.T) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	names := func(english string) mmdbtype.Map {
		return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(english), "de": mmdbtype.String("anders")}, "geoname_id": mmdbtype.Uint32(1)}
	}
	for network, entry := range map[string]mmdbtype.DataType{
		"192.0.2.0/24":    mmdbtype.Map{"city": names("Vienna"), "country": names("Austria")},
		"198.51.100.0/24": mmdbtype.Map{"country": names("Japan")},
		"203.0.113.0/24":  mmdbtype.Map{"city": mmdbtype.String("not a map")},
		"2001:db8::/32":   mmdbtype.Map{"city": names("São Paulo"), "country": names("Brazil")},
		"10.0.0.0/8":      mmdbtype.Map{"country": names("Nowhere")},
	} {
		_, ipnet, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(ipnet, entry); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "places.mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	p, err := place.Open(places(t))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]struct{ with, without string }{
		"192.0.2.7":        {"Vienna, Austria", ""},
		"::ffff:192.0.2.7": {"Vienna, Austria", ""},
		"198.51.100.1":     {"Japan", ""},
		"203.0.113.1":      {"", ""},
		"2001:db8::7":      {"São Paulo, Brazil", ""},
		"8.8.8.8":          {"", ""},
		"127.0.0.1":        {"this server", "this server"},
		"::1":              {"this server", "this server"},
		"10.1.2.3":         {"local network", "local network"},
		"172.16.0.1":       {"local network", "local network"},
		"192.168.1.1":      {"local network", "local network"},
		"100.64.0.1":       {"local network", "local network"},
		"169.254.1.1":      {"local network", "local network"},
		"fd00::1":          {"local network", "local network"},
		"fe80::1%eth0":     {"local network", "local network"},
		"":                 {"", ""},
		"somewhere":        {"", ""},
	} {
		if got := p.Of(address); got != want.with {
			t.Errorf("%s: %q", address, got)
		}
		if got := (*place.Places)(nil).Of(address); got != want.without {
			t.Errorf("%s without a database: %q", address, got)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoPlaces(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text.mmdb")
	if err := os.WriteFile(text, []byte("this is no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(t.TempDir(), "missing"), t.TempDir()} {
		if p, err := place.Open(path); err == nil {
			t.Errorf("%s: opened %v", path, p)
		}
	}
	if err := (*place.Places)(nil).Close(); err != nil {
		t.Error(err)
	}
}

// Package place says in words where an IP address is: from a database of places that
// the operator may give (MaxMind's format, which GeoLite2 and DB-IP have), and without
// one for this machine and the local network only.
package place

import (
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Places finds places. A nil one knows no others than those of every network.
type Places struct{ reader *maxminddb.Reader }

// Open opens a database of places. Close it.
func Open(path string) (*Places, error) {
	reader, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("is not a database of places in the MaxMind format: %w", err)
	}
	return &Places{reader}, nil
}

// Close releases the database.
func (p *Places) Close() error {
	if p == nil {
		return nil
	}
	return p.reader.Close()
}

// record is the part of a city's or country's entry that is read.
type record struct {
	City    named `maxminddb:"city"`
	Country named `maxminddb:"country"`
}

type named struct {
	Names struct {
		English string `maxminddb:"en"`
	} `maxminddb:"names"`
}

// shared is what providers give to customers behind one public address (RFC 6598).
func shared() netip.Prefix { return netip.MustParsePrefix("100.64.0.0/10") }

// Of returns where an address is, like "Vienna, Austria"; "" when that is not known.
func (p *Places) Of(address string) string {
	ip, err := netip.ParseAddr(address)
	ip = ip.Unmap().WithZone("")
	switch {
	case err != nil:
		return ""
	case ip.IsLoopback():
		return "this server"
	case ip.IsPrivate(), ip.IsLinkLocalUnicast(), shared().Contains(ip):
		return "local network"
	case p == nil:
		return ""
	}
	var found record
	if err := p.reader.Lookup(ip).Decode(&found); err != nil {
		return ""
	}
	city, country := found.City.Names.English, found.Country.Names.English
	if city != "" && country != "" {
		return city + ", " + country
	}
	return city + country
}

package web

import (
	"net/http"
	"net/netip"
)

// Client is the address that a request came from.
func (p Proxies) Client(r *http.Request) netip.Addr {
	ip, _ := p.client(r)
	return ip
}

package account

import (
	"context"
	"net/netip"

	"github.com/peisear/peisear/internal/base/web"
)

// maxUserAgent bounds what is kept of a browser's name, in bytes.
const maxUserAgent = 400

// Device is where a sign-in comes from, as far as a server can tell.
type Device struct {
	IP        netip.Addr
	UserAgent string

	// Former is the refresh token that the browser came with, "" for none: the session
	// of it ends when another one begins in the same browser.
	Former string
}

// DeviceOf returns the device of a request. It is for the edge.
func DeviceOf(ctx context.Context) Device {
	agent := web.UserAgent(ctx)
	if !plain(agent) {
		agent = ""
	}
	return Device{IP: web.ClientIP(ctx), UserAgent: trimmed(agent, maxUserAgent), Former: formerOf(ctx)}
}

// address is the device's IP as it is kept, "" when there is none.
func (d Device) address() string {
	if !d.IP.IsValid() {
		return ""
	}
	return d.IP.String()
}

// Network is what counts as one place that requests come from; see network.
func (d Device) Network() string { return network(d.IP).String() }

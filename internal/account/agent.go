package account

import (
	"strings"

	"github.com/mileusna/useragent"
)

// agent is what a browser says of itself, in words for its user. It proves nothing.
type agent struct{ device, browser, os string }

// agentOf reads a User-Agent header.
func agentOf(header string) agent {
	ua := useragent.Parse(header)
	a := agent{device: "unknown", browser: ua.Name, os: ua.OS}
	switch {
	case ua.Tablet:
		a.device = "tablet"
	case ua.Mobile:
		a.device = "phone"
	case ua.Desktop:
		a.device = "computer"
	case ua.Bot || header != "":
		a.device = "program"
	}
	if major, _, _ := strings.Cut(ua.Version, "."); a.browser != "" && major != "" {
		a.browser += " " + major
	}
	return a
}

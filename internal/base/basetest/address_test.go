package basetest_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/peisear/peisear/internal/base/basetest"
)

// TestAddress: each is drawn once, is free, and is none that the system gives to others.
func TestAddress(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 20 {
		address := basetest.Address(t)
		if seen[address] {
			t.Errorf("%s twice", address)
		}
		seen[address] = true
		_, text, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if port, err := strconv.Atoi(text); err != nil || port < 10000 || port >= 26000 {
			t.Errorf("%s: %v", address, err)
		}
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}

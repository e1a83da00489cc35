package basetest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
)

// Ports that no system gives to whoever asks for any: Linux begins with 32768, others with
// 49152. Those above are the browser tests' (e2e/playwright/server.ts).
const (
	firstPort = 10000
	ports     = 16000
)

// drawn is how many ports this process has looked at.
var drawn atomic.Int64

// Address returns an address of this machine where nobody listens, for a program that a
// test starts later, or again. No test draws it twice, and another process's tests look
// for theirs far from here.
func Address(t testing.TB) string {
	t.Helper()
	const apart = 7919 // of processes that were started one after the other; a prime, so that all starts are used
	for range ports {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+(int64(os.Getpid())*apart+drawn.Add(1))%ports)
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", address)
		switch {
		case err == nil:
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return address
		case !errors.Is(err, syscall.EADDRINUSE):
			t.Fatal(err)
		}
	}
	t.Fatal("somebody listens at every port")
	return ""
}

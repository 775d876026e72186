package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreeAddress returns an address of this machine where nobody listens, nor comes to by chance: a loopback address of its
// own, which Linux has sixteen millions of. On 127.0.0.1 any connection may get the port as soon as it is free.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 16+rand.IntN(200), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil { // a system with one loopback address
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	Check(t, err)
	defer l.Close()
	return l.Addr().String()
}

package abuse

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// floodTime is how long a flood goes on; others ask in the part of it that floodStart leaves.
const (
	floodTime  = 4 * time.Second
	floodStart = time.Second
)

// steadily calls f at a rate for a time, whether former calls have returned or not.
func steadily(d time.Duration, perSecond int, f func(n int)) (wait func()) {
	var calls sync.WaitGroup
	began := time.Now()
	calls.Go(func() {
		for n := range perSecond * int(d/time.Second) {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
			calls.Go(func() { f(n) })
		}
	})
	return calls.Wait
}

// from is the header by which a trusted proxy says who asks.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

// TestFairQueue_FloodOfNewDocumentsLeavesTurnsToOthers: an IPv6 network sends four hundred expensive documents a second,
// each once. Others, with documents of their own that nobody has sent before, are answered.
func TestFairQueue_FloodOfNewDocumentsLeavesTurnsToOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes four seconds of all processors")
	}
	s := servertest.StartChild(t, "GATEHOUSE_LOG=error", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32")
	flood, refused := "{me{"+strings.Repeat("id ", 249)+"}}", atomic.Int64{}
	wait := steadily(floodTime, 400, func(n int) {
		a := s.Do(servertest.Request{Query: fmt.Sprintf("#%d\n%s", n, flood), Header: from(fmt.Sprintf("2001:db8:1:%x::1", n))})
		if a.Unavailable() {
			refused.Add(1)
		}
	})
	time.Sleep(floodStart)
	var honest, answered atomic.Int64
	steadily(floodTime-floodStart, 32, func(n int) {
		honest.Add(1)
		if a := s.Do(servertest.Request{Query: fmt.Sprintf("{a%d: __typename}", n), Header: from(fmt.Sprintf("192.0.2.%d", n))}); a.OK() {
			answered.Add(1)
		} else {
			t.Log(a)
		}
	})()
	wait()
	t.Logf("%d of the flood refused, %d of %d others answered", refused.Load(), answered.Load(), honest.Load())
	if refused.Load() == 0 {
		t.Error("the flood was no flood")
	}
	if answered.Load() < honest.Load()*95/100 {
		t.Errorf("%d of %d others were answered", answered.Load(), honest.Load())
	}
}

// TestFairQueue_FloodOfWrongSignInsLeavesTurnsToOwners: from each network of an IPv6 /48 comes a sign-in, 120 a second,
// which is more than can be hashed. An owner signs in, with and without a known device.
func TestFairQueue_FloodOfWrongSignInsLeavesTurnsToOwners(t *testing.T) {
	if testing.Short() {
		t.Skip("takes four seconds of all processors")
	}
	s := servertest.StartChild(t, "GATEHOUSE_LOG=error",
		"GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32", "GATEHOUSE_THROTTLE=on", "GATEHOUSE_ARGON2=m=19456,t=6,p=1")
	signIn := func(address, password, device, network string) servertest.Answer {
		return s.Do(servertest.Request{Header: from(network), Query: fmt.Sprintf(
			`mutation { login(input: {email: %q, password: %q, device: %q}) { accessToken } }`, address, password, device)})
	}
	owner := servertest.NewAddress()
	a := s.Ask("", fmt.Sprintf(`mutation { register(input: {email: %q, password: %q}) { device } }`, owner,
		servertest.Password))
	devices := []string{a.Field("device"), ""}
	var refused, answered atomic.Int64
	wait := steadily(floodTime, 120, func(n int) {
		a := signIn(fmt.Sprintf("user%d@example.com", n), "not the password", "", fmt.Sprintf("2001:db8:1:%x::1", n))
		if a.Code() == "RATE_LIMITED" {
			refused.Add(1)
		}
	})
	time.Sleep(floodStart)
	steadily(floodTime-floodStart, 2, func(n int) {
		if a := signIn(owner, servertest.Password, devices[n%2], fmt.Sprintf("198.51.100.%d", n)); a.OK() {
			answered.Add(1)
		} else {
			t.Log(n, a)
		}
	})()
	wait()
	t.Logf("%d of the flood refused, %d of 6 others answered", refused.Load(), answered.Load())
	if refused.Load() == 0 {
		t.Error("the flood was no flood")
	}
	if answered.Load() < 6 {
		t.Errorf("%d of 6 sign-ins with the right password were answered", answered.Load())
	}
}

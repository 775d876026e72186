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

// floodTime is how long a flood goes on.
const floodTime = 3 * time.Second

// steadily calls f at a rate, whether former calls have returned or not, until the time of a flood is over.
func steadily(perSecond int, f func(n int)) (wait func()) {
	var calls sync.WaitGroup
	began := time.Now()
	calls.Go(func() {
		for n := range perSecond * int(floodTime/time.Second) {
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
		t.Skip("takes three seconds of all processors")
	}
	s := servertest.StartChild(t, "GATEHOUSE_LOG=error", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32")
	flood, refused := "{me{"+strings.Repeat("id ", 249)+"}}", atomic.Int64{}
	wait := steadily(400, func(n int) {
		a := s.Do(servertest.Request{Query: fmt.Sprintf("#%d\n%s", n, flood), Header: from(fmt.Sprintf("2001:db8:1:%x::1", n))})
		if a.Unavailable() {
			refused.Add(1)
		}
	})
	time.Sleep(floodTime / 3)
	var honest, answered atomic.Int64
	steadily(32, func(n int) {
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

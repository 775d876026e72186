package abuse

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestIntrospection_LeavesRoomForOthers: eight anonymous clients ask without a pause for all of the schema that a
// document may ask for, while another asks for me at a steady rate.
func TestIntrospection_LeavesRoomForOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	s := servertest.StartChild(t, "GATEHOUSE_PLAYGROUND=on", "GATEHOUSE_LOG=error")
	light := s.Register().Access
	quiet := askSteadily(s.Client, light)
	largest := func(n int) string {
		return "{" + repeat(n, "a%d:__schema{types{name description kind fields{name description args{name description "+
			"defaultValue type{name kind}} type{name kind ofType{name kind ofType{name kind}}}}}}") + "}"
	}
	n := 10
	for s.Code("", largest(n)) == limitExceeded {
		n--
	}
	var stop atomic.Bool
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for !stop.Load() {
				if a := s.Ask("", largest(n)); a.OK() {
					answered.Add(1)
				} else if !a.Unavailable() {
					t.Error(a)
					return
				}
			}
		})
	}
	loaded := askSteadily(s.Client, light)
	stop.Store(true)
	clients.Wait()
	t.Logf("%d times the schema, %d answers: me p99 %v, quiet %v; p50 %v, quiet %v", n, answered.Load(), loaded.p99,
		quiet.p99, loaded.p50, quiet.p50)
	if loaded.p99 > maxLightP99 || answered.Load() == 0 {
		t.Errorf("me p99 %v, want %v at most; %d answers", loaded.p99, maxLightP99, answered.Load())
	}
}

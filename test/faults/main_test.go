// Package faults breaks what the program depends on, and the program itself: databases that hang, refuse or are
// damaged, processes that are killed, paused or replaced, clients that take all connections. It bounds how long
// recovery takes.
package faults

import (
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// simultaneously calls a function n times, in goroutines of their own, and waits for all.
func simultaneously(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// tracesOn sends traces to a collector that is away.
const tracesOn = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"

// withAndWithoutTraces runs a test on a server as it is, and on one that sends traces to a collector that is away: what
// decorates the database must not change what a fault does.
func withAndWithoutTraces(t *testing.T, f func(t *testing.T, environment ...string)) {
	t.Run("traces off", func(t *testing.T) { f(t) })
	t.Run("traces on", func(t *testing.T) { f(t, tracesOn) })
}

package server

import (
	"math"
	"runtime/debug"
)

// What a server may hold before it collects garbage at any price, caches included, and by how many
// percent its garbage may exceed what it holds before that. Go's own 100 percent of the few MiB that a server holds
// would have it collect many times a second, for a fifth of its processor time.
const (
	heldMemory     = 40 << 20
	garbagePercent = 400
)

// setGC prepares Go's runtime for a process that serves and does nothing else: it lets garbage grow as long as the
// process stays small. What the environment says to Go, in GOGC and GOMEMLIMIT, holds instead.
func setGC() {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	if percent := debug.SetGCPercent(garbagePercent); percent != 100 {
		debug.SetGCPercent(percent)
		return
	}
	debug.SetMemoryLimit(heldMemory)
}

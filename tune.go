package main

import (
	"math"
	"runtime"
	"runtime/debug"
)

// What a server that hashes nothing may hold before it collects garbage at any price, caches included, and by how many
// percent its garbage may exceed what it holds before that. Go's own 100 percent of the few MiB that a server holds
// would have it collect many times a second, for a fifth of its processor time.
const (
	heldMemory     = 64 << 20
	garbagePercent = 400
)

// tune prepares Go's runtime for a process that serves and does nothing else.
func tune(c *settings) {
	// Hashes run on threads that give way to others, but Go does not know: it lets requests wait for one of so many
	// turns, of which hashes may hold half.
	runtime.GOMAXPROCS(2 * c.hashesAtOnce)
	tuneMemory(int64(c.hashesAtOnce) * int64(c.hashingCost.Memory) << 10)
}

// tuneMemory lets garbage grow as long as the process stays small: up to heldMemory and what the hashes take that run
// at once. What the environment says to Go, in GOGC and GOMEMLIMIT, holds instead.
func tuneMemory(hashes int64) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	if percent := debug.SetGCPercent(garbagePercent); percent != 100 {
		debug.SetGCPercent(percent)
		return
	}
	debug.SetMemoryLimit(heldMemory + hashes)
}

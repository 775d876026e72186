package main

import (
	"math"
	"runtime"
	"runtime/debug"

	"github.com/gatehouse/gatehouse/internal/password"
)

// What a server that hashes nothing may hold before it collects garbage at any price, caches included, and by how many
// percent its garbage may exceed what it holds before that. Go's own 100 percent of the few MiB that a server holds
// would have it collect many times a second, for a fifth of its processor time.
const (
	heldMemory     = 64 << 20
	garbagePercent = 400
)

// tuneMemory lets garbage grow as long as the process stays small: up to heldMemory and what the hashes take that run
// at once. What the environment says to Go, in GOGC and GOMEMLIMIT, holds instead.
func tuneMemory(c password.Cost) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	if percent := debug.SetGCPercent(garbagePercent); percent != 100 {
		debug.SetGCPercent(percent)
		return
	}
	debug.SetMemoryLimit(heldMemory + int64(runtime.GOMAXPROCS(0))*int64(c.Memory)<<10)
}

package server

import (
	"runtime/debug"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// gcPercent is GOGC. With Go's default of 100, a server with 10 MiB of live memory would collect garbage for each
	// 10 MiB that it allocates, many times a second.
	gcPercent = 200
	// baseMemory is what a server holds without caches, hashes and garbage: the schema, connections, stacks, the
	// runtime.
	baseMemory = 24 << 20
)

// setGC sets up garbage collection for a process that does nothing but serve, except where GOGC and GOMEMLIMIT say how.
func (c *Config) setGC() {
	if c.GOGC {
		return
	}
	debug.SetGCPercent(gcPercent)
	if !c.GOMEMLIMIT {
		debug.SetMemoryLimit(c.memoryLimit())
	}
}

// memoryLimit is a soft limit that leaves room for garbage beside full caches, as much as half of what is live. A limit
// near to what is live would have the runtime collect all the time.
func (c *Config) memoryLimit() int64 {
	_, file := database.SQLitePath(c.DatabaseURL)
	caches := token.MaxCacheBytes + accounts.MaxCacheBytes(!file) + graphqlhttp.MaxCacheBytes(c.limits)
	hashes := 0
	if c.HashWorker == "off" {
		hashes = maxConcurrentHashes(false) * int(c.hashingCost.Memory) << 10
	}
	return int64(baseMemory+caches+hashes) * 3 / 2
}

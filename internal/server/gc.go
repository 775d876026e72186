package server

import (
	"os"
	"runtime/debug"
)

// gcPercent is GOGC. With Go's default of 100, a server with 10 MiB of live memory would collect garbage for each 10 MiB
// that it allocates, many times a second.
const gcPercent = 175

// setGC sets up garbage collection for a process that does nothing but serve, except where GOGC and GOMEMLIMIT say how.
func (c *Config) setGC() {
	if c.GOGC {
		return
	}
	debug.SetGCPercent(gcPercent)
	if !c.GOMEMLIMIT {
		debug.SetMemoryLimit(c.budget(os.DirFS("/")).limit)
	}
}

package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// gcPercent is GOGC while little is live. With Go's default of 100, a server with 10 MiB of live memory would collect
	// garbage for each 10 MiB that it allocates, many times a second.
	gcPercent = 175
	// littleLive is how much that is, in bytes, and morePercent is GOGC for what is live beyond: gcPercent would let the
	// garbage beside full caches take 18 MiB more, for three collections of ten fewer.
	littleLive, morePercent = 16 << 20, 75
	// liveInterval is how often the live memory is looked at. Caches fill in many of these.
	liveInterval = time.Second
	// leastChange is by how much GOGC must differ to be set: each time stops the program for some microseconds.
	leastChange = 5
)

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

// gcPercentFor returns GOGC for so many live bytes.
func gcPercentFor(live uint64) int {
	if live <= littleLive {
		return gcPercent
	}
	return int((littleLive*gcPercent + (live-littleLive)*morePercent) / live)
}

// followLive keeps GOGC as the live memory asks for, until the context ends.
func followLive(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(liveInterval)
	defer tick.Stop()
	for set := gcPercent; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if wanted := gcPercentFor(live[0].Value.Uint64()); max(wanted, set)-min(wanted, set) >= leastChange {
			set = wanted
			debug.SetGCPercent(set)
		}
	}
}

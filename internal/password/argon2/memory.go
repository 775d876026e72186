package argon2

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

//go:generate go run derive.go

// idle is how long memory is kept that no hash takes. A hash that has to ask the kernel for its memory takes twice as
// long: on an idle server 40 ms for 20.
const idle = 10 * time.Second

// free is the memory of hashes that have ended, empty, for those that begin. The library makes it anew each time; to
// collect it afterwards, and the time until it is, took a tenth of the processors.
var free = make(chan []block, runtime.GOMAXPROCS(0))

// take returns n empty blocks.
func take(n uint32) []block {
	select {
	case b := <-free:
		if uint32(cap(b)) >= n {
			return b[:n]
		}
	default:
	}
	return make([]block, n)
}

// giveBack empties blocks, which tell something of a password, and keeps them for a while.
func giveBack(b []block) {
	clear(b)
	select {
	case free <- b:
		release().Reset(idle)
	default:
	}
}

// release gives the system back what is free, unless it is reset before.
var release = sync.OnceValue(func() *time.Timer {
	return time.AfterFunc(idle, func() {
		for range len(free) {
			take(0)
		}
		debug.FreeOSMemory()
	})
})

package server

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
)

// TestSetGC_TheEnvironmentDecidesFirst, also when it says what Go's default is.
func TestSetGC_TheEnvironmentDecidesFirst(t *testing.T) {
	for name, c := range map[string]struct {
		environment     []string
		percent, limits bool // whether they are changed
	}{
		"nothing":    {nil, true, true},
		"GOGC":       {[]string{"GOGC=100"}, false, false},
		"GOMEMLIMIT": {[]string{"GOMEMLIMIT=1GiB"}, true, false},
		"both":       {[]string{"GOGC=100", "GOMEMLIMIT=1GiB"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
			defer debug.SetGCPercent(percent)
			defer debug.SetMemoryLimit(limit)
			values, err := config.Load(c.environment)
			if err != nil {
				t.Fatal(err)
			}
			(&Config{Config: values}).setGC()
			if got := debug.SetGCPercent(100); (got != 100) != c.percent {
				t.Errorf("GOGC is %d", got)
			}
			if got := debug.SetMemoryLimit(-1); (got != math.MaxInt64) != c.limits {
				t.Errorf("the limit is %d MiB", got>>20)
			}
		})
	}
}

// TestFollowLive_FullCachesHaveLessGarbageBesideThem than a small heap in proportion, and never less than a smaller one.
func TestFollowLive_FullCachesHaveLessGarbageBesideThem(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go followLive(ctx)
		full := make([]byte, 8*littleLive)
		runtime.GC()
		time.Sleep(liveInterval + 1)
		synctest.Wait()
		if got := debug.SetGCPercent(gcPercent); got <= morePercent || got >= gcPercent {
			t.Errorf("GOGC is %d beside %d MiB", got, len(full)>>20)
		}
		runtime.KeepAlive(full)
	})
	garbage := uint64(0)
	for live := uint64(1 << 20); live < 1<<30; live += live / 8 {
		now := live * uint64(gcPercentFor(live)) / 100
		if now+now/50 < garbage || gcPercentFor(live) > gcPercent { // percents are whole
			t.Errorf("beside %d live bytes %d may be garbage; beside fewer %d", live, now, garbage)
		}
		garbage = now
	}
}

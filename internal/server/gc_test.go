package server

import (
	"math"
	"runtime/debug"
	"testing"

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

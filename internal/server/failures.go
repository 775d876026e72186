package server

import (
	"sync"
	"time"
)

// tellInterval is the time between two lines about what fails again and again.
const tellInterval = time.Minute

// failures says when to write a line about what fails repeatedly: the first time, and once a minute while it lasts. The
// zero value has seen none. It may be used concurrently.
type failures struct {
	mu   sync.Mutex
	runs map[string]*failing
}

// failing is what has failed since it last succeeded.
type failing struct {
	times int
	told  time.Time
}

// failed counts a failure. It returns how often that has failed since it last succeeded, and whether to tell.
func (f *failures) failed(what string, now time.Time) (times int, tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.runs == nil {
		f.runs = map[string]*failing{}
	}
	run := f.runs[what]
	if run == nil {
		run = &failing{}
		f.runs[what] = run
	}
	run.times++
	if tell = run.times == 1 || now.Sub(run.told) >= tellInterval; tell {
		run.told = now
	}
	return run.times, tell
}

// succeeded returns how often it has failed before; 0 when it has not.
func (f *failures) succeeded(what string) (times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if run := f.runs[what]; run != nil {
		times = run.times
		delete(f.runs, what)
	}
	return times
}

package testenv

import (
	"sync"
	"time"
)

// Awake is a clock that stands still while the machine does, or has no processor for the test: it is what a bound on time
// is measured with. Machines that others use stand still for seconds, which is no fault of the program's.
func Awake() time.Duration {
	sum, _ := awake.now()
	return sum
}

// Stood is how long the machine has stood still since the test began.
func Stood() time.Duration {
	_, stood := awake.now()
	return stood
}

// SleepAwake sleeps by the clock Awake.
func SleepAwake(d time.Duration) {
	for end := Awake() + d; ; {
		rest := end - Awake()
		if rest <= 0 {
			return
		}
		time.Sleep(rest)
	}
}

var awake = startAwake()

// awakeClock counts the time between two looks at another clock as awakeMost at most.
type awakeClock struct {
	mu         sync.Mutex
	last       time.Time
	sum, stood time.Duration
}

const (
	awakeEvery = 10 * time.Millisecond
	awakeMost  = 5 * awakeEvery
)

func startAwake() *awakeClock {
	c := &awakeClock{last: time.Now()}
	go func() {
		for {
			time.Sleep(awakeEvery)
			c.now()
		}
	}()
	return c
}

func (c *awakeClock) now() (sum, stood time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	passed := now.Sub(c.last)
	ran := min(passed, awakeMost)
	c.sum, c.stood, c.last = c.sum+ran, c.stood+passed-ran, now
	return c.sum, c.stood
}

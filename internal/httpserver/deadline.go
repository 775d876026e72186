package httpserver

import (
	"errors"
	"os"
	"sync"
	"time"
)

// deadline is a connection's for reading. net/http sets and clears it seven times for each request, a fiftieth of the
// processor time that a small one takes. Here the connection's own timer is set only where it must ring sooner than it
// would: one that rings before the deadline is set again. For writing the connection has its own: a Write that is tried
// again finds room in the kernel that one that waits is not told of, and so a client that takes nothing would be waited
// for longer.
type deadline struct {
	set func(time.Time) error // the connection's timer

	mu     sync.Mutex
	wanted time.Time // zero: none
	timer  time.Time // zero: none; never after wanted
}

// longAgo is before every deadline but the one by which net/http ends a Read that waits.
var longAgo = time.Unix(1e8, 0)

// Set is SetReadDeadline.
func (d *deadline) Set(at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = at
	switch {
	case d.timer.IsZero() || !at.IsZero() && at.Before(d.timer):
		return d.setTimer(at)
	case d.timer.Before(longAgo):
		soon := time.Now().Add(headerTimeout) // no deadline that net/http sets next is sooner
		if !at.IsZero() && at.Before(soon) {
			soon = at
		}
		return d.setTimer(soon)
	}
	return nil
}

func (d *deadline) setTimer(at time.Time) error {
	d.timer = at
	return d.set(at)
}

// tooSoon reports whether an error is of a timer that rang before the deadline, and sets it again.
func (d *deadline) tooSoon(err error) bool {
	if err == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	over := !d.wanted.IsZero() && (d.wanted.Before(longAgo) || !time.Now().Before(d.wanted))
	return !over && errors.Is(err, os.ErrDeadlineExceeded) && d.setTimer(d.wanted) == nil
}

package logging

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

const (
	// maxBacklog is how many lines wait for a slow reader. Further lines are counted and dropped.
	maxBacklog = 1024
	// writeTimeout is how long a write waits for the reader. After one timeout, writes do not wait until the backlog
	// is gone.
	writeTimeout = 100 * time.Millisecond
	// closeTimeout is how long Close waits for the backlog.
	closeTimeout = time.Second
)

// AsyncWriter writes lines to a writer that may block for ever, such as a pipe that is not read or a stopped terminal.
// While the reader keeps up, Write returns after the line is written.
type AsyncWriter struct {
	backlog  chan entry
	degraded atomic.Bool // writes do not wait
	dropped  atomic.Int64
	onDrop   atomic.Pointer[func(lines int64)]
}

type entry struct {
	line    []byte
	written chan struct{}
	last    bool
}

// NewAsyncWriter writes to out until it is closed.
func NewAsyncWriter(out io.Writer) *AsyncWriter {
	w := &AsyncWriter{backlog: make(chan entry, maxBacklog)}
	go w.loop(out)
	return w
}

// Write takes one line. It returns no error.
func (w *AsyncWriter) Write(line []byte) (int, error) {
	e := entry{line: bytes.Clone(line), written: make(chan struct{})}
	select {
	case w.backlog <- e:
		if !w.degraded.Load() && !wait(e.written, time.After(writeTimeout)) {
			w.degraded.Store(true)
		}
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

func (w *AsyncWriter) loop(out io.Writer) {
	for e := range w.backlog {
		if e.last {
			close(e.written)
			return
		}
		_, _ = out.Write(e.line)
		close(e.written)
		if len(w.backlog) > 0 {
			continue
		}
		w.degraded.Store(false)
		if f := w.onDrop.Load(); f != nil && w.dropped.Load() > 0 {
			go (*f)(w.dropped.Swap(0)) // it logs, and so calls Write
		}
	}
}

// Close waits up to a second for the backlog. Lines after it are dropped.
func (w *AsyncWriter) Close() {
	last, timeout := entry{written: make(chan struct{}), last: true}, time.After(closeTimeout)
	select {
	case w.backlog <- last:
		wait(last.written, timeout)
	case <-timeout:
	}
}

func wait(done chan struct{}, timeout <-chan time.Time) (ok bool) {
	select {
	case <-done:
		return true
	case <-timeout:
		return false
	}
}

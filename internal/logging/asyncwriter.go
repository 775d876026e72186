package logging

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

const (
	// maxBacklog is how many lines wait for a slow reader, and how many security events beside them. Further ones are
	// counted and dropped.
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
	backlog       chan entry
	lines         atomic.Int64 // in the backlog, without security events
	degraded      atomic.Bool  // writes do not wait
	droppedLines  atomic.Int64
	droppedEvents atomic.Int64
	reported      [2]int64 // of them; of the loop alone
	onDrop        atomic.Pointer[func(lines, events int64)]
	beforeClose   atomic.Pointer[func()]
}

type entry struct {
	line    []byte
	event   bool // a security event
	written chan struct{}
	last    bool
}

// NewAsyncWriter writes to out until it is closed.
func NewAsyncWriter(out io.Writer) *AsyncWriter {
	w := &AsyncWriter{backlog: make(chan entry, 2*maxBacklog)}
	go w.loop(out)
	return w
}

// Write takes one line. It returns no error.
func (w *AsyncWriter) Write(line []byte) (int, error) {
	if w.lines.Add(1) > maxBacklog || !w.enqueue(entry{line: line}) {
		w.lines.Add(-1)
		w.droppedLines.Add(1)
	}
	return len(line), nil
}

// Events returns a writer of security events: the same, with places in the backlog that no other lines take.
func (w *AsyncWriter) Events() io.Writer { return eventWriter{w} }

type eventWriter struct{ *AsyncWriter }

// Write takes one line. It returns no error.
func (w eventWriter) Write(line []byte) (int, error) {
	if !w.enqueue(entry{line: line, event: true}) {
		w.droppedEvents.Add(1)
	}
	return len(line), nil
}

// enqueue waits until the line is written, while the reader keeps up.
func (w *AsyncWriter) enqueue(e entry) (ok bool) {
	e.line, e.written = bytes.Clone(e.line), make(chan struct{})
	select {
	case w.backlog <- e:
	default:
		return false
	}
	if !w.degraded.Load() && !wait(e.written, time.After(writeTimeout)) {
		w.degraded.Store(true)
	}
	return true
}

func (w *AsyncWriter) loop(out io.Writer) {
	for e := range w.backlog {
		if e.last {
			close(e.written)
			return
		}
		_, _ = out.Write(e.line)
		if !e.event {
			w.lines.Add(-1)
		}
		close(e.written)
		if len(w.backlog) > 0 {
			continue
		}
		w.degraded.Store(false)
		w.reportDropped()
	}
}

func (w *AsyncWriter) reportDropped() {
	report := w.onDrop.Load()
	if report == nil {
		return
	}
	all := [2]int64{w.droppedLines.Load(), w.droppedEvents.Load()}
	if all != w.reported {
		go (*report)(all[0]-w.reported[0], all[1]-w.reported[1]) // it logs, and so calls Write
		w.reported = all
	}
}

// Stats says how far the reader of the log is behind.
type Stats struct {
	Waiting       int   // lines and security events in the backlog
	DroppedLines  int64 // since the start, without security events
	DroppedEvents int64 // since the start
}

// Stats returns the numbers of this moment.
func (w *AsyncWriter) Stats() Stats {
	return Stats{len(w.backlog), w.droppedLines.Load(), w.droppedEvents.Load()}
}

// Close has the log report what it left out, and waits up to a second for the backlog. Lines after it are dropped.
func (w *AsyncWriter) Close() {
	if f := w.beforeClose.Load(); f != nil {
		(*f)()
	}
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

package logging

import (
	"io"
	"sync/atomic"
	"time"
)

const (
	// MaxBacklog are kept for a reader that does not read. Those after them are counted and dropped.
	MaxBacklog = 1024
	// WriteTimeout is how long a line is waited for, once: whoever reads slowly costs one request that much, and no other.
	WriteTimeout = 100 * time.Millisecond
	// closeTimeout is how long the end of the program waits for what is kept.
	closeTimeout = time.Second
)

// AsyncWriter writes lines to what may block for ever: a pipe that nobody reads, a terminal that was stopped. While the reader
// reads, a line is out before Write returns, and so before the request is answered.
type AsyncWriter struct {
	out     io.Writer
	kept    chan keptLine
	behind  atomic.Bool // nobody waits
	dropped atomic.Int64
	lost    atomic.Pointer[func(lines int64)] // says that lines were dropped
	quit    chan struct{}
	ended   chan struct{}
}

type keptLine struct {
	line    []byte
	written chan struct{}
}

// NewAsyncWriter writes to out until it is closed.
func NewAsyncWriter(out io.Writer) *AsyncWriter {
	s := &AsyncWriter{out: out, kept: make(chan keptLine, MaxBacklog), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.carry()
	return s
}

// Write takes a line. It never fails: there is nobody to tell.
func (s *AsyncWriter) Write(line []byte) (int, error) {
	e := keptLine{append([]byte(nil), line...), make(chan struct{})}
	select {
	case s.kept <- e:
	default:
		s.dropped.Add(1)
		return len(line), nil
	}
	if s.behind.Load() {
		return len(line), nil
	}
	wait := time.NewTimer(WriteTimeout)
	defer wait.Stop()
	select {
	case <-e.written:
	case <-s.ended:
	case <-wait.C:
		s.behind.Store(true)
	}
	return len(line), nil
}

// carry writes until Close was called and nothing is kept.
func (s *AsyncWriter) carry() {
	defer close(s.ended)
	for {
		select {
		case e := <-s.kept:
			s.write(e)
			continue
		default:
		}
		select {
		case e := <-s.kept:
			s.write(e)
		case <-s.quit:
			return
		}
	}
}

func (s *AsyncWriter) write(e keptLine) {
	_, _ = s.out.Write(e.line)
	close(e.written)
	if len(s.kept) > 0 {
		return
	}
	s.behind.Store(false)
	if tell := s.lost.Load(); tell != nil && s.dropped.Load() > 0 {
		go (*tell)(s.dropped.Swap(0)) // it writes here
	}
}

// Close waits a moment for what is kept. A line after that is dropped.
func (s *AsyncWriter) Close() {
	close(s.quit)
	select {
	case <-s.ended:
	case <-time.After(closeTimeout):
	}
}

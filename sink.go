package main

import (
	"io"
	"sync/atomic"
	"time"
)

const (
	// sinkLines are kept for a reader that does not read. Those after them are counted and dropped.
	sinkLines = 1024
	// sinkWait is how long a line is waited for, once: whoever reads slowly costs one request that much, and no other.
	sinkWait = 100 * time.Millisecond
	// sinkClose is how long the end of the program waits for what is kept.
	sinkClose = time.Second
)

// sink writes lines to what may block for ever: a pipe that nobody reads, a terminal that was stopped. While the reader
// reads, a line is out before Write returns, and so before the request is answered.
type sink struct {
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

func newSink(out io.Writer) *sink {
	s := &sink{out: out, kept: make(chan keptLine, sinkLines), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.carry()
	return s
}

// Write takes a line. It never fails: there is nobody to tell.
func (s *sink) Write(line []byte) (int, error) {
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
	wait := time.NewTimer(sinkWait)
	defer wait.Stop()
	select {
	case <-e.written:
	case <-s.ended:
	case <-wait.C:
		s.behind.Store(true)
	}
	return len(line), nil
}

// carry writes until close was called and nothing is kept.
func (s *sink) carry() {
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

func (s *sink) write(e keptLine) {
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

// close waits a moment for what is kept. A line after that is dropped.
func (s *sink) close() {
	close(s.quit)
	select {
	case <-s.ended:
	case <-time.After(sinkClose):
	}
}

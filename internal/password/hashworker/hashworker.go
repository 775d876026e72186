// Package hashworker hashes passwords in a second process, which gives way to the first. A hash takes 19 MiB and 20 ms
// of a processor, a hundred times what another request takes, and Go has no priorities: in one process requests wait
// behind hashes, and hashes stop for each garbage collection.
//
// The client writes requests to the worker's standard input and reads responses from its standard output, both as
// encoding/gob. A worker ends when its standard input does.
package hashworker

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// releaseAfter is how long an idle worker keeps the memory of its hashes. A hash that has to ask the kernel for memory
// takes twice as long.
const releaseAfter = 10 * time.Second

type request struct {
	ID             uint64
	Password, Salt []byte
	Cost           password.Cost
}

type response struct {
	ID   uint64
	Hash []byte
}

// Input opens standard input for Serve. A read of os.Stdin is a system call that blocks, and keeps one of Go's
// processors from hashes for milliseconds: with two of them, a quarter fewer were made.
func Input() *os.File {
	if in, err := os.Open("/dev/stdin"); err == nil {
		return in
	}
	return os.Stdin
}

// Serve answers requests until in ends. Automatic garbage collection is off; instead every second hash collects, so
// that hashes find warm memory and the process holds one hash more than those that run. To collect after each hash
// took 4 % more processor time.
func Serve(in io.Reader, out io.Writer) error { return serve(in, out, releaseAfter) }

func serve(in io.Reader, out io.Writer, releaseAfter time.Duration) error {
	debug.SetGCPercent(-1)
	s := &server{idle: time.AfterFunc(releaseAfter, debug.FreeOSMemory), releaseAfter: releaseAfter,
		out: gob.NewEncoder(out)}
	for requests := gob.NewDecoder(in); ; {
		var r request
		if err := requests.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		go s.answer(r)
	}
}

type server struct {
	idle         *time.Timer
	releaseAfter time.Duration
	hashes       atomic.Int64

	mu  sync.Mutex
	out *gob.Encoder
}

func (s *server) answer(r request) {
	hash := password.Argon2id(r.Password, r.Salt, r.Cost)
	if s.hashes.Add(1)%2 == 0 {
		runtime.GC()
	}
	s.idle.Reset(s.releaseAfter)
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(response{r.ID, hash}) // when it fails the client has ended, and in ends too
}

package hashworker

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// hashTimeout bounds one hash, which takes milliseconds: a worker that has not answered by then hangs.
const hashTimeout = 20 * time.Second

var errClosed = errors.New("the hash workers were stopped")

// Client makes hashes in workers: as many as ever ran simultaneously, each started when it is first needed. It may be
// used concurrently.
type Client struct {
	command func() *exec.Cmd
	timeout time.Duration // of one hash

	mu     sync.Mutex
	idle   []*worker // the last was used last, so its memory is warm
	closed bool
}

// Start starts a first worker by a command that calls Serve. Workers end with Close, and with this process, however
// that ends.
func Start(command func() *exec.Cmd) (*Client, error) {
	c := &Client{command: command, timeout: hashTimeout}
	w, err := start(command())
	if err != nil {
		return nil, err
	}
	c.release(w)
	return c, nil
}

// Derive is password.Argon2id in a worker. A hash changes nothing, so one that fails with its worker is asked of a new
// one, once.
func (c *Client) Derive(pw, salt []byte, cost password.Cost) ([]byte, error) {
	r := request{Password: pw, Salt: salt, Cost: cost}
	w, err := c.acquire()
	if err != nil {
		return nil, err
	}
	if w != nil {
		if hash, err := c.hash(w, r); err == nil {
			return hash, nil
		}
	}
	if w, err = start(c.command()); err != nil {
		return nil, err
	}
	return c.hash(w, r)
}

// hash asks a worker, and keeps it for the next hash unless it fails.
func (c *Client) hash(w *worker, r request) ([]byte, error) {
	hash, err := w.hash(r, c.timeout)
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("hashing a password in a worker: %w", err)
	}
	c.release(w)
	return hash, nil
}

// acquire takes the worker that was used last, or nil when none is idle.
func (c *Client) acquire() (w *worker, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if last := len(c.idle) - 1; last >= 0 {
		w, c.idle = c.idle[last], c.idle[:last]
	}
	return w, nil
}

func (c *Client) release(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		w.stop()
		return
	}
	c.idle = append(c.idle, w)
}

// Close stops the idle workers and waits for their end. One that hashes is stopped after it.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, w := range c.idle {
		w.stop()
	}
	c.idle = nil
}

// worker is one process. It is used by one goroutine at a time.
type worker struct {
	cmd      *exec.Cmd
	input    io.Closer
	requests *gob.Encoder
	hashes   *gob.Decoder
}

func start(cmd *exec.Cmd) (*worker, error) {
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startLowPriority(cmd); err != nil {
		return nil, fmt.Errorf("starting a hash worker: %w", err)
	}
	return &worker{cmd: cmd, input: input, requests: gob.NewEncoder(input), hashes: gob.NewDecoder(output)}, nil
}

// startLowPriority starts a process with the priority of the thread that starts it. That thread cannot raise its own
// again, so it ends with the goroutine.
func startLowPriority(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		lowerPriority()
		started <- cmd.Start()
	}()
	return <-started
}

func (w *worker) hash(r request, timeout time.Duration) (hash []byte, err error) {
	kill := time.AfterFunc(timeout, func() { _ = w.cmd.Process.Kill() }) // which ends its output
	if err = w.requests.Encode(r); err == nil {
		err = w.hashes.Decode(&hash)
	}
	if inTime := kill.Stop(); err != nil && !inTime {
		return nil, fmt.Errorf("not done within %v", timeout)
	}
	return hash, err
}

// stop kills the worker: it has nothing to put in order.
func (w *worker) stop() {
	_ = w.input.Close()
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it was killed
}

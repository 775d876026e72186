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

var errClosed = errors.New("the hash worker was closed")

// Client starts a worker and asks it for hashes. It may be used concurrently.
type Client struct {
	command func() *exec.Cmd
	timeout time.Duration // of one hash

	mu     sync.Mutex
	worker *worker // nil: it has failed
	closed bool
}

// Start starts a worker by a command that calls Serve. The worker ends with Close, and with this process, however that
// ends. One that fails is replaced when the next hash is asked for.
func Start(command func() *exec.Cmd) (*Client, error) {
	c := &Client{command: command, timeout: hashTimeout}
	_, err := c.current()
	return c, err
}

// Derive is password.Argon2id in the worker. A hash changes nothing, so one that fails with its worker is asked of the
// next, once.
func (c *Client) Derive(pw, salt []byte, cost password.Cost) ([]byte, error) {
	r := request{Password: pw, Salt: salt, Cost: cost}
	hash, err := c.try(r)
	if err != nil {
		hash, err = c.try(r)
	}
	return hash, err
}

func (c *Client) try(r request) ([]byte, error) {
	w, err := c.current()
	if err != nil {
		return nil, err
	}
	hash, err := w.hash(r, c.timeout)
	if err != nil {
		c.discard(w)
		return nil, fmt.Errorf("hashing a password in the worker: %w", err)
	}
	return hash, nil
}

// current returns the running worker, or starts one.
func (c *Client) current() (*worker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if c.worker == nil {
		w, err := start(c.command())
		if err != nil {
			return nil, fmt.Errorf("starting the hash worker: %w", err)
		}
		c.worker = w
	}
	return c.worker, nil
}

// discard stops a worker that failed, unless another has replaced it.
func (c *Client) discard(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.worker == w {
		c.worker = nil
		w.stop()
	}
}

// Close stops the worker and waits for its end.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.worker != nil {
		c.worker.stop()
		c.worker = nil
	}
}

// worker is one process, and the requests that it has not answered.
type worker struct {
	cmd   *exec.Cmd
	input io.WriteCloser

	mu       sync.Mutex
	requests *gob.Encoder
	pending  map[uint64]chan []byte // nil: the worker has ended
	lastID   uint64
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
		return nil, err
	}
	w := &worker{cmd: cmd, input: input, requests: gob.NewEncoder(input), pending: map[uint64]chan []byte{}}
	go w.receive(gob.NewDecoder(output))
	return w, nil
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

func (w *worker) hash(r request, timeout time.Duration) ([]byte, error) {
	answer, err := w.send(r)
	if err != nil {
		return nil, err
	}
	select {
	case hash, ok := <-answer:
		if !ok {
			return nil, errors.New("it has ended")
		}
		return hash, nil
	case <-time.After(timeout):
		return nil, fmt.Errorf("no answer for %v", timeout)
	}
}

// send numbers a request and writes it. The channel gets the hash; it is closed when the worker ends before.
func (w *worker) send(r request) (<-chan []byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == nil {
		return nil, errors.New("it has ended")
	}
	w.lastID++
	r.ID = w.lastID
	answer := make(chan []byte, 1)
	w.pending[r.ID] = answer
	return answer, w.requests.Encode(r)
}

// receive hands out responses until the worker ends.
func (w *worker) receive(responses *gob.Decoder) {
	for {
		var r response
		if responses.Decode(&r) != nil {
			break
		}
		w.deliver(r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answer := range w.pending {
		close(answer)
	}
	w.pending = nil
}

func (w *worker) deliver(r response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answer, ok := w.pending[r.ID]; ok {
		answer <- r.Hash
		delete(w.pending, r.ID)
	}
}

// stop kills the worker: its hashes are of no more use, and it has nothing to put in order.
func (w *worker) stop() {
	_ = w.input.Close()
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it was killed
}

// Package hashworker hashes passwords in a process of its own. A hash takes 19 MiB and 20 ms of a processor, a hundred
// times what another request takes, and Go has no way to tell it to give way: it would let requests wait for a hash's
// turn, and stop the hashes, which must then run first, each time that garbage is collected. Another process has a memory of
// its own, and the kernel prefers every other to it.
package hashworker

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// longest is how long a hash may take. It takes milliseconds; a process that has not answered by then has stopped.
const longest = 20 * time.Second

// Hash is what the process is asked for. Its fields are what net/rpc sends.
type Hash struct {
	Password, Salt []byte
	Cost           password.Cost
}

// Client is the other process, as the one that starts it sees it. It may be used concurrently.
type Client struct {
	command func() *exec.Cmd
	longest time.Duration // that a hash may take

	mu      sync.Mutex
	running *running // nil: it has ended
	closed  bool
}

type running struct {
	*rpc.Client
	cmd *exec.Cmd
}

// Start starts a process by a command that calls Serve. It ends with Close, and with this process, however that ends. If
// it ends before, it is started again when it is needed.
func Start(command func() *exec.Cmd) (*Client, error) {
	p := &Client{command: command, longest: longest}
	_, err := p.now()
	return p, err
}

// Derive is password.Argon2id in the process. A hash changes nothing: when the process ends meanwhile, it is asked for
// once more.
func (p *Client) Derive(pw, salt []byte, c password.Cost) ([]byte, error) {
	hash, err := p.ask(Hash{pw, salt, c})
	if err != nil {
		hash, err = p.ask(Hash{pw, salt, c})
	}
	return hash, err
}

func (p *Client) ask(h Hash) ([]byte, error) {
	r, err := p.now()
	if err != nil {
		return nil, err
	}
	var hash []byte
	call := r.Go("Server.Derive", h, &hash, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		err = call.Error
	case <-time.After(p.longest):
		err = fmt.Errorf("no answer for %v", p.longest)
	}
	if err != nil {
		p.forget(r)
		return nil, fmt.Errorf("hashing a password in another process: %w", err)
	}
	return hash, nil
}

// now returns the process that runs, or starts one.
func (p *Client) now() (*running, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("the process that hashes passwords was told to end")
	}
	if p.running != nil {
		return p.running, nil
	}
	r, err := start(p.command())
	if err != nil {
		return nil, fmt.Errorf("starting the process that hashes passwords: %w", err)
	}
	p.running = r
	return r, nil
}

// forget ends a process that has failed, unless another has taken its place.
func (p *Client) forget(r *running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == r {
		p.running = nil
		r.end()
	}
}

// Close ends the process and waits for that.
func (p *Client) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.running != nil {
		p.running.end()
		p.running = nil
	}
}

func start(cmd *exec.Cmd) (*running, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startNicely(cmd); err != nil {
		return nil, err
	}
	return &running{rpc.NewClient(pipes{out, in, in}), cmd}, nil
}

// startNicely starts a process that gives way to all others: it has the priority of the thread that starts it, and that
// thread, which cannot have its own back, ends with the goroutine.
func startNicely(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		giveWay()
		started <- cmd.Start()
	}()
	return <-started
}

// end kills: what the process does is of no more use, and it has nothing to put in order.
func (r *running) end() {
	_ = r.Close()            // it may have been closed by its end
	_ = r.cmd.Process.Kill() // the same
	_ = r.cmd.Wait()         // it was killed
}

// pipes is standard input and output as one connection.
type pipes struct {
	io.Reader
	io.Writer
	io.Closer
}

// Server is what the process does; its methods are called by net/rpc.
type Server struct{}

// Derive hashes.
func (Server) Derive(h Hash, hash *[]byte) error {
	*hash = password.Argon2id(h.Password, h.Salt, h.Cost)
	return nil
}

// Input is standard input for Serve. It is opened anew, because a read of os.Stdin is a call that blocks, and keeps one
// of Go's processors from hashes for milliseconds: with two of them, a quarter less was hashed.
func Input() *os.File {
	if in, err := os.Open("/dev/stdin"); err == nil {
		return in
	}
	return os.Stdin
}

// Serve hashes what is asked for on in until its end, and answers on out.
func Serve(in io.Reader, out io.WriteCloser) error {
	server := rpc.NewServer()
	if err := server.Register(Server{}); err != nil {
		return err
	}
	server.ServeConn(pipes{in, out, out})
	return nil
}

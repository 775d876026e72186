package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// workload is what is sent to one server: the bytes of requests, in turn, and the prefix that each response must have.
type workload struct {
	address  string
	requests [][]byte
	prefix   []byte
	before   []byte // nil: nothing; what is sent before each comparison, when requests ask for a recent proof
}

// client is one keep-alive connection. Of a response it parses only what it needs to find the next one: a load
// generator that does more takes processor time from the server that it measures.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
}

func dial(address string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}, nil
}

var (
	success       = []byte("HTTP/1.1 200 ")
	contentLength = []byte("Content-Length: ")
)

// responseError is a whole response that is not the expected one: the next request can be sent.
type responseError string

func (e responseError) Error() string { return string(e) }

func isResponse(err error) bool {
	_, ok := errors.AsType[responseError](err)
	return ok
}

// do sends a request and returns the body of the response, which is valid until the next call.
func (c *client) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	status := ""
	if !bytes.HasPrefix(line, success) {
		status = string(bytes.TrimSpace(line))
	}
	length := -1
	for len(bytes.TrimSpace(line)) > 0 {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return nil, err
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	c.body = c.body[:0]
	if length < 0 {
		err = c.readChunks()
	} else {
		err = c.read(length)
	}
	if err != nil {
		return nil, err
	}
	if status != "" {
		return nil, responseError(fmt.Sprintf("%s: %s", status, c.body))
	}
	return c.body, nil
}

// read adds so many bytes to the body.
func (c *client) read(length int) error {
	if length < 0 || length > 1<<20 {
		return fmt.Errorf("a response of %d bytes", length)
	}
	before := len(c.body)
	c.body = slices.Grow(c.body, length)[:before+length]
	_, err := io.ReadFull(c.reader, c.body[before:])
	return err
}

// readChunks reads a body whose length was not known at its beginning (RFC 9112, section 7.1).
func (c *client) readChunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		length, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return fmt.Errorf("the response has neither a Content-Length nor chunks: %w", err)
		}
		if err := c.read(int(length)); err != nil {
			return err
		}
		if _, err := c.reader.Discard(len("\r\n")); err != nil || length == 0 {
			return err
		}
	}
}

// ask is do with a look at how the answer prefix.
func (c *client) ask(w workload, turn int) error {
	body, err := c.do(w.requests[turn%len(w.requests)])
	if err == nil && !bytes.HasPrefix(body, w.prefix) {
		err = responseError(fmt.Sprintf("the response is %.200s, and should begin with %s", body, w.prefix))
	}
	return err
}

// maxPutOffs is how often a request is repeated that a busy server puts off.
const maxPutOffs = 20

// askUntilServed is ask, again when the server hashes for too many and says so: after as long as it tells.
func (c *client) askUntilServed(ctx context.Context, w workload, turn int) error {
	for n := 0; ; n++ {
		err := c.ask(w, turn)
		if err == nil || n == maxPutOffs {
			return err
		}
		wait := c.putOff()
		if wait == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// putOff is how long the newest response asks to wait; 0 when it is another one than RATE_LIMITED.
func (c *client) putOff() time.Duration {
	var response struct {
		Errors []struct {
			Extensions struct {
				Code       string
				RetryAfter int
			}
		}
	}
	if json.Unmarshal(c.body, &response) != nil || len(response.Errors) == 0 {
		return 0
	}
	if e := response.Errors[0].Extensions; e.Code == "RATE_LIMITED" {
		return time.Duration(e.RetryAfter) * time.Second
	}
	return 0
}

// onEach runs a function on so many connections simultaneously, and returns the first error.
func (w workload) onEach(ctx context.Context, connections int, f func(i int, c *client) error) error {
	clients := make([]*client, connections)
	for i := range clients {
		var err error
		if clients[i], err = dial(w.address); err != nil {
			return err
		}
		defer clients[i].conn.Close()
	}
	defer context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.conn.Close()
		}
	})()
	failed := make(chan error, connections)
	var running sync.WaitGroup
	for i, c := range clients {
		running.Go(func() {
			if err := f(i, c); err != nil {
				failed <- err
			}
		})
	}
	running.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("load on %s: %w", w.address, err)
	default:
		return ctx.Err()
	}
}

// closedLoop sends the next request of a connection when the last one was answered, and returns the requests a second.
func (w workload) closedLoop(ctx context.Context, connections int, d time.Duration) (float64, error) {
	counts := make([]int, connections)
	took := make([]time.Duration, connections)
	err := w.onEach(ctx, connections, func(i int, c *client) error {
		began := time.Now()
		for took[i] < d {
			if err := c.askUntilServed(ctx, w, i+counts[i]*connections); err != nil {
				return err
			}
			counts[i]++
			took[i] = time.Since(began)
		}
		return nil
	})
	rate := 0.0
	for i, n := range counts {
		rate += float64(n) / took[i].Seconds()
	}
	return rate, err
}

// send is closedLoop for a number of requests.
func (w workload) send(ctx context.Context, connections, requests int) error {
	return w.onEach(ctx, connections, func(i int, c *client) error {
		for turn := i; turn < requests; turn += connections {
			if err := c.askUntilServed(ctx, w, turn); err != nil {
				return err
			}
		}
		return nil
	})
}

// openLoop sends so many requests a second, each at its time, and returns how long after that time its answer came, in
// milliseconds. A request that has to wait for the one before it waits in that figure too.
func (w workload) openLoop(ctx context.Context, connections, rate int, d time.Duration) ([]float64, error) {
	var mu sync.Mutex
	var all []float64
	began := time.Now()
	err := w.onEach(ctx, connections, func(i int, c *client) error {
		var times []float64
		for turn := i; ; turn += connections {
			after := time.Duration(turn) * time.Second / time.Duration(rate)
			if after > d {
				break
			}
			due := began.Add(after)
			time.Sleep(time.Until(due))
			if err := c.askUntilServed(ctx, w, turn); err != nil {
				return err
			}
			times = append(times, milliseconds(time.Since(due)))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, times...)
		return nil
	})
	return all, err
}

// serial sends so many requests one after the other, and returns the time of each in milliseconds.
func (c *client) serial(w workload, from, requests int) ([]float64, error) {
	var all []float64
	for turn := range requests {
		began := time.Now()
		if err := c.ask(w, from+turn); err != nil {
			return nil, err
		}
		all = append(all, milliseconds(time.Since(began)))
	}
	return all, nil
}

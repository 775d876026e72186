package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// traffic is what is sent to one server: the bytes of requests, in turn, and how each answer must begin.
type traffic struct {
	address  string
	requests [][]byte
	begins   []byte
}

// client is one keep-alive connection. It reads of an answer what it needs to find the next: a load generator that
// does more takes the processors that it measures.
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

// do sends a request and returns the body of the answer, which is good until the next.
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
		if value, is := bytes.CutPrefix(line, contentLength); is {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return nil, fmt.Errorf("the answer has no usable Content-Length: %s", status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return nil, err
	}
	if status != "" {
		return nil, fmt.Errorf("%s: %s", status, c.body)
	}
	return c.body, nil
}

// ask is do with a look at how the answer begins.
func (c *client) ask(t traffic, turn int) error {
	body, err := c.do(t.requests[turn%len(t.requests)])
	if err == nil && !bytes.HasPrefix(body, t.begins) {
		err = fmt.Errorf("the answer is %.200s, and should begin with %s", body, t.begins)
	}
	return err
}

// each runs a function on so many connections at once, and returns the first error.
func (t traffic) each(ctx context.Context, connections int, f func(i int, c *client) error) error {
	clients := make([]*client, connections)
	for i := range clients {
		var err error
		if clients[i], err = dial(t.address); err != nil {
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
		return fmt.Errorf("load on %s: %w", t.address, err)
	default:
		return ctx.Err()
	}
}

// flood sends as fast as answers come, and returns how many came a second.
func (t traffic) flood(ctx context.Context, connections int, d time.Duration) (float64, error) {
	counts := make([]int, connections)
	took := make([]time.Duration, connections)
	err := t.each(ctx, connections, func(i int, c *client) error {
		began := time.Now()
		for took[i] < d {
			if err := c.ask(t, i+counts[i]*connections); err != nil {
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

// send sends so many requests as fast as answers come.
func (t traffic) send(ctx context.Context, connections, requests int) error {
	return t.each(ctx, connections, func(i int, c *client) error {
		for turn := i; turn < requests; turn += connections {
			if err := c.ask(t, turn); err != nil {
				return err
			}
		}
		return nil
	})
}

// pace sends so many requests a second, each at its time, and returns how long after that time its answer came, in
// milliseconds. A request that has to wait for the one before it waits in that figure too.
func (t traffic) pace(ctx context.Context, connections, rate int, d time.Duration) ([]float64, error) {
	var mu sync.Mutex
	var all []float64
	began := time.Now()
	err := t.each(ctx, connections, func(i int, c *client) error {
		var mine []float64
		for turn := i; ; turn += connections {
			after := time.Duration(turn) * time.Second / time.Duration(rate)
			if after > d {
				break
			}
			due := began.Add(after)
			time.Sleep(time.Until(due))
			if err := c.ask(t, turn); err != nil {
				return err
			}
			mine = append(mine, milliseconds(time.Since(due)))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, mine...)
		return nil
	})
	return all, err
}

// once sends so many requests one after the other and returns the time of each, in milliseconds.
func (c *client) once(t traffic, from, requests int) ([]float64, error) {
	var all []float64
	for turn := range requests {
		began := time.Now()
		if err := c.ask(t, from+turn); err != nil {
			return nil, err
		}
		all = append(all, milliseconds(time.Since(began)))
	}
	return all, nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is one process of ours, on a port of its own.
type child struct {
	address string
	log     string // path of what it wrote
	cmd     *exec.Cmd
	ended   chan struct{}
}

// spawn starts a program that will listen on address; it does not wait until it does. The child ends with the context
// at the latest.
func spawn(ctx context.Context, folder, address, program string, environment []string, args ...string) (*child, error) {
	log, err := os.CreateTemp(folder, filepath.Base(program)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environment, folder, log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{address: address, log: log.Name(), cmd: cmd, ended: make(chan struct{})}
	go func() { cmd.Wait(); close(c.ended) }()
	return c, nil
}

// answer waits until a request is answered as it should be.
func (c *child) answer(ctx context.Context, t traffic) error {
	for {
		if client, err := dial(c.address); err == nil {
			defer client.conn.Close()
			return client.ask(t, 0)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ended:
			said, _ := os.ReadFile(c.log)
			return fmt.Errorf("%s ended: %s", c.cmd.Path, said)
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the process and waits for it.
func (c *child) stop() {
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// resident is how much memory the process and those that it has started hold, in MiB. What they share, the program
// itself, counts once.
func (c *child) resident() (float64, error) {
	pid := c.cmd.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, pid := range append(strings.Fields(string(children)), strconv.Itoa(pid)) {
		held, err := proportional(pid)
		if err != nil {
			return 0, err
		}
		sum += held
	}
	return sum, nil
}

// proportional is a process's resident memory in MiB, with its part of what others use too.
func proportional(pid string) (float64, error) {
	rollup, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(rollup)) {
		if value, is := strings.CutPrefix(line, "Pss:"); is {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kilobytes) / 1024, err
		}
	}
	return 0, errors.New("the kernel does not say how much memory a process holds")
}

// cpu is the processor time that the process has used.
func (c *child) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ is 100 on every Linux that Go runs on
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

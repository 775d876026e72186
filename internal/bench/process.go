package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one process of ours, on a port of its own.
type process struct {
	program     string
	args        []string
	environment []string
	address     string // that it will listen on
	operations  string // address of GET /metrics

	log   string // path of its output
	cmd   *exec.Cmd
	ended chan struct{}
}

// spawn starts a process and waits until it answers a first request. It ends with the context at the latest.
func (b *bench) spawn(ctx context.Context, p process, first workload) (*process, error) {
	log, err := os.CreateTemp(b.folder, filepath.Base(p.program)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.log, p.ended = log.Name(), make(chan struct{})
	p.cmd = exec.CommandContext(ctx, p.program, p.args...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.environment, b.folder, log, log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	b.started = append(b.started, &p)
	return &p, p.waitReady(ctx, first)
}

// stopAll ends all processes that were started.
func (b *bench) stopAll() {
	for _, p := range b.started {
		p.stop()
	}
	b.started = nil
}

// waitReady waits until a request is answered as it should be.
func (p *process) waitReady(ctx context.Context, w workload) error {
	for {
		if client, err := dial(p.address); err == nil {
			defer client.conn.Close()
			return client.ask(w, 0)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			output, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended: %s", p.cmd.Path, output)
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the process and waits for it.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// resident is the memory of the process and of those that it has started, in MiB. Shared memory, such as the program
// itself, counts once.
func (p *process) resident() (float64, error) {
	pids := []string{strconv.Itoa(p.cmd.Process.Pid)}
	threads, err := filepath.Glob("/proc/" + pids[0] + "/task/*/children") // each thread lists what it has started
	for _, path := range threads {
		children, _ := os.ReadFile(path) // the thread may have ended
		pids = append(pids, strings.Fields(string(children))...)
	}
	sum := 0.0
	for _, pid := range pids {
		share, err := proportional(pid)
		if err != nil {
			return 0, err
		}
		sum += share
	}
	return sum, err
}

// proportional is the proportional set size of a process in MiB: its memory, with its share of shared pages.
func proportional(pid string) (float64, error) {
	rollup, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(rollup)) {
		if value, ok := strings.CutPrefix(line, "Pss:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kilobytes) / 1024, err
		}
	}
	return 0, errors.New("the kernel does not report the memory of a process (no Pss in smaps_rollup)")
}

// collections is how many garbage collections the process and those that it has started have logged (gctrace=1).
func (p *process) collections() int {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return 0
	}
	return bytes.Count(log, []byte("\ngc ")) // Go's line follows one of ours
}

// allocatedBytes is the metric that says how much memory a process has allocated since its start.
const allocatedBytes = "go_memstats_alloc_bytes_total"

// allocated is the value of that metric.
func (p *process) allocated() (float64, error) {
	response, err := http.Get("http://" + p.operations + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, allocatedBytes+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, errors.Join(err, fmt.Errorf("%s/metrics has no %s", p.operations, allocatedBytes))
}

// cpu is the processor time that the process has used.
func (p *process) cpu() time.Duration { return processorTime(p.cmd.Process.Pid) }

func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
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

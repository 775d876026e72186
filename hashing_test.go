package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const dearHashing = "GATEHOUSE_ARGON2=m=65536,t=8,p=1" // most of a second

// hasher is the process that hashes for a server.
func (p *process) hasher() int {
	p.t.Helper()
	pid := p.command.Process.Pid
	path := fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)
	if _, err := os.Stat(path); err != nil {
		testenv.Missing(p.t, path, "Linux tells there what a process has started")
	}
	children := strings.Fields(read(p.t, path))
	if len(children) != 1 {
		p.t.Fatalf("the server has started %q, and should have started one process", children)
	}
	hasher, err := strconv.Atoi(children[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return hasher
}

// startRegistering sends a registration, whose hash has begun when this returns.
func startRegistering(p *process) <-chan outcome {
	answer := make(chan outcome, 1)
	go func() {
		answer <- askAt(&http.Client{Timeout: 20 * time.Second}, p.url, "", (&patient{}).registration())
	}()
	time.Sleep(200 * time.Millisecond)
	return answer
}

// A terminal and systemd signal every process of a service. The one that hashes ends last all the same.
func TestASignalToAllProcessesCutsNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes for a second")
	}
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := newProcess(t, binary, dbtest.SQLite(t), dearHashing)
		hasher := p.hasher()
		answer := startRegistering(p)
		for _, pid := range []int{hasher, hasher, p.command.Process.Pid} {
			if err := syscall.Kill(pid, signal); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond) // two signals at once are one
		}
		if a := <-answer; !a.fine() {
			t.Errorf("%v: the registration that was running: %+v\n%s", signal, a, p.log)
		}
		if err := p.command.Wait(); err != nil {
			t.Errorf("%v: the server ended with %v\n%s", signal, err, p.log)
		}
		if err := syscall.Kill(hasher, 0); err != syscall.ESRCH {
			t.Errorf("%v: the process that hashes is still there: %v", signal, err)
		}
	}
}

func TestTheProcessThatHashesKnowsNoSecretAndEndsWithItsServer(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	p := newProcess(t, binary, dbtest.SQLite(t), sameSecret)
	hasher := p.hasher()
	for _, variable := range bytes.Split([]byte(read(t, fmt.Sprintf("/proc/%d/environ", hasher))), []byte{0}) {
		if len(variable) > 0 && !bytes.HasPrefix(variable, []byte("GOMAXPROCS=")) {
			t.Errorf("it is told %q", variable)
		}
	}
	if a := <-startRegistering(p); !a.fine() {
		t.Errorf("registering: %+v", a)
	}
	p.kill()
	soon(t, "it ends", 5*time.Second, func() bool { return gone(hasher) })
}

// TestALostHashingProcessIsNotNoticed kills what hashes, as a system short of memory would, while somebody registers.
func TestALostHashingProcessIsNotNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes for two seconds")
	}
	binary := filepath.Join(t.TempDir(), "gatehouse")
	execute(t, ".", "go", "build", "-o", binary, ".")
	p := newProcess(t, binary, dbtest.SQLite(t), dearHashing)
	first := p.hasher()
	answer := startRegistering(p)
	syscall.Kill(first, syscall.SIGKILL)
	if a := <-answer; !a.fine() {
		t.Errorf("the registration that was running: %+v\n%s", a, p.log)
	}
	if p.hasher() == first {
		t.Error("the process was not killed")
	}
}

// gone reports whether a process has ended. Where no init waits for it, its entry stays.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

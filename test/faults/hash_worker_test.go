package faults

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const expensiveHashing = "GATEHOUSE_ARGON2=m=65536,t=8,p=1" // most of a second

// startRegistering sends a registration, whose hash has begun when this returns.
func startRegistering(p *servertest.Process) <-chan servertest.Answer {
	answer := make(chan servertest.Answer, 1)
	go func() {
		answer <- p.Do(servertest.Request{Query: servertest.Registration(servertest.NewAddress())})
	}()
	time.Sleep(200 * time.Millisecond)
	return answer
}

// TestHashWorker_CutsNoAnswerWhenAllProcessesAreSignalled: a terminal and systemd signal every process of a service.
// The one that hashes ends last all the same.
func TestHashWorker_CutsNoAnswerWhenAllProcessesAreSignalled(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes for a second")
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := servertest.StartChild(t, expensiveHashing)
		worker := p.HashWorker()
		answer := startRegistering(p)
		for _, pid := range []int{worker, worker, p.PID} {
			servertest.Check(t, syscall.Kill(pid, signal))
			time.Sleep(20 * time.Millisecond) // two simultaneous signals are one
		}
		if a := <-answer; !a.OK() {
			t.Errorf("%v: the registration that was running: %v\n%s", signal, a, p.Log)
		}
		testenv.Equal(t, 0, p.Wait(), "%v: exit code\n%s", signal, p.Log)
		if err := syscall.Kill(worker, 0); err != syscall.ESRCH {
			t.Errorf("%v: the process that hashes is still there: %v", signal, err)
		}
	}
}

func TestHashWorker_KnowsNoSecretAndEndsWithItsServer(t *testing.T) {
	p := servertest.StartChild(t, servertest.Secret)
	worker := p.HashWorker()
	for _, variable := range bytes.Split([]byte(servertest.ReadFile(t, fmt.Sprintf("/proc/%d/environ", worker))),
		[]byte{0}) {
		if len(variable) > 0 && !bytes.HasPrefix(variable, []byte("GOMAXPROCS=")) {
			t.Errorf("it is told %q", variable)
		}
	}
	if a := <-startRegistering(p); !a.OK() {
		t.Errorf("registering: %v", a)
	}
	p.Kill()
	servertest.Eventually(t, "it ends", 5*time.Second, func() bool { return hasEnded(worker) })
}

// TestHashWorker_IsReplacedUnnoticed kills what hashes, as a system short of memory would, during a registration.
func TestHashWorker_IsReplacedUnnoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes for two seconds")
	}
	p := servertest.StartChild(t, expensiveHashing)
	first := p.HashWorker()
	answer := startRegistering(p)
	syscall.Kill(first, syscall.SIGKILL)
	if a := <-answer; !a.OK() {
		t.Errorf("the registration that was running: %v\n%s", a, p.Log)
	}
	if p.HashWorker() == first {
		t.Error("the process was not killed")
	}
}

// hasEnded reports whether a process has ended. Where no init waits for it, its entry stays.
func hasEnded(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

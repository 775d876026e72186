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

// TestHashWorker_CutsNoAnswerWhenAllProcessesAreSignalled: a terminal and systemd signal every process of a service.
// The one that hashes ends last all the same.
func TestHashWorker_CutsNoAnswerWhenAllProcessesAreSignalled(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes for a second")
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := servertest.StartChild(t, servertest.Hashing...)
		worker := p.HashWorker()
		p.Register() // by which it has started, and heeds no signal
		answer := p.BeginHashing()
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
	p.Register()
	p.Kill()
	servertest.Eventually(t, "it ends", servertest.HangGuard, func() bool { return hasEnded(worker) })
}

// TestHashWorker_IsReplacedUnnoticed kills what hashes, as a system short of memory would, during a registration.
func TestHashWorker_IsReplacedUnnoticed(t *testing.T) {
	p := servertest.StartChild(t, servertest.CheapHashing, "GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	first := p.HashWorker()
	testenv.Stop(t, first) // so that its hash does not end before it does
	answer := p.BeginHashing()
	servertest.Check(t, syscall.Kill(first, syscall.SIGKILL))
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

package servertest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// ResidentKiB returns the memory that a child has.
func (p *Process) ResidentKiB() int { return p.status("VmRSS:") }

// MaxResidentKiB returns the most memory that a child has had.
func (p *Process) MaxResidentKiB() int { return p.status("VmHWM:") }

// status returns a number of what Linux says of a process.
func (p *Process) status(name string) (number int) {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		p.t.Skip("there is no /proc here to read memory from")
	}
	_, rest, _ := bytes.Cut(status, []byte(name))
	if _, err := fmt.Sscan(string(rest), &number); err != nil {
		p.t.Fatal(err)
	}
	return number
}

// HashWorker returns the process that a child has started, which hashes. There are more after simultaneous hashes.
func (p *Process) HashWorker() (pid int) {
	p.t.Helper()
	path := fmt.Sprintf("/proc/%d/task/%d/children", p.PID, p.PID)
	if _, err := os.Stat(path); err != nil {
		testenv.Missing(p.t, path, "Linux tells there what a process has started")
	}
	children := strings.Fields(ReadFile(p.t, path))
	if len(children) != 1 {
		p.t.Fatalf("the server has started %q, and should have started one process", children)
	}
	pid, err := strconv.Atoi(children[0])
	Check(p.t, err)
	return pid
}

// Hashing is the environment of a server whose hashes take most of a second, so that something can happen meanwhile, and
// that says whether one is made.
var Hashing = []string{"GATEHOUSE_ARGON2=m=65536,t=8,p=1", "GATEHOUSE_OPS_ADDR=127.0.0.1:0"}

// BeginHashing sends a registration, whose hash is being made when this returns. One whose answer is there by then, on a
// machine that stood still, is followed by another.
func (p *Process) BeginHashing() (answer chan Answer) {
	p.t.Helper()
	for range 5 {
		answer = make(chan Answer, 1)
		go func() { answer <- p.Do(Request{Query: Registration(NewAddress())}) }()
		Eventually(p.t, "a password is hashed", HangGuard, func() bool {
			return len(answer) > 0 || p.Metric("gatehouse_hashing_running") > 0
		})
		if len(answer) == 0 {
			return answer
		}
		if a := <-answer; !a.OK() {
			p.t.Fatalf("a registration that should hash: %v", a)
		}
	}
	p.t.Fatal("no hash is seen before its answer: the servers of Hashing should take longer for one")
	return nil
}

// Usage is what a child holds.
type Usage struct{ Goroutines, Files int }

// Usage asks the operators' listener, which must serve profiles, on one connection all the time.
func (p *Process) Usage() (u Usage) {
	p.t.Helper()
	if _, err := fmt.Sscanf(p.Get(p.Ops+"/debug/pprof/goroutine?debug=1").Body, "goroutine profile: total %d",
		&u.Goroutines); err != nil {
		p.t.Fatal(err)
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID))
	if err != nil {
		p.t.Skip("there is no /proc here to count files in")
	}
	u.Files = len(files)
	return u
}

// WaitForUsage waits until a child holds what it held before; the pool of SQLite may have grown to four connections
// meanwhile, of four files and one goroutine each.
func (p *Process) WaitForUsage(before Usage) {
	p.t.Helper()
	var after Usage
	defer func() { p.t.Logf("before %+v, after %+v", before, after) }()
	Eventually(p.t, "nothing is left", HangGuard, func() bool {
		time.Sleep(10 * time.Millisecond)
		after = p.Usage()
		return after.Goroutines <= before.Goroutines+4 && after.Files <= before.Files+12
	})
}

// Metrics returns what /metrics says.
func (p *Process) Metrics() string {
	p.t.Helper()
	return p.Get(p.Ops + "/metrics").Body
}

// Metric returns one number of it.
func (p *Process) Metric(name string) float64 {
	p.t.Helper()
	return metric(p.t, p.Metrics(), name)
}

func metric(t testing.TB, metrics, name string) (value float64) {
	t.Helper()
	if _, err := fmt.Sscan(Between(t, metrics, "\n"+name+" ", "\n"), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

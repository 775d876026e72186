package hashworker

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// TestMain is the process that hashes, where a test has started it as that.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "hash" {
		if Serve(Input(), os.Stdout) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func started(t *testing.T) *Client {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(func() *exec.Cmd {
		cmd := exec.Command(program, "hash")
		cmd.Stderr = os.Stderr
		return cmd
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

var (
	cheap = password.Cost{Memory: 64, Time: 1, Lanes: 1}
	dear  = password.Cost{Memory: 64 << 10, Time: 8, Lanes: 1} // most of a second: long enough to be interrupted
	salt  = []byte("0123456789abcdef")
)

func derives(t *testing.T, p *Client, c password.Cost) {
	t.Helper()
	hash, err := p.Derive([]byte("kxq4vz!t"), salt, c)
	if err != nil || !bytes.Equal(hash, password.Argon2id([]byte("kxq4vz!t"), salt, c)) {
		t.Errorf("Derive = %x, %v", hash, err)
	}
}

func (p *Client) pid(t *testing.T) int {
	t.Helper()
	r, err := p.now()
	if err != nil {
		t.Fatal(err)
	}
	return r.cmd.Process.Pid
}

func TestHashesOfTheOtherProcessAreTheSame(t *testing.T) {
	p := started(t)
	for _, c := range []password.Cost{cheap, {Memory: 64, Time: 3, Lanes: 4}, password.DefaultCost} {
		derives(t, p, c)
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { derives(t, p, cheap) })
	}
	all.Wait()
}

func TestAProcessThatEndsIsStartedAgain(t *testing.T) {
	p := started(t)
	first := p.pid(t)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	derives(t, p, cheap)
	if p.pid(t) == first {
		t.Error("the process that was killed is asked")
	}
}

func TestAHashWhoseProcessEndsIsMadeByTheNext(t *testing.T) {
	p := started(t)
	time.AfterFunc(100*time.Millisecond, func() { syscall.Kill(p.pid(t), syscall.SIGKILL) })
	derives(t, p, dear)
}

func TestAProcessThatHangsIsEndedAndTheHashMadeByTheNext(t *testing.T) {
	p := started(t)
	p.longest = 200 * time.Millisecond
	first := p.pid(t)
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	derives(t, p, cheap)
	if err := syscall.Kill(first, 0); err != syscall.ESRCH {
		t.Errorf("the process that hung is still there: %v", err)
	}
}

func TestAProcessThatCannotStartFailsTheStart(t *testing.T) {
	if _, err := Start(func() *exec.Cmd { return exec.Command(t.TempDir() + "/absent") }); err == nil {
		t.Error("no error")
	}
}

// A command that ends at once is tried twice, and not for ever.
func TestAProcessThatAlwaysEndsIsAnError(t *testing.T) {
	tries := 0
	p, err := Start(func() *exec.Cmd { tries++; return exec.Command("true") })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if hash, err := p.Derive([]byte("kxq4vz!t"), salt, cheap); err == nil || tries > 3 {
		t.Errorf("Derive = %x, %v, after %d tries", hash, err, tries)
	}
}

func TestCloseEndsTheProcess(t *testing.T) {
	p := started(t)
	derives(t, p, cheap)
	pid := p.pid(t)
	p.Close()
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the process is still there: %v", err)
	}
	if hash, err := p.Derive([]byte("kxq4vz!t"), salt, cheap); err == nil {
		t.Errorf("Derive after Close = %x", hash)
	}
}

// What a server that is killed leaves behind is a standard input that has ended.
func TestTheProcessEndsWithWhoeverStartedIt(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := start(exec.Command(program, "hash"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("it ended by itself: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	r.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

func TestTheProcessGivesWay(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("priorities are set on Linux only")
	}
	p := started(t)
	derives(t, p, password.DefaultCost)
	threads := "/proc/" + strconv.Itoa(p.pid(t)) + "/task/"
	entries, err := os.ReadDir(threads)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if nice := niceOf(t, threads+e.Name()+"/stat"); nice != "10" {
			t.Errorf("a thread of the process has niceness %s", nice)
		}
	}
	if nice := niceOf(t, "/proc/thread-self/stat"); nice != "0" {
		t.Errorf("a thread of its starter has niceness %s", nice)
	}
}

func niceOf(t *testing.T, path string) string {
	t.Helper()
	stat, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[16] // proc(5): field 19
}

// memoryOf is what the kernel says of a process's memory, in KiB (proc_pid_status(5)).
func memoryOf(t *testing.T, p *Client, field string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid(t)) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), field+":")
	held, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestTheProcessHoldsTheMemoryOfTheHashesThatRun(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the kernel tells it on Linux only, and the race detector takes memory itself")
	}
	p := started(t)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range 8 {
				derives(t, p, password.DefaultCost)
			}
		})
	}
	all.Wait()
	const besides = 16 << 10
	if most, bound := memoryOf(t, p, "VmHWM"), 2*int(password.DefaultCost.Memory); most > bound+besides {
		t.Errorf("the process held up to %d KiB, and two hashes take %d", most, bound)
	}
}

func TestTheProcessGivesMemoryBackWhenNothingIsHashed(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the kernel tells it on Linux only, and it takes some seconds")
	}
	t.Parallel()
	p := started(t)
	derives(t, p, password.DefaultCost)
	before := memoryOf(t, p, "VmRSS")
	time.Sleep(11 * time.Second) // it keeps it for ten
	if given := before - memoryOf(t, p, "VmRSS"); given < int(password.DefaultCost.Memory)*9/10 {
		t.Errorf("the process held %d KiB after a hash, and gave back %d", before, given)
	}
}

package hashworker

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMain is the worker when a test has started it as one. It is told how long it keeps its memory.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "hash" {
		if serve(os.Stdin, os.Stdout, must(time.ParseDuration(os.Args[2]))) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// startWorker starts one that keeps its memory, however long the machine stands still between a hash and a look at it, and
// that may hash for as long: it gives way to whatever else the machine does.
func startWorker(t testing.TB) *Client {
	t.Helper()
	return startWorkerThat(t, time.Hour)
}

func startWorkerThat(t testing.TB, releasesAfter time.Duration) *Client {
	t.Helper()
	p := must(Start(func() *exec.Cmd { return workerCommand(releasesAfter) }))
	p.timeout = testenv.HangGuard
	t.Cleanup(p.Close)
	return p
}

func workerCommand(releaseAfter time.Duration) *exec.Cmd {
	cmd := exec.Command(must(os.Executable()), "hash", releaseAfter.String())
	cmd.Stderr = os.Stderr
	return cmd
}

var (
	cheap = password.Cost{Memory: 64, Time: 1, Lanes: 1}
	salt  = []byte("0123456789abcdef")
)

func checkHash(t *testing.T, p *Client, c password.Cost) {
	t.Helper()
	hash, err := p.Derive([]byte("kxq4vz!t"), salt, c)
	if err != nil || !bytes.Equal(hash, password.Argon2id([]byte("kxq4vz!t"), salt, c)) {
		t.Errorf("Derive = %x, %v", hash, err)
	}
}

// pid is the worker that makes the next hash.
func (p *Client) pid(t *testing.T) int {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		t.Fatal("no worker is idle")
	}
	return p.idle[len(p.idle)-1].cmd.Process.Pid
}

func TestDerive_EqualsArgon2id(t *testing.T) {
	p := startWorker(t)
	for _, c := range []password.Cost{cheap, {Memory: 64, Time: 3, Lanes: 4}, password.DefaultCost} {
		checkHash(t, p, c)
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { checkHash(t, p, cheap) })
	}
	all.Wait()
}

// Hashes one after the other need one worker, and simultaneous ones need one each.
func TestDerive_AsManyWorkersAsSimultaneousHashes(t *testing.T) {
	p := startWorker(t)
	for range 3 {
		checkHash(t, p, cheap)
	}
	testenv.Equal(t, 1, p.idleWorkers(), "workers after hashes one after the other")
	testenv.Stop(t, p.pid(t))
	first := p.pid(t)
	blocked := make(chan struct{})
	go func() { checkHash(t, p, cheap); close(blocked) }()
	for p.idleWorkers() > 0 {
		runtime.Gosched()
	}
	checkHash(t, p, cheap)
	if p.pid(t) == first {
		t.Error("the hash was made by a worker that is stopped")
	}
	check(t, syscall.Kill(first, syscall.SIGCONT))
	<-blocked
	testenv.Equal(t, 2, p.idleWorkers(), "workers after two simultaneous hashes")
}

func (p *Client) idleWorkers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

func TestDerive_KilledWorkerIsReplaced(t *testing.T) {
	p := startWorker(t)
	first := p.pid(t)
	check(t, syscall.Kill(first, syscall.SIGKILL))
	checkHash(t, p, cheap)
	if p.pid(t) == first {
		t.Error("the worker that was killed is asked")
	}
}

func TestDerive_HashOfAKilledWorkerIsMadeByTheNext(t *testing.T) {
	p := startWorker(t)
	pid := p.pid(t)
	testenv.Stop(t, pid)
	made := make(chan struct{})
	go func() { checkHash(t, p, cheap); close(made) }()
	for p.idleWorkers() > 0 {
		runtime.Gosched()
	}
	check(t, syscall.Kill(pid, syscall.SIGKILL))
	<-made
}

func TestDerive_HangingWorkerIsKilledAndReplaced(t *testing.T) {
	p := startWorker(t)
	p.timeout = 200 * time.Millisecond
	command := p.command
	p.command = func() *exec.Cmd { // what takes its place has the time to start on a busy machine
		p.timeout = testenv.HangGuard
		return command()
	}
	first := p.pid(t)
	testenv.Stop(t, first)
	checkHash(t, p, cheap)
	if err := syscall.Kill(first, 0); err != syscall.ESRCH {
		t.Errorf("the worker that hung is still there: %v", err)
	}
}

func TestDerive_TimeoutIsNamed(t *testing.T) {
	p := must(Start(func() *exec.Cmd { return exec.Command("sleep", "120") }))
	t.Cleanup(p.Close)
	p.timeout = 10 * time.Millisecond
	if hash, err := p.Derive([]byte("kxq4vz!t"), salt, cheap); err == nil || !strings.Contains(err.Error(), "within 10ms") {
		t.Errorf("Derive = %x, %v", hash, err)
	}
}

func TestStart_FailsWithoutAProgram(t *testing.T) {
	if _, err := Start(func() *exec.Cmd { return exec.Command(t.TempDir() + "/absent") }); err == nil {
		t.Error("no error")
	}
}

// A command that ends immediately is tried twice.
func TestDerive_WorkerThatAlwaysEndsIsAnErrorAfterTwoTries(t *testing.T) {
	tries := 0
	p := must(Start(func() *exec.Cmd { tries++; return exec.Command("true") }))
	defer p.Close()
	if hash, err := p.Derive([]byte("kxq4vz!t"), salt, cheap); err == nil || tries > 3 {
		t.Errorf("Derive = %x, %v, after %d tries", hash, err, tries)
	}
}

func TestClose_EndsTheWorker(t *testing.T) {
	p := startWorker(t)
	checkHash(t, p, cheap)
	pid := p.pid(t)
	p.Close()
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the worker is still there: %v", err)
	}
	if hash, err := p.Derive([]byte("kxq4vz!t"), salt, cheap); err == nil {
		t.Errorf("Derive after Close = %x", hash)
	}
}

// What a server that is killed leaves behind is a standard input that has ended.
func TestWorker_EndsWithItsStandardInput(t *testing.T) {
	r := must(start(workerCommand(time.Hour)))
	defer r.stop()
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("it ended by itself: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	r.input.Close()
	select {
	case <-ended:
	case <-time.After(testenv.HangGuard):
		t.Error("it goes on")
	}
}

func TestWorker_HasLowPriority(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("priorities are set on Linux only")
	}
	own := niceValue(t, "/proc/thread-self/stat")
	p := startWorker(t)
	checkHash(t, p, password.DefaultCost)
	threads := "/proc/" + strconv.Itoa(p.pid(t)) + "/task/"
	entries := must(os.ReadDir(threads))
	for _, e := range entries {
		testenv.Equal(t, "10", niceValue(t, threads+e.Name()+"/stat"), "niceness of a thread of the worker")
	}
	testenv.Equal(t, own, niceValue(t, "/proc/thread-self/stat"), "niceness of a thread of its client")
}

func niceValue(t *testing.T, path string) string {
	t.Helper()
	stat := must(os.ReadFile(path))
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[16] // proc(5): field 19
}

// memory is what the kernel says of a process's memory, in KiB (proc_pid_status(5)).
func memory(t *testing.T, p *Client, field string) int {
	t.Helper()
	status := must(os.ReadFile("/proc/" + strconv.Itoa(p.pid(t)) + "/status"))
	_, after, _ := strings.Cut(string(status), field+":")
	return must(strconv.Atoi(strings.Fields(after)[0]))
}

func TestWorker_HoldsTheMemoryOfOneHash(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the kernel tells it on Linux only, and the race detector takes memory itself")
	}
	p := startWorker(t)
	for range 8 {
		checkHash(t, p, password.DefaultCost)
	}
	const besides = 16 << 10
	if most, bound := memory(t, p, "VmHWM"), int(password.DefaultCost.Memory); most > bound+besides {
		t.Errorf("the worker held up to %d KiB, and a hash takes %d", most, bound)
	}
}

// TestWorker_HashesInHugePages where the kernel has some: in small ones a hash takes longer.
func TestWorker_HashesInHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no huge pages:", err)
	}
	p := startWorker(t)
	for range 3 {
		checkHash(t, p, password.DefaultCost)
	}
	maps := string(must(os.ReadFile("/proc/" + strconv.Itoa(p.pid(t)) + "/smaps")))
	advised := 0
	for _, m := range regexp.MustCompile(`(?s)\nRss: +(\d+) kB.*?\nVmFlags:([^\n]*)`).FindAllStringSubmatch(maps, -1) {
		if slices.Contains(strings.Fields(m[2]), "hg") { // proc_pid_smaps(5): huge pages are advised
			advised += must(strconv.Atoi(m[1]))
		}
	}
	if want := int(password.DefaultCost.Memory); advised < want*9/10 { // the kernel may be moving a page
		t.Errorf("of a worker's memory huge pages are advised for %d KiB; a hash takes %d", advised, want)
	}
}

func TestWorker_IdleGivesMemoryBack(t *testing.T) {
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("the kernel tells it on Linux only, and it takes a second")
	}
	t.Parallel()
	p := startWorkerThat(t, time.Second)
	checkHash(t, p, password.DefaultCost)
	released := func() int { return memory(t, p, "VmHWM") - memory(t, p, "VmRSS") }
	testenv.Eventually(t, "an idle worker gives its memory back", testenv.HangGuard, func() bool {
		return released() > int(password.DefaultCost.Memory)*9/10
	})
}

// BenchmarkDerive keeps as many hashes under way as there are processors.
func BenchmarkDerive(b *testing.B) {
	c := startWorker(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Derive([]byte("kxq4vz!t"), salt, password.DefaultCost); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var check = testenv.Check

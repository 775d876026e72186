package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/querylimit"
)

// What one hostile request may cost, from its headers to its answer.
const (
	dearest   = 20 * time.Millisecond // of a processor
	largest   = 2 << 20               // bytes allocated
	longest   = 4 << 10               // bytes of the answer
	mostWrong = 5                     // errors of validation in one answer
)

// TestAHostileRequestCostsLittle sends each kind of hostile request to the program's handler, with the Playground off,
// and holds answer and cost against their bounds.
func TestAHostileRequestCostsLittle(t *testing.T) {
	h := closedServer(t)
	type cost struct {
		name  string
		cpu   time.Duration
		bytes uint64
	}
	var costs []cost
	for _, kind := range hostileKinds() {
		t.Run(kind.name, func(t *testing.T) {
			c := cost{kind.name, time.Hour, 1 << 60}
			for n := range 4 { // the least of four: the collector works beside us
				w, r := httptest.NewRecorder(), kind.make(n)
				cpu, bytes := measured(func() { h.ServeHTTP(w, r) })
				c.cpu, c.bytes = min(c.cpu, cpu), min(c.bytes, bytes)
				code := between(t, w.Body.String(), `"code":"`, `"`)
				wrong := strings.Count(w.Body.String(), `"message"`)
				if code != kind.code || strings.Contains(w.Body.String(), `"data"`) || wrong > mostWrong || w.Body.Len() > longest {
					t.Fatalf("%d: %d errors, %d bytes, want %s\n%.500s", w.Code, wrong, w.Body.Len(), kind.code, w.Body)
				}
			}
			if !testing.Short() && (c.cpu > dearest || c.bytes > largest) { // short is also how the race detector runs, which costs
				t.Errorf("%v of a processor and %d KiB, at most %v and %d KiB wanted", c.cpu, c.bytes>>10, dearest, largest>>10)
			}
			costs = append(costs, c)
		})
	}
	if len(costs) > 0 {
		worst := slices.MaxFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
		t.Logf("of %d kinds the longest took %v of a processor: %s", len(costs), worst.cpu, worst.name)
		worst = slices.MaxFunc(costs, func(a, b cost) int { return int(a.bytes) - int(b.bytes) })
		t.Logf("the largest allocated %d KiB: %s", worst.bytes>>10, worst.name)
	}
}

// measured returns what a call took of the processors and what it allocated, with all that ran beside it.
func measured(call func()) (cpu time.Duration, bytes uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	call()
	cpu = cpuTime() - start
	runtime.ReadMemStats(&after)
	return cpu, after.TotalAlloc - before.TotalAlloc
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestCachesAreBoundedInBytes is G-064: it fills the cache of documents, and of the plans beside them, with the largest
// that it keeps; twenty of them tell how much as many as it keeps would be.
func TestCachesAreBoundedInBytes(t *testing.T) {
	for name, c := range map[string]struct {
		document   string
		operations int
	}{
		"fields":          {"{me{" + repeat(249, "id ") + "}}", 1},
		"values":          {`mutation{setRoles(input:{userId:"x" roles:[` + repeat(790, "USER ") + "]}){user{id}}}", 1},
		"conditions":      {"query($v:Boolean=true){me{" + repeat(100, "id@skip(if:$v)") + "}}", 1},
		"text":            {`{user(id:"` + strings.Repeat("x", 4000) + `"){id}}`, 1},
		"operations":      {repeat(8, "query Q%d{me{...F}}") + "fragment F on User{" + repeat(33, "id ") + "email name roles sessions{id ip}}", 8},
		"many operations": {repeat(60, "query Q%d{me{...F}}") + "fragment F on User{id email name roles status createdAt updatedAt emailVerified sessions{id current createdAt lastUsedAt expiresAt userAgent ip}}", 60},
	} {
		t.Run(name, func(t *testing.T) {
			h := closedServer(t)
			before := heap()
			const documents = 20
			for n := range documents {
				for op := range c.operations {
					operation := ""
					if c.operations > 1 {
						operation = fmt.Sprintf(`"operationName":"Q%d",`, op)
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, graphqlPost(fmt.Sprintf(`{%s"query":%s}`, operation, jsonText(fmt.Sprintf("#%d\n", n)+c.document))))
					if !strings.Contains(w.Body.String(), "UNAUTHENTICATED") { // valid, planned and denied
						t.Fatalf("%s", w.Body)
					}
				}
			}
			grown := (int(heap()) - int(before)) / documents * graphqlhttp.CachedDocuments
			bound := graphqlhttp.MaxCacheBytes(querylimit.DefaultLimits())
			t.Logf("%d MiB", grown>>20)
			if grown > bound {
				t.Errorf("the cache would hold %d bytes, at most %d wanted", grown, bound)
			}
			runtime.KeepAlive(h)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// closedServer returns the program's handler with the Playground off.
func closedServer(t *testing.T) http.Handler {
	t.Helper()
	path, log := dbtest.SQLite(t), slog.New(slog.DiscardHandler)
	db, err := database.Open(t.Context(), database.Config{URL: path, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := readSettings([]string{"GATEHOUSE_DATABASE_URL=" + path, "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_PLAYGROUND=off",
		"GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(t.Context(), c, db, "http://127.0.0.1", log)
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler
}

// TestAFloodOfHostileRequests runs the server as a process of its own and sends it hostile requests on sixteen
// connections, in rounds between which four honest clients have it for themselves. With FLOOD=strict they are 10,000,
// which takes a minute, and the honest clients must keep half of their rate, which needs a machine that does little else.
func TestAFloodOfHostileRequests(t *testing.T) {
	if os.Getenv("GATEHOUSE_TEST_SERVER") != "" {
		os.Exit(run(t.Context(), world{Args: []string{"serve"}, Stdout: os.Stdout, Stderr: io.Discard, Env: []string{"GATEHOUSE_ADDR=127.0.0.1:0", "GATEHOUSE_ARGON2=m=64,t=1,p=1",
			"GATEHOUSE_PLAYGROUND=off", "GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(os.Getenv("GATEHOUSE_TEST_SERVER"), "gatehouse.db")}}))
	}
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	server, pid := childServer(t)
	_, answer := deliver(t, server, graphqlPost(`{"query":"mutation{register(input:{email:\"a@example.com\",password:\"correct horse battery\"}){accessToken}}"}`))
	token := between(t, answer, `"accessToken":"`, `"`)

	var honest, hostile atomic.Int64
	var flood, stop atomic.Bool
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for !stop.Load() {
				if status, body := deliver(t, server, graphqlPost(`{"query":"{me{id email}}"}`, "Authorization", "Bearer "+token)); status != 200 {
					t.Errorf("an honest client: %d %s", status, body)
					return
				}
				honest.Add(1)
			}
		})
	}
	kinds := hostileKinds()
	for range 16 {
		clients.Go(func() {
			for !stop.Load() {
				if !flood.Load() {
					time.Sleep(time.Millisecond)
					continue
				}
				n := int(hostile.Add(1))
				deliver(t, server, kinds[n%len(kinds)].make(n))
			}
		})
	}
	strict, wanted := os.Getenv("FLOOD") == "strict", int64(1000)
	if strict {
		wanted = 10_000
	}
	round := func(flooded bool) int64 {
		flood.Store(flooded)
		before := honest.Load()
		time.Sleep(300 * time.Millisecond)
		return honest.Load() - before
	}
	round(false)
	before := resident(t, pid)
	var quiet, flooded []int64
	for start := time.Now(); hostile.Load() < wanted && time.Since(start) < 3*time.Minute; {
		quiet, flooded = append(quiet, round(false)), append(flooded, round(true))
	}
	stop.Store(true)
	clients.Wait()
	grown := resident(t, pid) - before
	slices.Sort(quiet)
	slices.Sort(flooded)
	rate := float64(flooded[len(flooded)/2]) / float64(quiet[len(quiet)/2])
	t.Logf("%d hostile requests: %d MiB more than %d; honest clients keep %.2f of their rate, the median of %d rounds", hostile.Load(), grown, before, rate, len(quiet))
	if grown > 64 {
		t.Errorf("resident memory grew by %d MiB, at most 64 wanted", grown)
	}
	if strict && (rate < 0.5 || hostile.Load() < wanted) {
		t.Errorf("honest clients keep %.2f of their rate in %d hostile requests, want 0.50 in %d", rate, hostile.Load(), wanted)
	}
}

// childServer starts this test again as a server, until the test ends.
func childServer(t *testing.T) (address string, pid int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "GATEHOUSE_TEST_SERVER="+t.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(between(t, line, "GraphQL: ", "\n"), "/graphql"), child.Process.Pid
}

var floodClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}

// deliver sends a request made for a handler to a server.
func deliver(t *testing.T, server string, r *http.Request) (int, string) {
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server, "http://")
	r.Host, r.RequestURI = "", ""
	response, err := floodClient.Do(r)
	if err != nil {
		t.Errorf("%v", err)
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%v", err)
	}
	return response.StatusCode, string(body)
}

// resident returns the memory that a process has, in MiB.
func resident(t *testing.T, pid int) int { return procOf(t, pid, "VmRSS:") >> 10 }

// mostResident returns the memory that a process ever had, in MiB.
func mostResident(t *testing.T, pid int) int { return procOf(t, pid, "VmHWM:") >> 10 }

// procOf returns a number of what Linux tells of a process.
func procOf(t *testing.T, pid int, name string) (number int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("there is no /proc here to read memory from")
	}
	_, rest, _ := bytes.Cut(status, []byte(name))
	if _, err := fmt.Sscan(string(rest), &number); err != nil {
		t.Fatal(err)
	}
	return number
}

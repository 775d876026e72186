package abuse

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// What one request may cost, from its headers to its answer; the client's part is in it.
const (
	maxCPU              = 20 * time.Millisecond
	maxAllocated        = 2 << 20 // bytes
	maxAnswerLen        = 4 << 10 // bytes
	maxValidationErrors = 5
)

// TestExpensiveRequest_MistakesAreFound: each kind of mistake is answered as such when nothing else is wrong.
func TestExpensiveRequest_MistakesAreFound(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
	for _, m := range mistakes() {
		if a := s.Do(request(m, ballast{}, 1, 0)); a.Code() != m.code {
			t.Errorf("%s: %v, want %s", m.name, a, m.code)
		}
	}
}

// TestExpensiveRequest_CostsLittle sends each kind of mistake with each kind of ballast to the program, with the
// Playground off, and holds answer and cost against their bounds: as much ballast as the limits let pass, and with
// TEST_LONG=requests also as much as a request holds.
func TestExpensiveRequest_CostsLittle(t *testing.T) {
	s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
	kinds := requestKinds(mistakes()...)
	if testing.Short() {
		kinds = requestKinds(someMistakes()...)
	}
	var all []requestCost
	for _, kind := range kinds {
		c := costOf(t, s, kind)
		// short is also how the race detector runs, which costs
		if !testing.Short() && !c.isLittle() {
			t.Errorf("%s: %v of a processor and %d KiB, at most %v and %d KiB wanted", kind.name, c.cpu, c.bytes>>10,
				maxCPU, maxAllocated>>10)
		}
		all = append(all, c)
	}
	worst := slices.MaxFunc(all, func(a, b requestCost) int { return int(a.cpu - b.cpu) })
	t.Logf("of %d kinds the slowest took %v of a processor: %s", len(all), worst.cpu, worst.name)
	worst = slices.MaxFunc(all, func(a, b requestCost) int { return int(a.bytes) - int(b.bytes) })
	t.Logf("the largest allocated %d KiB: %s", worst.bytes>>10, worst.name)
}

type requestCost struct {
	name  string
	cpu   time.Duration
	bytes uint64
}

func (c requestCost) isLittle() bool { return c.cpu <= maxCPU && c.bytes <= maxAllocated }

// costOf checks the answer to a kind of request, and returns the least that it cost in up to eight tries: collector and
// background tasks work at the same time.
func costOf(t *testing.T, s *servertest.Process, kind requestKind) requestCost {
	t.Helper()
	c := requestCost{kind.name, time.Hour, 1 << 60}
	for n := 0; n < 8 && !c.isLittle(); n++ {
		var a servertest.Answer
		request := kind.make(n)
		cpu, bytes := measure(func() { a = s.Do(request) })
		c.cpu, c.bytes = min(c.cpu, cpu), min(c.bytes, bytes)
		errors := strings.Count(a.Body, `"message"`)
		refused := a.Code() != "INTERNAL" && a.Code() != "UNAVAILABLE" && (a.Code() == denied || !a.Has(`"data"`))
		if a.Err != nil || errors == 0 || errors > maxValidationErrors || len(a.Body) > maxAnswerLen || !refused {
			t.Errorf("%s: %d errors, %d bytes\n%.500s", kind.name, errors, len(a.Body), a)
		}
	}
	return c
}

// measure returns what a call took of the processors and what it allocated, with all that ran at the same time.
func measure(call func()) (cpu time.Duration, bytes uint64) {
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

// TestDocumentCache_IsBoundedInBytes: it fills the cache of documents, and of their plans, with the largest
// that it stores; twenty of them tell how much as many as it stores would be.
func TestDocumentCache_IsBoundedInBytes(t *testing.T) {
	for name, c := range map[string]struct {
		document   string
		operations int
	}{
		"fields":     {"{me{" + repeat(249, "id ") + "}}", 1},
		"values":     {`mutation{setRoles(input:{userId:"x" roles:[` + repeat(790, "USER ") + "]}){user{id}}}", 1},
		"conditions": {"query($v:Boolean=true){me{" + repeat(100, "id@skip(if:$v)") + "}}", 1},
		"text":       {`{user(id:"` + strings.Repeat("x", 4000) + `"){id}}`, 1},
		"operations": {repeat(8, "query Q%d{me{...F}}") + "fragment F on User{" + repeat(33, "id ") +
			"email name roles sessions{id ip}}", 8},
		"many operations": {repeat(60, "query Q%d{me{...F}}") +
			"fragment F on User{id email name roles status createdAt updatedAt " +
			"emailVerified sessions{id current createdAt lastUsedAt expiresAt userAgent ip}}", 60},
	} {
		t.Run(name, func(t *testing.T) {
			s := servertest.Start(t, "GATEHOUSE_PLAYGROUND=off")
			s.Code("", servertest.Me) // connects
			before := heap()
			const documents = 20
			for n := range documents {
				for op := range 2 * c.operations { // at its second sight a document is cached
					request := servertest.Request{Query: fmt.Sprintf("#%d\n", n) + c.document}
					if c.operations > 1 {
						request.Operation = fmt.Sprintf("Q%d", op%c.operations)
					}
					if a := s.Do(request); a.Code() != "UNAUTHENTICATED" { // valid, planned and denied
						t.Fatal(a)
					}
				}
			}
			grown := (int(heap()) - int(before)) / documents * graphqlhttp.CachedDocuments
			bound := graphqlhttp.MaxCacheBytes(querylimit.DefaultLimits())
			t.Logf("%d MiB", grown>>20)
			if grown > bound {
				t.Errorf("the cache would hold %d bytes, at most %d wanted", grown, bound)
			}
		})
	}
}

// heap returns what is in use, once nothing more is freed.
func heap() uint64 {
	var m runtime.MemStats
	for before := uint64(1 << 62); ; before = m.HeapAlloc {
		runtime.GC()
		runtime.ReadMemStats(&m)
		if m.HeapAlloc+64<<10 > before {
			return m.HeapAlloc
		}
	}
}

// flood is abusive and honest clients of one server.
type flood struct {
	t       *testing.T
	s       *servertest.Process
	on      atomic.Bool // the abusive ones send
	over    atomic.Bool
	clients sync.WaitGroup

	honest, abusive atomic.Int64 // requests
}

// TestFlood_LeavesMemoryAndHonestClients sends expensive requests on sixteen connections to a server in a process of
// its own, in rounds between which four honest clients have it for themselves. With TEST_LONG=flood they are 10,000,
// which takes a minute, and the honest clients, a fifth of the connections, must keep two fifths of their rate, which
// needs a machine that does little else.
func TestFlood_LeavesMemoryAndHonestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	long, wanted := testenv.Long("flood"), int64(1000)
	if long {
		wanted = 10_000
	}
	f := &flood{t: t, s: servertest.StartChild(t, "GATEHOUSE_PLAYGROUND=off", "GATEHOUSE_LOG=error")}
	f.start()
	f.round(false)
	before := f.s.ResidentKiB()
	var quiet, flooded []int64
	for start := time.Now(); f.abusive.Load() < wanted && time.Since(start) < 3*time.Minute; {
		quiet, flooded = append(quiet, f.round(false)), append(flooded, f.round(true))
	}
	f.over.Store(true)
	f.clients.Wait()
	grown := (f.s.ResidentKiB() - before) >> 10
	slices.Sort(quiet)
	slices.Sort(flooded)
	rate := float64(flooded[len(flooded)/2]) / float64(quiet[len(quiet)/2])
	t.Logf("%d abusive requests: %d MiB more than %d; honest clients keep %.2f of their rate, the median of %d rounds",
		f.abusive.Load(), grown, before>>10, rate, len(quiet))
	if grown > 64 {
		t.Errorf("resident memory grew by %d MiB, at most 64 wanted", grown)
	}
	if long && (rate < 0.4 || f.abusive.Load() < wanted) {
		t.Errorf("honest clients keep %.2f of their rate in %d abusive requests, want 0.40 in %d", rate, f.abusive.Load(),
			wanted)
	}
}

func (f *flood) start() {
	token := f.s.Register().Access
	for range 4 {
		f.clients.Go(func() {
			for !f.over.Load() {
				if a := f.s.Ask(token, "{me{id email}}"); !a.OK() {
					f.t.Errorf("an honest client: %v", a)
					return
				}
				f.honest.Add(1)
			}
		})
	}
	kinds := requestKinds(someMistakes()...)
	for range 16 {
		f.clients.Go(func() {
			for !f.over.Load() {
				if !f.on.Load() {
					time.Sleep(time.Millisecond)
					continue
				}
				n := int(f.abusive.Add(1))
				const prime = 7919 // mistakes and ballasts mixed
				if a := f.s.Do(kinds[n*prime%len(kinds)].make(n)); a.Err != nil {
					f.t.Error(a)
				}
			}
		})
	}
}

// round returns how many requests of honest clients are answered in a while.
func (f *flood) round(flooded bool) int64 {
	f.on.Store(flooded)
	before := f.honest.Load()
	time.Sleep(300 * time.Millisecond)
	return f.honest.Load() - before
}

package faults

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	// maxHeapSlope is by how many MiB an hour the heap may grow in the second half, in which its caches are full.
	maxHeapSlope = 1.0
	// growTime is for how long the crowd grows.
	growTime = 15 * time.Minute
	// askedPerSecond and registeredPerSecond make a light load: a fifth of one processor.
	askedPerSecond, registeredPerSecond = 240, 40
)

// TestFullCaches_HeapEndsThere: a crowd that grows for a quarter of an hour, to more users than the smallest caches
// hold, lives through sign-ins, refreshes, new documents, endings and deletions. What the server holds is printed twice a
// minute. It takes an hour, or SOAK_TIME when that is longer.
func TestFullCaches_HeapEndsThere(t *testing.T) {
	if !testenv.Long("soak") {
		t.Skip("fills the caches of a server for an hour: TEST_LONG=soak")
	}
	long, every := max(soakTime(t), time.Hour), 30*time.Second
	cluster, err := pgtemp.New(pgtemp.MemoryFolder()) // one that vacuums
	servertest.Check(t, err)
	t.Cleanup(func() { servertest.Check(t, cluster.Close()) })
	c := newCrowd(t, cluster.URL("postgres"))
	var members sync.WaitGroup
	const workers = 8
	for range workers {
		members.Go(func() { c.live(long, workers) })
	}
	var samples []crowdSample
	for began := time.Now(); time.Since(began) < long; {
		time.Sleep(time.Until(began.Add(time.Duration(len(samples)+1) * every)))
		s := c.sample()
		s.at = time.Since(began)
		samples = append(samples, s)
		t.Log(s)
	}
	members.Wait()
	t.Logf("%d answers, %d refused, %d members", c.answers.Load(), c.refused.Load(), c.size())
	c.check(samples)
}

// check asks whether the caches were full at half of the time, and what the heap did from then on.
func (c *crowd) check(samples []crowdSample) {
	half := samples[len(samples)/2:]
	growth := slope(half, func(s crowdSample) (at time.Duration, mib float64) { return s.at, s.heap })
	c.t.Logf("heap %+.2f MiB an hour in the second half", growth)
	if half[0].cached >= c.size() {
		c.t.Error("the cache of sessions holds all of the crowd: this shows nothing")
	}
	if growth > maxHeapSlope {
		c.t.Errorf("the heap grows by %.2f MiB an hour", growth)
	}
	first, last := half[0], half[len(half)-1]
	if last.Goroutines > first.Goroutines+maxMoreGoroutines || last.Files > first.Files+maxMoreFiles {
		c.t.Errorf("from %v to %v", first, last)
	}
}

// crowd is the users of one server, who come from as many networks.
type crowd struct {
	*servertest.Process
	t  *testing.T
	db *sql.DB

	rest             sync.RWMutex // held while the heap is measured: no request allocates meanwhile
	mu               sync.Mutex
	members          []member
	answers, refused atomic.Int64
}

type member struct {
	servertest.Account
	renewed time.Time
}

// accessTTL is of the crowd's access tokens.
const accessTTL = 20 * time.Minute

func newCrowd(t *testing.T, url string) *crowd {
	c := &crowd{t: t, db: servertest.OpenDB(t, url)}
	c.Process = servertest.StartChild(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_OPS_ADDR="+servertest.FreeAddress(t),
		servertest.Profiles, "GATEHOUSE_LOG=error", "GATEHOUSE_THROTTLE=on", "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32", "GOMEMLIMIT=96MiB",
		"GATEHOUSE_ACCESS_TTL="+accessTTL.String())
	return c
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.members)
}

// take removes a member at random, whom nobody else plays meanwhile.
func (c *crowd) take() (m member, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.members) - 1
	if last < 0 {
		return m, false
	}
	n := rand.IntN(last + 1)
	m = c.members[n]
	c.members[n] = c.members[last]
	c.members = c.members[:last]
	return m, true
}

func (c *crowd) put(m member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = append(c.members, m)
}

// live acts for one of so many workers, at an even pace.
func (c *crowd) live(long time.Duration, workers int) {
	began := time.Now()
	for n := 0; time.Since(began) < long; n++ {
		pause := time.Duration(workers) * time.Second / askedPerSecond
		time.Sleep(time.Until(began.Add(time.Duration(n) * pause)))
		c.step(n*registeredPerSecond%askedPerSecond < registeredPerSecond && time.Since(began) < growTime)
	}
}

func (c *crowd) step(grow bool) {
	c.rest.RLock()
	defer c.rest.RUnlock()
	if grow {
		c.register()
	}
	if m, ok := c.take(); ok {
		c.act(m)
	}
}

func (c *crowd) register() { c.enter(servertest.Registration(servertest.NewAddress())) }

// enter sends an operation that signs in, and returns its member to the crowd.
func (c *crowd) enter(query string) {
	if a, ok := c.ask("", query, `"accessToken":"`); ok {
		c.put(member{servertest.Account{ID: a.Field("id"), Email: a.Field("email"), Access: a.Field("accessToken"),
			Refresh: a.Field("refreshToken")}, time.Now()})
	}
}

// act is one thing that a member does; mostly they ask who they are.
func (c *crowd) act(m member) {
	payload := " { accessToken refreshToken user { id email } } }"
	login := func(password string) string {
		return `mutation { login(input: {email: "` + m.Email + `", password: "` + password + `"})` + payload
	}
	if time.Since(m.renewed) > accessTTL-5*time.Minute {
		c.enter(`mutation { refresh(input: {refreshToken: "` + m.Refresh + `"})` + payload)
		return
	}
	switch n := rand.IntN(1000); {
	case n < 5:
		c.ask(m.Access, "mutation { logout { success } }", `"success":true`)
		c.enter(login(servertest.Password))
		return
	case n < 8:
		if a, ok := c.ask("", login(servertest.Password), `"accessToken":"`); ok { // only who has just signed in may leave
			c.ask(a.Field("accessToken"), "mutation { deleteAccount { success } }", `"success":true`)
		}
		c.register()
		return
	case n < 18:
		c.ask("", login("not the password"), `"code":"INVALID_CREDENTIALS"`)
	case n < 38:
		fields := strings.Repeat(" id email name", 50)
		c.ask(m.Access, fmt.Sprintf("{ me { x%x: id%s } }", rand.Uint64(), fields), m.ID)
	case n < 58:
		c.ask("", servertest.Me, `"code":"UNAUTHENTICATED"`)
	default:
		c.ask(m.Access, "{ me { id email } }", `"id":"`+m.ID+`","email":"`+m.Email+`"`)
	}
	c.put(m)
}

// ask sends an operation from some network. An answer must have a text in it, unless the machine is too busy.
func (c *crowd) ask(token, query, has string) (servertest.Answer, bool) {
	from := fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
	a := c.Do(servertest.Request{Token: token, Query: query, Header: []string{"X-Forwarded-For", from}})
	switch {
	case a.Err == nil && a.Has(has):
		c.answers.Add(1)
		return a, true
	case a.Unavailable() || a.Code() == "RATE_LIMITED":
		c.refused.Add(1)
	default:
		c.t.Errorf("%.200s: %v, want %s", query, a, has)
	}
	return a, false
}

// crowdSample is what the server and its database hold.
type crowdSample struct {
	sample
	hashing     float64 // MiB resident of the processes that hash
	cached      int     // sessions
	members     int
	connections int // to the database
	rows        []string
}

func (s crowdSample) String() string {
	return fmt.Sprintf("%v, hashing %.1f MiB, %d of %d members cached, %d connections, rows: %s", s.sample, s.hashing,
		s.cached, s.members, s.connections, strings.Join(s.rows, " "))
}

func (c *crowd) sample() crowdSample {
	s := crowdSample{members: c.size(), cached: int(c.Metric("gatehouse_sessions_remembered"))}
	s.mib, s.Usage, s.heap = float64(c.ResidentKiB())/1024, c.Usage(), c.heap()
	s.hashing = residentOfChildren(c.PID)
	servertest.Check(c.t, c.db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "+
		"AND pid <> pg_backend_pid()").Scan(&s.connections))
	for _, table := range dbtest.Tables(c.t, c.db) {
		var rows int
		servertest.Check(c.t, c.db.QueryRow("SELECT count(*) FROM "+table).Scan(&rows))
		s.rows = append(s.rows, fmt.Sprintf("%s=%d", table, rows))
	}
	return s
}

// heap is what lives, in MiB.
func (c *crowd) heap() float64 {
	c.rest.Lock()
	defer c.rest.Unlock()
	c.Get(c.Ops + "/debug/pprof/heap?gc=1")
	return c.Metric("go_memstats_heap_alloc_bytes") / (1 << 20)
}

// residentOfChildren is the memory of what a process has started, in MiB.
func residentOfChildren(pid int) float64 {
	kib := 0
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // each thread lists what it has started
	for _, list := range lists {
		children, _ := os.ReadFile(list) // the thread may have ended
		for _, child := range strings.Fields(string(children)) {
			status, _ := os.ReadFile("/proc/" + child + "/status")
			_, rest, _ := strings.Cut(string(status), "VmRSS:")
			var n int
			fmt.Sscan(rest, &n)
			kib += n
		}
	}
	return float64(kib) / 1024
}

package faults

import (
	"database/sql"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// recoveryTime is how soon after a fault all is as before.
const recoveryTime = 5 * time.Second

// operationTimeout is what the servers of these tests allow an operation; TEST_LONG=faults waits for the program's own.
func operationTimeout() time.Duration {
	if testenv.Long("faults") {
		return 10 * time.Second
	}
	return 3 * time.Second
}

// answerTimeout is how long any answer may take, while the machine does not stand still: an operation's time, one second
// for the cancel request to a silent server, and one for the machine.
func answerTimeout() time.Duration { return operationTimeout() + 2*time.Second }

// faultServer is a server and what it depends on, which can be broken.
type faultServer struct {
	*servertest.Process
	t          *testing.T
	proxy      *dbtest.Proxy // before Postgres
	db         *sql.DB       // without the proxy
	token      string
	registered atomic.Int64  // accounts
	waits      time.Duration // that an answer may take beyond answerTimeout
}

func newFaultServer(t *testing.T, environment ...string) *faultServer {
	t.Helper()
	url := dbtest.Postgres(t)
	proxy := dbtest.NewProxy(t, url)
	s := newServer(t, append(environment, "GATEHOUSE_DATABASE_URL="+proxy.URL)...)
	s.proxy, s.db = proxy, servertest.OpenDB(t, url)
	t.Cleanup(proxy.Pass)
	return s
}

// newServer starts a server that has less time for an operation.
func newServer(t *testing.T, environment ...string) *faultServer {
	t.Helper()
	s := &faultServer{t: t, Process: servertest.Options{Timeout: operationTimeout()}.Start(t, environment...)}
	s.token = s.Register().Access
	s.registered.Store(1)
	return s
}

// do sends a request, whose answer must come in time.
func (s *faultServer) do(r servertest.Request) servertest.Answer {
	a := s.Do(r)
	if within := answerTimeout() + s.waits; a.Slower(within) {
		s.t.Errorf("%s: not within %v: %v", r.Query, within, a)
	}
	return a
}

// register makes an account.
func (s *faultServer) register() servertest.Answer {
	a := s.do(servertest.Request{Query: servertest.Registration(servertest.NewAddress())})
	if a.OK() {
		s.registered.Add(1)
	}
	return a
}

// read asks for me.
func (s *faultServer) read() servertest.Answer {
	return s.do(servertest.Request{Token: s.token, Query: servertest.Me})
}

// runFault breaks something, checks what is left meanwhile, mends it, and checks that all is as before.
func (s *faultServer) runFault(f fault) {
	s.t.Helper()
	usual := s.load(32)
	mend := f.begin(s)
	if took := servertest.Eventually(s.t, "readiness is what it should be", 5*time.Second, func() bool {
		return s.Ready() == f.ready
	}); took > 3*time.Second {
		s.t.Errorf("readiness turned after %v", took)
	}
	n := 40
	if f.few {
		n = 8
	}
	var slowest atomic.Int64
	simultaneously(n, func(i int) {
		ask, works := s.read, f.works || f.reads
		if i%2 == 0 {
			ask, works = s.register, f.works
		}
		a := ask()
		for old := slowest.Load(); int64(a.Took) > old && !slowest.CompareAndSwap(old, int64(a.Took)); old = slowest.Load() {
		}
		if a.Interrupted() {
			return
		}
		if !a.OK() && !a.Unavailable() || works && !a.OK() || !works && i%2 == 0 && a.OK() {
			s.t.Errorf("request %d: %v%s", i, a, s.cause(a))
		}
	})
	if a := s.Get("/healthz"); a.Status != http.StatusOK {
		s.t.Errorf("/healthz: %v", a)
	}
	if mend != nil {
		mend()
	}
	s.proxy.Pass()
	s.t.Logf("answered within %v; back after %v", time.Duration(slowest.Load()).Round(time.Millisecond),
		s.waitForRecovery(usual))
}

// load sends n requests simultaneously, half of them writes, and returns how long they took. 0 when one was refused.
func (s *faultServer) load(n int) time.Duration {
	began, refused := testenv.Awake(), atomic.Bool{}
	simultaneously(n, func(i int) {
		ask := s.read
		if i%2 == 0 {
			ask = s.register
		}
		switch a := ask(); {
		case a.OK():
		case a.Unavailable() || a.Interrupted():
			refused.Store(true)
		default:
			s.t.Errorf("request %d: %v%s", i, a, s.cause(a))
		}
	})
	if refused.Load() {
		return 0
	}
	return testenv.Awake() - began
}

// waitForRecovery waits until a load is answered as fast as it usually is, and the server is ready.
func (s *faultServer) waitForRecovery(usual time.Duration) time.Duration {
	s.t.Helper()
	return servertest.Eventually(s.t, "all is as before", recoveryTime, func() bool {
		took := s.load(32)
		return took > 0 && s.Ready() && (usual == 0 || took < 3*usual+time.Second/2)
	}).Round(time.Millisecond)
}

// cause is what the server's log says of an INTERNAL answer.
func (s *faultServer) cause(a servertest.Answer) (lines string) {
	if a.Code() != "INTERNAL" {
		return ""
	}
	id := a.Field("requestId")
	servertest.Eventually(s.t, "the cause of an answer is logged", testenv.HangGuard, func() bool {
		for line := range strings.Lines(s.Log.String()) {
			if strings.Contains(line, id) {
				lines += "\n" + line
			}
		}
		return lines != ""
	})
	return lines
}

// usage is what the server and its test hold.
func (s *faultServer) usage() (goroutines int, heap uint64) {
	s.HTTP.CloseIdleConnections()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), m.HeapAlloc
}

func (s *faultServer) sql(statements ...string) {
	s.t.Helper()
	servertest.Exec(s.t, s.db, statements...)
}

func (s *faultServer) count(table string) (n int) {
	s.t.Helper()
	servertest.Check(s.t, s.db.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// readOnly is what a disk that is nearly full, or a maintenance, does to new sessions.
func (s *faultServer) readOnly(setting string) {
	var name string
	servertest.Check(s.t, s.db.QueryRow("SELECT current_database()").Scan(&name))
	s.sql("ALTER DATABASE " + name + " SET default_transaction_read_only = " + setting)
	if setting == "on" {
		s.proxy.Cut()
	}
}

// lockUsers is another client's ALTER TABLE that takes its time.
func (s *faultServer) lockUsers() (unlock func()) {
	tx, err := s.db.Begin()
	if err == nil {
		_, err = tx.Exec("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	}
	servertest.Check(s.t, err)
	return func() { tx.Rollback() }
}

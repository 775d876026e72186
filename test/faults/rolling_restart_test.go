package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRollingRestart_CutsNoAnswer: two processes behind a proxy are replaced in turns while clients register and
// read. The proxy keeps connections to the processes, asks /readyz four times a second, and sends nothing twice. A
// restart while the machine stands still does not count: the proxy cannot ask in time.
func TestRollingRestart_CutsNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts servers for some seconds")
	}
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t), servertest.Secret, servertest.Issuer,
		"GATEHOUSE_DRAIN=1s"}
	both := []*servertest.Process{servertest.StartChild(t, environment...), servertest.StartChild(t, environment...)}
	front := servertest.NewBalancer(t, both[0].Client, both[1].Client)
	token := front.Register().Access

	var answered atomic.Int64
	var failures logOfFailures
	over := make(chan struct{})
	var working sync.WaitGroup
	for i := range 16 {
		working.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				r := servertest.Request{Query: servertest.Me, Token: token}
				if i%4 == 0 {
					r = servertest.Request{Query: servertest.Registration(servertest.NewAddress())}
				}
				if a := front.Do(r); a.OK() {
					answered.Add(1)
				} else {
					failures.add(fmt.Sprintf("%s: %v", r.Query, a))
				}
			}
		})
	}
	for tries, restarts := 0, 0; restarts < 4; tries++ {
		i, p, stood := restarts%2, both[restarts%2], testenv.Stood()
		time.Sleep(300 * time.Millisecond)
		p.Signal(syscall.SIGTERM)
		turned := turnsUnready(p)
		testenv.Equal(t, 0, p.Wait(), "exit code of process %d\n%s", i, p.Log)
		p.Restart()
		servertest.Eventually(t, "the proxy takes it back", 5*time.Second, func() bool { return front.Uses(i) })
		failed := failures.take()
		if stood = testenv.Stood() - stood; stood > 200*time.Millisecond && tries < 20 {
			t.Logf("the machine stood still for %v", stood)
			continue
		}
		if restarts++; !turned {
			t.Errorf("restart %d: readiness does not turn while it serves", restarts)
		}
		for _, failure := range failed[:min(5, len(failed))] {
			t.Error(failure)
		}
	}
	close(over)
	working.Wait()
	for _, failure := range failures.take() { // after the last restart
		t.Error(failure)
	}
	t.Logf("%d answered over 4 restarts", answered.Load())
	if answered.Load() < 200 {
		t.Error("too few requests to tell")
	}
}

// turnsUnready waits until a process that was asked to end says that it is not ready, or says nothing any more.
func turnsUnready(p *servertest.Process) bool {
	for began := testenv.Awake(); testenv.Awake()-began < time.Second/2; time.Sleep(time.Millisecond) {
		a := p.Do(servertest.Request{Method: http.MethodGet, Path: "/readyz"})
		if a.Err != nil || a.Status == http.StatusServiceUnavailable {
			return a.Err == nil
		}
	}
	return false
}

// logOfFailures is written by many clients.
type logOfFailures struct {
	mu  sync.Mutex
	all []string
}

func (l *logOfFailures) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, text)
}

// take returns what was written since it was called before.
func (l *logOfFailures) take() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.all = l.all, nil
	return all
}

// TestSecondSignal_EndsTheProcess: after the first one it serves for a while, and ends each connection with its answer.
func TestSecondSignal_EndsTheProcess(t *testing.T) {
	p := servertest.StartChild(t, "GATEHOUSE_DRAIN=1m", "GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	testenv.Equal(t, http.StatusOK, p.Get(p.Ops+"/readyz").Status, "/readyz for operators, before")
	p.Get("/healthz") // a client is there
	p.Signal(syscall.SIGTERM)
	servertest.Eventually(t, "it is shutting down", servertest.HangGuard, func() bool {
		return strings.Contains(p.Log.String(), "shutting down")
	})
	if a := p.Get("/healthz"); a.Status != http.StatusOK || !a.Close {
		t.Errorf("while it drains: %v, and the connection ends: %v", a, a.Close)
	}
	for _, address := range []string{"", p.Ops} {
		testenv.Equal(t, http.StatusServiceUnavailable, p.Get(address+"/readyz").Status, "%s/readyz while it drains", address)
	}
	p.Signal(syscall.SIGTERM)
	began := testenv.Awake()
	if code := p.Wait(); code == 0 || testenv.Awake()-began > 30*time.Second {
		t.Errorf("it ended after %v with %d, as if nothing had been cut", testenv.Awake()-began, code)
	}
}

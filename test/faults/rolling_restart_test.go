package faults

import (
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
// read. The proxy keeps connections to the processes, asks /readyz four times a second, and sends nothing twice.
func TestRollingRestart_CutsNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("restarts servers for some seconds")
	}
	environment := []string{"GATEHOUSE_DATABASE_URL=" + dbtest.Postgres(t), servertest.Secret, servertest.Issuer,
		"GATEHOUSE_DRAIN=1s"}
	both := []*servertest.Process{servertest.StartChild(t, environment...), servertest.StartChild(t, environment...)}
	front := servertest.NewBalancer(t, both[0].Client, both[1].Client)
	token := front.Register().Access

	var answered, failed atomic.Int64
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
				} else if failed.Add(1) < 5 {
					t.Errorf("%s: %v", r.Query, a)
				}
			}
		})
	}
	for range 2 {
		for i, p := range both {
			time.Sleep(300 * time.Millisecond)
			p.Signal(syscall.SIGTERM)
			servertest.Eventually(t, "readiness turns while it serves", 500*time.Millisecond, func() bool {
				return p.Get("/readyz").Status == http.StatusServiceUnavailable
			})
			testenv.Equal(t, 0, p.Wait(), "exit code of process %d\n%s", i, p.Log)
			p.Restart()
			servertest.Eventually(t, "the proxy takes it back", 5*time.Second, func() bool { return front.Uses(i) })
		}
	}
	close(over)
	working.Wait()
	t.Logf("%d answered, %d failed, over 4 restarts", answered.Load(), failed.Load())
	if answered.Load() < 200 {
		t.Error("too few requests to tell")
	}
}

// TestSecondSignal_EndsTheProcess: after the first one it serves for a while, and ends each connection with its answer.
func TestSecondSignal_EndsTheProcess(t *testing.T) {
	p := servertest.StartChild(t, "GATEHOUSE_DRAIN=1m", "GATEHOUSE_OPS_ADDR=127.0.0.1:0")
	testenv.Equal(t, http.StatusOK, p.Get(p.Ops+"/readyz").Status, "/readyz for operators, before")
	p.Get("/healthz") // a client is there
	p.Signal(syscall.SIGTERM)
	servertest.Eventually(t, "it is shutting down", 30*time.Second, func() bool {
		return strings.Contains(p.Log.String(), "shutting down")
	})
	if a := p.Get("/healthz"); a.Status != http.StatusOK || !a.Close {
		t.Errorf("while it drains: %v, and the connection ends: %v", a, a.Close)
	}
	for _, address := range []string{"", p.Ops} {
		testenv.Equal(t, http.StatusServiceUnavailable, p.Get(address+"/readyz").Status, "%s/readyz while it drains", address)
	}
	p.Signal(syscall.SIGTERM)
	began := time.Now()
	if code := p.Wait(); code == 0 || time.Since(began) > 30*time.Second {
		t.Errorf("it ended after %v with %d, as if nothing had been cut", time.Since(began), code)
	}
}

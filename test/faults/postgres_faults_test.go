package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// fault is what happens to Postgres, and what is left while it lasts.
type fault struct {
	begin func(*faultServer) (mend func()) // besides that the proxy passes again
	works bool                             // everything does, only later
	reads bool                             // reading does
	ready bool                             // readiness does not turn
	few   bool                             // so few requests that the pool is not exhausted
}

// tooManyConnections is how a Postgres without a free connection answers.
func tooManyConnections() []byte {
	fields := "SFATAL\x00VFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4)), fields...)
}

// TestPostgresFault_IsUnavailableAndPasses puts a proxy before Postgres and breaks what can break: each request has an
// answer in time, readiness turns where nothing can be done, and soon after the fault all is as before.
func TestPostgresFault_IsUnavailableAndPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	proxied := func(change func(*dbtest.Proxy)) func(*faultServer) func() {
		return func(s *faultServer) func() { change(s.proxy); return nil }
	}
	for name, f := range map[string]fault{
		"slow": {begin: proxied(func(p *dbtest.Proxy) { p.Delay(operationTimeout() / 60) }),
			works: true, ready: true},
		"slow by all its time": {begin: proxied(func(p *dbtest.Proxy) {
			p.Delay(max(operationTimeout(),
				5*time.Second))
		})},
		"hanging":          {begin: proxied((*dbtest.Proxy).Freeze)},
		"away":             {begin: proxied(func(p *dbtest.Proxy) { p.Refuse(nil) })},
		"full":             {begin: proxied(func(p *dbtest.Proxy) { p.Refuse(tooManyConnections()) })},
		"locked by others": {begin: (*faultServer).lockUsers, ready: true, few: true},
		"read-only":        {begin: func(s *faultServer) func() { s.readOnly("on"); return func() { s.readOnly("off") } }, reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFaultServer(t).runFault(f)
		})
		if f.reads || name == "away" {
			t.Run(name+", traces on", func(t *testing.T) {
				t.Parallel()
				newFaultServer(t, tracesOn).runFault(f)
			})
		}
	}
}

// TestPostgresFault_LeavesNothingBehind is the memory and the goroutines over faults, one after the other. The first
// opens what connections the server then keeps, of which each has goroutines here and in the proxy; what is left of each
// request that a fault refuses would be hundreds.
func TestPostgresFault_LeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	s := newFaultServer(t)
	away := func() {
		s.proxy.Refuse(nil)
		s.load(200)
		s.proxy.Pass()
		s.waitForRecovery(s.load(32))
	}
	away()
	goroutines, heap := s.usage()
	for range 3 {
		away()
	}
	s.proxy.Freeze()
	for range map[bool]int{true: 4, false: 1}[testenv.Long("faults")] {
		s.load(60)
	}
	s.proxy.Pass()
	s.waitForRecovery(0)
	const connections = 16 // goroutines of those that the pool had not opened yet
	var after int
	var heapAfter uint64
	t.Cleanup(func() {
		if after > goroutines+connections {
			var all bytes.Buffer
			servertest.Check(t, pprof.Lookup("goroutine").WriteTo(&all, 1))
			t.Logf("goroutines %d → %d:\n%s", goroutines, after, &all)
		}
	})
	// lib/pq's cancel requests have ten seconds
	servertest.Eventually(t, "the goroutines are gone", servertest.HangGuard, func() bool {
		after, heapAfter = s.usage()
		return after <= goroutines+connections
	})
	t.Logf("goroutines %d → %d, heap %d → %d KiB", goroutines, after, heap>>10, heapAfter>>10)
	if heapAfter > heap+8<<20 {
		t.Errorf("the heap grew from %d to %d KiB", heap>>10, heapAfter>>10)
	}
}

// TestConnectionPool_AnswersMoreRequestsThanItHoldsInTime: 300 requests that each take the database a twelfth of
// their time, for 16 connections. Those whose turn does not come are answered so in time; none waits for ever.
func TestConnectionPool_AnswersMoreRequestsThanItHoldsInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	s := newFaultServer(t)
	s.sql(fmt.Sprintf(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(%f); RETURN NEW; END'`, operationTimeout().Seconds()/12),
		`CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION dawdle()`)
	var done, refused atomic.Int64
	simultaneously(300, func(int) {
		switch a := s.register(); {
		case a.OK():
			done.Add(1)
		case a.Unavailable() || a.HashesWait():
			refused.Add(1)
		default:
			t.Error(a, s.cause(a))
		}
	})
	s.sql("DROP TRIGGER dawdle ON users")
	s.waitForRecovery(0)
	t.Logf("%d done, %d refused", done.Load(), refused.Load())
	if done.Load() == 0 || refused.Load() == 0 {
		t.Error("the pool was not exhausted, or no request was served")
	}
	testenv.Equal(t, int(s.registered.Load()), s.count("users"), "users, of those registered")
}

// TestTransaction_RunsAgainAfterConflict: what Postgres rolls back for another transaction's sake runs again,
// complete, three times in all, and what was done is done once. A trigger fails at a statement or at the commit.
func TestTransaction_RunsAgainAfterConflict(t *testing.T) {
	s := newFaultServer(t)
	s.sql("CREATE SEQUENCE tries")
	for _, code := range []string{"40001", "40P01"} {
		for _, at := range []string{"TRIGGER fail BEFORE INSERT", "CONSTRAINT TRIGGER fail AFTER INSERT"} {
			when := ""
			if at[0] == 'C' {
				when = " DEFERRABLE INITIALLY DEFERRED"
			}
			for fails, works := range map[int]bool{2: true, 3: false} {
				s.sql("ALTER SEQUENCE tries RESTART",
					fmt.Sprintf(`CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
						IF nextval(''tries'') <= %d THEN RAISE EXCEPTION USING ERRCODE = ''%s'', MESSAGE = ''give way''; END IF;
						RETURN NEW; END'`, fails, code),
					"CREATE "+at+" ON sessions"+when+" FOR EACH ROW EXECUTE FUNCTION fail()")
				users, sessions := s.count("users"), s.count("sessions")
				a := s.register()
				s.sql("DROP TRIGGER fail ON sessions")
				made := s.count("users") - users
				if made != s.count("sessions")-sessions || made == 1 != works || a.OK() != works || !works && !a.Unavailable() {
					t.Errorf("%s, %s, %d failures: %d users more, %v", code, at, fails, made, a)
				}
			}
		}
	}
}

// TestRule_ThatCannotBeDecidedDeniesAsUnavailable stops the database of a running server: who is asking cannot be told,
// so a guarded field is denied, as what it is; an open one is answered; and afterwards all is as before.
func TestRule_ThatCannotBeDecidedDeniesAsUnavailable(t *testing.T) {
	cluster := dbtest.NewServer(t)
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+cluster.URL("postgres"))
	token := s.Register().Access
	servertest.Check(t, cluster.Stop())
	a := s.Ask(token, "{ me { email } }")
	if a.Status != http.StatusServiceUnavailable || !a.Unavailable() || a.Has(`"data"`) ||
		strings.Count(a.Body, `"message"`) != 1 {
		t.Errorf("me: %v; want 503 UNAVAILABLE", a)
	}
	if s.Ready() {
		t.Error("/readyz says that it is ready")
	}
	if a := s.Get("/healthz"); a.Status != http.StatusOK {
		t.Errorf("/healthz: %v; want 200: the process is well", a)
	}
	if a := s.Ask(token, "{ __typename }"); a.Body != `{"data":{"__typename":"Query"}}` {
		t.Errorf("an open field: %v", a)
	}
	servertest.Check(t, cluster.Start())
	s.Must(token, "{ me { email } }")
}

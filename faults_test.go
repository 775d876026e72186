package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// backWithin is how soon after a fault all is as before.
const backWithin = 5 * time.Second

// timeOut is an operation's; FAULTS=full waits for the true one.
var timeOut = map[bool]time.Duration{true: operationTime, false: 5 * time.Second}[os.Getenv("FAULTS") == "full"]

// inTime is how long any answer may take: an operation's time, one second for a silent server's last word, and one for
// the machine.
var inTime = timeOut + 2*time.Second

// TestAFaultOfPostgresIsUnavailableAndPasses puts a proxy before Postgres and breaks what can break: each request has an
// answer in time, readiness turns where nothing can be done, and soon after the fault all is as before.,
//
func TestAFaultOfPostgresIsUnavailableAndPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	for name, f := range map[string]fault{
		"slow by 200 ms":   {begin: func(p *patient) { p.delay(200 * time.Millisecond) }, works: true, ready: true},
		"slow by 5 s":      {begin: func(p *patient) { p.delay(5 * time.Second) }},
		"hanging":          {begin: func(p *patient) { p.hang() }},
		"away":             {begin: func(p *patient) { p.refuse(nil) }},
		"full":             {begin: func(p *patient) { p.refuse(tooMany) }},
		"read-only":        {begin: func(p *patient) { p.readOnly("on") }, end: func(p *patient) { p.readOnly("off") }, reads: true},
		"locked by others": {begin: lockUsers, ready: true, few: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			p.endure(f)
		})
	}
}

// TestAFaultLeavesNothingBehind is the memory and the goroutines over faults, one after the other.
func TestAFaultLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	p := newPatient(t)
	p.crowd(32)
	goroutines, heap := p.weigh()
	for range 3 {
		p.refuse(nil)
		p.crowd(200)
		p.pass()
		p.recovers(p.crowd(32))
	}
	p.hang()
	for range map[bool]int{true: 4, false: 1}[timeOut == operationTime] {
		p.crowd(60)
	}
	p.pass()
	p.recovers(0)
	var after int
	var heapAfter uint64
	soon(t, "the goroutines are gone", 15*time.Second, func() bool { // lib/pq's question to cancel has ten seconds
		after, heapAfter = p.weigh()
		return after <= goroutines+4
	})
	t.Logf("goroutines %d → %d, heap %d → %d KiB", goroutines, after, heap>>10, heapAfter>>10)
	if heapAfter > heap+8<<20 {
		t.Errorf("the heap grew from %d to %d KiB", heap>>10, heapAfter>>10)
	}
}

// TestMoreRequestsThanThePoolHoldsAreAnsweredInTime is R-020: 300 requests that each take the database a twelfth of their time,
// for 16 connections. Those whose turn does not come are told so in time; nobody waits for ever.
func TestMoreRequestsThanThePoolHoldsAreAnsweredInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	t.Parallel()
	p := newPatient(t)
	p.sql(fmt.Sprintf(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(%f); RETURN NEW; END'`, timeOut.Seconds()/12),
		`CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION dawdle()`)
	var done, refused atomic.Int64
	p.together(300, func(int) {
		switch a := p.ask("", p.registration()); {
		case a.fine():
			done.Add(1)
		case a.unavailable():
			refused.Add(1)
		default:
			t.Errorf("%+v", a)
		}
	})
	p.sql("DROP TRIGGER dawdle ON users")
	p.recovers(0)
	t.Logf("%d done, %d refused", done.Load(), refused.Load())
	if done.Load() == 0 || refused.Load() == 0 {
		t.Error("the pool was not exhausted, or nobody was served")
	}
	if n := p.count("users"); n != int(done.Load())+p.registered() {
		t.Errorf("%d users, %d registered", n, int(done.Load())+p.registered())
	}
}

// TestATransactionThatGaveWayRunsAgain is R-019: what Postgres rolls back for another transaction's sake runs again,
// whole, three times in all, and what was done is done once. A trigger fails at a statement or at the commit.
func TestATransactionThatGaveWayRunsAgain(t *testing.T) {
	p := newPatient(t)
	p.sql("CREATE SEQUENCE tries")
	for _, code := range []string{"40001", "40P01"} {
		for _, at := range []string{"TRIGGER fail BEFORE INSERT", "CONSTRAINT TRIGGER fail AFTER INSERT"} {
			when := ""
			if at[0] == 'C' {
				when = " DEFERRABLE INITIALLY DEFERRED"
			}
			for fails, works := range map[int]bool{2: true, 3: false} {
				p.sql("ALTER SEQUENCE tries RESTART",
					fmt.Sprintf(`CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
						IF nextval(''tries'') <= %d THEN RAISE EXCEPTION USING ERRCODE = ''%s'', MESSAGE = ''give way''; END IF;
						RETURN NEW; END'`, fails, code),
					"CREATE "+at+" ON sessions"+when+" FOR EACH ROW EXECUTE FUNCTION fail()")
				users, sessions := p.count("users"), p.count("sessions")
				a := p.ask("", p.registration())
				p.sql("DROP TRIGGER fail ON sessions")
				made := p.count("users") - users
				if made != p.count("sessions")-sessions || made == 1 != works || a.fine() != works || !works && !a.unavailable() {
					t.Errorf("%s, %s, %d failures: %d users more, %+v", code, at, fails, made, a)
				}
			}
		}
	}
}

// fault is what happens to Postgres, and what is left while it lasts.
type fault struct {
	begin func(*patient)
	end   func(*patient) // besides that the proxy lets pass again
	works bool           // everything does, only later
	reads bool           // reading does
	ready bool           // readiness does not turn
	few   bool           // so few requests that the pool is not exhausted
}

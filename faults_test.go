package main

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database/dbtest"
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

// patient is a server behind whose back its Postgres can be broken.
type patient struct {
	*stage
	proxy
	s     *instance
	db    *sql.DB // without the proxy
	token string
	made  atomic.Int64
	undo  func()
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	address := dbtest.Postgres(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{}
	u.Host = p.listen(t, u.Host)
	p.s = hurried(t, "GATEHOUSE_DATABASE_URL="+u.String())
	p.stage = &stage{t: t, url: p.s.URL}
	if p.db, err = sql.Open("postgres", address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	t.Cleanup(p.pass)
	p.token = between(t, p.must("", p.registration()), `"accessToken":"`, `"`)
	p.made.Store(1)
	return p
}

// hurried is start for a server that has less time for an operation.
func hurried(t *testing.T, environment ...string) *instance {
	t.Helper()
	s, code := tryStartIn(t, world{Timeout: timeOut}, environment...)
	if s == nil {
		t.Fatalf("the server did not start: exit code %d", code)
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (p *patient) endure(f fault) {
	p.t.Helper()
	usual := p.crowd(32)
	f.begin(p)
	if took := soon(p.t, "readiness is what it should be", 5*time.Second, func() bool {
		status, _ := get(p.t, p.s.URL+"/readyz")
		return (status == http.StatusOK) == f.ready
	}); took > 3*time.Second {
		p.t.Errorf("readiness turned after %v", took)
	}
	n := 40
	if f.few {
		n = 8
	}
	var longest atomic.Int64
	p.together(n, func(i int) {
		query, token, works := "{ me { id } }", p.token, f.works || f.reads
		if i%2 == 0 {
			query, token, works = p.registration(), "", f.works
		}
		a := p.ask(token, query)
		for old := longest.Load(); int64(a.took) > old && !longest.CompareAndSwap(old, int64(a.took)); old = longest.Load() {
		}
		if !a.fine() && !a.unavailable() || works && !a.fine() || !works && token == "" && a.fine() {
			p.t.Errorf("%s: %+v", query, a)
		}
	})
	if status, _ := get(p.t, p.s.URL+"/healthz"); status != http.StatusOK {
		p.t.Errorf("/healthz: %d", status)
	}
	if f.end != nil {
		f.end(p)
	}
	if p.undo != nil {
		p.undo()
	}
	p.pass()
	p.t.Logf("answered within %v; back after %v", time.Duration(longest.Load()).Round(time.Millisecond), p.recovers(usual))
}

// crowd asks n questions at once, half of them writes, and returns how long it took. 0 when one was refused.
func (p *patient) crowd(n int) time.Duration {
	began, refused := time.Now(), atomic.Bool{}
	p.together(n, func(i int) {
		query, token := "{ me { id } }", p.token
		if i%2 == 0 {
			query, token = p.registration(), ""
		}
		switch a := p.ask(token, query); {
		case a.fine() && token == "":
			p.made.Add(1)
		case a.fine():
		case a.unavailable():
			refused.Store(true)
		default:
			p.t.Errorf("%s: %+v", query, a)
		}
	})
	if refused.Load() {
		return 0
	}
	return time.Since(began)
}

// recovers waits until a crowd is answered as fast as it usually is, and the server is ready.
func (p *patient) recovers(usual time.Duration) time.Duration {
	p.t.Helper()
	return soon(p.t, "all is as before", backWithin, func() bool {
		took := p.crowd(32)
		status, _ := get(p.t, p.s.URL+"/readyz")
		return took > 0 && status == http.StatusOK && (usual == 0 || took < 3*usual+time.Second/2)
	}).Round(time.Millisecond)
}

func (p *patient) weigh() (goroutines int, heap uint64) {
	http.DefaultClient.CloseIdleConnections()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), m.HeapAlloc
}

func (p *patient) together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func (p *patient) registered() int { return int(p.made.Load()) }

var registrations atomic.Int64

func (p *patient) registration() string {
	return fmt.Sprintf(`mutation { register(input: {email: "r%d@example.com", password: "correct horse battery"}) { accessToken } }`, registrations.Add(1))
}

func (p *patient) sql(statements ...string) {
	p.t.Helper()
	for _, s := range statements {
		if _, err := p.db.Exec(s); err != nil {
			p.t.Fatalf("%s: %v", s, err)
		}
	}
}

func (p *patient) count(table string) (n int) {
	p.t.Helper()
	if err := p.db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// readOnly is what a disk that is nearly full, or a maintenance, does to new sessions.
func (p *patient) readOnly(is string) {
	var name string
	if err := p.db.QueryRow("SELECT current_database()").Scan(&name); err != nil {
		p.t.Fatal(err)
	}
	p.sql("ALTER DATABASE " + name + " SET default_transaction_read_only = " + is)
	if is == "on" {
		p.cut()
	}
}

// lockUsers is somebody's ALTER TABLE that takes its time.
func lockUsers(p *patient) {
	tx, err := p.db.Begin()
	if err == nil {
		_, err = tx.Exec("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.undo = func() { tx.Rollback() }
}

// outcome is what a client sees of one request.
type outcome struct {
	status      int
	code, retry string
	after       int  // extensions.retryAfter
	data        bool // there is some
	text        string
	took        time.Duration
	err         error
}

func (o outcome) fine() bool { return o.err == nil && o.data && o.code == "" && o.took < inTime }

// unavailable is 503 with Retry-After, or, when a field failed after others had run, an error beside their data.
func (o outcome) unavailable() bool {
	whole := o.status == http.StatusServiceUnavailable && o.retry != ""
	return o.err == nil && o.code == "UNAVAILABLE" && o.after > 0 && (whole || o.data) && o.took < inTime
}

func (p *patient) ask(token, query string) outcome {
	return askAt(http.DefaultClient, p.s.URL, token, query)
}

func askAt(client *http.Client, url, token, query string) (o outcome) {
	began := time.Now()
	defer func() { o.took = time.Since(began) }()
	body, _ := json.Marshal(map[string]string{"query": query})
	r, err := http.NewRequest(http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return outcome{err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(r)
	if err != nil {
		return outcome{err: err}
	}
	defer response.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Extensions struct {
				Code       string
				RetryAfter int
			}
		}
	}
	o = outcome{status: response.StatusCode, retry: response.Header.Get("Retry-After")}
	if o.err = json.NewDecoder(response.Body).Decode(&answer); o.err == nil && len(answer.Errors) > 0 {
		o.code, o.after = answer.Errors[0].Extensions.Code, answer.Errors[0].Extensions.RetryAfter
	}
	o.text = string(answer.Data)
	o.data = o.text != "" && o.text != "null"
	return o
}

// proxy stands before a Postgres and can be slow, silent, or refuse.
type proxy struct {
	target string
	mu     sync.Mutex
	moves  *sync.Cond
	slow   time.Duration
	silent bool
	closed bool
	says   []byte // to whom it refuses
	open   map[net.Conn]struct{}
}

// tooMany is how a Postgres without a free connection answers.
var tooMany = func() []byte {
	fields := "SFATAL\x00VFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4)), fields...)
}()

// listen begins to stand before a target, and returns the address.
func (p *proxy) listen(t *testing.T, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); p.pass(); p.cut() })
	p.target, p.moves, p.open = target, sync.NewCond(&p.mu), map[net.Conn]struct{}{}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(client)
		}
	}()
	return l.Addr().String()
}

func (p *proxy) carry(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	closed, says := p.closed, p.says
	p.mu.Unlock()
	if closed {
		if says != nil {
			client.Read(make([]byte, 4096)) // the startup message
			client.Write(says)
		}
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.open[client], p.open[server] = struct{}{}, struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, client)
		delete(p.open, server)
		p.mu.Unlock()
	}()
	go func() {
		defer client.Close()
		defer server.Close()
		io.Copy(server, client)
	}()
	buffer := make([]byte, 16<<10)
	for {
		n, err := server.Read(buffer)
		p.hold()
		if _, failed := client.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}

// hold delays what the server says, or keeps it.
func (p *proxy) hold() {
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	time.Sleep(slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.silent {
		p.moves.Wait()
	}
}

func (p *proxy) delay(by time.Duration) { p.set(func() { p.slow = by }) }
func (p *proxy) hang()                  { p.set(func() { p.silent = true }) }
func (p *proxy) pass()                  { p.set(func() { p.slow, p.silent, p.closed, p.says = 0, false, false, nil }) }

// refuse cuts what is connected, and lets nobody in.
func (p *proxy) refuse(says []byte) {
	p.set(func() { p.closed, p.says = true, says })
	p.cut()
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.moves.Broadcast()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

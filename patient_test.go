package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

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

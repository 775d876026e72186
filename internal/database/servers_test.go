package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// states are what a server of several can be in.
var states = []string{"primary", "standby", "read-only", "down", "hangs", "starts", "full", "other password"}

// fakePostgres speaks as much of the protocol as a state of a server needs.
type fakePostgres struct {
	address string

	mu    sync.Mutex
	state string
	past  bool // a failover: the other server is on the next timeline
	open  []net.Conn
	dials int
	reads int
}

func newFakePostgres(t *testing.T, state string) *fakePostgres {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	f := &fakePostgres{address: l.Addr().String(), state: state}
	t.Cleanup(func() { l.Close(); f.become("down") })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.open = append(f.open, c)
			f.dials++
			f.mu.Unlock()
			go f.serve(c)
		}
	}()
	return f
}

// become changes the state. What becomes a standby was restarted; what becomes read-only was not.
func (f *fakePostgres) become(state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state = state; slices.Contains([]string{"standby", "down", "starts"}, state) {
		for _, c := range f.open {
			c.Close()
		}
		f.open = nil
	}
}

func (f *fakePostgres) is() (state string, dials int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, f.dials
}

func message(kind string, body string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte(kind), uint32(len(body)+4)), body...)
}

func failure(severity, code string) []byte {
	return message("E", "S"+severity+"\x00V"+severity+"\x00C"+code+"\x00Mno\x00\x00")
}

const idle = "I"

func (f *fakePostgres) serve(c net.Conn) {
	defer c.Close()
	head := make([]byte, 8) // the length of the first message, and what it is
	if _, err := io.ReadFull(c, head); err != nil || binary.BigEndian.Uint32(head[4:]) != 3<<16 {
		return
	}
	io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head))-8)
	state, _ := f.is()
	switch state {
	case "down":
		return
	case "hangs":
		io.Copy(io.Discard, c)
		return
	case "starts", "full", "other password":
		c.Write(failure("FATAL", map[string]string{"starts": "57P03", "full": "53300", "other password": "28P01"}[state]))
		return
	}
	onOff := map[bool]string{true: "on\x00", false: "off\x00"}
	c.Write(slices.Concat(message("R", "\x00\x00\x00\x00"), message("S", "server_version\x0017.0\x00"),
		message("S", "in_hot_standby\x00"+onOff[state == "standby"]),
		message("S", "default_transaction_read_only\x00"+onOff[state == "read-only"]),
		message("K", "12345678"), message("Z", idle)))
	for f.answer(c) {
	}
}

// answer answers one statement.
func (f *fakePostgres) answer(c net.Conn) bool {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil || head[0] == 'X' { // it ends
		return false
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	io.ReadFull(c, body)
	state, _ := f.is()
	switch {
	case state == "hangs":
		io.Copy(io.Discard, c)
		return false
	case bytes.Contains(body, []byte("pg_walfile_name")):
		f.mu.Lock()
		timeline := map[bool]string{true: "7 00000009", false: "7 0000000A"}[f.past]
		f.mu.Unlock()
		c.Write(slices.Concat(message("T", "\x00\x01h\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00"),
			message("D", "\x00\x01\x00\x00\x00\x0a"+timeline), message("C", "SELECT 1\x00"), message("Z", idle)))
	case bytes.HasPrefix(body, []byte("UPDATE")) && state == "read-only":
		c.Write(append(failure("ERROR", "25006"), message("Z", idle)...))
	default:
		f.mu.Lock()
		if !bytes.HasPrefix(body, []byte("UPDATE")) {
			f.reads++
		}
		f.mu.Unlock()
		c.Write(append(message("C", "UPDATE 1\x00"), message("Z", idle)...))
	}
	return true
}

// eachPair calls f with all states of two servers, simultaneously: some wait.
func eachPair(states []string, f func(one, two string)) {
	var all sync.WaitGroup
	for _, one := range states {
		for _, two := range states {
			all.Go(func() { f(one, two) })
		}
	}
	all.Wait()
}

func poolOf(t *testing.T, servers ...*fakePostgres) *sql.DB {
	url := "postgres://u:p@"
	for i, s := range servers {
		url += map[bool]string{true: ","}[i > 0] + s.address
	}
	db := must(database.OpenPool(url + "/d?sslmode=disable"))
	t.Cleanup(func() { db.Close() })
	return db
}

func write(db *sql.DB, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := db.ExecContext(ctx, "UPDATE")
	return err
}

// TestServers_ThePrimaryIsFoundInEachState of the other server, also when that is named first and hangs; and is
// remembered, so that only the first connection waits for the other.
func TestServers_ThePrimaryIsFoundInEachState(t *testing.T) {
	t.Parallel() // it waits
	eachPair(states, func(one, two string) {
		a, b := newFakePostgres(t, one), newFakePostgres(t, two)
		db := poolOf(t, a, b)
		db.SetMaxIdleConns(-1)     // a connection for each statement
		timeout := 4 * time.Second // which ends all waiting where there is no primary
		if one == "primary" || two == "primary" {
			timeout = testenv.HangGuard
		}
		err := write(db, timeout)
		if one == "primary" || two == "primary" {
			_, before := a.is()
			for range 3 {
				err = errors.Join(err, write(db, timeout))
			}
			if _, dials := a.is(); err != nil || one != "primary" && dials != before {
				t.Errorf("%s, %s: the first was asked %d times more; %v", one, two, dials-before, err)
			}
			return
		}
		if forGood := one == "other password" && two == one; err == nil || database.Unavailable(err) == forGood {
			t.Errorf("%s, %s: %v; want unavailable %t", one, two, err, !forGood)
		}
	})
}

// TestServers_AreFollowedFromEachStateToEach: whatever becomes of both, a primary takes the next writes, if there is one,
// and until then they are UNAVAILABLE. What is left in the pool does not lead to the former one.
func TestServers_AreFollowedFromEachStateToEach(t *testing.T) {
	states := []string{"primary", "standby", "read-only", "down"}
	if testenv.Long("failover") {
		states = append(states, "hangs")
	}
	follow := func(one, two string) {
		eachPair(states, func(later, latest string) {
			a, b := newFakePostgres(t, one), newFakePostgres(t, two)
			db := poolOf(t, a, b)
			simultaneousWrites(db)
			a.become(later)
			b.become(latest)
			wantFollowed(t, db, fmt.Sprintf("%s, %s, then %s, %s", one, two, later, latest),
				later == "primary" || latest == "primary")
			db.Close()
		})
	}
	for _, one := range states { // all of one simultaneously; more would have too many files open
		var all sync.WaitGroup
		for _, two := range states {
			all.Go(func() { follow(one, two) })
		}
		all.Wait()
	}
}

// wantFollowed checks that writes come to succeed, or never do.
func wantFollowed(t *testing.T, db *sql.DB, what string, primary bool) {
	for began := time.Now(); ; {
		errs := simultaneousWrites(db)
		for _, err := range errs {
			if err != nil && !database.Unavailable(err) || err == nil && !primary {
				t.Errorf("%s: %v", what, err)
			}
		}
		switch done := errors.Join(errs...) == nil; {
		case done || !primary:
			return
		case time.Since(began) > time.Minute:
			t.Errorf("%s: no primary was found: %v", what, errs)
			return
		}
	}
}

// simultaneousWrites writes on three connections.
func simultaneousWrites(db *sql.DB) []error {
	errs := make([]error, 3)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = write(db, time.Second) })
	}
	all.Wait()
	return errs
}

// TestServers_OneRefusedWriteEndsAllConnections: what a former primary would answer to reads is old.
func TestServers_OneRefusedWriteEndsAllConnections(t *testing.T) {
	a, b := newFakePostgres(t, "primary"), newFakePostgres(t, "standby")
	db := poolOf(t, a, b)
	var all [5]*sql.Conn
	for i := range all {
		all[i] = must(db.Conn(t.Context()))
	}
	held, rest := all[0], all[1:]
	for _, c := range rest {
		check(t, c.Close())
	}
	read := func() { must(db.ExecContext(t.Context(), "SELECT")) }
	read()
	a.become("read-only")
	b.become("primary")
	read()
	testenv.Equal(t, 2, a.reads, "reads of the former primary, before a write was refused")
	if err := write(db, time.Minute); err == nil || !database.Unavailable(err) {
		t.Errorf("a write to what is read-only: %v", err)
	}
	for range 2 * len(all) {
		read()
	}
	check(t, held.Close()) // back to the pool
	read()
	testenv.Equal(t, 2, a.reads, "reads of the former primary, after a write was refused")
	testenv.Equal(t, 2*len(all)+1, b.reads, "reads of the primary")
}

// TestServers_WithoutAnAttributeAreThePrimary: and who asks for another is told that Gatehouse writes.
func TestServers_WithoutAnAttributeAreThePrimary(t *testing.T) {
	for attribute, ok := range map[string]bool{"": true, "&target_session_attrs=read-write": true,
		"&target_session_attrs=primary": true, "&target_session_attrs=any": true, "&target_session_attrs=standby": false,
		"&target_session_attrs=prefer-standby": false, "&target_session_attrs=read-only": false} {
		err := database.CheckURL("postgres://u:p@h1,h2/d?sslmode=disable" + attribute)
		if (err == nil) != ok {
			t.Errorf("%s: %v", attribute, err)
		}
	}
}

// TestServers_AFormerPrimaryIsRefused: one that runs past a failover, whichever is named first; by a new pool, and by
// one whose primary is lost later. When that is back, or the former one has become its standby, all is well.
func TestServers_AFormerPrimaryIsRefused(t *testing.T) {
	for _, first := range []int{0, 1} {
		former, primary := newFakePostgres(t, "primary"), newFakePostgres(t, "primary")
		former.past = true
		servers := []*fakePostgres{former, primary}
		if first == 1 {
			slices.Reverse(servers)
		}
		db := poolOf(t, servers...)
		db.SetMaxIdleConns(-1) // a connection for each statement
		read := func() error { _, err := db.ExecContext(t.Context(), "SELECT"); return err }
		for range 3 {
			check(t, read())
		}
		primary.become("down")
		for range 3 {
			if err := read(); err == nil || !database.Unavailable(err) || !strings.Contains(err.Error(), "before a failover") {
				t.Errorf("named as %d: %v", first, err)
			}
		}
		testenv.Equal(t, 0, former.reads, "reads of the former primary, named as %d", first)
		primary.become("primary")
		check(t, read())
		former.mu.Lock()
		former.past = false
		former.mu.Unlock()
		primary.become("down")
		check(t, read())
	}
}

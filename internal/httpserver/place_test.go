package httpserver

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// send opens a connection from an address and sends a text.
func (s *limitedServer) send(from, text string) net.Conn {
	s.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	testenv.Check(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	testenv.Check(s.t, err)
	return conn
}

// sendUntil sends, and waits until something holds for the connection.
func (s *limitedServer) sendUntil(from, text string, holds func(*place) bool) net.Conn {
	s.t.Helper()
	conn := s.send(from, text)
	testenv.Eventually(s.t, fmt.Sprintf("%.40q is as expected", text), testenv.HangGuard, func() bool {
		p := s.placeOf(conn.LocalAddr().String())
		return p != nil && holds(p)
	})
	return conn
}

// hasPlace reports whether the server has a connection still.
func (s *limitedServer) hasPlace(conn net.Conn) bool {
	return s.placeOf(conn.LocalAddr().String()) != nil
}

// wantAnswer waits until a connection is answered.
func (s *limitedServer) wantAnswer(conn net.Conn) {
	s.t.Helper()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		s.t.Error(err)
	}
}

// plain is a request that is answered.
const plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func request(path, header, body string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s", path, header, length, body)
}

// inState has a connection of an address in each state that the server tells apart.
var inState = map[string]struct {
	text  string
	holds func(*place) bool
}{
	"header":  {"POST / HTTP/1.1\r\n", func(p *place) bool { return p.state == receiving }},
	"body":    {request("/read", "", "x", 2), func(p *place) bool { return p.state == receiving }},
	"running": {request("/read", "", "x", 1), func(p *place) bool { return p.state == busy && p.writing == 0 }},
	"unread":  {request("/large", "", "", 0), func(p *place) bool { return p.writing > 1<<20 }},
	"idle":    {request("/", "", "", 0), func(p *place) bool { return p.state == idle }},
}

// TestPlaces_WhoKeepsTheServerWaitingGivesWay: in each state, for a client of the same network and of another. What runs
// stays, unless its network has more than half of all places and the other is of another.
func TestPlaces_WhoKeepsTheServerWaitingGivesWay(t *testing.T) {
	for name, c := range inState {
		for _, other := range []string{"127.0.0.1", "127.0.0.2"} {
			for _, places := range []int{1, 2} {
				s := newLimitedServer(t, places, 0)
				conn := s.sendUntil("127.0.0.1", c.text, c.holds)
				if places == 2 {
					s.sendUntil("127.0.0.3", inState["running"].text, inState["running"].holds)
				}
				newcomer := s.send(other, plain)
				if name == "running" && (other == "127.0.0.1" || places == 2) {
					time.Sleep(20 * time.Millisecond)
					if !s.hasPlace(conn) {
						t.Errorf("what runs was closed for %s, of %d", other, places)
					}
					conn.Close()
				}
				s.wantAnswer(newcomer)
				if s.hasPlace(conn) {
					t.Errorf("%s: has its place still, of %d", name, places)
				}
			}
		}
	}
}

// TestStats_CountsConnectionsByWhatTheyAreAt: one in each state, more of one, and a newcomer for which one is closed.
func TestStats_CountsConnectionsByWhatTheyAreAt(t *testing.T) {
	at := map[string]string{"header": "receiving", "body": "receiving", "running": "answering", "unread": "sending", "idle": "idle"}
	s, want := newLimitedServer(t, len(inState)+1, 0), map[string]int{}
	testenv.Equal(t, Stats{Places: 6, Open: map[string]int{"receiving": 0, "answering": 0, "sending": 0, "idle": 0}}, s.stats(), "before")
	for name, c := range inState {
		s.sendUntil("127.0.0.1", c.text, c.holds)
		want[at[name]]++
	}
	testenv.Equal(t, Stats{Places: 6, Open: want}, s.stats(), "one in each state")
	s.sendUntil("127.0.0.2", inState["idle"].text, inState["idle"].holds)
	s.sendUntil("127.0.0.3", inState["idle"].text, inState["idle"].holds)
	now := s.stats()
	if now.Closed != 1 || now.Open["receiving"]+now.Open["answering"]+now.Open["sending"]+now.Open["idle"] != 6 {
		t.Errorf("%+v with one more than there are places", now)
	}
}

// TestPlaces_NetworkWithTheMostGivesWay: networks of each size, all slow; for each client that comes the largest loses
// one, until all are equal.
func TestPlaces_NetworkWithTheMostGivesWay(t *testing.T) {
	for _, state := range []string{"header", "body", "unread"} {
		s := newLimitedServer(t, 8, 0)
		has := map[string]int{"127.0.0.1": 1, "127.0.0.3": 5, "127.0.0.4": 2}
		for network, n := range has {
			for range n {
				s.sendUntil(network, inState[state].text, inState[state].holds)
			}
		}
		for newcomers := 1; newcomers <= 3; newcomers++ {
			s.sendUntil(fmt.Sprintf("127.0.1.%d", newcomers), inState[state].text, inState[state].holds)
			has["127.0.0.3"]--
			for network, n := range has {
				if got := s.connections(network); got != n {
					t.Errorf("%s: %s has %d after %d newcomers, want %d", state, network, got, newcomers, n)
				}
			}
		}
	}
}

func (s *limitedServer) connections(network string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.networks[network]; n != nil {
		return n.conns
	}
	return 0
}

// TestPlaces_ClientsThatWereAnsweredStay: clients that send nothing take their places from each other, not from those
// that have been answered and are idle for a longer time.
func TestPlaces_ClientsThatWereAnsweredStay(t *testing.T) {
	s := newServerWithin(t, limits{places: 4, queue: 10, bytes: 1 << 20, retry: time.Millisecond, slow: time.Hour,
		idle: time.Hour})
	answered := []net.Conn{s.sendUntil("127.0.0.1", plain, inState["idle"].holds),
		s.sendUntil("127.0.0.1", plain, inState["idle"].holds)}
	for range 10 {
		s.sendUntil("127.0.0.1", "", func(*place) bool { return true })
	}
	for _, conn := range answered {
		if !s.hasPlace(conn) {
			t.Error("one that was answered has no place any more")
		}
	}
}

// TestPlaces_RequestsHoldBoundedBytes: bodies of a network go beyond the bound, and one of another is under way. When all
// clients are gone nothing is counted for any network.
func TestPlaces_RequestsHoldBoundedBytes(t *testing.T) {
	s := newServerWithin(t, limits{places: 100, queue: 1, bytes: 1 << 20, retry: time.Hour})
	long := func(p *place) bool { return p.bytes > 40<<10 }
	body := request("/read", "", strings.Repeat("x", 50<<10), 60<<10)
	other := s.sendUntil("127.0.0.2", body, long)
	var all []net.Conn
	for range 60 {
		all = append(all, s.send("127.0.0.1", body))
	}
	testenv.Eventually(t, "some are closed", testenv.HangGuard, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.places) < 30 && s.bytes <= 1<<20
	})
	if !s.hasPlace(other) {
		t.Error("the other network's was closed")
	}
	for _, conn := range append(all, other) {
		conn.Close()
	}
	testenv.Eventually(t, "nothing is left", testenv.HangGuard, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.places)+len(s.networks)+s.bytes == 0
	})
}

// TestPlaces_ProxysRequestsCountForTheirClients: a trusted proxy sends the requests of two clients, of whom one is slow
// with several; its own connections stay.
func TestPlaces_ProxysRequestsCountForTheirClients(t *testing.T) {
	s := newServerWithin(t, limits{places: 5, queue: 10, bytes: 1 << 20, retry: time.Millisecond, slow: time.Hour,
		idle: time.Hour})
	unused := s.sendUntil(proxy, plain, inState["idle"].holds)
	of := func(client string) net.Conn {
		return s.sendUntil(proxy, request("/read", "By: "+client+"\r\n", "x", 2),
			func(p *place) bool { return len(p.networks) == 1 && p.networks[0].name == client })
	}
	honest := of("honest")
	slow := []net.Conn{of("slow"), of("slow"), of("slow")}
	for range 2 {
		s.wantAnswer(s.sendUntil(proxy, plain, func(*place) bool { return true }))
	}
	if !s.hasPlace(unused) || !s.hasPlace(honest) || s.connections("slow") != 1 || !s.hasPlace(slow[2]) {
		t.Errorf("the slow client has %d, the proxy its own: %v", s.connections("slow"), s.hasPlace(unused))
	}
}

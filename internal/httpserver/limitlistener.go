package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/fairqueue"
)

// limits bound what clients hold.
type limits struct {
	places int           // connections that are served
	queue  int           // connections that wait for a place
	bytes  int           // of requests and answers under way, beyond freeBytes of each connection
	retry  time.Duration // how soon to look again for a connection to close

	// While others wait for a place, no connection is closed that has waited for its client for a shorter time than
	// recent; those are closed first that have kept the server waiting for slow, and then those that were idle for idle.
	recent, slow, idle time.Duration
}

const (
	// freeBytes of each connection count as part of it: nearly all requests are shorter.
	freeBytes = 4 << 10
	// maxPlaces bounds the memory of connections where the limit of open files does not.
	maxPlaces = 4096
	// maxQueueTime is how long a connection waits for a place.
	maxQueueTime = 10 * time.Second
	// warnInterval is the time between two lines about connections that were closed for others.
	warnInterval = time.Minute
)

// defaultLimits take at most half of the files that this process may have open. The other half is left to the
// database, so that no number of clients takes its connections away.
func defaultLimits(files int) limits {
	places := max(1, min(files/16*7, maxPlaces))
	return limits{places: places, queue: max(1, places/7), bytes: 16 << 20, retry: 10 * time.Millisecond,
		recent: 50 * time.Millisecond, slow: time.Second, idle: headerTimeout}
}

// limitListener gives connections places, and shares them out by network when they are scarce. For a client that waits
// for a place it closes a connection that keeps the server waiting: see place.rank. So it does when requests and
// answers under way hold too many bytes. Clients that wait take turns by network.
type limitListener struct {
	net.Listener
	limits limits
	names  func(net.Addr) []string // see Config.Networks
	log    *slog.Logger
	queue  *fairqueue.Limiter

	accepted chan accepted
	closed   context.Context
	close    context.CancelFunc

	mu       sync.Mutex
	places   map[*place]struct{}
	networks map[string]*network
	bytes    int       // beyond freeBytes, of all places
	closings uint64    // of connections for others, since the start
	evicted  int       // since the last warning
	warned   time.Time // when that was
}

// accepted is what Accept returns.
type accepted struct {
	conn net.Conn
	err  error
}

func newLimitListener(l net.Listener, c Config, limits limits) *limitListener {
	names := c.Networks
	if names == nil {
		names = func(a net.Addr) []string { return []string{a.Network()} }
	}
	closed, closeAll := context.WithCancel(context.Background())
	limited := &limitListener{
		Listener: l, limits: limits, names: names, log: c.Log, accepted: make(chan accepted),
		queue: fairqueue.New(fairqueue.Config{
			Slots: limits.places, Queue: limits.queue, Timeout: maxQueueTime,
		}),
		closed: closed, close: closeAll, places: map[*place]struct{}{}, networks: map[string]*network{},
	}
	go limited.acceptAll()
	return limited
}

// attach has a server tell the states of its connections.
func (l *limitListener) attach(server *http.Server) {
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		if p, ok := conn.(*place); ok {
			p.onState(state)
		}
	}
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, placeKey{}, conn)
	}
}

// acceptAll accepts clients as they come, so that none waits behind another network's.
func (l *limitListener) acceptAll() {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			go l.admit(conn)
			continue
		}
		select {
		case l.accepted <- accepted{err: err}:
		case <-l.closed.Done():
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// admit waits for a place.
func (l *limitListener) admit(conn net.Conn) {
	names := l.names(conn.RemoteAddr())
	waits, admitted := context.WithCancel(l.closed)
	soon := l.limits.retry
	if l.queue.Stats().Running >= l.limits.places {
		soon = 0
	}
	room := time.AfterFunc(soon, func() { l.makeRoom(waits, names) })
	release, err := l.queue.Acquire(l.closed, names)
	room.Stop()
	admitted()
	if err != nil {
		conn.Close()
		return
	}
	p := l.newPlace(conn, names, release)
	select {
	case l.accepted <- accepted{conn: p}:
	case <-l.closed.Done():
		p.Close()
	}
}

// Accept waits for a client that has a place.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed.Done():
		return nil, net.ErrClosed
	}
}

// Close also ends the connections that have not been returned by Accept.
func (l *limitListener) Close() error {
	l.close()
	return l.Listener.Close()
}

// makeRoom closes connections for one of these networks until that has its place.
func (l *limitListener) makeRoom(waits context.Context, names []string) {
	for {
		l.mu.Lock()
		var closing *place
		if len(l.places) >= l.limits.places && waits.Err() == nil {
			closing = l.forPlace(names)
		}
		l.mu.Unlock()
		l.end(waits, closing)
		select {
		case <-waits.Done():
			return
		case <-time.After(l.limits.retry):
		}
	}
}

// Stats says how busy the places for connections are.
type Stats struct {
	Places  int            // how many connections are served at most
	Open    map[string]int // connections that have a place: receiving a request, answering, sending, or idle
	Waiting int            // connections that wait for a place
	Refused uint64         // connections that got none since the start
	Closed  uint64         // connections that were closed for others since the start
}

// Stats returns the numbers of this moment.
func (s *Server) Stats() Stats { return s.places.stats() }

func (l *limitListener) stats() Stats {
	queue, open := l.queue.Stats(), map[string]int{"receiving": 0, "answering": 0, "sending": 0, "idle": 0}
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.places {
		open[p.doing()]++
	}
	return Stats{queue.Slots, open, queue.Waiting, queue.Refused, l.closings}
}

// end closes a connection for another one, if there is one to close. The client that gets the place finds it counted.
func (l *limitListener) end(ctx context.Context, p *place) {
	if p != nil && l.dismiss(ctx, p) {
		p.abort()
	}
}

// dismiss counts a connection as closed for another one. It reports false when its client was sooner.
func (l *limitListener) dismiss(ctx context.Context, p *place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.leave() {
		return false
	}
	l.closings++
	if l.evicted++; time.Since(l.warned) >= warnInterval {
		l.log.WarnContext(ctx, "connections or their memory are scarce: those that kept the server waiting were closed",
			"closed", l.evicted, "open", len(l.places), "networks", len(l.networks))
		l.evicted, l.warned = 0, time.Now()
	}
	return true
}

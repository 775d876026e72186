package httpserver

import (
	"cmp"
	"net"
	"slices"
	"time"
)

// network counts what connections from it hold.
type network struct {
	name  string
	conns int
	bytes int
}

// newPlace counts a connection. Without names it is a trusted proxy's.
func (l *limitListener) newPlace(conn net.Conn, names []string, release func()) *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &place{Conn: conn, listener: l, release: release, since: time.Now(),
		reads: deadline{set: conn.SetReadDeadline}}
	p.home = l.find(names)
	p.count(p.home)
	l.places[p] = struct{}{}
	return p
}

// find returns networks by name.
func (l *limitListener) find(names []string) (all []*network) {
	for _, name := range names {
		n := l.networks[name]
		if n == nil {
			n = &network{name: name}
			l.networks[name] = n
		}
		all = append(all, n)
	}
	return all
}

// count has a connection count for other networks than before.
func (p *place) count(networks []*network) {
	if p.gone {
		networks = nil
	}
	for _, n := range networks {
		n.conns++
		n.bytes += p.bytes
		p.listener.networks[n.name] = n // which may have been without connections for a while
	}
	for _, n := range p.networks {
		n.bytes -= p.bytes
		if n.conns--; n.conns == 0 {
			delete(p.listener.networks, n.name)
		}
	}
	p.networks = networks
}

// charge counts the bytes of a connection, and returns one to close when all together are too many.
func (p *place) charge() *place {
	if p.gone {
		return nil
	}
	more := max(0, int(p.received.Load())+p.writing-freeBytes) - p.bytes
	p.bytes += more
	p.listener.bytes += more
	for _, n := range p.networks {
		n.bytes += more
	}
	if more <= 0 {
		return nil
	}
	return p.listener.forBytes()
}

// overBudget is forBytes for a caller without the lock.
func (l *limitListener) overBudget() *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forBytes()
}

// forBytes returns the connection to close so that requests and answers hold fewer bytes: of the network that holds the
// most, the one that has kept the server waiting for the longest time. It returns nil when they are not too many.
func (l *limitListener) forBytes() *place {
	if l.bytes <= l.limits.bytes {
		return nil
	}
	return l.first(func(p *place) (r rank, ok bool) {
		since, waits := p.waiting()
		return rank{sizes: sizes(p, func(n *network) int { return n.bytes }), since: since}, waits && p.bytes > 0
	})
}

// forPlace returns the connection to close for one of these networks.
func (l *limitListener) forPlace(names []string) *place {
	now := time.Now()
	return l.first(func(p *place) (rank, bool) { return l.rankFor(p, names, now) })
}

// rank says which connection is closed first: that of the greatest class, in it that of the network with the most, in
// that the one that has been in its state for the longest time.
type rank struct {
	class class
	sizes [3]int // of its networks, from the widest to the narrowest
	since time.Time
}

type class int

const (
	running  class = iota // has its answer made; closed only when its network has more than half of all places
	recent                // waits for its client, as nearly all do for a moment
	unproven              // the same, and has not had an answer yet
	unused                // is idle
	slow                  // has kept the server waiting
)

func (r rank) before(other rank) bool {
	return cmp.Or(cmp.Compare(r.class, other.class), slices.Compare(r.sizes[:], other.sizes[:]),
		other.since.Compare(r.since)) > 0
}

// first returns the connection of the first rank.
func (l *limitListener) first(rankOf func(*place) (rank, bool)) (found *place) {
	var most rank
	for p := range l.places {
		if r, ok := rankOf(p); ok && (found == nil || r.before(most)) {
			found, most = p, r
		}
	}
	return found
}

// rankFor ranks a connection, and reports whether it may be closed for one of these networks. A trusted proxy's
// connections are closed last, unless they send a client's request.
func (l *limitListener) rankFor(p *place, names []string, now time.Time) (r rank, ok bool) {
	since, waits := p.waiting()
	r = rank{running, sizes(p, func(n *network) int { return n.conns }), since}
	switch waited := now.Sub(since); {
	case !waits:
		return r, len(p.networks) > 0 && p.networks[0].conns > l.limits.places/2 && !hasName(names, p.networks[0].name)
	case len(p.networks) == 0:
		return r, waited >= l.limits.slow
	case p.state == idle && p.writing == 0 && waited >= l.limits.idle:
		r.class = unused
	case waited >= l.limits.slow && (p.state != idle || p.writing > 0):
		r.class = slow
	default:
		if r.class = recent; !p.proven {
			r.class = unproven
		}
		return r, waited >= l.limits.recent
	}
	return r, true
}

func hasName(names []string, name string) bool { return len(names) > 0 && names[0] == name }

func sizes(p *place, of func(*network) int) (all [3]int) {
	for i := range all {
		if len(p.networks) > 0 {
			all[i] = of(p.networks[min(i, len(p.networks)-1)])
		}
	}
	return all
}

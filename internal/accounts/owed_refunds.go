package accounts

import (
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
)

// maxOwed is how long a refund is owed at most. It is far less than the time in which an attempt of a network expires by
// itself: refunded later, it would take away another one.
const maxOwed = maxNetworkDelay / 4

// refund is by how much a counter ends earlier, and since when it should.
type refund struct {
	by    time.Duration
	since time.Time
}

// owed is what counters are to be refunded.
type owed map[uuid.UUID]refund

func (o owed) of(c counter) float64 { return o[c.name].by.Seconds() }

func (o owed) add(name uuid.UUID, more refund) {
	if before, ok := o[name]; ok {
		more = refund{before.by + more.by, earlier(before.since, more.since)}
	}
	o[name] = more
}

// owedRefunds are refunds of networks that are not written yet. The next charge of the network writes them, or the next
// sweep; other instances count these attempts until then. They are as many as attempts succeed between two sweeps.
type owedRefunds struct {
	mu  sync.Mutex
	all owed
}

func newOwedRefunds() *owedRefunds { return &owedRefunds{all: owed{}} }

func (o *owedRefunds) add(more owed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, r := range more {
		o.all.add(name, r)
	}
}

// to returns what is owed to the counters of an attempt, and with take removes it.
func (o *owedRefunds) to(t *attempt, take bool) owed {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := owed{}
	for _, c := range t.counters {
		if r, ok := o.all[c.name]; ok && t.now.Sub(r.since) < maxOwed {
			found[c.name] = r
		}
		if take {
			delete(o.all, c.name)
		}
	}
	return found
}

// takeAll removes everything, and returns what is not too old.
func (o *owedRefunds) takeAll(now time.Time) owed {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.all
	o.all = owed{}
	maps.DeleteFunc(all, func(_ uuid.UUID, r refund) bool { return now.Sub(r.since) >= maxOwed })
	return all
}

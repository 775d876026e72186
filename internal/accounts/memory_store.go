package accounts

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// These bound memory: 11 MiB of counts, 3 MiB of refreshes, and 25 MiB if so many accounts had 20 known networks
	// each. What leaves first is what was not tried for the longest time, so that a count under attack stays. To push it
	// out, an attacker needs half as many tries that are let through, each with a hash to wait for.
	maxCounts    = 1 << 16
	maxRefreshes = 1 << 14
	maxAccounts  = 1 << 14
)

// memoryLedger counts in the memory of one instance.
type memoryLedger struct {
	mu     sync.Mutex
	counts *simplelru.LRU[uuid.UUID, count]
	known  *simplelru.LRU[uuid.UUID, map[uuid.UUID]time.Time] // by account: its networks, and until when each is known
}

func newMemoryLedger(size int) *memoryLedger {
	counts, _ := simplelru.NewLRU[uuid.UUID, count](size, nil) // whose only error is a size of nothing
	known, _ := simplelru.NewLRU[uuid.UUID, map[uuid.UUID]time.Time](maxAccounts, nil)
	return &memoryLedger{counts: counts, known: known}
}

func (m *memoryLedger) take(_ context.Context, t *try) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	networks, _ := m.known.Get(t.account)
	wait := t.judge(networks[t.network], m.find)
	if wait <= 0 {
		m.add(t.now, t.counted[:]...)
	}
	return wait, nil
}

// count counts under one name.
func (m *memoryLedger) count(now time.Time, c counter) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := c.opens(m.find(c.name)).Sub(now)
	if wait <= 0 {
		m.add(now, c)
	}
	return wait
}

func (m *memoryLedger) find(name uuid.UUID) count {
	c, _ := m.counts.Get(name)
	return c
}

func (m *memoryLedger) add(now time.Time, all ...counter) {
	for _, c := range all {
		m.counts.Add(c.name, m.find(c.name).next(c.rule, now))
	}
}

func (m *memoryLedger) takeBack(_ context.Context, _ *transaction, t *try, reset bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range t.counted {
		kept, counted := m.counts.Get(c.name)
		if !counted {
			continue
		}
		kept.until = kept.until.Add(-c.longest)
		if reset && i == 0 {
			kept.until = kept.at
		}
		m.counts.Add(c.name, kept)
	}
	return nil
}

func (m *memoryLedger) remember(_ context.Context, _ *transaction, t *try) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	networks, is := m.known.Get(t.account)
	if !is {
		networks = map[uuid.UUID]time.Time{}
		m.known.Add(t.account, networks)
	}
	networks[t.network] = t.now.Add(knownFor)
	if len(networks) > maxKnown {
		oldest := t.network
		for network, until := range networks {
			if until.Before(networks[oldest]) {
				oldest = network
			}
		}
		delete(networks, oldest)
	}
	return nil
}

// sweep goes from what was tried longest ago to the first that still counts.
func (m *memoryLedger) sweep(_ context.Context, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		name, c, any := m.counts.GetOldest()
		if !any || c.until.After(now) {
			break
		}
		m.counts.Remove(name)
	}
	for {
		account, networks, any := m.known.GetOldest()
		if !any {
			return nil
		}
		maps.DeleteFunc(networks, func(_ uuid.UUID, until time.Time) bool { return !until.After(now) })
		if len(networks) > 0 {
			return nil
		}
		m.known.Remove(account)
	}
}

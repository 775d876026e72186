package accounts

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memoryStore counts in the memory of one instance, which is bounded: see MaxCacheBytes. LRU eviction keeps counters that
// are under attack. To push one out, an attacker needs half as many attempts that are let through, each with a hash to
// wait for.
type memoryStore struct {
	mu     sync.Mutex
	counts *simplelru.LRU[uuid.UUID, count]
	known  *simplelru.LRU[uuid.UUID, map[uuid.UUID]time.Time] // by account: its networks, and until when each is known
}

func newMemoryStore(size int) *memoryStore {
	counts, _ := simplelru.NewLRU[uuid.UUID, count](size, nil) // whose only error is a size of nothing
	known, _ := simplelru.NewLRU[uuid.UUID, map[uuid.UUID]time.Time](maxKnownAccounts, nil)
	return &memoryStore{counts: counts, known: known}
}

func (m *memoryStore) charge(_ context.Context, t *attempt) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	networks, _ := m.known.Get(t.account)
	wait := t.delay(networks[t.network], m.find)
	if wait <= 0 {
		m.add(t.now, t.charged[:]...)
	}
	return wait, nil
}

// count counts under one name.
func (m *memoryStore) count(now time.Time, c counter) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := c.retryAt(m.find(c.name)).Sub(now)
	if wait <= 0 {
		m.add(now, c)
	}
	return wait
}

func (m *memoryStore) find(name uuid.UUID) count {
	c, _ := m.counts.Get(name)
	return c
}

func (m *memoryStore) add(now time.Time, all ...counter) {
	for _, c := range all {
		m.counts.Add(c.name, m.find(c.name).next(c.backoff, now))
	}
}

func (m *memoryStore) refund(_ context.Context, _ *transaction, t *attempt, reset bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range t.charged {
		kept, counted := m.counts.Get(c.name)
		if !counted {
			continue
		}
		kept.until = kept.until.Add(-c.maxDelay)
		if reset && i == 0 {
			kept.until = kept.at
		}
		m.counts.Add(c.name, kept)
	}
	return nil
}

func (m *memoryStore) rememberNetwork(_ context.Context, _ *transaction, t *attempt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	networks, is := m.known.Get(t.account)
	if !is {
		networks = map[uuid.UUID]time.Time{}
		m.known.Add(t.account, networks)
	}
	networks[t.network] = t.now.Add(networkTTL)
	if len(networks) > maxNetworks {
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

// deleteExpired goes from what was tried longest ago to the first that still counts.
func (m *memoryStore) deleteExpired(_ context.Context, now time.Time) error {
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

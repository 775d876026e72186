package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memoryStore counts in the memory of one instance, which is bounded: see MaxCacheBytes. LRU eviction keeps counters
// that are under attack. To push one out, an attacker needs a quarter as many attempts that are let through, each with
// a hash to wait for.
type memoryStore struct {
	mu     sync.Mutex
	counts *simplelru.LRU[uuid.UUID, count]
}

func newMemoryStore(size int) *memoryStore {
	counts, _ := simplelru.NewLRU[uuid.UUID, count](size, nil) // fails only for a size of 0
	return &memoryStore{counts: counts}
}

func (m *memoryStore) charge(_ context.Context, t *attempt) (refusal, error) {
	return m.count(t.now, t.counters...), nil
}

// count charges all counters, or none and returns the longest delay.
func (m *memoryStore) count(now time.Time, counters ...counter) refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if refused := longestDelay(counters, now, m.find); refused.wait > 0 {
		return refused
	}
	for _, c := range counters {
		m.counts.Add(c.name, m.find(c.name).next(c.backoff, now))
	}
	return refusal{}
}

// delay returns the longest delay of the counters, and charges none.
func (m *memoryStore) delay(now time.Time, counters ...counter) refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	return longestDelay(counters, now, m.find)
}

func (m *memoryStore) find(name uuid.UUID) count {
	c, _ := m.counts.Get(name)
	return c
}

func (m *memoryStore) refund(_ context.Context, _ *transaction, t *attempt, reset bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range t.counters {
		stored, ok := m.counts.Get(c.name)
		if !ok {
			continue
		}
		stored.until = stored.until.Add(-c.maxDelay)
		if reset && i == 0 || !stored.until.After(stored.at) {
			m.counts.Remove(c.name) // so that attempts without a hash take no place for long
			continue
		}
		m.counts.Add(c.name, stored)
	}
	return nil
}

func (m *memoryStore) deleteExpired(_ context.Context, now time.Time) (deleted int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		name, c, ok := m.counts.GetOldest()
		if !ok || c.until.After(now) {
			return deleted, nil
		}
		m.counts.Remove(name)
		deleted++
	}
}

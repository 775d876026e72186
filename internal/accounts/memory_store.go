package accounts

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// memoryStore counts in the memory of one instance, which is bounded: see MaxCacheBytes. When it is full, it forgets the
// counter that would expire first, which is the one with the fewest attempts left in it. In a store of guesses that is
// one of those whose attempts last as long, so that requests for mail, which count for hours, crowd no account out.
//
// With floors, what is forgotten still holds: a counter that is not there begins as the highest that was forgotten under
// the same rule (the Space-Saving algorithm of Metwally et al., 2005). So no flood of other names buys guesses: at
// worst, clients that nobody remembers wait as the forgotten ones would have.
type memoryStore struct {
	mu     sync.Mutex
	size   int
	byName map[uuid.UUID]*storedCounter
	queues map[time.Duration]*expiryQueue // by how long an attempt lasts
	floors map[rule]floor                 // nil: what is forgotten does not count
}

// rule is what counters have in common.
type rule struct {
	limit string
	backoff
}

// storedCounter is a counter in memory.
type storedCounter struct {
	counter
	count
	place int // in the queue
}

// floor is the most that the forgotten counters of a rule allow: no attempt before retryAt, and then as if they had been
// charged until then.
type floor struct{ until, retryAt time.Time }

func newMemoryStore(size int) *memoryStore {
	return &memoryStore{size: size, byName: map[uuid.UUID]*storedCounter{}, queues: map[time.Duration]*expiryQueue{}}
}

// newGuessStore returns a memoryStore of what guesses passwords.
func newGuessStore(size int) *memoryStore {
	m := newMemoryStore(size)
	m.floors = map[rule]floor{}
	return m
}

func (m *memoryStore) charge(_ context.Context, t *attempt) (refusal, error) {
	return m.count(t.now, t.counters...), nil
}

// count charges all counters, or none and returns the longest delay.
func (m *memoryStore) count(now time.Time, counters ...counter) refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if refused := m.longestDelay(now, counters); refused.wait > 0 {
		return refused
	}
	for _, c := range counters {
		m.add(c, now)
	}
	return refusal{}
}

// delay returns the longest delay of the counters, and charges none.
func (m *memoryStore) delay(now time.Time, counters ...counter) refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.longestDelay(now, counters)
}

func (m *memoryStore) longestDelay(now time.Time, counters []counter) (longest refusal) {
	for _, c := range counters {
		at := m.floors[rule{c.limit, c.backoff}].retryAt
		if stored := m.byName[c.name]; stored != nil {
			at = c.retryAt(stored.count)
		}
		if wait := at.Sub(now); wait > longest.wait {
			longest = refusal{wait, c.limit}
		}
	}
	return longest
}

func (m *memoryStore) add(c counter, now time.Time) {
	stored := m.byName[c.name]
	if stored == nil {
		queue, size := m.queueOf(c)
		for len(*queue) >= size {
			m.forget((*queue)[0], now)
		}
		stored = &storedCounter{counter: c, count: count{until: m.floors[rule{c.limit, c.backoff}].until}}
		m.byName[c.name] = stored
		heap.Push(queue, stored)
	}
	stored.count = stored.next(c.backoff, now)
	m.fix(stored)
}

// queueOf returns the queue of a counter and how many it may hold: in a store of guesses half of all are accounts'.
func (m *memoryStore) queueOf(c counter) (queue *expiryQueue, size int) {
	class := c.maxDelay
	switch {
	case m.floors == nil:
		class, size = 0, m.size
	case class == maxAccountDelay:
		size = m.size / 2
	case class == maxNetworkDelay:
		size = m.size / 4
	default:
		class, size = 0, m.size/4
	}
	if m.queues[class] == nil {
		m.queues[class] = &expiryQueue{}
	}
	return m.queues[class], size
}

func (m *memoryStore) fix(s *storedCounter) {
	queue, _ := m.queueOf(s.counter)
	heap.Fix(queue, s.place)
}

// forget makes room. What is still in force raises the floor of its rule.
func (m *memoryStore) forget(s *storedCounter, now time.Time) {
	if m.floors != nil && s.until.After(now) {
		r := rule{s.limit, s.backoff}
		before := m.floors[r]
		m.floors[r] = floor{later(before.until, s.until), later(before.retryAt, s.retryAt(s.count))}
	}
	m.remove(s)
}

func (m *memoryStore) remove(s *storedCounter) {
	delete(m.byName, s.name)
	queue, _ := m.queueOf(s.counter)
	heap.Remove(queue, s.place)
}

func (m *memoryStore) refund(_ context.Context, _ *transaction, t *attempt, reset bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range t.counters {
		stored := m.byName[c.name]
		if stored == nil {
			continue
		}
		stored.until = stored.until.Add(-c.maxDelay)
		if reset && i == 0 || !stored.until.After(stored.at) {
			m.remove(stored) // so that attempts without a hash take no place for long
			continue
		}
		m.fix(stored)
	}
	return nil
}

func (m *memoryStore) deleteExpired(_ context.Context, now time.Time) (deleted int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, queue := range m.queues {
		for len(*queue) > 0 && !(*queue)[0].until.After(now) {
			m.remove((*queue)[0])
			deleted++
		}
	}
	return deleted, nil
}

// expiryQueue is a heap of counters: that which expires first is at its top.
type expiryQueue []*storedCounter

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }

func (q expiryQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *expiryQueue) Push(x any) {
	s := x.(*storedCounter)
	s.place = len(*q)
	*q = append(*q, s)
}

func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}

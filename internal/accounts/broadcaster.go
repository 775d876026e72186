package accounts

import (
	"sync"
	"time"
)

// completeInterval is how often subscribers are sent that all was sent, at most.
const completeInterval = 200 * time.Millisecond

// subscriberBuffer is how many notices a subscriber may be behind before it is dropped.
const subscriberBuffer = 1024

// Notice is a revocation, or, without one, says that all committed before Complete were sent.
type Notice struct {
	Revocation *Revocation
	Complete   time.Time // on the monotonic clock
}

// broadcaster sends every revocation to all subscribers, whichever instance made it.
type broadcaster struct {
	mu          sync.Mutex
	subscribers map[chan Notice]struct{}
	completed   time.Time // the newest moment of which complete sent something
}

func newBroadcaster() *broadcaster { return &broadcaster{subscribers: map[chan Notice]struct{}{}} }

// send never waits: a subscriber that is too far behind has its channel closed, and must start again.
func (f *broadcaster) send(n Notice) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for subscriber := range f.subscribers {
		select {
		case subscriber <- n:
		default:
			f.drop(subscriber)
		}
	}
}

// complete sends that everything before a moment was sent, unless that was said just before.
func (f *broadcaster) complete(since time.Time) {
	f.mu.Lock()
	due := since.Sub(f.completed) >= completeInterval
	if due {
		f.completed = since
	}
	f.mu.Unlock()
	if due {
		f.send(Notice{Complete: since})
	}
}

// drop must be called under the lock.
func (f *broadcaster) drop(subscriber chan Notice) {
	if _, subscribed := f.subscribers[subscriber]; subscribed {
		delete(f.subscribers, subscriber)
		close(subscriber)
	}
}

// dropAll is called when a revocation may have been missed.
func (f *broadcaster) dropAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for subscriber := range f.subscribers {
		f.drop(subscriber)
	}
}

func (f *broadcaster) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subscribers) > 0
}

// Subscribe returns the notices from now on. The channel is closed when cancel is called, or when a notice may have
// been missed. Subscribe first and read Revocations afterwards, so that none is missed in between.
func (s *Service) Subscribe() (notices <-chan Notice, cancel func()) {
	subscriber := make(chan Notice, subscriberBuffer)
	s.subscribers.mu.Lock()
	defer s.subscribers.mu.Unlock()
	s.subscribers.subscribers[subscriber] = struct{}{}
	return subscriber, func() {
		s.subscribers.mu.Lock()
		defer s.subscribers.mu.Unlock()
		s.subscribers.drop(subscriber)
	}
}

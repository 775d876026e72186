package accounts

import (
	"sync"
	"time"
)

// feedRoom is how many notices a subscriber may be behind before it is dropped.
const feedRoom = 1024

// Notice is what a subscriber is told: a revocation, or, when it has none, that all until a moment have been told.
type Notice struct {
	Revocation *Revocation
	Complete   time.Time // on the monotonic clock
}

// feed tells subscribers of every revocation, whichever instance makes it.
type feed struct {
	telling     sync.Mutex // held by PublishPending
	told        int        // the newest revocation that PublishPending told
	mu          sync.Mutex
	subscribers map[chan Notice]struct{}
}

func newFeed() *feed { return &feed{subscribers: map[chan Notice]struct{}{}} }

// tell never waits: whoever is too far behind has the channel closed, and must begin anew.
func (f *feed) tell(n Notice) {
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

// drop must be called under the lock.
func (f *feed) drop(subscriber chan Notice) {
	if _, subscribed := f.subscribers[subscriber]; subscribed {
		delete(f.subscribers, subscriber)
		close(subscriber)
	}
}

// dropAll is for when something may have been missed.
func (f *feed) dropAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for subscriber := range f.subscribers {
		f.drop(subscriber)
	}
}

func (f *feed) wanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subscribers) > 0
}

// Subscribe returns the notices from now on, until cancel is called, or one may have been missed: then the channel is
// closed. Subscribe first and read Revocations afterwards, so that none is missed in between.
func (s *Service) Subscribe() (notices <-chan Notice, cancel func()) {
	subscriber := make(chan Notice, feedRoom)
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.subscribers[subscriber] = struct{}{}
	return subscriber, func() {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		s.feed.drop(subscriber)
	}
}

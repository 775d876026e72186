package accounts

import "sync"

// feedRoom is how many revocations a subscriber may be behind before it is dropped.
const feedRoom = 1024

// feed tells subscribers of every revocation that this instance makes or hears of. It may tell one twice.
type feed struct {
	mu          sync.Mutex
	subscribers map[chan Revocation]struct{}
}

func newFeed() *feed { return &feed{subscribers: map[chan Revocation]struct{}{}} }

// tell never waits: whoever is too far behind has the channel closed, and must begin anew.
func (f *feed) tell(r Revocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for subscriber := range f.subscribers {
		select {
		case subscriber <- r:
		default:
			delete(f.subscribers, subscriber)
			close(subscriber)
		}
	}
}

func (f *feed) wanted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subscribers) > 0
}

// Subscribe returns the revocations from now on, until cancel is called or the reader falls too far behind: then the
// channel is closed. Subscribe first and read Revocations afterwards, so that none is missed.
func (s *Service) Subscribe() (revocations <-chan Revocation, cancel func()) {
	subscriber := make(chan Revocation, feedRoom)
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.subscribers[subscriber] = struct{}{}
	return subscriber, func() {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		if _, subscribed := s.feed.subscribers[subscriber]; subscribed {
			delete(s.feed.subscribers, subscriber)
			close(subscriber)
		}
	}
}

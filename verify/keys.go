package verify

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	fetchTimeout = 5 * time.Second
	// retryInterval is the least time between a failed fetch and the next.
	retryInterval = 10 * time.Second
	// unknownKidInterval is the least time between fetches because of unknown kids, which any client can send.
	unknownKidInterval = time.Minute
	// fromFeedInterval is the same for a kid that the feed named.
	fromFeedInterval = time.Second
	// maxStale is for how long keys are used that could not be renewed when they should have been.
	maxStale = time.Hour
)

// keys are the issuer's public keys, as they were when they were last fetched.
type keys struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu       sync.Mutex
	set      keySet
	fromFeed map[string]bool // the kids that the feed named; nil: there is no feed, or it has not named them yet
	tried    time.Time       // when the last fetch began; zero is never
	failed   bool            // the last fetch that ended had no keys
	inflight chan struct{}   // closed when the running fetch ends; nil: none is running
}

// keySet is one response of the issuer. The zero value is none, which has expired.
type keySet struct {
	byID    map[string]*token.PublicKey
	renewAt time.Time // from when it is renewed in the background
	staleAt time.Time // until when it is as fresh as the issuer asks
}

func (s keySet) usable(now time.Time) bool { return now.Before(s.staleAt.Add(maxStale)) }

// find returns the key of a kid, or nil. It never fetches.
func (k *keys) find(kid string, now time.Time) *token.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.set.usable(now) || k.fromFeed != nil && !k.fromFeed[kid] {
		return nil
	}
	return k.set.byID[kid]
}

// restrict takes the kids that the feed named: no other key verifies any more, and one that is missing is fetched.
func (k *keys) restrict(kids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fromFeed = map[string]bool{}
	for _, kid := range kids {
		k.fromFeed[kid] = true
	}
	if k.incomplete() && k.inflight == nil {
		k.startFetch(k.now())
	}
}

// incomplete reports whether a key is missing that the feed named; k.mu is held.
func (k *keys) incomplete() bool {
	for kid := range k.fromFeed {
		if k.set.byID[kid] == nil {
			return true
		}
	}
	return false
}

// ensure makes sure that there are usable keys, and renews those that are due. It waits when there are none, and when
// they are stale and the last fetch succeeded: after a long time without requests, keys are not trusted unchecked.
func (k *keys) ensure(ctx context.Context) error {
	k.mu.Lock()
	now := k.now()
	set, failed := k.set, k.failed
	if now.Before(set.renewAt) {
		k.mu.Unlock()
		return nil
	}
	inflight := k.inflight
	if inflight == nil && (!failed || !now.Before(k.tried.Add(retryInterval))) {
		inflight = k.startFetch(now)
	}
	k.mu.Unlock()
	if now.Before(set.staleAt) || failed && set.usable(now) {
		return nil
	}
	wait(ctx, inflight)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.set.usable(k.now()) {
		return unavailable("the issuer's keys could not be fetched")
	}
	return nil
}

// renew fetches newer keys because of an unknown kid: at most once a minute, or once a second while a key is missing
// that the feed named. It fails when the issuer could not be reached, because then the kid may be a good one.
func (k *keys) renew(ctx context.Context) error {
	k.mu.Lock()
	now, inflight, interval := k.now(), k.inflight, unknownKidInterval
	if k.incomplete() {
		interval = fromFeedInterval
	}
	if inflight == nil && !now.Before(k.tried.Add(interval)) {
		inflight = k.startFetch(now)
	}
	k.mu.Unlock()
	wait(ctx, inflight)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed || ctx.Err() != nil {
		return unavailable("newer keys of the issuer could not be fetched")
	}
	return nil
}

// wait returns when the fetch or the context has ended; immediately when there is no fetch.
func wait(ctx context.Context, inflight <-chan struct{}) {
	if inflight == nil {
		return
	}
	select {
	case <-inflight:
	case <-ctx.Done():
	}
}

// startFetch begins a fetch; one runs at a time, and k.mu is held. It has its own context, so that a request that is
// cancelled does not fail the others that wait.
func (k *keys) startFetch(now time.Time) chan struct{} {
	inflight := make(chan struct{})
	k.inflight, k.tried = inflight, now
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		fetched, err := fetch(ctx, k.client, k.url)
		k.finish(now, fetched, err)
		close(inflight)
	}()
	return inflight
}

// finish takes the result of a fetch that began at a time.
func (k *keys) finish(began time.Time, f fetched, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil && !k.failed {
		k.log.Warn("the issuer's keys cannot be fetched; known ones are used for an hour at most",
			"url", k.url, "error", err)
	}
	if err == nil && k.failed {
		k.log.Info("the issuer's keys can be fetched again", "url", k.url)
	}
	k.inflight, k.failed = nil, err != nil
	if err != nil {
		return
	}
	k.set = keySet{
		byID: map[string]*token.PublicKey{}, renewAt: began.Add(f.lifetime * 4 / 5), staleAt: began.Add(f.lifetime),
	}
	for _, key := range f.keys {
		k.set.byID[key.ID()] = key
	}
}

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
	// patience bounds one fetch of the keys.
	patience = 5 * time.Second
	// retryAfter is how long a failed fetch is not repeated.
	retryAfter = 10 * time.Second
	// unknownAfter is how long no fetch follows another because of an unknown kid: anyone can send one.
	unknownAfter = time.Minute
	// toldAfter is the same for a kid of which the feed told.
	toldAfter = time.Second
	// grace is how long keys are used that could not be renewed when they should have been.
	grace = time.Hour
)

// keys are the issuer's public keys, as they were when they were last fetched.
type keys struct {
	url    string
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	set    keySet
	only   map[string]bool // the kids of which the feed told; nil: there is no feed, or it has not told yet
	tried  time.Time       // when the last fetch began; zero is never
	failed bool            // the last fetch that ended had no keys
	flight chan struct{}   // closed when the fetch under way ends; nil: none is
}

// keySet is one answer of the issuer. The zero value is none, which has ended.
type keySet struct {
	byID    map[string]*token.PublicKey
	renewAt time.Time // from when it is renewed ahead, while nobody waits
	staleAt time.Time // until when it is as new as the issuer asks
}

func (s keySet) usable(now time.Time) bool { return now.Before(s.staleAt.Add(grace)) }

// find returns the key of a kid, or nil. It asks nobody.
func (k *keys) find(kid string, now time.Time) *token.PublicKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.set.usable(now) || k.only != nil && !k.only[kid] {
		return nil
	}
	return k.set.byID[kid]
}

// tell takes the kids that the feed told: no other key verifies any more, and one that is not known yet is fetched.
func (k *keys) tell(kids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.only = map[string]bool{}
	for _, kid := range kids {
		k.only[kid] = true
	}
	if k.lacks() && k.flight == nil {
		k.start(k.now())
	}
}

// lacks reports whether a key is not known of which the feed told; k.mu is held.
func (k *keys) lacks() bool {
	for kid := range k.only {
		if k.set.byID[kid] == nil {
			return true
		}
	}
	return false
}

// ready sees to it that there are usable keys, and renews those that are due. It waits where there are none, and where
// they are stale and the issuer was there the last time: a service that nobody called for long asks before it trusts.
func (k *keys) ready(ctx context.Context) error {
	k.mu.Lock()
	now := k.now()
	set, failed := k.set, k.failed
	if now.Before(set.renewAt) {
		k.mu.Unlock()
		return nil
	}
	flight := k.flight
	if flight == nil && (!failed || !now.Before(k.tried.Add(retryAfter))) {
		flight = k.start(now)
	}
	k.mu.Unlock()
	if now.Before(set.staleAt) || failed && set.usable(now) {
		return nil
	}
	wait(ctx, flight)
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.set.usable(k.now()) {
		return unavailable("there are no keys of the issuer")
	}
	return nil
}

// renew asks for newer keys because of a kid that is unknown, at most once a minute, or once a second while a key lacks of
// which the feed told. It fails where the issuer could not be asked, for then nobody knows what kind of kid it is.
func (k *keys) renew(ctx context.Context) error {
	k.mu.Lock()
	now, flight, pause := k.now(), k.flight, unknownAfter
	if k.lacks() {
		pause = toldAfter
	}
	if flight == nil && !now.Before(k.tried.Add(pause)) {
		flight = k.start(now)
	}
	k.mu.Unlock()
	wait(ctx, flight)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed || ctx.Err() != nil {
		return unavailable("the issuer could not be asked for newer keys")
	}
	return nil
}

// wait returns when the fetch has ended or the context has; at once where there is no fetch.
func wait(ctx context.Context, flight <-chan struct{}) {
	if flight == nil {
		return
	}
	select {
	case <-flight:
	case <-ctx.Done():
	}
}

// start begins a fetch, of which there is one at a time; k.mu is held. It belongs to no request, so that one that is
// given up spoils nothing for the others.
func (k *keys) start(now time.Time) chan struct{} {
	flight := make(chan struct{})
	k.flight, k.tried = flight, now
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		list, age, err := fetch(ctx, k.client, k.url)
		k.settle(now, list, age, err)
		close(flight)
	}()
	return flight
}

// settle takes the outcome of a fetch that began at a time.
func (k *keys) settle(began time.Time, list []*token.PublicKey, age time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil && !k.failed {
		k.log.Warn("the issuer's keys cannot be fetched; known ones are used for an hour at most", "url", k.url, "error", err)
	}
	if err == nil && k.failed {
		k.log.Info("the issuer's keys can be fetched again", "url", k.url)
	}
	k.flight, k.failed = nil, err != nil
	if err != nil {
		return
	}
	set := keySet{byID: map[string]*token.PublicKey{}, renewAt: began.Add(age * 4 / 5), staleAt: began.Add(age)}
	for _, key := range list {
		set.byID[key.ID()] = key
	}
	k.set = set
}

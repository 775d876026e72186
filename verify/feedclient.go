package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse/gatehouse/internal/token"
)

// Feed configures the issuer's feed of revocations: ended sessions, changed roles, and the keys that verify.
type Feed struct {
	// URL is the address of the feed. Default Issuer + "/revocations".
	URL string
	// Token is the secret that the issuer expects of readers of the feed. It is sent as a bearer token, so use https
	// unless the network is private; with PersonalAccessTokens to Config.Introspection, too. Required.
	Token string
	// MaxSilence is how long after the issuer's last heartbeat its revocations count as complete. After that, and until
	// the next heartbeat, tokens cannot be checked. Heartbeats come every 250 ms. Default one second, at least 500 ms.
	MaxSilence time.Duration
}

const (
	minMaxSilence = 500 * time.Millisecond
	minBackoff    = 100 * time.Millisecond // before the first reconnect
	maxBackoff    = 5 * time.Second
	sweepInterval = time.Minute
	// minStallTimeout is the least time after which a connection without fresh heartbeats is closed.
	minStallTimeout = 5 * time.Second
	// maxConnectionAge bounds one connection: the clocks on both sides, which count the time since the request, drift.
	maxConnectionAge = 10 * time.Minute
)

var errConnectionAge = errors.New("the connection reached its maximum age")

// errFeedToken is the one refusal that waiting does not mend.
var errFeedToken = errors.New("the issuer refuses the feed's token: " +
	"set verify.Feed.Token to a token that the issuer is configured with")

// feedClient reads the issuer's feed. Its state is the sum of all connections so far.
type feedClient struct {
	Feed
	client       *http.Client
	now          func() time.Time
	log          *slog.Logger
	stallTimeout time.Duration
	onKeys       func(kids []string) // is called with the keys that verify

	mu          sync.RWMutex
	revocations revocations
	heartbeat   time.Time // up to when the issuer has sent everything; zero is not yet
	swept       time.Time
}

func newFeedClient(f Feed, base string, c Config, onKeys func([]string)) (*feedClient, error) {
	f.URL = cmp.Or(f.URL, base+"/revocations")
	f.MaxSilence = cmp.Or(f.MaxSilence, time.Second)
	if err := checkURL("Revocations.URL", f.URL); err != nil {
		return nil, err
	}
	if f.Token == "" || strings.ContainsFunc(f.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("verify.Feed: Token is missing or has characters that a header cannot have; " +
			"give it the token that the issuer expects of readers of its feed")
	}
	if f.MaxSilence < minMaxSilence {
		return nil, fmt.Errorf("verify.Feed: MaxSilence is %v; heartbeats come every 250 ms, so set at least %v",
			f.MaxSilence, minMaxSilence)
	}
	client := noRedirects(c.Client)
	client.Timeout = 0 // the stream never ends; connect gives up a silent one
	return &feedClient{
		Feed: f, client: client, now: c.Clock, log: c.Log, stallTimeout: max(minStallTimeout, 2*f.MaxSilence),
		onKeys: onKeys, revocations: newRevocations(),
	}, nil
}

// check returns the current roles of a token's user, or an error if the token has been revoked. A revocation counts
// even when the feed is silent; that there is none counts only when it is not.
func (f *feedClient) check(c token.Claims) (roles []string, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	roles, revoked := f.revocations.match(c)
	if revoked {
		return nil, ErrRevoked
	}
	if f.heartbeat.IsZero() || !f.fresh(age(f.now(), f.heartbeat)) {
		return nil, unavailable("the revocation feed is silent")
	}
	return roles, nil
}

// fresh reports whether a heartbeat of this age counts. A little below zero it does, since the issuer's clock may run
// faster; further below, the clock here was set back and shows nothing.
func (f *feedClient) fresh(age time.Duration) bool {
	return age >= -f.MaxSilence && age <= f.MaxSilence
}

// age returns how long ago a moment was, by the clock that shows more: the monotonic clock stands still while the
// machine is suspended, and the wall clock may be set back.
func age(now, moment time.Time) time.Duration {
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// run keeps a connection to the feed until the context ends. A loss is logged once, however many reconnects fail.
func (f *feedClient) run(ctx context.Context) {
	defer f.resetHeartbeat()
	backoff, lost := minBackoff, false
	for {
		connected, err := f.connect(ctx, func() {
			if lost {
				f.log.Info("the revocation feed is connected again", "url", f.URL)
				lost = false
			}
		})
		if ctx.Err() != nil {
			return
		}
		if connected {
			backoff = minBackoff
		}
		if errors.Is(err, errConnectionAge) {
			continue // the last heartbeat counts until MaxSilence is over
		}
		if !lost {
			f.log.Warn("the revocation feed is lost; all tokens are refused unless it is connected again within MaxSilence",
				"url", f.URL, "error", err)
			lost = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff/2 + rand.N(backoff/2)): // jitter: the readers of an issuer do not come back together
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// resetHeartbeat makes tokens unavailable until the next heartbeat.
func (f *feedClient) resetHeartbeat() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heartbeat = time.Time{}
}

// connect reads one connection until it fails, and reports whether a heartbeat came; onHeartbeat is called with each.
func (f *feedClient) connect(ctx context.Context, onHeartbeat func()) (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(maxConnectionAge, func() { cancel(errConnectionAge) }).Stop()
	watchdog := time.AfterFunc(f.stallTimeout, func() { cancel(errors.New("the issuer is silent")) })
	defer watchdog.Stop()
	var sent atomic.Pointer[time.Time] // when the request was sent, at the earliest
	response, err := f.request(ctx, func() { now := f.now(); sent.Store(&now) })
	if err != nil {
		return false, cmp.Or(context.Cause(ctx), err)
	}
	defer response.Body.Close()
	err = readEvents(response.Body, func(name, data string) error {
		if name != "current" {
			if !connected { // everything in force comes first, and may take its time
				watchdog.Reset(f.stallTimeout)
			}
			return f.apply(name, data)
		}
		fresh, err := f.applyHeartbeat(*sent.Load(), data)
		if err != nil {
			return err
		}
		if !connected || fresh {
			watchdog.Reset(f.stallTimeout)
		}
		connected = true
		onHeartbeat()
		return nil
	})
	return connected, cmp.Or(context.Cause(ctx), err)
}

// request requests the feed. It calls onSend before the request is sent, and again before it is sent on another
// connection.
func (f *feedClient) request(ctx context.Context, onSend func()) (*http.Response, error) {
	onSend()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { onSend() }})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+f.Token)
	r.Header.Set("Accept", "text/event-stream")
	response, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	if err := checkResponse(response); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

func checkResponse(response *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return errFeedToken
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("the response was %d, not 200", response.StatusCode)
	case mediaType != "text/event-stream":
		return errors.New("the response is no text/event-stream: is this the address of a Gatehouse's feed?")
	}
	return nil
}

// applyHeartbeat takes the issuer's word that everything up to a moment was sent, and reports whether that is fresh.
// The issuer counts from when the request arrived, which is after it was sent: so the moment is not earlier than it
// seems here, and a delay shows, whatever the clocks say. A moment in the future, or a delay that stays, means that one
// of the two machines was suspended and its clock stood still: a new connection must count from a new start.
func (f *feedClient) applyHeartbeat(sent time.Time, data string) (fresh bool, err error) {
	var heartbeat struct {
		Milliseconds *int64 `json:"ms"`
	}
	if err := json.Unmarshal([]byte(data), &heartbeat); err != nil || heartbeat.Milliseconds == nil {
		return false, errors.New("a current event without ms")
	}
	now := f.now()
	delay := age(now, sent.Add(time.Duration(*heartbeat.Milliseconds)*time.Millisecond))
	switch {
	case delay > f.stallTimeout:
		return false, fmt.Errorf("events come %v late", delay.Round(time.Millisecond))
	case delay < -f.MaxSilence:
		return false, fmt.Errorf("the clock here lost %v", -delay.Round(time.Millisecond))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heartbeat = now.Add(-delay)
	if now.Sub(f.swept) >= sweepInterval {
		f.revocations.deleteExpired(now)
		f.swept = now
	}
	return f.fresh(delay), nil
}

// apply applies one event. One that cannot be understood might have ended a session, so it ends the connection.
func (f *feedClient) apply(name, data string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	add := f.revocations.addEnded
	switch name {
	case "ended":
	case "changed":
		add = f.revocations.addChanged
	case "keys":
		add = f.applyKeys
	default:
		return nil // an event of a later version
	}
	err := add(data)
	if errors.Is(err, errFull) {
		f.revocations.deleteExpired(f.now())
		err = add(data)
	}
	if err != nil {
		f.heartbeat = time.Time{} // immediately, under the lock: run sees the error later
	}
	return err
}

func (f *feedClient) applyKeys(data string) error {
	var keys struct {
		IDs []string `json:"kids"`
	}
	if err := json.Unmarshal([]byte(data), &keys); err != nil || len(keys.IDs) == 0 {
		return errors.New("a keys event without kids")
	}
	f.onKeys(keys.IDs)
	return nil
}

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

// Feed asks for the issuer's news of ended sessions and changed rights.
type Feed struct {
	// URL is the address of the feed. Default Issuer + "/revocations".
	URL string
	// Token is the secret that the issuer expects of readers of the feed; it is sent as a bearer token, so that the
	// address should be https wherever others are on the network. Required.
	Token string
	// MaxSilence is for how long after the last sign of the issuer its news count as complete; after it, and until the
	// next sign, tokens cannot be checked. The issuer gives a sign every 250 ms. Default one second, at least 500 ms.
	MaxSilence time.Duration
}

const (
	leastSilence = 500 * time.Millisecond
	leastPause   = 100 * time.Millisecond // before the first reconnect
	longestPause = 5 * time.Second
	sweepEvery   = time.Minute
	// hungAfter is after how long without news that count a connection is given up, though it looks open.
	hungAfter = 5 * time.Second
	// enough is for how long one connection is read: two clocks that both count the time since the request drift apart.
	enough = 10 * time.Minute
)

var errEnough = errors.New("the connection was read for long enough")

// errFeedToken is the one refusal that waiting does not mend.
var errFeedToken = errors.New("the issuer refuses the feed's token: set verify.Feed.Token to the one that the issuer is configured with")

// feed reads the issuer's news. Its state is what the connection of the moment and those before it have told.
type feed struct {
	Feed
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	hung   time.Duration
	keys   func(kids []string) // is told which keys verify

	mu      sync.RWMutex
	revoked revoked
	sign    time.Time // until when the issuer has told everything; zero is not yet
	swept   time.Time
}

func newFeed(f Feed, base string, c Config, keys func([]string)) (*feed, error) {
	f.URL = cmp.Or(f.URL, base+"/revocations")
	f.MaxSilence = cmp.Or(f.MaxSilence, time.Second)
	if err := checkURL("Revocations.URL", f.URL); err != nil {
		return nil, err
	}
	if f.Token == "" || strings.ContainsFunc(f.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("verify.Feed: Token is missing or has characters that a header cannot have; " +
			"give it the token that the issuer expects of readers of its feed")
	}
	if f.MaxSilence < leastSilence {
		return nil, fmt.Errorf("verify.Feed: MaxSilence is %v; the issuer speaks every 250 ms, so at least %v", f.MaxSilence, leastSilence)
	}
	client := stubborn(c.Client)
	client.Timeout = 0 // the stream never ends; a silent one is given up in connect
	return &feed{Feed: f, client: client, now: c.Clock, log: c.Log, hung: max(hungAfter, 2*f.MaxSilence), keys: keys, revoked: newRevoked()}, nil
}

// judge returns the roles that the user of a token has now, if the token has not been revoked. What was heard refuses
// even when there is no news; what was not heard lets in only when there is.
func (f *feed) judge(c token.Claims) (roles []string, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	roles, refused := f.revoked.judge(c)
	if refused {
		return nil, ErrRevoked
	}
	if !f.current(f.now()) {
		return nil, unavailable("there is no news of ended sessions")
	}
	return roles, nil
}

// current reports whether the last sign is young enough. A clock that went back cannot tell. The issuer's may run a
// little faster.
func (f *feed) current(now time.Time) bool {
	return !f.sign.IsZero() && f.young(age(now, f.sign))
}

func (f *feed) young(age time.Duration) bool { return age >= -f.MaxSilence && age <= f.MaxSilence }

// age returns how long ago a moment was, by the clock that says longer: the monotonic clock stands still while the
// machine is suspended, and the wall clock may be set back.
func age(now, moment time.Time) time.Duration {
	return max(now.Sub(moment), now.Round(0).Sub(moment.Round(0)))
}

// run keeps a connection to the feed until the context ends. A loss is logged once, however many tries mend it.
func (f *feed) run(ctx context.Context) {
	defer func() { // without news nobody is let in
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sign = time.Time{}
	}()
	pause, lost := leastPause, false
	for {
		heard, err := f.connect(ctx, func() {
			if lost {
				f.log.Info("the feed of ended sessions is back", "url", f.URL)
				lost = false
			}
		})
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause = leastPause
		}
		if errors.Is(err, errEnough) {
			continue // what was heard counts until MaxSilence is over
		}
		if !lost {
			f.log.Warn("the feed of ended sessions is lost; no token is taken until it is back", "url", f.URL, "error", err)
			lost = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause/2)): // so that readers of one issuer do not come back all at once
		}
		pause = min(2*pause, longestPause)
	}
}

// connect reads one connection until it fails, and reports whether it ever gave a sign; back is called with each sign.
func (f *feed) connect(ctx context.Context, back func()) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(enough, func() { cancel(errEnough) }).Stop()
	alarm := time.AfterFunc(f.hung, func() { cancel(errors.New("the issuer is silent")) })
	defer alarm.Stop()
	var asked atomic.Pointer[time.Time] // when the request was sent, at the earliest
	sent := func() { now := f.now(); asked.Store(&now) }
	sent()
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent() }})
	r, err := http.NewRequestWithContext(traced, http.MethodGet, f.URL, nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+f.Token)
	r.Header.Set("Accept", "text/event-stream")
	answer, err := f.client.Do(r)
	if err != nil {
		return false, cmp.Or(context.Cause(ctx), err)
	}
	defer answer.Body.Close()
	if err := checkFeed(answer); err != nil {
		return false, err
	}
	err = readEvents(answer.Body, func(name, data string) error {
		if name != "current" {
			if !heard { // all that is in force comes first, and may take its time
				alarm.Reset(f.hung)
			}
			return f.take(name, data)
		}
		young, err := f.hear(*asked.Load(), data)
		if err != nil {
			return err
		}
		if !heard || young {
			alarm.Reset(f.hung)
		}
		heard = true
		back()
		return nil
	})
	return heard, cmp.Or(context.Cause(ctx), err)
}

func (f *feed) takeKeys(data string) error {
	var told struct {
		IDs []string `json:"kids"`
	}
	if err := json.Unmarshal([]byte(data), &told); err != nil || len(told.IDs) == 0 {
		return errors.New("a keys event without kids")
	}
	f.keys(told.IDs)
	return nil
}

func checkFeed(answer *http.Response) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		return errFeedToken
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("the answer was %d, not 200", answer.StatusCode)
	case kind != "text/event-stream":
		return errors.New("the answer is no text/event-stream: is this the address of a Gatehouse's feed?")
	}
	return nil
}

// hear takes the sign that everything until a moment was sent. The issuer counts from when the request arrived, which is
// after it was sent: so the moment is not earlier than it seems here, and what comes late is seen to be late, whatever
// the clocks say. One that is of a time to come, or always as late, is of a machine that was suspended: its clock stood
// still, here or there, and a new connection must count from a new start. It returns whether the news count.
func (f *feed) hear(asked time.Time, data string) (young bool, err error) {
	var sign struct {
		Milliseconds *int64 `json:"ms"`
	}
	if err := json.Unmarshal([]byte(data), &sign); err != nil || sign.Milliseconds == nil {
		return false, errors.New("a current event that does not say until when")
	}
	now := f.now()
	late := age(now, asked.Add(time.Duration(*sign.Milliseconds)*time.Millisecond))
	switch {
	case late > f.hung:
		return false, fmt.Errorf("the news come %v late", late.Round(time.Millisecond))
	case late < -f.MaxSilence:
		return false, fmt.Errorf("the clock here lost %v", -late.Round(time.Millisecond))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sign = now.Add(-late)
	if now.Sub(f.swept) >= sweepEvery {
		f.revoked.sweep(now)
		f.swept = now
	}
	return f.young(late), nil
}

// take remembers one event. One that cannot be understood might have ended a session, so it ends the connection.
func (f *feed) take(name, data string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	note := f.revoked.end
	switch name {
	case "ended":
	case "changed":
		note = f.revoked.change
	case "keys":
		note = f.takeKeys
	default:
		return nil // an event of a later version
	}
	err := note(data)
	if errors.Is(err, errFull) {
		f.revoked.sweep(f.now())
		err = note(data)
	}
	if err != nil {
		f.sign = time.Time{} // at once: run is told only when this has returned
	}
	return err
}

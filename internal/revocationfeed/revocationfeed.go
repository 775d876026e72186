// Package revocationfeed tells services elsewhere which access tokens are no longer good before they expire: GET /revocations, as
// server-sent events (HTML, section 9.2). Package verify reads it. It knows HTTP and what accounts tells; what is
// revoked is decided there.
//
//	event: ended    {"sid": "…", "until": 1798761600}                     no token of the session is good
//	event: changed  {"sub": "…", "roles": […], "before": …, "until": …}   tokens issued before have these roles instead
//	event: keys     {"kids": ["…"]}                                       no other key verifies
//	event: current  {"ms": 1250}                                          all has been sent that had happened by then
//
// Times are NumericDates (RFC 7519, section 2); after until the last token that is meant has expired. All that is in
// force is sent first. Of a user's changed events the last one holds, whatever its times. While the instance hears of everything, current comes several times a second.
package revocationfeed

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/bearer"
)

// patience bounds how long a reader may take for what is sent at once.
const patience = 10 * time.Second

// Config is what the feed needs.
type Config struct {
	Tokens    []string                                             // required: each opens the feed
	Subscribe func() (<-chan accounts.Notice, func())              // required
	InForce   func(context.Context) ([]accounts.Revocation, error) // required
	Keys      func() []string                                      // required: the kids of the keys that verify now
	Done      <-chan struct{}                                      // required: ends all streams
}

// Handler answers GET /revocations.
func Handler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		w.Header().Set("Cache-Control", "no-store")
		if !c.opens(r.Header) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="gatehouse revocations"`)
			http.Error(w, "this needs one of the tokens in GATEHOUSE_REVOCATIONS_TOKEN", http.StatusUnauthorized)
			return
		}
		notices, cancel := c.Subscribe()
		defer cancel()
		ctx, cancelRead := context.WithTimeout(r.Context(), patience)
		inForce, err := c.InForce(ctx)
		cancelRead()
		if err != nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // a proxy would keep events back
		s := stream{w: w, control: http.NewResponseController(w), begun: begun, keys: c.Keys}
		s.send(inForce, notices, r.Context().Done(), c.Done)
	})
}

// opens compares in constant time, whatever the lengths.
func (c Config) opens(h http.Header) bool {
	given, err := bearer.Token(h)
	if err != nil {
		return false
	}
	digest, good := sha256.Sum256([]byte(given)), 0
	for _, token := range c.Tokens {
		want := sha256.Sum256([]byte(token))
		good |= subtle.ConstantTimeCompare(digest[:], want[:])
	}
	return good == 1
}

type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   time.Time
	keys    func() []string
	told    []string // the keys that were told last
}

// send sends until the reader is gone, something may have been missed, or the server ends.
func (s *stream) send(inForce []accounts.Revocation, notices <-chan accounts.Notice, gone, done <-chan struct{}) {
	if s.write(inForce...) != nil {
		return
	}
	for {
		select {
		case <-gone:
			return
		case <-done:
			return
		case n, open := <-notices:
			if !open {
				return
			}
			var err error
			if n.Revocation != nil {
				err = s.write(*n.Revocation)
			} else {
				err = s.current(n.Complete)
			}
			if err != nil || s.control.Flush() != nil {
				return
			}
		}
	}
}

func (s *stream) write(all ...accounts.Revocation) error {
	for _, r := range all {
		var err error
		if r.SessionID != uuid.Nil {
			err = s.event("ended", ended{r.SessionID, r.Until.Unix()})
		} else {
			err = s.event("changed", changed{r.UserID, r.Roles, r.Before().Unix(), r.Until.Unix()})
		}
		if err != nil {
			return err
		}
	}
	return s.control.Flush()
}

// current says that all has been sent until a moment, the keys included.
func (s *stream) current(complete time.Time) error {
	if ids := s.keys(); !slices.Equal(ids, s.told) {
		if err := s.event("keys", map[string]any{"kids": ids}); err != nil {
			return err
		}
		s.told = ids
	}
	return s.event("current", map[string]int64{"ms": complete.Sub(s.begun).Milliseconds()})
}

type ended struct {
	SessionID uuid.UUID `json:"sid"`
	Until     int64     `json:"until"`
}

type changed struct {
	UserID uuid.UUID `json:"sub"`
	Roles  []string  `json:"roles"`
	Before int64     `json:"before"` // a while after the change; the roles of the last event of a user hold for all of it
	Until  int64     `json:"until"`
}

func (s *stream) event(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, text)
	return err
}

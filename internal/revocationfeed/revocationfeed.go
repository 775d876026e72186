// Package revocationfeed publishes to other services which access tokens are revoked before they expire: GET
// /revocations, as server-sent events (HTML, section 9.2). Package verify is its client. It knows HTTP and the notices
// of package accounts, which decides what is revoked.
//
//	event: ended    {"sid": "…", "until": 1798761600}                     the session has ended, or the personal access token
//	event: changed  {"sub": "…", "roles": […], "before": …, "until": …}   tokens issued before have these roles instead
//	event: keys     {"kids": ["…"]}                                       no other key verifies
//	event: current  {"ms": 1250}                                          heartbeat: everything up to then has been sent
//
// When roles count only with a second factor, changed has mfa_roles too: those of tokens whose amr has "mfa". Roles alone
// are what counts in every token, so that a reader who does not know mfa_roles gives nobody too much.
//
// Times are NumericDates (RFC 7519, section 2). After until, every token that the event concerns has expired.
// Everything in force is sent first. Of a user's changed events the last one holds, whatever its times. While the
// instance reads what all have changed, current is sent several times a second; ms counts from when the request arrived.
package revocationfeed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/bearer"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

// writeTimeout bounds each write to a reader, and the query of what is in force.
const writeTimeout = 10 * time.Second

// Config configures Handler.
type Config struct {
	Tokens    []string                                             // required: each authorizes readers
	Subscribe func() (<-chan accounts.Notice, func())              // required
	InForce   func(context.Context) ([]accounts.Revocation, error) // required
	Keys      func() []string                                      // required: the kids of the keys that verify now
	Done      <-chan struct{}                                      // required: ends all streams
	Log       *slog.Logger                                         // required
}

// Handler answers GET /revocations.
func Handler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		w.Header().Set("Cache-Control", "no-store")
		if !bearer.Authorized(r.Header, c.Tokens) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="gatehouse revocations"`)
			http.Error(w, "send Authorization: Bearer and a token of GATEHOUSE_REVOCATIONS_TOKEN", http.StatusUnauthorized)
			return
		}
		notices, cancel := c.Subscribe()
		defer cancel()
		ctx, cancelRead := context.WithTimeout(requestid.Ensure(r.Context()), writeTimeout)
		inForce, err := c.InForce(ctx)
		cancelRead()
		if err != nil {
			c.Log.WarnContext(ctx, "a service could not be told which revocations are in force", "error", err)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the database does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // a proxy would buffer events
		s := stream{w: w, control: http.NewResponseController(w), start: start, keys: c.Keys}
		s.send(inForce, notices, r.Context().Done(), c.Done)
	})
}

type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	start   time.Time // when the request arrived
	keys    func() []string
	sent    []string // the keys of the last keys event
}

// send sends until the reader disconnects, accounts drops the subscription because the reader is too slow, or the
// server shuts down.
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
		case n, ok := <-notices:
			if !ok {
				return
			}
			var err error
			if n.Revocation != nil {
				err = s.write(*n.Revocation)
			} else {
				err = s.heartbeat(n.Complete)
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
			err = s.event("changed", changed{r.UserID, r.Roles, r.MFARoles, r.Before().Unix(), r.Until.Unix()})
		}
		if err != nil {
			return err
		}
	}
	return s.control.Flush()
}

// heartbeat says that everything up to a moment has been sent, keys included.
func (s *stream) heartbeat(complete time.Time) error {
	if ids := s.keys(); !slices.Equal(ids, s.sent) {
		if err := s.event("keys", map[string]any{"kids": ids}); err != nil {
			return err
		}
		s.sent = ids
	}
	return s.event("current", map[string]int64{"ms": complete.Sub(s.start).Milliseconds()})
}

type ended struct {
	SessionID uuid.UUID `json:"sid"`
	Until     int64     `json:"until"`
}

type changed struct {
	UserID   uuid.UUID `json:"sub"`
	Roles    []string  `json:"roles"`
	MFARoles []string  `json:"mfa_roles,omitempty"`
	Before   int64     `json:"before"` // a little after the change, because clocks differ
	Until    int64     `json:"until"`
}

func (s *stream) event(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	err = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", name, text)
	return err
}

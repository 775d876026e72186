package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

// maxEntries bounds what is remembered: at about 100 bytes each, 100 MiB. An issuer whose news do not fit is not
// followed at all, because to forget one would let a token in.
const maxEntries = 1_000_000

// revoked is what the feed told: which sessions have ended, and which rights users have since they changed.
type revoked struct {
	most    int
	ended   map[uuid.UUID]time.Time // session → until
	changed map[uuid.UUID]change    // user → change
}

type change struct {
	before, until time.Time
	roles         []string // what the user may do since; nil is not known
}

var errFull = errors.New("more sessions have ended than can be remembered")

func newRevoked() revoked {
	return revoked{most: maxEntries, ended: map[uuid.UUID]time.Time{}, changed: map[uuid.UUID]change{}}
}

// note is the data of an ended or a changed event. Times are NumericDates (RFC 7519, section 2).
type note struct {
	Session uuid.UUID `json:"sid"`
	User    uuid.UUID `json:"sub"`
	Roles   []string  `json:"roles"`
	Before  float64   `json:"before"`
	Until   float64   `json:"until"`
}

// latest is the last second of the year 9999.
const latest = 253402300799

func readNote(data string) (n note, err error) {
	if err := json.Unmarshal([]byte(data), &n); err != nil {
		return n, fmt.Errorf("an event that cannot be read: %w", err)
	}
	if n.Until <= 0 || n.Until > latest || n.Before < 0 || n.Before > latest {
		return n, errors.New("an event whose times are missing or out of range")
	}
	return n, nil
}

func date(seconds float64) time.Time {
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9))
}

// end remembers that no token of a session is good.
func (r *revoked) end(data string) error {
	n, err := readNote(data)
	if err != nil {
		return err
	}
	if n.Session == uuid.Nil {
		return errors.New("an ended event without sid")
	}
	old, known := r.ended[n.Session]
	if !known && r.full() {
		return errFull
	}
	if until := date(n.Until); until.After(old) {
		r.ended[n.Session] = until
	}
	return nil
}

// change remembers which rights a user has, whatever the tokens say that were issued before a time. Of several changes
// the one that is told last holds: their times are of several clocks.
func (r *revoked) change(data string) error {
	n, err := readNote(data)
	if err != nil {
		return err
	}
	if n.User == uuid.Nil || n.Before == 0 {
		return errors.New("a changed event without sub or before")
	}
	c, known := r.changed[n.User]
	if !known && r.full() {
		return errFull
	}
	c.roles = n.Roles
	if before := date(n.Before); before.After(c.before) {
		c.before = before
	}
	if until := date(n.Until); until.After(c.until) {
		c.until = until
	}
	r.changed[n.User] = c
	return nil
}

func (r *revoked) full() bool { return len(r.ended)+len(r.changed) >= r.most }

// judge returns the roles of a token's user as they are now, and whether the token is refused: when its session has
// ended, or when its rights have changed to what is not known.
func (r *revoked) judge(c token.Claims) (roles []string, refused bool) {
	if _, ended := r.ended[c.SessionID]; ended {
		return nil, true
	}
	change, known := r.changed[c.UserID]
	if !known || !c.IssuedAt.Before(change.before) {
		return c.Roles, false
	}
	return slices.Clone(change.roles), change.roles == nil
}

// sweep forgets the entries whose time is over: every token that they refuse has expired. The leeway is for a clock that
// is set back a little.
func (r *revoked) sweep(now time.Time) {
	now = now.Add(-token.Leeway)
	for id, until := range r.ended {
		if until.Before(now) {
			delete(r.ended, id)
		}
	}
	for id, c := range r.changed {
		if c.until.Before(now) {
			delete(r.changed, id)
		}
	}
}

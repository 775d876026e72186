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

// maxEntries bounds the revocations: at about 100 bytes each, 100 MiB. When they do not fit, all tokens are refused,
// because to drop one would let a revoked token in.
const maxEntries = 1_000_000

// revocations are what the feed sent: which sessions have ended, and which roles users have since they changed.
type revocations struct {
	max     int
	ended   map[uuid.UUID]time.Time // session → until
	changed map[uuid.UUID]change    // user → change
}

type change struct {
	before, until time.Time
	roles         []string // since then; nil is not known
	mfaRoles      []string // of tokens with a second factor; nil: the same
}

var errFull = errors.New("the feed has more revocations than fit into memory")

func newRevocations() revocations {
	return revocations{max: maxEntries, ended: map[uuid.UUID]time.Time{}, changed: map[uuid.UUID]change{}}
}

// eventData is the data of an ended or a changed event. Times are NumericDates (RFC 7519, section 2).
type eventData struct {
	Session  uuid.UUID `json:"sid"`
	User     uuid.UUID `json:"sub"`
	Roles    []string  `json:"roles"`
	MFARoles []string  `json:"mfa_roles"`
	Before   float64   `json:"before"`
	Until    float64   `json:"until"`
}

// maxDate is the last second of the year 9999.
const maxDate = 253402300799

func readData(text string) (d eventData, err error) {
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, fmt.Errorf("reading an event: %w", err)
	}
	if d.Until <= 0 || d.Until > maxDate || d.Before < 0 || d.Before > maxDate {
		return d, errors.New("an event whose times are missing or out of range")
	}
	return d, nil
}

func numericDate(seconds float64) time.Time {
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9))
}

// addEnded adds a session whose tokens are all revoked.
func (r *revocations) addEnded(text string) error {
	d, err := readData(text)
	if err != nil {
		return err
	}
	if d.Session == uuid.Nil {
		return errors.New("an ended event without sid")
	}
	old, ok := r.ended[d.Session]
	if !ok && r.full() {
		return errFull
	}
	if until := numericDate(d.Until); until.After(old) {
		r.ended[d.Session] = until
	}
	return nil
}

// addChanged adds the roles of a user, which replace those of tokens that were issued before a time. Of several changes
// the one that is sent last holds: their times are of several clocks.
func (r *revocations) addChanged(text string) error {
	d, err := readData(text)
	if err != nil {
		return err
	}
	if d.User == uuid.Nil || d.Before == 0 {
		return errors.New("a changed event without sub or before")
	}
	c, ok := r.changed[d.User]
	if !ok && r.full() {
		return errFull
	}
	c.roles, c.mfaRoles = d.Roles, d.MFARoles
	if before := numericDate(d.Before); before.After(c.before) {
		c.before = before
	}
	if until := numericDate(d.Until); until.After(c.until) {
		c.until = until
	}
	r.changed[d.User] = c
	return nil
}

func (r *revocations) full() bool { return len(r.ended)+len(r.changed) >= r.max }

// match returns the current roles of a token's user, and whether the token is revoked: because its session has ended,
// or because its user's roles have changed and the new ones are not known.
func (r *revocations) match(c token.Claims) (roles []string, revoked bool) {
	if _, ended := r.ended[c.SessionID]; ended {
		return nil, true
	}
	change, ok := r.changed[c.UserID]
	if !ok || !c.IssuedAt.Before(change.before) {
		return c.Roles, false
	}
	roles = change.roles
	if c.AMR.MFA() && change.mfaRoles != nil {
		roles = change.mfaRoles
	}
	return slices.Clone(roles), change.roles == nil
}

// deleteExpired deletes the entries of which every token has expired. The leeway is for a clock that is set back a
// little.
func (r *revocations) deleteExpired(now time.Time) {
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

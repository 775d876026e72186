package accounts

import (
	"time"

	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/session"
)

// dead holds for sessions that can never be used again: ended, idle for too long, or at the end of their life.
func dead(now time.Time) predicate.Session {
	return session.Or(session.EndedAtNotNil(), session.IdleExpiresAtLTE(now), session.ExpiresAtLTE(now))
}

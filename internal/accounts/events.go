package accounts

import (
	"context"

	"github.com/google/uuid"
)

// EventKind says what happened.
type EventKind string

// Security events (OWASP ASVS 5.0, section 16.3).
const (
	AccountCreated         EventKind = "account_created"
	AccountDeleted         EventKind = "account_deleted"
	AccountSuspended       EventKind = "account_suspended"
	AccountReinstated      EventKind = "account_reinstated"
	RolesChanged           EventKind = "roles_changed"
	SignedIn               EventKind = "signed_in"
	SignInFailed           EventKind = "sign_in_failed"    // wrong address or password, or suspended
	AttemptThrottled       EventKind = "attempt_throttled" // answered RATE_LIMITED, without looking at the password
	Reauthenticated        EventKind = "reauthenticated"   // by a signed-in caller
	ReauthenticationFailed EventKind = "reauthentication_failed"
	PasswordChanged        EventKind = "password_changed"
	RefreshReused          EventKind = "refresh_reused" // a copy of a refresh token was used: its session has ended
	RefreshLate            EventKind = "refresh_late"   // a token came just after its successor's use: late, or a copy
	SessionEnded           EventKind = "session_ended"  // revoked; not expired
	KeysRotated            EventKind = "keys_rotated"
	KeysRevoked            EventKind = "keys_revoked"
	SecretRotated          EventKind = "secret_rotated"
)

// Events returns every kind.
func Events() []EventKind {
	return []EventKind{AccountCreated, AccountDeleted, AccountSuspended, AccountReinstated, RolesChanged, SignedIn,
		SignInFailed, AttemptThrottled, Reauthenticated, ReauthenticationFailed, PasswordChanged, RefreshReused, RefreshLate, SessionEnded,
		KeysRotated, KeysRevoked, SecretRotated}
}

// Event is something that was committed. It holds nothing that a client typed.
type Event struct {
	Kind      EventKind
	UserID    uuid.UUID // uuid.Nil: no account is known
	SessionID uuid.UUID // uuid.Nil: none in particular
	Roles     []string  // with RolesChanged: the new ones
	Limit     string    // with AttemptThrottled: which of ThrottleLimitNames
}

// emit publishes an event when the transaction has committed.
func (tx *transaction) emit(e Event) { tx.events = append(tx.events, e) }

// eventOf converts a revocation.
func eventOf(r Revocation) Event {
	if r.SessionID == uuid.Nil {
		return Event{Kind: RolesChanged, UserID: r.UserID, Roles: r.Roles}
	}
	return Event{Kind: SessionEnded, UserID: r.UserID, SessionID: r.SessionID}
}

// failed publishes a failed sign-in or reauthentication, and returns err.
func (s *Service) failed(ctx context.Context, kind EventKind, user uuid.UUID, err error) error {
	s.config.OnEvent(ctx, Event{Kind: kind, UserID: user})
	return err
}

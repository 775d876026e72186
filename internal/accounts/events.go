package accounts

import (
	"context"

	"github.com/google/uuid"
)

// EventKind says what happened.
type EventKind string

// What happens to accounts, sessions and keys that whoever watches over them must be able to find (OWASP ASVS 5.0,
// section 16.3).
const (
	AccountCreated         EventKind = "account_created"
	AccountDeleted         EventKind = "account_deleted"
	AccountSuspended       EventKind = "account_suspended"
	AccountReinstated      EventKind = "account_reinstated"
	RolesChanged           EventKind = "roles_changed"
	SignedIn               EventKind = "signed_in"
	SignInFailed           EventKind = "sign_in_failed"  // wrong address or password, or suspended
	Reauthenticated        EventKind = "reauthenticated" // again, by who was signed in
	ReauthenticationFailed EventKind = "reauthentication_failed"
	PasswordChanged        EventKind = "password_changed"
	RefreshReused          EventKind = "refresh_reused" // a copy of a refresh token was used: its session has ended
	SessionEnded           EventKind = "session_ended"  // by somebody; not by itself
	KeysRotated            EventKind = "keys_rotated"
	KeysRevoked            EventKind = "keys_revoked"
)

// Events returns every kind.
func Events() []EventKind {
	return []EventKind{AccountCreated, AccountDeleted, AccountSuspended, AccountReinstated, RolesChanged, SignedIn, SignInFailed,
		Reauthenticated, ReauthenticationFailed, PasswordChanged, RefreshReused, SessionEnded, KeysRotated, KeysRevoked}
}

// Event is something that happened, and is kept: it is told after the commit. It names nobody by what they typed.
type Event struct {
	Kind      EventKind
	UserID    uuid.UUID // to whom; uuid.Nil where no account is known, or is meant
	SessionID uuid.UUID // to which session, where one is meant
	Roles     []string  // with RolesChanged: from now on
}

// emit has an event told once the transaction is committed.
func (tx *transaction) emit(e Event) { tx.events = append(tx.events, e) }

// eventOf returns what a revocation is to those who watch.
func eventOf(r Revocation) Event {
	if r.SessionID == uuid.Nil {
		return Event{Kind: RolesChanged, UserID: r.UserID, Roles: r.Roles}
	}
	return Event{Kind: SessionEnded, UserID: r.UserID, SessionID: r.SessionID}
}

// failed tells of a failure to prove who one is.
func (s *Service) failed(ctx context.Context, kind EventKind, user uuid.UUID, err error) error {
	s.config.OnEvent(ctx, Event{Kind: kind, UserID: user})
	return err
}

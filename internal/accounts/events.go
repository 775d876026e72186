package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// EventKind says what happened.
type EventKind string

// Security events (OWASP ASVS 5.0, section 16.3).
const (
	AccountCreated             EventKind = "account_created"
	AccountDeleted             EventKind = "account_deleted"
	AccountErased              EventKind = "account_erased"   // rows of the audit log no longer say whom they were about
	AccountRestored            EventKind = "account_restored" // its deletion was taken back
	AccountSuspended           EventKind = "account_suspended"
	AccountReinstated          EventKind = "account_reinstated"
	RolesChanged               EventKind = "roles_changed"
	SignedIn                   EventKind = "signed_in"
	SignInFailed               EventKind = "sign_in_failed"    // wrong address or password, or suspended
	AttemptThrottled           EventKind = "attempt_throttled" // answered RATE_LIMITED, without looking at the password
	Reauthenticated            EventKind = "reauthenticated"   // by a signed-in caller
	ReauthenticationFailed     EventKind = "reauthentication_failed"
	PasswordChanged            EventKind = "password_changed"
	PasswordResetRequested     EventKind = "password_reset_requested" // for an address that an account may have or not
	PasswordReset              EventKind = "password_reset"           // by the link in a mail
	EmailVerificationRequested EventKind = "email_verification_requested"
	EmailVerified              EventKind = "email_verified"
	EmailChangeRequested       EventKind = "email_change_requested"
	EmailChanged               EventKind = "email_changed"
	EmailChangeReverted        EventKind = "email_change_reverted"   // by the owner of the former address
	RegistrationRequested      EventKind = "registration_requested"  // where addresses are confirmed first: taken or not
	UserInvited                EventKind = "user_invited"            // by an administrator; the account is not there yet
	InvitationAccepted         EventKind = "invitation_accepted"     // which made the account
	AccountSecured             EventKind = "account_secured"         // by the link of a notice: it was not the owner
	ExportRequested            EventKind = "export_requested"        // of what is stored about a user, by themselves
	DataExported               EventKind = "data_exported"           // by the link in a mail
	AccessTokenCreated         EventKind = "access_token_created"    // a personal one, for a program
	AccessTokenRevoked         EventKind = "access_token_revoked"    // not expired
	FactorAdded                EventKind = "factor_added"            // a second factor, by its user
	FactorRemoved              EventKind = "factor_removed"          // by its user, or by the operator
	RecoveryCodesReplaced      EventKind = "recovery_codes_replaced" // by new ones
	RecoveryCodeUsed           EventKind = "recovery_code_used"      // in place of a second factor
	SecondFactorAsked          EventKind = "second_factor_asked"     // the password was right, or the token of a reset
	SecondFactorFailed         EventKind = "second_factor_failed"    // a wrong code completed no sign-in
	PasskeyCloned              EventKind = "passkey_cloned"          // it was refused, since its counter went back: there may be a copy
	CodeRefused                EventKind = "code_refused"            // a code of a mail was wrong
	RefreshReused              EventKind = "refresh_reused"          // a copy of a refresh token was used: its session has ended
	RefreshLate                EventKind = "refresh_late"            // a token came just after its successor's use: late, or a copy
	SessionEnded               EventKind = "session_ended"           // revoked; not expired
	KeysRotated                EventKind = "keys_rotated"
	KeysRevoked                EventKind = "keys_revoked"
	SecretRotated              EventKind = "secret_rotated"
	ProfileChanged             EventKind = "profile_changed"
	OperationDenied            EventKind = "operation_denied" // the policy denied a signed-in caller fields
)

// Events returns every kind.
func Events() []EventKind {
	return []EventKind{AccountCreated, AccountDeleted, AccountErased, AccountRestored, AccountSuspended, AccountReinstated, RolesChanged, SignedIn,
		SignInFailed, AttemptThrottled, Reauthenticated, ReauthenticationFailed, PasswordChanged,
		PasswordResetRequested, PasswordReset, EmailVerificationRequested, EmailVerified, EmailChangeRequested,
		EmailChanged, EmailChangeReverted, AccountSecured, ExportRequested, DataExported, RegistrationRequested, UserInvited,
		InvitationAccepted, AccessTokenCreated, AccessTokenRevoked, FactorAdded, FactorRemoved, RecoveryCodesReplaced,
		RecoveryCodeUsed, SecondFactorAsked,
		SecondFactorFailed, PasskeyCloned, CodeRefused, RefreshReused, RefreshLate, SessionEnded,
		KeysRotated, KeysRevoked, SecretRotated, ProfileChanged, OperationDenied}
}

// Event is something that was committed, or refused. It holds nothing that a client typed, but for Before and After, and
// no secret.
type Event struct {
	Kind          EventKind
	UserID        uuid.UUID  // uuid.Nil: no account is known
	SessionID     uuid.UUID  // uuid.Nil: none in particular; of a personal access token where the kind is about one
	EraseAt       time.Time  // with AccountDeleted: until then its owner can have it again; zero: they cannot
	SameEmail     bool       // with EmailChangeReverted: the account had the address already
	NewDevice     bool       // with SignedIn: the account did not know the device; false where devices have no tokens
	Roles         []string   // with RolesChanged: the new ones
	Limit         string     // with AttemptThrottled: which of ThrottleLimitNames
	Denied        string     // with OperationDenied: the coordinates
	Invitation    string     // with UserInvited and InvitationAccepted: its id, which they have in common
	Receipt       string     // with AccountErased: of which rows
	Factor        FactorKind // with FactorAdded and FactorRemoved
	Before, After string     // the value that changed, where there is one; only the audit log has it
}

// emit writes an event to the audit log, in the transaction, with the mail that tells the account's owner of it, and
// publishes it when that has committed.
func (tx *transaction) emit(e Event) { tx.events = append(tx.events, e) }

// failed publishes a failed sign-in or reauthentication, and returns err.
func (s *Service) failed(ctx context.Context, kind EventKind, user uuid.UUID, err error) error {
	s.refuse(ctx, Event{Kind: kind, UserID: user})
	return err
}

package accounts

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// notices are the mails that tell the owner of an account of an event; "" is none. Each kind of event is here.
var notices = map[EventKind]MailKind{
	AccessTokenCreated:    MailAccessTokenCreated,
	AccountDeleted:        MailAccountDeleted, // or MailAccountLeaving
	AccountRestored:       MailAccountRestored,
	AccountSuspended:      MailAccountSuspended,
	FactorAdded:           MailFactorAdded,
	FactorRemoved:         MailFactorRemoved,
	RecoveryCodesReplaced: MailRecoveryCodesReplaced,
	RecoveryCodeUsed:      MailRecoveryCodeUsed,
	PasskeyCloned:         MailPasskeyCloned,
	EmailChangeReverted:   MailEmailChanged, // to the address that the undo took away
	PasswordChanged:       MailPasswordChanged,
	PasswordReset:         MailPasswordChanged,
	SignedIn:              MailNewDevice, // on a device that the account did not know

	// These are mails of their own, with a link.
	EmailChanged: "", EmailChangeRequested: "", EmailVerificationRequested: "", PasswordResetRequested: "", UserInvited: "",
	RegistrationRequested: "", AccountSecured: "", ExportRequested: "",
	// These take nothing away from the owner, or come with an event that is told.
	AccountCreated: "", AccountReinstated: "", EmailVerified: "", ProfileChanged: "", Reauthenticated: "", RolesChanged: "",
	SessionEnded: "", RefreshReused: "", RefreshLate: "", InvitationAccepted: "", DataExported: "",
	SecondFactorAsked:  "",
	AccessTokenRevoked: "",
	// Anybody can cause these, as often as they like.
	SecondFactorFailed: "",
	SignInFailed:       "", AttemptThrottled: "", ReauthenticationFailed: "", CodeRefused: "", OperationDenied: "",
	// These are of no account.
	AccountErased: "", KeysRotated: "", KeysRevoked: "", SecretRotated: "",
}

// noticeOf returns the mail that tells of an event; "" is none.
func noticeOf(e Event) MailKind {
	if e.Kind == SignedIn && !e.NewDevice || e.Kind == EmailChangeReverted && e.SameEmail {
		return ""
	}
	if e.Kind == AccountDeleted && !e.EraseAt.IsZero() {
		return MailAccountLeaving
	}
	return notices[e.Kind]
}

// notify adds the jobs of the notices of a transaction: to an account one at most, of the first event that has one, since
// the others are its consequences. Who has just registered is not told of having signed in.
func (tx *transaction) notify(ctx context.Context) error {
	if tx.service.config.MailOff {
		return nil
	}
	told := map[uuid.UUID]bool{}
	for _, e := range tx.events {
		kind := noticeOf(e)
		if kind != "" && !told[e.UserID] {
			if err := tx.notice(ctx, kind, e); err != nil {
				return err
			}
		}
		told[e.UserID] = told[e.UserID] || kind != "" || e.Kind == AccountCreated
	}
	return nil
}

// notice adds the job of a notice to the owner of an account, if the account's address is confirmed: another one may
// belong to somebody who never asked for an account. The job has all that the mail says, since the account may be gone;
// the user's id is for its erasure.
func (tx *transaction) notice(ctx context.Context, kind MailKind, e Event) error {
	account := tx.held[e.UserID]
	if account == nil {
		return fmt.Errorf("telling of %s: the transaction has not locked the account; call lockUser", e.Kind)
	}
	if !account.EmailVerified && e.Kind != PasswordReset { // whose link has just confirmed it
		return nil
	}
	cause := auditRowOf(ctx, e, uuid.Nil)
	if cause.actor == ActorAdministrator {
		cause.from = viewer.Origin{} // which Activity does not show either
	}
	args := mailArgs{Kind: kind, Address: account.Email, User: account.ID, Until: e.EraseAt}
	if account.Name != nil && account.EmailVerified {
		args.Name = *account.Name
	}
	if account.Locale != nil {
		cause.from.Language = *account.Locale
	}
	return tx.mail(ctx, args, cause.from, tx.service.now())
}

// hold remembers an account as it was before this transaction changed it.
func (tx *transaction) hold(row *ent.User) {
	if tx.held == nil {
		tx.held = map[uuid.UUID]*ent.User{}
	}
	if tx.held[row.ID] == nil {
		tx.held[row.ID] = row
	}
}

// isNotice reports whether a mail tells of what has happened.
func (k MailKind) isNotice() bool {
	return k == MailAccountLeaving || k != "" && slices.Contains(slices.Collect(maps.Values(notices)), k)
}

// MaySend counts a notice, and reports whether its mailbox may have it: as many of a kind as of the mails that users ask
// for, and those were counted when they did. Call it at the first attempt to send a mail.
func (s *Service) MaySend(ctx context.Context, l *Letter) (bool, error) {
	if s.throttle == nil || !l.Kind.isNotice() {
		return true, nil
	}
	counters := []counter{s.throttle.mailbox(string(l.Kind), l.To)}
	refused, err := s.throttle.charge(ctx, &attempt{now: s.now(), counters: counters})
	if err != nil {
		return false, fmt.Errorf("counting a notice: %w", err)
	}
	return refused.wait <= 0, nil
}

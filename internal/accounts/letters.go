package accounts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// MailJob is the kind of the jobs of mails. Letter says what such a job sends.
const MailJob = "mail"

// MailKind is a kind of mail. Its text must stay: jobs have it.
type MailKind string

// The kinds of mails.
const (
	MailReset       MailKind = "reset"
	MailVerify      MailKind = "verify"
	MailChangeEmail MailKind = "change-email"
	MailUndoEmail   MailKind = "undo-email"
	MailInvitation  MailKind = "invitation"
	MailExport      MailKind = "export"
	MailRegister    MailKind = "register"   // makes an account
	MailRegistered  MailKind = "registered" // in place of MailRegister, when there is an account

	// Notices tell the owner of an account what has happened to it. See the variable notices.
	MailNewDevice          MailKind = "new_device"
	MailAccessTokenCreated MailKind = "access_token_created"
	MailPasswordChanged    MailKind = "password_changed"
	MailEmailChanged       MailKind = "email_changed"
	MailAccountSuspended   MailKind = "account_suspended"
	MailAccountDeleted     MailKind = "account_deleted"
	MailAccountLeaving     MailKind = "account_leaving" // deleted by its owner, who can have it again until a time
	MailAccountRestored    MailKind = "account_restored"

	MailFactorAdded           MailKind = "factor_added"
	MailFactorRemoved         MailKind = "factor_removed"
	MailRecoveryCodesReplaced MailKind = "recovery_codes_replaced"
	MailRecoveryCodeUsed      MailKind = "recovery_code_used"
	MailPasskeyCloned         MailKind = "passkey_cloned"
)

// mailArgs are the arguments of the job of a mail.
type mailArgs struct {
	Kind     MailKind  `json:"kind"`
	Address  string    `json:"address,omitempty"` // of a notice; or that was asked for, whether or not an account has it
	Name     string    `json:"name,omitempty"`    // of a notice's reader
	Locale   *string   `json:"locale,omitempty"`  // of the account to be
	User     uuid.UUID `json:"user,omitzero"`     // of a mail to an account
	Token    uuid.UUID `json:"token,omitzero"`    // its id
	Language string    `json:"language,omitempty"`
	When     time.Time `json:"when"`
	Where    string    `json:"where,omitempty"`
	Device   string    `json:"device,omitempty"`
	Until    time.Time `json:"until,omitzero"` // of a notice: when it is too late
}

// mail adds the job of a mail to the transaction, with when and from where it was asked for.
func (tx *transaction) mail(ctx context.Context, args mailArgs, from viewer.Origin, now time.Time) error {
	args.Language, args.When, args.Where, args.Device = from.Language, now, from.Address(), from.Agent
	return tx.enqueue(ctx, MailJob, args)
}

// mailToken issues a token for an account that the transaction holds, and adds the job of its mail.
func (s *Service) mailToken(
	ctx context.Context, tx *transaction, kind MailKind, n newOneTime, from viewer.Origin, now time.Time,
) (err error) {
	if n.id, err = s.config.NewID(); err != nil {
		return err
	}
	if _, err = s.issue(ctx, tx, n, now); err != nil {
		return err
	}
	return tx.mail(ctx, mailArgs{Kind: kind, User: n.user, Token: n.id}, from, now)
}

// needMail refuses what is not done without a mail about it. Problem: MAIL_OFF.
func (s *Service) needMail() error {
	if s.config.MailOff {
		return problem.New(problem.MailOff, "This needs mail, and this server sends none.")
	}
	return nil
}

// chargeMail refuses a mail that cannot be sent, and one of too many of its kind to an address, or from a network.
// Problems: MAIL_OFF, RATE_LIMITED.
func (s *Service) chargeMail(
	ctx context.Context, v *viewer.Viewer, kind MailKind, address string, now time.Time,
) error {
	if err := s.needMail(); err != nil {
		return err
	}
	return s.charge(ctx, v, s.throttle.mail(string(kind), address, v.Origin, now))
}

// Letter is a mail to be sent.
type Letter struct {
	Kind    MailKind
	To      string
	Locale  string               // one language tag, or several as in Accept-Language
	Name    string               // of the user, to their confirmed address only: anybody can put a message for another person into a name
	Email   string               // that the account has
	Token   string               // of its link; "" of a notice that has none
	Purpose token.OneTimePurpose // of the token
	Code    string               // that does what the link does, in the session that asked; "" when there is none
	Expires time.Time
	When    time.Time // it was asked for, or happened what it tells
	Where   string    // the address from which it was; "" when that is not known
	Device  string    // the program; "" when it does not say
}

// Letter returns the mail of a job, the same one each time, so that sending it again is no second mail. It is nil when
// there is nobody to send it to, or nothing to say any more.
func (s *Service) Letter(ctx context.Context, job uuid.UUID, args string) (*Letter, error) {
	var a mailArgs
	if err := json.Unmarshal([]byte(args), &a); err != nil {
		return nil, fmt.Errorf("reading the arguments of the mail %s: %w", job, err)
	}
	if a.Kind.isNotice() {
		return s.noticeLetter(ctx, job, a)
	}
	m, err := s.mailed(ctx, job, a)
	if err != nil || m == nil || m.token.UsedAt != nil {
		return nil, err
	}
	row := m.token
	if !s.now().Before(row.ExpiresAt) {
		if wasReplaced(row) {
			return nil, nil
		}
		return nil, ErrLinkExpired
	}
	t, ok := s.config.OneTime.Stored(token.OneTimePurpose(row.Purpose), row.UserID, row.ID, row.Digest)
	if !ok {
		return nil, nil // made with a secret that is gone
	}
	l := a.letter()
	l.Kind = cmp.Or(m.kind, l.Kind)
	l.To, l.Token, l.Purpose, l.Expires = row.Address, t.Text(), t.Purpose, row.ExpiresAt.UTC()
	if m.account == nil {
		l.Locale = valueOr(row.Locale, l.Locale)
		return l, nil
	}
	l.Email, l.Locale = m.account.Email, valueOr(m.account.Locale, l.Locale)
	if row.SessionID != nil && t.Purpose != token.Export {
		l.Code = t.Code(*row.SessionID)
	}
	if m.account.Name != nil && m.account.EmailVerified && m.account.Email == l.To {
		l.Name = *m.account.Name
	}
	return l, nil
}

func valueOr(text *string, other string) string {
	if text == nil {
		return other
	}
	return *text
}

// ErrLinkExpired says that a mail waited longer than its link may be used.
var ErrLinkExpired = errors.New("accounts: the link of the mail expired before it could be sent")

// wasReplaced reports whether a token ended before its time.
func wasReplaced(row *ent.OneTimeToken) bool {
	return row.ExpiresAt.Before(row.CreatedAt.Add(oneTimeTTL[token.OneTimePurpose(row.Purpose)]))
}

// letter is what a job alone says of its mail.
func (a mailArgs) letter() *Letter {
	return &Letter{Kind: a.Kind, To: a.Address, Name: a.Name, Locale: a.Language, When: a.When, Where: a.Where, Device: a.Device,
		Expires: a.Until}
}

// mailed is the token that a mail carries, and whose it is.
type mailed struct {
	token   *ent.OneTimeToken
	account *ent.User // nil: there is none yet
	kind    MailKind  // in place of the job's; "": that one
}

// mailed returns nil when the account is gone, or not one to be mailed any more.
func (s *Service) mailed(ctx context.Context, job uuid.UUID, a mailArgs) (*mailed, error) {
	switch a.Kind {
	case MailReset:
		return s.resetMail(ctx, job, a.Address)
	case MailVerify, MailChangeEmail, MailUndoEmail, MailExport:
		return s.issuedMail(ctx, a)
	case MailRegister:
		return s.registrationMail(ctx, job, a)
	case MailInvitation:
		m, err := s.issuedMail(ctx, a)
		if m == nil || !isAdmin(m.account) {
			return nil, err
		}
		return &mailed{token: m.token}, nil
	}
	return nil, fmt.Errorf("there is no mail of the kind %q", a.Kind)
}

// issuedMail is mailed for a token that was issued with the job.
func (s *Service) issuedMail(ctx context.Context, a mailArgs) (*mailed, error) {
	account, err := s.config.Client.User.Query().Where(user.ID(a.User), mayReturn(s.now())).Only(ctx)
	if err != nil {
		return nil, ent.MaskNotFound(err)
	}
	row, err := s.config.Client.OneTimeToken.Query().Where(onetimetoken.ID(a.Token), onetimetoken.UserID(a.User)).Only(ctx)
	if err != nil {
		return nil, ent.MaskNotFound(err)
	}
	return &mailed{token: row, account: account}, nil
}

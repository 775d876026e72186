package accounts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// InviteUserInput is GraphQL's input of that name.
type InviteUserInput struct {
	Email  string
	Roles  []Role // nil: USER
	Locale *string
}

// InviteUserPayload is GraphQL's type of that name.
type InviteUserPayload struct{ Success bool }

// AcceptInvitationInput is GraphQL's input of that name.
type AcceptInvitationInput struct {
	Token    string
	Password string
	Name     *string
	Cookie   bool
}

// InviteUser mails a link to an address that no account has, by which its owner makes one. The caller learns neither the
// link nor the password. Problems: BAD_USER_INPUT, EMAIL_TAKEN, MAIL_OFF, RATE_LIMITED, FORBIDDEN, UNAUTHENTICATED.
func (s *Service) InviteUser(ctx context.Context, v *viewer.Viewer, in InviteUserInput) (*InviteUserPayload, error) {
	now := s.now()
	n, err := checkInvitation(in)
	if err != nil {
		return nil, err
	}
	n.user, n.session = v.UserID, v.SessionID
	if err := s.needMail(); err != nil {
		return nil, err
	}
	if err := s.charge(ctx, v, s.throttle.invitation(n.address, v.UserID, now)); err != nil {
		return nil, err
	}
	if n.id, err = s.config.NewID(); err != nil {
		return nil, err
	}
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		if err := s.checkAdministrator(v, caller); err != nil {
			return err
		}
		return s.invite(ctx, tx, n, v.Origin.Language, now)
	})
	if err != nil {
		return nil, err
	}
	return &InviteUserPayload{Success: true}, nil
}

// checkInvitation refuses all wrong fields. Problem: BAD_USER_INPUT.
func checkInvitation(in InviteUserInput) (newOneTime, error) {
	folded, wrongAddress := foldAddress(in.Email)
	locale, wrongLocale := cleanLocale(in.Locale)
	if in.Roles == nil {
		in.Roles = []Role{RoleUser}
	}
	err := errors.Join(wrongAddress, checkRoles(in.Roles), wrongLocale)
	return newOneTime{purpose: token.Invitation, address: folded, roles: in.Roles, locale: locale}, err
}

// invite adds an invitation and its mail, which does not say from where the administrator acted. Whether an account has
// the address is asked as a courtesy: when the invitation is accepted, the key of addresses decides.
func (s *Service) invite(ctx context.Context, tx *transaction, n newOneTime, language string, now time.Time) error {
	taken, err := tx.Address.Query().Where(address.ID(n.address)).Exist(ctx)
	if err != nil {
		return err
	}
	if taken {
		return problem.New(problem.EmailTaken, "There is an account with this e-mail address already.")
	}
	if _, err := s.issue(ctx, tx, n, now); err != nil {
		return err
	}
	tx.emit(Event{Kind: UserInvited, SessionID: n.session, Invitation: n.id.String(),
		After: strings.Join(roleNames(n.roles...), " ")})
	return tx.mail(ctx, mailArgs{Kind: MailInvitation, User: n.user, Token: n.id}, viewer.Origin{Language: language}, now)
}

// Check refuses what AcceptInvitation refuses of the input alone: all its wrong fields. Problem: BAD_USER_INPUT.
func (in AcceptInvitationInput) Check() error {
	_, wrongName := cleanName(in.Name)
	return errors.Join(checkPassword("password", in.Password, ""), wrongName)
}

// AcceptInvitation makes the account of an invitation and signs it in. The link has shown that who chooses the password
// reads the mail of the address. The account gets the roles of the invitation only while who invited is an administrator:
// a thief of an administrator's session could otherwise come in by an invitation of their own after the session has
// ended. Problems: BAD_USER_INPUT, INVALID_TOKEN, RATE_LIMITED.
func (s *Service) AcceptInvitation(
	ctx context.Context, v *viewer.Viewer, in AcceptInvitationInput,
) (*AuthPayload, error) {
	now := s.now()
	d, err := s.newcomer(ctx, v, token.Invitation, in, now)
	if err != nil {
		return nil, err
	}
	var payload *AuthPayload
	err = s.createAccount(ctx, d.newAccount, invitedRoles(d.row), now,
		func(ctx context.Context, tx *transaction, made *ent.User) error {
			payload = nil
			invited, err := s.redeem(ctx, tx, d.link, now)
			if err != nil {
				return err
			}
			if !isAdmin(invited.account) {
				return linkRefused(tokenRevoked)
			}
			tx.emit(Event{Kind: InvitationAccepted, UserID: made.ID, Invitation: d.row.ID.String(),
				After: strings.Join(made.Roles, " ")})
			payload, err = s.signIn(ctx, tx, newSession{made, token.Password, v.Origin}, now)
			return err
		})
	if err != nil {
		return nil, linkRefusedIfTaken(err)
	}
	return payload, nil
}

func invitedRoles(row *ent.OneTimeToken) (roles []Role) {
	for name := range strings.FieldsSeq(valueOr(row.Roles, "")) {
		roles = append(roles, Role(name))
	}
	return roles
}

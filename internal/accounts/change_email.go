package accounts

import (
	"context"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// ChangeEmailInput is GraphQL's input of that name.
type ChangeEmailInput struct{ Email string }

// ChangeEmailPayload is GraphQL's type of that name.
type ChangeEmailPayload struct{ User *User }

// ConfirmEmailChangeInput is GraphQL's input of that name.
type ConfirmEmailChangeInput struct{ Token, Code *string }

// ConfirmEmailChangePayload is GraphQL's type of that name.
type ConfirmEmailChangePayload struct{ Success bool }

// ChangeEmail begins a change of the caller's address: a link and a code are mailed to the new one, and nothing else
// changes until they are used. The address that the account has takes a change back that is pending. Problems:
// BAD_USER_INPUT, EMAIL_TAKEN, MAIL_OFF, RATE_LIMITED, UNAUTHENTICATED.
func (s *Service) ChangeEmail(ctx context.Context, v *viewer.Viewer, in ChangeEmailInput) (*ChangeEmailPayload, error) {
	now := s.now()
	wanted, err := foldAddress(in.Email)
	if err != nil {
		return nil, err
	}
	if err := s.chargeMail(ctx, v, MailChangeEmail, wanted, now); err != nil {
		return nil, err
	}
	var payload *ChangeEmailPayload
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		row, err := s.beginMove(ctx, tx, v, caller, wanted, now)
		if err != nil {
			return err
		}
		payload = &ChangeEmailPayload{User: userOf(row)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// beginMove notes the address that an account is to have. Here another account is only looked for, as a courtesy: when
// the change is confirmed, the key of addresses decides.
func (s *Service) beginMove(
	ctx context.Context, tx *transaction, v *viewer.Viewer, caller *ent.User, wanted string, now time.Time,
) (*ent.User, error) {
	if wanted == caller.Email {
		if err := tx.expireTokens(ctx, caller.ID, now, token.ChangeEmail); err != nil {
			return nil, err
		}
		return caller.Update().ClearPendingEmail().SetUpdatedAt(now).Save(ctx)
	}
	taken, err := tx.Address.Query().Where(address.ID(wanted), address.UserIDNEQ(caller.ID)).Exist(ctx)
	if err != nil {
		return nil, err
	}
	if taken {
		return nil, emailTaken()
	}
	err = s.mailToken(ctx, tx, MailChangeEmail, newOneTime{purpose: token.ChangeEmail, user: caller.ID, address: wanted,
		session: v.SessionID}, v.Origin, now)
	if err != nil {
		return nil, err
	}
	tx.emit(Event{Kind: EmailChangeRequested, UserID: caller.ID, SessionID: v.SessionID})
	return caller.Update().SetPendingEmail(wanted).SetUpdatedAt(now).Save(ctx)
}

// ConfirmEmailChange gives an account the address that a mail has shown to be the user's. If the former one was
// confirmed too, its owner is told, and can undo the change for seven days: as long nobody else gets that address.
// Problems: those of redeemProof, EMAIL_TAKEN and MAIL_OFF.
func (s *Service) ConfirmEmailChange(
	ctx context.Context, v *viewer.Viewer, in ConfirmEmailChangeInput,
) (*ConfirmEmailChangePayload, error) {
	if err := s.needMail(); err != nil {
		return nil, err
	}
	now := s.now()
	err := s.redeemProof(ctx, v, mailProof{token.ChangeEmail, in.Token, in.Code}, now,
		func(ctx context.Context, tx *transaction, r redeemed) error {
			before := r.account
			if before.PendingEmail == nil || *before.PendingEmail != r.token.Address {
				return linkRefused(tokenRevoked)
			}
			if err := s.move(ctx, tx, r, now); err != nil {
				return err
			}
			tx.emit(Event{Kind: EmailChanged, UserID: before.ID})
			if !before.EmailVerified {
				return leaveAddresses(ctx, tx, before.ID, before.Email)
			}
			err := s.mailToken(ctx, tx, MailUndoEmail, newOneTime{purpose: token.UndoEmail, user: before.ID,
				address: before.Email}, v.Origin, now)
			if err != nil {
				return err
			}
			return leaveAddresses(ctx, tx, before.ID, before.Email)
		})
	if err != nil {
		return nil, err
	}
	return &ConfirmEmailChangePayload{Success: true}, nil
}

// move gives the account of a token the token's address. Its devices become unknown: each is known for an address.
// Problem: EMAIL_TAKEN.
func (s *Service) move(ctx context.Context, tx *transaction, r redeemed, now time.Time) error {
	account, to := r.account, r.token.Address
	if err := ownAddress(ctx, tx, to, account.ID); err != nil {
		return err
	}
	if err := tx.withdraw(ctx, to, now, token.Invitation, token.Registration); err != nil {
		return err
	}
	err := tx.expireTokens(ctx, account.ID, now, token.VerifyEmail, token.ResetAccess, token.ChangeEmail,
		token.SecureAccount, token.Export)
	if err != nil {
		return err
	}
	change := account.Update().SetEmail(to).SetEmailVerified(true).ClearPendingEmail().SetUpdatedAt(now)
	return recordProof(change, r).Exec(ctx)
}

// endExpiredMoves takes back the changes of address whose links have all expired.
func (s *Service) endExpiredMoves(ctx context.Context) error {
	return resting(ctx, func() (int, error) {
		now := s.now()
		ids, err := s.config.Client.User.Query().Where(user.PendingEmailNotNil(), func(users *entsql.Selector) {
			whose := func(expires *entsql.Predicate) *entsql.Selector {
				return entsql.Dialect(users.Dialect()).Select(onetimetoken.FieldUserID).From(entsql.Table(onetimetoken.Table)).
					Where(entsql.And(entsql.EQ(onetimetoken.FieldPurpose, string(token.ChangeEmail)), expires))
			}
			id, expires := users.C(user.FieldID), onetimetoken.FieldExpiresAt
			users.Where(entsql.And(entsql.In(id, whose(entsql.LTE(expires, now))), entsql.NotIn(id, whose(entsql.GT(expires, now)))))
		}).Limit(sweepRows).IDs(ctx)
		for _, id := range ids {
			err := s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error { return endMove(ctx, tx, id, now) })
			if err != nil {
				return 0, err
			}
		}
		return len(ids), err
	})
}

// endMove takes back a change of address, unless another one has begun meanwhile.
func endMove(ctx context.Context, tx *transaction, id uuid.UUID, now time.Time) error {
	account, err := lockUser(ctx, tx, user.ID(id), user.PendingEmailNotNil())
	if account == nil || err != nil {
		return err
	}
	begun, err := tx.OneTimeToken.Query().Where(onetimetoken.UserID(id),
		onetimetoken.Purpose(string(token.ChangeEmail)), isUnused(now)).Exist(ctx)
	if begun || err != nil {
		return err
	}
	tx.touched = append(tx.touched, id)
	return account.Update().ClearPendingEmail().SetUpdatedAt(now).Exec(ctx)
}

func emailTaken() *problem.Problem {
	return problem.New(problem.EmailTaken, "There is an account with this e-mail address; log in instead.")
}

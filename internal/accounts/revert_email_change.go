package accounts

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// RevertEmailChangeInput is GraphQL's input of that name.
type RevertEmailChangeInput struct{ Token string }

// RevertEmailChangePayload is GraphQL's type of that name.
type RevertEmailChangePayload struct{ Success bool }

// RevertEmailChange gives an account back to the owner of its former address, whatever has become of it since. Another
// person may have changed the address, so nothing opens the account any more: its password counts no more, its sessions
// end, its devices become unknown, and a link to choose a new password is mailed to the address that it has again.
// Problems: INVALID_TOKEN, MAIL_OFF, RATE_LIMITED.
func (s *Service) RevertEmailChange(
	ctx context.Context, v *viewer.Viewer, in RevertEmailChangeInput,
) (*RevertEmailChangePayload, error) {
	now := s.now()
	err := s.lockOut(ctx, v, mailProof{purpose: token.UndoEmail, token: &in.Token}, now,
		func(ctx context.Context, tx *transaction, r redeemed) error {
			err := errors.Join(s.move(ctx, tx, r, now), tx.expireTokens(ctx, r.account.ID, now, token.Invitation))
			if err != nil {
				return err
			}
			tx.emit(Event{Kind: EmailChangeReverted, UserID: r.account.ID, SameEmail: r.account.Email == r.token.Address})
			return forgetLater(ctx, tx, r)
		})
	if err != nil {
		return nil, err
	}
	return &RevertEmailChangePayload{Success: true}, nil
}

// forgetLater takes from an account the addresses that it got after the one that an undo has restored, with the tokens that
// would lead back to them. It keeps those that it had before, too, and can go back to.
func forgetLater(ctx context.Context, tx *transaction, undo redeemed) error {
	account := undo.account
	isLater := []predicate.OneTimeToken{onetimetoken.UserID(account.ID), onetimetoken.Purpose(string(token.UndoEmail)),
		onetimetoken.CreatedAtGT(undo.token.CreatedAt)}
	later, err := tx.OneTimeToken.Query().Where(isLater...).All(ctx)
	if err != nil {
		return err
	}
	gone := []string{account.Email}
	for _, row := range later {
		gone = append(gone, row.Address)
	}
	if _, err := tx.OneTimeToken.Delete().Where(isLater...).Exec(ctx); err != nil {
		return err
	}
	gone = slices.DeleteFunc(gone, func(address string) bool { return address == undo.token.Address })
	return leaveAddresses(ctx, tx, account.ID, gone...)
}

// FreeFormerAddresses lets others have the addresses to which no account can go back any more. Call it periodically.
func (s *Service) FreeFormerAddresses(ctx context.Context) error {
	return s.untilNone(ctx, onetimetoken.Table, func() (int, error) {
		rows, err := s.config.Client.OneTimeToken.Query().Where(onetimetoken.ExpiresAtLTE(s.now()),
			onetimetoken.Purpose(string(token.UndoEmail))).Limit(sweepRows).All(ctx)
		if err != nil {
			return 0, err
		}
		for _, row := range rows {
			err := s.inTx(ctx, nil, func(ctx context.Context, tx *transaction) error { return freeFormer(ctx, tx, row) })
			if err != nil {
				return 0, err
			}
		}
		return len(rows), nil
	})
}

// freeFormer deletes an undo that has expired, and frees its address, unless the account has it, or another undo.
func freeFormer(ctx context.Context, tx *transaction, undo *ent.OneTimeToken) error {
	account, err := lockUser(ctx, tx, user.ID(undo.UserID))
	if err != nil {
		return err
	}
	own := onetimetoken.UserID(undo.UserID)
	if _, err := tx.OneTimeToken.Delete().Where(onetimetoken.ID(undo.ID), own).Exec(ctx); err != nil {
		return err
	}
	if account != nil && account.Email == undo.Address {
		return nil
	}
	return leaveAddresses(ctx, tx, undo.UserID, undo.Address)
}

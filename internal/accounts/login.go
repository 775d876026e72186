package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// Login signs in with address and password. A stranger's address costs the same reads and the same hashing as a wrong
// password, and answers with the same bytes. Problems: INVALID_CREDENTIALS, RATE_LIMITED.
func (s *Service) Login(ctx context.Context, in LoginInput) (*AuthPayload, error) {
	now := s.now()
	refused := problem.New(problem.InvalidCredentials, "The e-mail address or the password is wrong.")
	row, err := s.userByAddress(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	if row == nil {
		if err := s.verifyNothing(ctx, in.Password); err != nil {
			return nil, err
		}
		return nil, refused
	}
	hash, ok, err := s.verify(ctx, in.Password, row.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !ok || row.Status != string(StatusActive) {
		return nil, refused
	}
	var payload *AuthPayload
	err = s.inTx(ctx, func(ctx context.Context, tx *ent.Tx) error {
		// The write locks the row and shows whether what was verified outside of the transaction still holds.
		n, err := tx.User.Update().
			Where(user.ID(row.ID), user.PasswordHash(row.PasswordHash), user.Status(string(StatusActive))).
			SetPasswordHash(hash).
			Save(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return refused
		}
		payload, err = s.signIn(ctx, tx, row, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// userByAddress returns the account of an address, or nil. A text that is no address is looked up too, so that it
// costs what an unknown address costs.
func (s *Service) userByAddress(ctx context.Context, text string) (*ent.User, error) {
	address, err := foldAddress(text)
	if err != nil {
		address = "" // no account has it
	}
	row, err := s.config.Client.User.Query().Where(user.Email(address)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}

package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// loginTries is how often a login starts over because the account changed between its reading and its writing. The
// usual reason is a login beside it that hashed the same password anew: whoever comes second finds another hash.
const loginTries = 3

// Login signs in with address and password. A stranger's address costs the same reads and the same hashing as a wrong
// password, and answers with the same bytes. Problems: INVALID_CREDENTIALS, RATE_LIMITED.
func (s *Service) Login(ctx context.Context, v *viewer.Viewer, in LoginInput) (*AuthPayload, error) {
	now := s.now()
	for range loginTries {
		payload, err := s.tryLogin(ctx, v, in, now)
		if payload != nil || err != nil {
			return payload, err
		}
	}
	return nil, s.refused(ctx, SignInFailed, uuid.Nil, loginRefused())
}

func loginRefused() *problem.Problem {
	return problem.New(problem.InvalidCredentials, "The e-mail address or the password is wrong.")
}

// tryLogin is one try of Login: nil when the account changed meanwhile.
func (s *Service) tryLogin(ctx context.Context, v *viewer.Viewer, in LoginInput, now time.Time) (*AuthPayload, error) {
	row, err := s.userByAddress(ctx, in.Email)
	if err != nil {
		return nil, err
	}
	if row == nil {
		if err := s.verifyNothing(ctx, in.Password); err != nil {
			return nil, err
		}
		return nil, s.refused(ctx, SignInFailed, uuid.Nil, loginRefused())
	}
	hash, ok, err := s.verify(ctx, in.Password, row.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !ok || row.Status != string(StatusActive) {
		return nil, s.refused(ctx, SignInFailed, row.ID, loginRefused())
	}
	var payload *AuthPayload
	err = s.inTx(ctx, func(ctx context.Context, tx *transaction) error {
		// The write locks the row and shows whether what was verified outside of the transaction still holds.
		n, err := tx.User.Update().
			Where(user.ID(row.ID), user.PasswordHash(row.PasswordHash), user.Status(string(StatusActive))).
			SetPasswordHash(hash).
			Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		payload, err = s.signIn(ctx, tx, row, v.Origin, now)
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

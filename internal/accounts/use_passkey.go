package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// usedPasskey is a passkey that a client says its user has used, of which nothing is verified yet.
type usedPasskey struct {
	assertion *passkey.Assertion
	ceremony  token.OneTime
	alone     bool // without anything else that says who the user is
}

// presentedPasskey reads the response of a browser that has used a passkey. Problems: BAD_USER_INPUT, FORBIDDEN,
// INVALID_TOKEN, RATE_LIMITED.
func (s *Service) presentedPasskey(
	ctx context.Context, v *viewer.Viewer, field string, response any, now time.Time,
) (*usedPasskey, error) {
	if _, err := s.relyingParty(); err != nil {
		return nil, err
	}
	a, err := passkey.ParseAssertion(responseText(response))
	if err != nil {
		return nil, malformedResponse(field, err)
	}
	t, err := s.presentedCeremony(ctx, v, token.UsePasskey, a.Challenge, now)
	if err != nil {
		return nil, err
	}
	return &usedPasskey{assertion: a, ceremony: t}, nil
}

// usePasskey verifies a passkey of an account that the transaction holds, and says what that proves. A passkey that is
// refused is no error of the transaction: its options are used up, and the owner is told of a copy.
func (s *Service) usePasskey(
	ctx context.Context, tx *transaction, account *ent.User, u *usedPasskey, now time.Time,
) (proved token.AMR, refused, err error) {
	row, err := tx.Passkey.Query().Where(entpasskey.CredentialID(u.assertion.ID)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return 0, unknownPasskey(), nil
	case err != nil:
		return 0, nil, err
	case row.UserID != account.ID:
		return 0, passkeyRefused(errOthersPasskey), nil
	}
	verify := s.config.Passkeys.Verify
	if u.alone {
		verify = s.config.Passkeys.SignIn
	}
	next, err := verify(u.assertion, u.ceremony.Text(), account.PasskeyHandle, verifiable(row))
	if errors.Is(err, passkey.ErrCloned) {
		tx.emit(Event{Kind: PasskeyCloned, UserID: account.ID})
	}
	if err != nil {
		return 0, passkeyRefused(err), nil
	}
	if u.alone && row.CredentialGeneration != account.CredentialGeneration {
		return 0, passwordFirst(), nil
	}
	update := tx.Passkey.Update().Where(entpasskey.ID(row.ID), entpasskey.UserID(account.ID)).
		SetSignCount(int64(next.SignCount)).SetBackedUp(next.BackedUp).SetLastUsedAt(now)
	if !u.alone { // in a session, or beside the password
		update.SetCredentialGeneration(account.CredentialGeneration)
	}
	return passkeyAMR(row), nil, update.Exec(ctx)
}

// passkeyRefused refuses a passkey. What the log says of it names origins, lengths and flags, and nothing secret.
func passkeyRefused(err error) *problem.Problem {
	message := "The passkey is refused."
	switch {
	case errors.Is(err, passkey.ErrOrigin):
		message = "The passkey is refused: the page's origin is neither the issuer's nor in GATEHOUSE_ALLOWED_ORIGINS."
	case errors.Is(err, passkey.ErrCloned):
		message = "The passkey is refused: there may be a copy of it. Sign in by other means, and remove it."
	}
	return problem.New(problem.InvalidCredentials, message).WithCause(err)
}

var (
	errOthersPasskey = errors.New("it is of another account")
	errClosedAccount = errors.New("its account cannot be used")
)

// unknownPasskey refuses a passkey that no account has. Its reason is for the Signal API, by which browsers delete it: no
// other passkey must have it.
func unknownPasskey() *problem.Problem {
	return problem.New(problem.InvalidCredentials, "There is no such passkey.").WithReason(tokenUnknown)
}

// passwordFirst refuses a passkey that is older than what ended everything that opened the account.
func passwordFirst() *problem.Problem {
	return problem.New(problem.InvalidCredentials,
		"The account was reset or closed since the passkey was used: sign in with the password and the passkey once.")
}

package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// CompleteLoginInput is GraphQL's input of that name.
type CompleteLoginInput struct {
	Challenge      string
	Code           *string
	RecoveryCode   *string
	Passkey        any
	Device         *string // default: viewer.Origin.Device
	RememberDevice bool
	Cookie         bool
}

// Check refuses what CompleteLogin refuses of the input alone. Problem: BAD_USER_INPUT.
func (in CompleteLoginInput) Check() error {
	given := 0
	for _, is := range []bool{in.Code != nil, in.RecoveryCode != nil, in.Passkey != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return problem.BadInput("code", problem.Required, "A code is required, a recovery code or a passkey.")
	case given > 1 && in.Passkey != nil:
		return problem.BadInput("passkey", problem.NotAllowed, "One proof is enough; leave the passkey out.")
	case given > 1:
		return problem.BadInput("recoveryCode", problem.NotAllowed, "The code is enough; leave the recovery code out.")
	}
	return nil
}

// CompleteLogin signs in the user of a challenge, who proves a second factor. The challenge holds for five tries, and ends
// with what it was given for: the password, or the account's use. Tries are charged to the account and the network too,
// so that many challenges give no more guesses than one. Problems: BAD_USER_INPUT, INVALID_CREDENTIALS, INVALID_TOKEN,
// RATE_LIMITED.
func (s *Service) CompleteLogin(ctx context.Context, v *viewer.Viewer, in CompleteLoginInput) (*AuthPayload, error) {
	now := s.now()
	if err := in.Check(); err != nil {
		return nil, err
	}
	c, err := s.presentedChallenge(ctx, v, in, now)
	if err != nil {
		return nil, err
	}
	given := factorProof{code: in.Code, recoveryCode: in.RecoveryCode}
	if in.Passkey != nil {
		if given.passkey, err = s.presentedPasskey(ctx, v, "passkey", in.Passkey, now); err != nil {
			return nil, err
		}
	}
	if err := s.charge(ctx, v, c.attempt); err != nil {
		return nil, err
	}
	var payload *AuthPayload
	var refused error
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		payload, refused = nil, nil
		account, row, err := s.lockChallenge(ctx, tx, c.token, now)
		if err != nil {
			return err
		}
		if given.passkey != nil {
			if err := endCeremony(ctx, tx, v, given.passkey.ceremony, now); err != nil {
				return err
			}
		}
		proved, no, err := s.useFactor(ctx, tx, account, given, now)
		if err != nil {
			return err
		}
		if refused = no; no != nil {
			return row.Update().AddAttempts(1).Exec(ctx)
		}
		if err := tx.useUp(ctx, row, now); err != nil {
			return err
		}
		amr := token.ParseAMR(valueOr(row.Amr, "")).With(proved)
		if payload, err = s.signIn(ctx, tx, newSession{account, amr, c.from}, now); err != nil {
			return err
		}
		if in.RememberDevice {
			payload.Device = s.remember(payload.Device, account, now)
		}
		return s.refundSucceeded(ctx, tx, c.attempt)
	})
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, s.failed(ctx, SecondFactorFailed, c.token.User, refused)
	}
	return payload, nil
}

// presentedChallenge is a challenge that a client sent.
type presentedChallenge struct {
	token   token.OneTime
	from    viewer.Origin
	attempt *attempt
}

// presentedChallenge reads a challenge, of which a forged one costs no statement. Problems: INVALID_TOKEN, RATE_LIMITED.
func (s *Service) presentedChallenge(
	ctx context.Context, v *viewer.Viewer, in CompleteLoginInput, now time.Time,
) (*presentedChallenge, error) {
	t, err := s.config.OneTime.Parse(token.SecondFactor, in.Challenge)
	if err := s.throttled(ctx, s.throttle.oneTime(t, err, v.Origin, now)); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, challengeRefused(tokenUnknown).WithCause(err)
	}
	c := &presentedChallenge{token: t, from: v.Origin}
	if in.Device != nil {
		c.from.Device = *in.Device
	}
	account, err := s.config.Client.User.Get(ctx, t.User)
	if ent.IsNotFound(err) {
		return nil, challengeRefused(tokenRevoked)
	}
	if err != nil {
		return nil, err
	}
	if _, err := usableChallenge(ctx, s.config.Client.OneTimeToken, t, now); err != nil {
		return nil, err
	}
	c.attempt = s.throttle.secondFactor(account, c.from, now)
	return c, nil
}

// lockChallenge locks the account of a challenge that may be used now. Problem: INVALID_TOKEN.
func (s *Service) lockChallenge(
	ctx context.Context, tx *transaction, t token.OneTime, now time.Time,
) (*ent.User, *ent.OneTimeToken, error) {
	account, err := lockUser(ctx, tx, user.ID(t.User), mayReturn(now))
	if err != nil {
		return nil, nil, err
	}
	if account == nil {
		return nil, nil, challengeRefused(tokenRevoked)
	}
	tx.touched = append(tx.touched, account.ID)
	row, err := usableChallenge(ctx, tx.OneTimeToken, t, now)
	if err != nil {
		return nil, nil, err
	}
	if row.CredentialGeneration == nil || *row.CredentialGeneration != account.CredentialGeneration {
		return nil, nil, challengeRefused(tokenRevoked)
	}
	return account, row, nil
}

// usableChallenge is usable for a challenge, whose tries may be used up.
func usableChallenge(
	ctx context.Context, c *ent.OneTimeTokenClient, t token.OneTime, now time.Time,
) (*ent.OneTimeToken, error) {
	row, err := usable(ctx, c, t, now)
	if refused := problem.All(err); len(refused) > 0 {
		return nil, challengeRefused(refused[0].Reason)
	}
	if err == nil && row.Attempts >= maxFactorAttempts {
		return nil, challengeRefused(tokenUsed)
	}
	return row, err
}

// remember adds to the token of a device that its user is spared the second factor there.
func (s *Service) remember(device *string, account *ent.User, now time.Time) *string {
	if device == nil {
		return nil
	}
	text := s.throttle.devices.Trust(*device, credentialOf(account), now.Add(RememberTTL))
	return &text
}

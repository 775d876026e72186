package accounts

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	entpasskey "github.com/gatehouse/gatehouse/ent/passkey"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// PasskeyLoginInput is GraphQL's input of that name.
type PasskeyLoginInput struct {
	Response any
	Device   *string // default: viewer.Origin.Device
	Cookie   bool
}

// Check refuses what PasskeyLogin refuses of the input alone. Problem: BAD_USER_INPUT.
func (in PasskeyLoginInput) Check() error {
	if _, err := passkey.ParseAssertion(responseText(in.Response)); err != nil {
		return malformedResponse("response", err)
	}
	return nil
}

// PasskeyLogin signs in the user of a passkey, which is two factors in one: it verifies its user. Problems:
// BAD_USER_INPUT, FORBIDDEN, INVALID_CREDENTIALS, INVALID_TOKEN, RATE_LIMITED.
func (s *Service) PasskeyLogin(ctx context.Context, v *viewer.Viewer, in PasskeyLoginInput) (*AuthPayload, error) {
	now := s.now()
	u, err := s.presentedPasskey(ctx, v, "response", in.Response, now)
	if err != nil {
		return nil, err
	}
	u.alone = true
	owner, err := s.ownerOfPasskey(ctx, u, now)
	if err != nil {
		return nil, err
	}
	from := v.Origin
	if in.Device != nil {
		from.Device = *in.Device
	}
	var payload *AuthPayload
	var refused error
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		payload, refused = nil, nil
		account, err := lockUser(ctx, tx, user.ID(owner), mayReturn(now))
		if err != nil {
			return err
		}
		if err := endCeremony(ctx, tx, v, u.ceremony, now); err != nil {
			return err
		}
		if account == nil {
			if refused = unknownPasskey(); owner != uuid.Nil {
				refused = passkeyRefused(errClosedAccount)
			}
			return nil
		}
		amr, no, err := s.usePasskey(ctx, tx, account, u, now)
		if refused = no; no != nil || err != nil {
			return err
		}
		payload, err = s.signIn(ctx, tx, newSession{account, amr, from}, now)
		return err
	})
	if problem.Is(refused, problem.InvalidCredentials) && err == nil {
		return nil, s.failed(ctx, SignInFailed, owner, refused)
	}
	if err := cmp.Or(err, refused); err != nil {
		return nil, err
	}
	return payload, nil
}

// ownerOfPasskey returns whose passkey a client says was used, uuid.Nil when it is nobody's, and counts the sign-in.
// Problem: RATE_LIMITED.
func (s *Service) ownerOfPasskey(ctx context.Context, u *usedPasskey, now time.Time) (uuid.UUID, error) {
	row, err := s.config.Client.Passkey.Query().Where(entpasskey.CredentialID(u.assertion.ID)).Only(ctx)
	if ent.IsNotFound(err) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	return row.UserID, s.throttled(ctx, s.throttle.passkey(row.ID, now))
}

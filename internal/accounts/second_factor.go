package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxFactorAttempts is how often a second factor may be tried for one challenge. Then the sign-in begins again.
const maxFactorAttempts = 5

// RememberTTL is how long a device is remembered whose user has asked for that: a password alone signs in there.
const RememberTTL = 30 * 24 * time.Hour

// entered is a payload, or why there is none yet.
type entered struct {
	payload *AuthPayload
	asked   error // SECOND_FACTOR_REQUIRED, to be returned when the transaction has committed
}

// enter starts a session for a user who has just proved who they are, or asks them for a second factor where the account
// has one and the device is not remembered. Every sign-in with a password, and every reset, passes here.
func (s *Service) enter(ctx context.Context, tx *transaction, n newSession, now time.Time) (entered, error) {
	kinds, err := secondFactors(ctx, tx.Client(), n.user)
	if err != nil {
		return entered{}, err
	}
	if len(kinds) == 0 || n.amr.MFA() || s.isRemembered(n.user, n.from, now) {
		payload, err := s.signIn(ctx, tx, n, now)
		return entered{payload: payload}, err
	}
	asked, err := s.challenge(ctx, tx, n, kinds, now)
	if err != nil {
		return entered{}, err
	}
	return entered{asked: asked}, nil
}

// challenge writes down what was proved, and returns the problem whose extensions name it.
func (s *Service) challenge(
	ctx context.Context, tx *transaction, n newSession, kinds []FactorKind, now time.Time,
) (*problem.Problem, error) {
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	t, err := s.config.OneTime.New(token.SecondFactor, n.user.ID, id)
	if err != nil {
		return nil, err
	}
	_, err = s.issue(ctx, tx, newOneTime{id: id, purpose: token.SecondFactor, user: n.user.ID, address: n.user.Email,
		amr: n.amr, generation: &n.user.CredentialGeneration}, now)
	if err != nil {
		return nil, err
	}
	tx.emit(Event{Kind: SecondFactorAsked, UserID: n.user.ID})
	return problem.New(problem.SecondFactorRequired, "The account wants a second factor: give it by completeLogin.").
		With("challenge", t.Text()).With("factors", kinds), nil
}

// isRemembered reports whether the user of an account has completed a sign-in on the device and asked to be spared the
// second factor there. A new password forgets it, and so does a change of factors.
func (s *Service) isRemembered(row *ent.User, from viewer.Origin, now time.Time) bool {
	return s.throttle != nil && s.throttle.devices.Trusts(from.Device, credentialOf(row), now)
}

// factorProof is what a client gives to complete a sign-in: one of these.
type factorProof struct {
	code, recoveryCode *string
	passkey            *usedPasskey
}

// useFactor uses up what a client gave for an account that the transaction holds, and says what that proves; or why it is
// refused, which is no error of the transaction: a try counts.
func (s *Service) useFactor(
	ctx context.Context, tx *transaction, account *ent.User, p factorProof, now time.Time,
) (proved token.AMR, refused, err error) {
	kinds, err := secondFactors(ctx, tx.Client(), account)
	if err != nil || len(kinds) == 0 {
		return 0, wrongCode(), err
	}
	if p.passkey != nil {
		return s.usePasskey(ctx, tx, account, p.passkey, now)
	}
	var ok bool
	if p.code != nil {
		ok, err = s.useTotp(ctx, tx, account, *p.code, now)
	} else {
		ok, err = s.useRecoveryCode(ctx, tx, account, *p.recoveryCode, now)
	}
	if err != nil || !ok {
		return 0, wrongCode(), err
	}
	return token.OneTimeCode, nil, nil
}

// challengeRefused says of a challenge what linkRefused says of a link.
func challengeRefused(reason string) *problem.Problem {
	return problem.New(problem.InvalidToken, "The challenge is used, expired or unknown; sign in again.").WithReason(reason)
}

package accounts

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxLoginRounds is how often a login starts over because the account changed between its read and its write. Usually
// a parallel login has rehashed the same password.
const maxLoginRounds = 3

// Login signs in with address and password. An unknown address costs the same reads and the same hashing as a wrong
// password, and gets the same answer. Problems: INVALID_CREDENTIALS, RATE_LIMITED, SECOND_FACTOR_REQUIRED.
func (s *Service) Login(ctx context.Context, v *viewer.Viewer, in LoginInput) (*AuthPayload, error) {
	now := s.now()
	if !password.Possible(in.Password) {
		if err := s.chargeImpossible(ctx, v, now); err != nil {
			return nil, err
		}
		return nil, s.failed(ctx, SignInFailed, uuid.Nil, loginRefused())
	}
	address, err := lookupAddress(in.Email)
	charged := address
	if err != nil {
		charged = in.Email // no account has it; it is charged and looked up (as "") all the same
	}
	from := v.Origin
	if in.Device != nil {
		from.Device = *in.Device
	}
	t, err := s.loginAttempt(ctx, charged, from, now)
	if err != nil {
		return nil, fmt.Errorf("looking for the device: %w", err)
	}
	if err := s.charge(ctx, v, t); err != nil {
		return nil, err
	}
	l := login{address: address, password: in.Password, from: from, attempt: t, now: now, viewer: v}
	for range maxLoginRounds {
		result, err := s.loginOnce(ctx, l)
		if result != (entered{}) || err != nil {
			return result.payload, cmp.Or(s.refundUnverified(ctx, t, err), result.asked)
		}
	}
	return nil, s.failed(ctx, SignInFailed, uuid.Nil, loginRefused())
}

// chargeImpossible charges an attempt with a password that no account can have. It guesses nothing and costs no hash, so
// it is charged to its network, apart: among the counters of guesses, many of these would push out one that is under
// attack. Problem: RATE_LIMITED.
func (s *Service) chargeImpossible(ctx context.Context, v *viewer.Viewer, now time.Time) error {
	t := s.throttle
	if t == nil {
		return nil
	}
	counters := t.networks(limit{limitNetwork, t.limits.Network}, "impossible passwords", v.Origin)
	return s.throttled(ctx, t.junkStore.count(now, counters...))
}

func loginRefused() *problem.Problem {
	return problem.New(problem.InvalidCredentials, "The e-mail address or the password is wrong.")
}

// login is a LoginInput that has been charged.
type login struct {
	address, password string
	from              viewer.Origin
	attempt           *attempt
	now               time.Time
	viewer            *viewer.Viewer // who waits
}

// loginOnce is one round of Login: nothing when the account changed meanwhile.
func (s *Service) loginOnce(ctx context.Context, l login) (entered, error) {
	row, err := s.userByAddress(ctx, l.address)
	if err != nil {
		return entered{}, fmt.Errorf("%w: reading the account: %w", password.ErrNotHashed, err)
	}
	if row == nil {
		if err := s.verifyDummy(ctx, l.attempt.caller(l.viewer), l.password); err != nil {
			return entered{}, err
		}
		return entered{}, s.failed(ctx, SignInFailed, uuid.Nil, loginRefused())
	}
	hash, ok, err := s.verify(ctx, l.attempt.caller(l.viewer), l.password, row.PasswordHash)
	if err != nil {
		return entered{}, err
	}
	if !ok || !isOpen(row, l.now) {
		return entered{}, s.failed(ctx, SignInFailed, row.ID, loginRefused())
	}
	var result entered
	err = s.inTx(ctx, l.viewer.Caller(), func(ctx context.Context, tx *transaction) error {
		result = entered{}
		// nil when the hash or the status changed since they were read
		held, err := lockUser(ctx, tx, user.ID(row.ID), user.PasswordHash(row.PasswordHash), mayReturn(l.now))
		if err != nil || held == nil {
			return err
		}
		if err := keepHash(ctx, tx, held, hash); err != nil {
			return err
		}
		if result, err = s.enter(ctx, tx, newSession{held, token.Password, l.from}, l.now); err != nil {
			return err
		}
		return s.refundSucceeded(ctx, tx, l.attempt)
	})
	if err != nil {
		return entered{}, err
	}
	return result, nil
}

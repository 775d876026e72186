package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// busyRetry is how long a client is asked to wait when too many passwords are being hashed.
const busyRetry = 2 * time.Second

// checkPassword refuses a password that may not be chosen, as BAD_USER_INPUT of the field. The address is folded; the
// password must not be any spelling of it.
func checkPassword(field, text, address string) error {
	err := password.Check(text, address)
	if folded, notAddress := lookupAddress(text); err == nil && notAddress == nil && folded == address {
		err = password.ErrAddress
	}
	if err == nil {
		return nil
	}
	return passwordProblem(field, text, err).WithCause(err)
}

// unknown is who waits to have a password hashed that nothing yet vouches for: see fairqueue.Limiter.
func unknown(caller []string) []string { return append([]string{unknownClass}, caller...) }

// The classes that take turns for hashing.
const (
	knownClass   = "known"
	unknownClass = "unknown"
)

// hash hashes a password that Check let pass.
func (s *Service) hash(ctx context.Context, caller []string, text string) (string, error) {
	h, err := s.config.Passwords.As(caller).Hash(ctx, text)
	return h, rateLimited(err)
}

// verify compares a password with a stored hash. It returns the hash to store: a new one when the cost has changed,
// otherwise the same.
func (s *Service) verify(
	ctx context.Context, caller []string, text, stored string,
) (hash string, ok bool, err error) {
	passwords := s.config.Passwords.As(caller)
	ok, stale, err := passwords.Verify(ctx, text, stored)
	if err != nil || !ok || !stale {
		return stored, ok, rateLimited(err)
	}
	hash, err = passwords.Hash(ctx, text)
	if errors.Is(err, password.ErrBusy) {
		return stored, true, nil // the next login rehashes it
	}
	return hash, true, err
}

// verifyDummy does the work of verify without an account.
func (s *Service) verifyDummy(ctx context.Context, caller []string, text string) error {
	return rateLimited(s.config.Passwords.As(caller).VerifyDummy(ctx, text))
}

// rateLimited converts password.ErrBusy to RATE_LIMITED.
func rateLimited(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return problem.RetryAfter(problem.RateLimited,
			"Too many people are signing in at this moment; try again soon.", busyRetry).WithCause(err)
	}
	return err
}

// passwordProblem says why a password may not be chosen.
func passwordProblem(field, text string, err error) *problem.Problem {
	refused := func(reason problem.InputProblem, message string) *problem.Problem {
		return problem.BadInput(field, reason, message)
	}
	switch {
	case text == "":
		return refused(problem.Required, "A password is required.").Between(password.MinLength, password.MaxLength)
	case errors.Is(err, password.ErrTooShort):
		return refused(problem.TooShort, "A password has at least 8 characters.").
			Between(password.MinLength, password.MaxLength)
	case errors.Is(err, password.ErrTooLong):
		return refused(problem.TooLong, "A password has at most 128 characters.").
			Between(password.MinLength, password.MaxLength)
	case errors.Is(err, password.ErrAddress):
		return refused(problem.SameAsEmail, "A password cannot be the e-mail address.")
	case errors.Is(err, password.ErrCommon):
		return refused(problem.TooCommon, "This password is among the 10,000 commonest; choose another.")
	}
	return refused(problem.Malformed, "A password is text in UTF-8 without the character NUL.")
}

// Package problem is an error for clients: a code and a message that they may read, and a cause for the log alone. It
// owns the codes, and knows nothing of GraphQL, HTTP or SQL.
package problem

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Code is a value of GraphQL's enum ErrorCode.
type Code string

// The codes, one for each value of ErrorCode in schema.graphql.
const (
	Unauthenticated            Code = "UNAUTHENTICATED"
	ReauthenticationRequired   Code = "REAUTHENTICATION_REQUIRED"
	InsufficientScope          Code = "INSUFFICIENT_SCOPE"
	Forbidden                  Code = "FORBIDDEN"
	SecondFactorRequired       Code = "SECOND_FACTOR_REQUIRED"
	InvalidCredentials         Code = "INVALID_CREDENTIALS"
	InvalidToken               Code = "INVALID_TOKEN"
	VerificationRequired       Code = "VERIFICATION_REQUIRED"
	EmailTaken                 Code = "EMAIL_TAKEN"
	BadUserInput               Code = "BAD_USER_INPUT"
	NotFound                   Code = "NOT_FOUND"
	LastAdmin                  Code = "LAST_ADMIN"
	MailOff                    Code = "MAIL_OFF"
	RateLimited                Code = "RATE_LIMITED"
	LimitExceeded              Code = "LIMIT_EXCEEDED"
	PersistedQueryNotSupported Code = "PERSISTED_QUERY_NOT_SUPPORTED"
	ParseFailed                Code = "GRAPHQL_PARSE_FAILED"
	ValidationFailed           Code = "GRAPHQL_VALIDATION_FAILED"
	Unavailable                Code = "UNAVAILABLE"
	Internal                   Code = "INTERNAL"
)

// Problem is an error for a client. Everything but Cause is public.
type Problem struct {
	Code       Code
	Message    string        // a sentence that says what is wrong and how to mend it
	Field      string        // the input that is refused, with BadUserInput
	Bounds     *Bounds       // of that input, where it has some
	RetryAfter time.Duration // how long to wait, with RateLimited and Unavailable
	Reason     string        // why: with Unauthenticated and InvalidToken; an InputProblem, with BadUserInput
	Cause      error

	Extensions map[string]any // what else a client is told, beside the fields above
}

// New returns a problem with a code and a message.
func New(code Code, message string) *Problem { return &Problem{Code: code, Message: message} }

// BadInput returns a BadUserInput problem of one input field. errors.Join tells of several.
func BadInput(field string, reason InputProblem, message string) *Problem {
	return &Problem{Code: BadUserInput, Message: message, Field: field, Reason: string(reason)}
}

// RetryAfter returns a temporary problem: the client may try again after a while.
func RetryAfter(code Code, message string, after time.Duration) *Problem {
	return &Problem{Code: code, Message: message, RetryAfter: after}
}

// Between returns a copy that says between which bounds the input must be.
func (p *Problem) Between(minimum, maximum int) *Problem {
	q := *p
	q.Bounds = &Bounds{minimum, maximum}
	return &q
}

// WithReason returns a copy that says why: extensions.reason.
func (p *Problem) WithReason(reason string) *Problem {
	q := *p
	q.Reason = reason
	return &q
}

// With returns a copy with a further extension.
func (p *Problem) With(name string, value any) *Problem {
	q := *p
	q.Extensions = maps.Clone(p.Extensions)
	if q.Extensions == nil {
		q.Extensions = map[string]any{}
	}
	q.Extensions[name] = value
	return &q
}

// WithCause returns a copy with a cause for the log.
func (p *Problem) WithCause(cause error) *Problem {
	q := *p
	q.Cause = cause
	return &q
}

func (p *Problem) Error() string {
	if p.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", p.Code, p.Message, p.Cause)
	}
	return fmt.Sprintf("%s: %s", p.Code, p.Message)
}

func (p *Problem) Unwrap() error { return p.Cause }

// Is reports whether err is, or wraps, a problem with this code.
func Is(err error, code Code) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code == code
}

// All returns the problems that err is, wraps or joins, in their order.
func All(err error) (all []*Problem) {
	switch e := err.(type) {
	case *Problem:
		return []*Problem{e}
	case interface{ Unwrap() error }:
		return All(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, All(one)...)
		}
	}
	return all
}

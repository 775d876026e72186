// Package problem is an error with a face: a code and a sentence that the caller may read, and a cause that only the
// log may. It owns the public words of refusals and knows nothing of GraphQL, HTTP or SQL.
package problem

import (
	"errors"
	"fmt"
	"time"
)

// Code is a value of GraphQL's enum ErrorCode.
type Code string

// The codes of the contract, section 5.
const (
	Unauthenticated          Code = "UNAUTHENTICATED"
	ReauthenticationRequired Code = "REAUTHENTICATION_REQUIRED"
	InsufficientScope        Code = "INSUFFICIENT_SCOPE"
	Forbidden                Code = "FORBIDDEN"
	InvalidCredentials       Code = "INVALID_CREDENTIALS"
	InvalidToken             Code = "INVALID_TOKEN"
	EmailTaken               Code = "EMAIL_TAKEN"
	BadUserInput             Code = "BAD_USER_INPUT"
	NotFound                 Code = "NOT_FOUND"
	LastAdmin                Code = "LAST_ADMIN"
	RateLimited              Code = "RATE_LIMITED"
	LimitExceeded            Code = "LIMIT_EXCEEDED"
	ParseFailed              Code = "GRAPHQL_PARSE_FAILED"
	ValidationFailed         Code = "GRAPHQL_VALIDATION_FAILED"
	Unavailable              Code = "UNAVAILABLE"
	Internal                 Code = "INTERNAL"
)

// Problem is a refusal. All of it is public but Cause, which is for the log.
type Problem struct {
	Code       Code
	Message    string        // a sentence that says what is wrong and how to mend it
	Field      string        // the input that is refused, with BadUserInput
	RetryAfter time.Duration // how long to wait, with RateLimited and Unavailable
	Reason     string        // why nobody is signed in, with Unauthenticated
	Limit      string        // the bound that is passed, with LimitExceeded
	Cause      error
}

// New returns a problem with a code and its sentence.
func New(code Code, message string) *Problem { return &Problem{Code: code, Message: message} }

// BadInput returns a refusal of one input field.
func BadInput(field, message string) *Problem {
	return &Problem{Code: BadUserInput, Message: message, Field: field}
}

// OverLimit returns a refusal of something that passes a bound.
func OverLimit(limit string, most, asked int) *Problem {
	return &Problem{Code: LimitExceeded, Message: fmt.Sprintf("%s is %d; at most %d are allowed.", limit, asked, most), Limit: limit}
}

// RetryAfter returns a problem that passes by itself: ask again after a while.
func RetryAfter(code Code, message string, after time.Duration) *Problem {
	return &Problem{Code: code, Message: message, RetryAfter: after}
}

// WithReason returns a copy that says why nobody is signed in.
func (p *Problem) WithReason(reason string) *Problem {
	q := *p
	q.Reason = reason
	return &q
}

// WithCause returns a copy that keeps its cause for the log.
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
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}

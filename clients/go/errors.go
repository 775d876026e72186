package gatehouse

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Code says what is wrong: `enum ErrorCode` of schema.graphql, where each is described. A newer server may send others.
type Code string

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
	GraphQLParseFailed         Code = "GRAPHQL_PARSE_FAILED"
	GraphQLValidationFailed    Code = "GRAPHQL_VALIDATION_FAILED"
	Unavailable                Code = "UNAVAILABLE"
	Internal                   Code = "INTERNAL"
)

// Error is one error of an answer. Decide by Code: Message is for developers, and its words may change. The other
// fields are zero where the error has none.
type Error struct {
	Code    Code
	Message string
	Path    []any // where in the answer: names and indexes; nil when the operation was refused as a whole

	Coordinate    string        // the field of the schema that is refused, such as "Query.users"
	Field         string        // of BadUserInput: the value's name
	Reason        string        // of BadUserInput a value of `enum InputProblem`; of Unauthenticated and InvalidToken why
	Min, Max      *int          // of BadUserInput: the bounds
	RetryAfter    time.Duration // of RateLimited and Unavailable: how long to wait
	MaxAge        time.Duration // of ReauthenticationRequired: how recent a proof has to be
	MFA           bool          // of ReauthenticationRequired: a second factor has to be proved
	MissingScopes []string      // of InsufficientScope
	Challenge     string        // of SecondFactorRequired: for `completeLogin`
	Factors       []string      // of SecondFactorRequired: values of `enum FactorKind`
	Limit         string        // of LimitExceeded: the bound's name
	RequestID     string        // of Internal: by which the operator finds it in the log
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Errors are all errors of one answer. errors.As finds the first as an *Error.
type Errors []*Error

func (e Errors) Error() string {
	all := make([]string, len(e))
	for i, one := range e {
		all[i] = one.Error()
	}
	return strings.Join(all, "; ")
}

// Unwrap makes errors.Is and errors.As look into each.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// UnmarshalJSON reads an error of a GraphQL answer, with the extensions that docs/clients.md describes.
func (e *Error) UnmarshalJSON(text []byte) error {
	var wire struct {
		Message    string
		Path       []any
		Extensions struct {
			Code                                                   Code
			Coordinate, Field, Reason, Challenge, Limit, RequestID string
			Min, Max                                               *int
			RetryAfter, MaxAge                                     float64 // seconds
			MFA                                                    bool
			MissingScopes, Factors                                 []string
		}
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	x := wire.Extensions
	if x.Code == "" {
		x.Code = Internal
	}
	*e = Error{
		Code: x.Code, Message: wire.Message, Path: wire.Path, Coordinate: x.Coordinate, Field: x.Field, Reason: x.Reason,
		Min: x.Min, Max: x.Max, RetryAfter: seconds(x.RetryAfter), MaxAge: seconds(x.MaxAge), MFA: x.MFA,
		MissingScopes: x.MissingScopes, Challenge: x.Challenge, Factors: x.Factors, Limit: x.Limit, RequestID: x.RequestID,
	}
	return nil
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

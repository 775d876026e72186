package main

import "fmt"

// unknownCode is the advice for a code that the schema did not have when this program was generated.
const unknownCode = "update this program, it does not know this answer"

// advice is what a user can do about a refusal.
func advice(r *Refusal) string {
	switch r.Code {
	case ErrorCodeUnauthenticated, ErrorCodeInvalidToken:
		return "sign in again"
	case ErrorCodeReauthenticationRequired:
		return "give your password once more"
	case ErrorCodeSecondFactorRequired:
		return "give a code of your authenticator app"
	case ErrorCodeInvalidCredentials:
		return "check the address and the password"
	case ErrorCodeVerificationRequired:
		return "read the mail that is on its way"
	case ErrorCodeEmailTaken:
		return "sign in, there is an account with this address"
	case ErrorCodeBadUserInput:
		return fmt.Sprintf("change %v", r.Extensions["field"])
	case ErrorCodeNotFound:
		return "look elsewhere, it is not here"
	case ErrorCodeForbidden, ErrorCodeInsufficientScope:
		return "ask an administrator, you may not do this"
	case ErrorCodeLastAdmin:
		return "make somebody else an administrator first"
	case ErrorCodeMailOff:
		return "ask the operator, this needs mail"
	case ErrorCodeRateLimited, ErrorCodeUnavailable:
		return fmt.Sprintf("try again in %v seconds", r.Extensions["retryAfter"])
	case ErrorCodePersistedQueryNotSupported, ErrorCodeLimitExceeded, ErrorCodeGraphqlParseFailed,
		ErrorCodeGraphqlValidationFailed:
		return "update this program, it asks what the server does not take"
	case ErrorCodeInternal:
		return fmt.Sprintf("tell the operator, with request %v", r.Extensions["requestId"])
	default:
		return unknownCode
	}
}

package main

import (
	"fmt"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

// unknownCode is the advice for a code that the schema did not have when this program was written.
const unknownCode = "update this program, it does not know this answer"

// advice is what a user can do about a refusal.
func advice(e *gatehouse.Error) string {
	switch e.Code {
	case gatehouse.Unauthenticated, gatehouse.InvalidToken:
		return "sign in again"
	case gatehouse.ReauthenticationRequired:
		return "give your password once more"
	case gatehouse.SecondFactorRequired:
		return "give a code of your authenticator app"
	case gatehouse.InvalidCredentials:
		return "check the address and the password"
	case gatehouse.VerificationRequired:
		return "read the mail that is on its way"
	case gatehouse.EmailTaken:
		return "sign in, there is an account with this address"
	case gatehouse.BadUserInput:
		return "change " + e.Field
	case gatehouse.NotFound:
		return "look elsewhere, it is not here"
	case gatehouse.Forbidden, gatehouse.InsufficientScope:
		return "ask an administrator, you may not do this"
	case gatehouse.LastAdmin:
		return "make somebody else an administrator first"
	case gatehouse.MailOff:
		return "ask the operator, this needs mail"
	case gatehouse.RateLimited, gatehouse.Unavailable:
		return fmt.Sprintf("try again in %v", e.RetryAfter)
	case gatehouse.PersistedQueryNotSupported, gatehouse.LimitExceeded, gatehouse.GraphQLParseFailed,
		gatehouse.GraphQLValidationFailed:
		return "update this program, it asks what the server does not take"
	case gatehouse.Internal:
		return "tell the operator, with request " + e.RequestID
	default:
		return unknownCode
	}
}

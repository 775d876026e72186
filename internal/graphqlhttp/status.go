package graphqlhttp

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// statuses gives each code its HTTP status, in order of priority: the first code that a response has decides.
var statuses = []struct {
	code   problem.Code
	status int
}{
	{problem.Unauthenticated, http.StatusUnauthorized},
	{problem.ReauthenticationRequired, http.StatusUnauthorized},
	{problem.InsufficientScope, http.StatusForbidden},
	{problem.Forbidden, http.StatusForbidden},
	{problem.Internal, http.StatusInternalServerError},
	{problem.Unavailable, http.StatusServiceUnavailable},
	{problem.RateLimited, http.StatusTooManyRequests},
	{problem.LimitExceeded, http.StatusBadRequest},
	{problem.PersistedQueryNotSupported, http.StatusBadRequest},
	{problem.ParseFailed, http.StatusBadRequest},
	{problem.ValidationFailed, http.StatusBadRequest},
}

// primaryError returns the error that decides the status of a response, and that status. Codes that are not in the
// table are results of running an operation, with status 200.
func primaryError(errs gqlerror.List) (*gqlerror.Error, int) {
	for _, s := range statuses {
		i := slices.IndexFunc(errs, func(e *gqlerror.Error) bool { return CodeOf(e) == s.code })
		if i >= 0 {
			return errs[i], s.status
		}
	}
	return nil, http.StatusOK
}

// NewError returns an error with a code in its extensions.
func NewError(code problem.Code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}

// CodeOf returns extensions.code of an error, or "".
func CodeOf(e *gqlerror.Error) problem.Code {
	switch code := e.Extensions["code"].(type) {
	case string:
		return problem.Code(code)
	case problem.Code:
		return code
	}
	return ""
}

// setAuthHeaders sets WWW-Authenticate and Retry-After. They are sent with every status: RFC 9110, section 11.6.1,
// allows a challenge in other responses than 401, and clients of application/json see only 200. The errors are those of
// the response, of which e is the primary one.
func setAuthHeaders(h http.Header, e *gqlerror.Error, errs gqlerror.List) {
	if e == nil {
		return
	}
	if c := challenge(e, errs); c != "" {
		h.Set("WWW-Authenticate", c)
	}
	if seconds, ok := e.Extensions["retryAfter"]; ok {
		h.Set("Retry-After", fmt.Sprint(seconds))
	}
}

// challenge returns what the client must present: RFC 6750, section 3, and RFC 9470, section 3. To a request without
// credentials it names no error, as RFC 6750 asks.
func challenge(e *gqlerror.Error, errs gqlerror.List) string {
	switch CodeOf(e) {
	case problem.Unauthenticated:
		if reason := e.Extensions["reason"]; reason != nil && reason != "missing" {
			return fmt.Sprintf(`Bearer error="invalid_token", error_description="the access token is %v"`, reason)
		}
		return `Bearer realm="gatehouse"`
	case problem.ReauthenticationRequired:
		return stepUpChallenge(errs)
	case problem.InsufficientScope:
		scopes, _ := e.Extensions["missingScopes"].([]string)
		return fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, strings.Join(scopes, " "))
	}
	return ""
}

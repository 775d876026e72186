package graphqlhttp

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// acrMultiFactor is the acr that access tokens have of a session with two factors: the level of NIST SP 800-63B.
const acrMultiFactor = "aal2"

// stepUpChallenge returns the challenge of RFC 9470, section 3, for all that the errors want proved, so that a client
// asks its user once.
func stepUpChallenge(errs gqlerror.List) string {
	maxAge, mfa := 0, false
	for _, e := range errs {
		if CodeOf(e) != problem.ReauthenticationRequired {
			continue
		}
		if age, ok := e.Extensions["maxAge"].(int); ok && (maxAge == 0 || age < maxAge) {
			maxAge = age
		}
		mfa = mfa || e.Extensions["mfa"] == true
	}
	what, parameters := "more recent authentication", ""
	switch {
	case mfa && maxAge > 0:
		what += " with a second factor"
	case mfa:
		what = "a second factor"
	}
	if mfa {
		parameters += fmt.Sprintf(`, acr_values="%s"`, acrMultiFactor)
	}
	if maxAge > 0 {
		parameters += fmt.Sprintf(`, max_age="%d"`, maxAge)
	}
	return fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="%s is required"%s`,
		what, parameters)
}

package authz

import "fmt"

// stepUp is what a signed-in caller has to prove, again or in addition, before a rule holds.
type stepUp struct {
	maxAge int  // the authentication is older than so many seconds; 0: it is recent enough
	mfa    bool // a second factor is missing
}

// and returns what satisfies both.
func (s stepUp) and(other stepUp) stepUp {
	if s.maxAge == 0 || other.maxAge > 0 && other.maxAge < s.maxAge {
		s.maxAge = other.maxAge
	}
	s.mfa = s.mfa || other.mfa
	return s
}

// violation denies for want of the proof.
func (s stepUp) violation() *violation {
	v := &violation{code: ReauthenticationRequired, stepUp: s, message: "authenticate ", extensions: map[string]any{}}
	if s.maxAge > 0 {
		v.message += "again"
		v.extensions["maxAge"] = s.maxAge
	}
	if s.maxAge > 0 && s.mfa {
		v.message += ", "
	}
	if s.mfa {
		v.message += "with a second factor"
		v.extensions["mfa"] = true
	}
	if s.maxAge > 0 {
		v.message += fmt.Sprintf("; the last time may be at most %d s ago", s.maxAge)
	}
	return v
}

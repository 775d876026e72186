package token

import (
	"strings"
)

// AMR is a set of authentication method references (RFC 8176): what a user has proved. Values that this version does not
// know are left out of it, and grant nothing.
type AMR uint8

// The values, in the order in which they are written.
const (
	Password     AMR = 1 << iota // pwd
	OneTimeCode                  // otp: a code of an authenticator app, or a recovery code
	HardwareKey                  // hwk: a key that cannot leave its device
	SoftwareKey                  // swk: a key that can, such as a passkey that is synchronized
	UserPresence                 // user: the key's owner was asked
	MultiFactor                  // mfa: more than one kind of proof
)

var amrNames = [...]string{"pwd", "otp", "hwk", "swk", "user", "mfa"}

// The values of acr (RFC 9068, section 2.2.1): levels of NIST SP 800-63B.
const (
	SingleFactorACR = "aal1"
	MultiFactorACR  = "aal2"
)

// ParseAMR reads what String wrote.
func ParseAMR(text string) (set AMR) {
	for name := range strings.FieldsSeq(text) {
		set |= amrOf(name)
	}
	return set
}

func amrOf(name string) AMR {
	for i, known := range amrNames {
		if name == known {
			return 1 << i
		}
	}
	return 0
}

// With returns what is proved by both together: a password and something that its owner has are two factors.
func (a AMR) With(more AMR) AMR {
	a |= more
	if a&Password != 0 && a&(OneTimeCode|HardwareKey|SoftwareKey) != 0 {
		a |= MultiFactor
	}
	return a
}

// MFA reports whether more than one factor was proved.
func (a AMR) MFA() bool { return a&MultiFactor != 0 }

// ACR returns the level that was reached, "" for nothing proved.
func (a AMR) ACR() string {
	switch {
	case a == 0:
		return ""
	case a.MFA():
		return MultiFactorACR
	}
	return SingleFactorACR
}

// List returns the values.
func (a AMR) List() []string {
	list := []string{}
	for i, name := range amrNames {
		if a&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// String returns the values with a blank between them.
func (a AMR) String() string { return strings.Join(a.List(), " ") }

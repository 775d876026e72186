package token

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAMR_SaysHowMuchIsProved combines the kinds of proof that a user can give in a session.
func TestAMR_SaysHowMuchIsProved(t *testing.T) {
	passkey := HardwareKey | UserPresence | MultiFactor // its user was verified
	for _, c := range []struct {
		name      string
		set       AMR
		text, acr string
	}{
		{"nothing", 0, "", ""},
		{"a password", Password, "pwd", "aal1"},
		{"a password twice", Password.With(Password), "pwd", "aal1"},
		{"a code alone", OneTimeCode, "otp", "aal1"},
		{"a password and a code", Password.With(OneTimeCode), "pwd otp mfa", "aal2"},
		{"a code and a password", OneTimeCode.With(Password), "pwd otp mfa", "aal2"},
		{"a key, and who has it was asked", HardwareKey | UserPresence, "hwk user", "aal1"},
		{"a password and a key", Password.With(SoftwareKey | UserPresence), "pwd swk user mfa", "aal2"},
		{"two things that one has", HardwareKey.With(OneTimeCode), "otp hwk", "aal1"},
		{"a passkey", passkey, "hwk user mfa", "aal2"},
		{"a passkey and a password", passkey.With(Password), "pwd hwk user mfa", "aal2"},
		{"nothing more than a passkey", passkey.With(0), "hwk user mfa", "aal2"},
	} {
		testenv.Equal(t, c.text, c.set.String(), "%s", c.name)
		testenv.Equal(t, c.acr, c.set.ACR(), "%s", c.name)
		testenv.Equal(t, c.set, ParseAMR(c.text), "%s, read again", c.name)
		testenv.Equal(t, c.acr == "aal2", c.set.MFA(), "%s", c.name)
	}
}

// TestAMR_NeverLosesWhatWasProved holds for every pair of sets.
func TestAMR_NeverLosesWhatWasProved(t *testing.T) {
	for a := range AMR(1 << len(amrNames)) {
		for b := range AMR(1 << len(amrNames)) {
			if both := a.With(b); both&a != a || both&b != b || both != b.With(a) {
				t.Errorf("%q with %q is %q", a, b, both)
			}
		}
	}
}

func TestParseAMR_UnknownWordsProveNothing(t *testing.T) {
	testenv.Equal(t, Password, ParseAMR("pwd face MFA mfa2"), "known and unknown words")
}

package totp

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

var (
	theSecret = Secret("12345678901234567890") // of RFC 6238, appendix B
	theTime   = time.Date(2026, 7, 1, 12, 0, 15, 0, time.UTC)
)

// TestCode_IsThatOfRFC6238 has the vectors of appendix B, of whose eight digits six are shown.
func TestCode_IsThatOfRFC6238(t *testing.T) {
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037",
		20000000000: "65353130",
	} {
		testenv.Equal(t, want[2:], theSecret.Code(time.Unix(at, 0)), "at %d", at)
	}
}

// TestMatch_AcceptsAStepOfSkew and no more, before and after.
func TestMatch_AcceptsAStepOfSkew(t *testing.T) {
	for _, now := range []time.Time{theTime, theTime.Truncate(period), theTime.Truncate(period).Add(period - 1)} {
		for off := int64(-3); off <= 3; off++ {
			step := stepOf(now) + off
			got, ok := theSecret.Match(theSecret.code(step), now, 0)
			if want := -1 <= off && off <= 1; ok != want || want && got != step {
				t.Errorf("%d steps off at %v: step %d, %v", off, now, got, ok)
			}
		}
	}
}

// TestMatch_GivesEachStepOnce: only a later one than the last is found.
func TestMatch_GivesEachStepOnce(t *testing.T) {
	now := stepOf(theTime)
	for _, c := range []struct {
		of, last int64
		ok       bool
	}{
		{now, now - 1, true}, {now, now, false}, {now, now + 1, false}, {now - 1, now - 2, true}, {now - 1, now - 1, false},
		{now - 1, now, false}, {now + 1, now, true}, {now + 1, now + 1, false},
	} {
		step, ok := theSecret.Match(theSecret.code(c.of), theTime, c.last)
		if ok != c.ok || ok && step != c.of {
			t.Errorf("the code of step %+d after %+d: %+d, %v", c.of-now, c.last-now, step-now, ok)
		}
	}
}

func TestMatch_TakesDigitsAsPeopleTypeThem(t *testing.T) {
	code := theSecret.Code(theTime)
	for _, text := range []string{code, code[:3] + " " + code[3:], " " + code + " "} {
		if _, ok := theSecret.Match(text, theTime, 0); !ok {
			t.Errorf("%q is refused", text)
		}
	}
	n, _ := strconv.Atoi(code)
	for _, text := range []string{"", " ", code[:5], code + "0", "0" + code, code[1:], "-" + code, code + "\x00", code + "\n",
		fmt.Sprintf("%06d", (n+1)%1_000_000), strings.Repeat("0", 1<<20), "é" + code} {
		if _, ok := theSecret.Match(text, theTime, 0); ok {
			t.Errorf("%.20q is accepted", text)
		}
	}
	if _, ok := Secret(nil).Match(code, theTime, 0); ok {
		t.Error("the code of another secret is accepted")
	}
}

func TestNewSecret_DrawsAnother(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		s := NewSecret()
		if seen[s.Text()] || len(s) != 20 || len(s.Text()) != 32 {
			t.Fatalf("%q came twice, or is not of 20 bytes", s.Text())
		}
		seen[s.Text()] = true
		for _, verb := range []string{"%v", "%s", "%x", "%d", "%+v", "%#v", "%q"} {
			if text := fmt.Sprintf(verb, s); text != "totp.Secret(hidden)" {
				t.Errorf("%s writes %q", verb, text)
			}
		}
	}
}

// TestMatch_TakesTheCodesOfOathtool, and oathtool takes ours: another program, which apps are tested with.
func TestMatch_TakesTheCodesOfOathtool(t *testing.T) {
	oathtool, err := exec.LookPath("oathtool")
	if err != nil {
		testenv.Missing(t, "oathtool", "apt-get install oathtool")
	}
	for range 20 {
		s := NewSecret()
		at := "--now=" + theTime.Format("2006-01-02 15:04:05 UTC")
		out, err := exec.Command(oathtool, "--totp", "--base32", at, s.Text()).Output()
		testenv.Check(t, err)
		code := strings.TrimSpace(string(out))
		if step, ok := s.Match(code, theTime, 0); !ok || step != stepOf(theTime) {
			t.Errorf("the code %s of oathtool is of step %d, %v", code, step, ok)
		}
		run := func(code string) error { // with a code it says at which step that is, and fails when it is not
			return exec.Command(oathtool, "--totp", "--base32", "--window=0", at, s.Text(), code).Run()
		}
		testenv.Check(t, run(s.Code(theTime)))
		if run(s.Code(theTime.Add(period))) == nil {
			t.Error("oathtool takes the code of another step: it decides nothing here")
		}
	}
}

package password

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCheck_EachRule(t *testing.T) {
	const email = "ada@example.org"
	cases := []struct {
		name, pw string
		want     error
	}{
		{"7 characters", "kxq4vz!", ErrTooShort},
		{"8 characters", "kxq4vz!t", nil},
		{"7 characters of 28 bytes", strings.Repeat("🔑", 7), ErrTooShort},
		{"8 characters of 32 bytes", strings.Repeat("🔑", 8), nil},
		{"7 characters that were 14 before NFC", strings.Repeat("e\u0301", 7), ErrTooShort},
		{"8 characters that were 16 before NFC", strings.Repeat("e\u0301", 8), nil},
		{"64 characters of 4 bytes", strings.Repeat("🔑", 64), nil},
		{"128 characters of 4 bytes", strings.Repeat("🔑", 128), nil},
		{"129 characters", strings.Repeat("kxq4vz!t", 16) + "k", ErrTooLong},
		{"128 characters that were 512 before NFC", strings.Repeat("\u03b1\u0314\u0300\u0345", 128), nil},
		{"129 characters that were 516 before NFC", strings.Repeat("\u03b1\u0314\u0300\u0345", 129), ErrTooLong},
		{"a megabyte", strings.Repeat("kxq4vz!t", 1<<17), ErrTooLong},
		{"a megabyte that is not UTF-8", strings.Repeat("\xff", 1<<20), ErrTooLong},
		{"not UTF-8", "kxq4vz!t\xff", ErrMalformed},
		{"NUL inside", "kxq4\x00vz!t", ErrMalformed},
		{"other control characters", "kxq4\x01\tvz!t\n", nil},
		{"the address", "ada@example.org", ErrAddress},
		{"the address in another case", "Ada@Example.ORG", ErrAddress},
		{"nearly the address", "ada@example.orh", nil},
		{"one of the commonest", "sunshine", ErrCommon},
		{"one of the commonest in another case", "SunShine", ErrCommon},
		{"one of the commonest and a space", "sunshine ", nil},
		{"digits only", "73920561847302956184", nil},
		{"letters and spaces only", "a plain phrase", nil},
		{"spaces only", strings.Repeat(" ", 15), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := Check(c.pw, email); !errors.Is(err, c.want) {
				t.Errorf("Check = %v, want %v", err, c.want)
			}
		})
	}
}

func TestCheck_EmptyAddressIsNotCompared(t *testing.T) {
	if err := Check("kxq4vz!t", ""); err != nil {
		t.Error(err)
	}
}

// The byte bound must refuse nothing that the length rule would take; see maxBytes.
func TestMaxBytes_RefusesNoAcceptablePassword(t *testing.T) {
	longest := 0
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			longest = max(longest, utf8.RuneCountInString(norm.NFD.String(string(r))))
		}
	}
	if longest != 4 {
		t.Errorf("the longest decomposition has %d code points, and maxBytes counts on 4", longest)
	}
}

func TestCommonList_IsSortedAndComplete(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(common, "\n"), "\n")
	if len(lines) != 10_000 || !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Errorf("%d lines; want 10,000, sorted, each once", len(lines))
	}
	for _, line := range lines {
		if line != strings.ToLower(line) || line != Normalize(line) || utf8.RuneCountInString(line) < MinLength {
			t.Errorf("%q could never be found", line)
		}
		if !isCommon(line) || !isCommon(strings.ToUpper(line)) {
			t.Errorf("%q is not found", line)
		}
		if isCommon(line[:len(line)-1]) && !slices.Contains(lines, line[:len(line)-1]) || isCommon(line+"\n") {
			t.Errorf("a neighbour of %q is found", line)
		}
	}
	for _, absent := range []string{"", "\n", "kxq4vz!t", "~~~~~~~~~", "!", "sunshine\nsunshine1"} {
		if isCommon(absent) {
			t.Errorf("%q is found", absent)
		}
	}
}

func TestIsCommon_AllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { isCommon("kxq4vz!t") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The whole password counts, as it was typed.
func TestVerify_EveryByteCounts(t *testing.T) {
	h := cheap(t)
	long := strings.Repeat("0123456789abcdef", 5)[:73]
	for _, pair := range [][2]string{
		{long, long[:72] + "X"},       // bcrypt stops at byte 72
		{long, long[:72]},             //
		{"kxq4vz!t", "kxq4vz!t "},     // no trimming
		{"kxq4vz!t", " kxq4vz!t"},     //
		{"kxq4vz!t", "kxq4vz!T"},      // no folding of case
		{"kxq4vz!t", "kxq4vz\uff01t"}, // no compatibility forms (NFKC)
		{strings.Repeat("🔑", 64), strings.Repeat("🔑", 63) + "🔒"}, // 256 bytes
	} {
		phc := must(h.Hash(context.Background(), pair[0]))
		verify(t, h, pair[0], phc, true)
		verify(t, h, pair[1], phc, false)
	}
}

func TestVerify_ComposedAndDecomposedAreEqual(t *testing.T) {
	h := cheap(t)
	phc := must(h.Hash(context.Background(), "caf\u00e9 au lait"))
	verify(t, h, "cafe\u0301 au lait", phc, true)
	verify(t, h, "cafe au lait", phc, false)
}

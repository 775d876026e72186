package accounts

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// showNothing are the general categories of characters that show nothing by themselves: of format, of space, and marks,
// which need a letter to stand on.
const showNothing = "Cf Zs Zl Zp Mn Mc Me"

// drawnBlank are letters and symbols by their category, of which Unicode says that nothing is drawn.
const drawnBlank = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U0001d159"

// TestCleanName_HasAVisibleCharacter asks for characters of each general category, alone and thrice, and beside a
// letter.
func TestCleanName_HasAVisibleCharacter(t *testing.T) {
	asked := 0
	for category, table := range unicode.Categories {
		if len(category) != 2 || category == "Cc" || category == "Cs" || category == "Cn" {
			continue
		}
		hidden := strings.Contains(showNothing, category)
		each(table, func(r rune) {
			asked++
			if norm.NFC.String(string(r)) != string(r) {
				return // it is kept as another character
			}
			want := !hidden && !strings.ContainsRune(drawnBlank, r)
			for _, name := range []string{string(r), strings.Repeat(string(r), 3), string(r) + "\u200d" + string(r)} {
				if _, err := cleanName(&name); (err == nil) != want {
					t.Errorf("%s %+q: %v, want it to be accepted: %v", category, name, err, want)
				}
			}
			beside := "a" + string(r) + "b"
			_, err := cleanName(&beside)
			if want := !unicode.Is(unicode.Bidi_Control, r) && category != "Zl" && category != "Zp"; (err == nil) != want {
				t.Errorf("%s %+q: %v, want it to be accepted: %v", category, beside, err, want)
			}
		})
	}
	if asked < 10_000 {
		t.Errorf("%d characters", asked)
	}
}

// each calls f for the characters of a table: of a long range, for a hundred or so.
func each(table *unicode.RangeTable, f func(rune)) {
	visit := func(low, high, stride rune) {
		for c := low; c <= high; c += stride * max(1, (high-low)/stride/100) {
			f(c)
		}
	}
	for _, r := range table.R16 {
		visit(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		visit(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
}

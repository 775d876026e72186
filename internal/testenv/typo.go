package testenv

import "strings"

// Typo is text with another last letter: no chance makes it the same text again.
func Typo(text string) string {
	rest := text[:len(text)-1]
	if strings.HasSuffix(text, "A") {
		return rest + "B"
	}
	return rest + "A"
}

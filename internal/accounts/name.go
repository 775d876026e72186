package accounts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/problem"
)

const maxNameLen = 100 // characters

// cleanName returns a name as it is kept: trimmed and NFC. Nil stays nil: no name.
func cleanName(name *string) (*string, error) {
	if name == nil {
		return nil, nil
	}
	tooLong := problem.BadInput("name", problem.TooLong, "A name has at most 100 characters.").Between(1, maxNameLen)
	if len(*name) > 16*maxNameLen {
		return nil, tooLong
	}
	clean := norm.NFC.String(strings.TrimSpace(*name))
	switch n := utf8.RuneCountInString(clean); {
	case n == 0:
		return nil, problem.BadInput("name", problem.TooShort, "A name cannot be empty; leave it out to have none.").
			Between(1, maxNameLen)
	case n > maxNameLen:
		return nil, tooLong
	case !isLine(clean):
		return nil, problem.BadInput("name", problem.Malformed,
			"A name cannot have control characters, such as line breaks.")
	}
	return &clean, nil
}

// isLine reports whether a text is UTF-8 without line breaks and other control characters. Postgres stores no NUL.
func isLine(text string) bool {
	return utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) })
}

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
	case strings.ContainsFunc(clean, isBidiControl):
		return nil, problem.BadInput("name", problem.Malformed,
			"A name cannot have characters that change the direction of text.")
	case hasStray(clean):
		return nil, problem.BadInput("name", problem.Malformed,
			"A name cannot have invisible characters where no script and no emoji needs them.")
	case !strings.ContainsFunc(clean, isVisible):
		return nil, problem.BadInput("name", problem.Malformed,
			"A name needs a character that can be seen; leave the name out to have none.")
	}
	return &clean, nil
}

// isBidiControl matches characters that turn round the text beside a name, in a list of users or a mail.
func isBidiControl(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// blanks are letters and symbols that are drawn blank without being ignorable: of Braille, Egyptian and music.
const blanks = "\u2800\U00013441\U00013442\U0001d159"

// isVisible reports whether a character shows something by itself. One that this version of Unicode does not know may.
func isVisible(r rune) bool {
	return !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.M, unicode.Other_Default_Ignorable_Code_Point) &&
		!strings.ContainsRune(blanks, r)
}

// isLine reports whether a text is UTF-8 without line breaks and other control characters. Postgres stores no NUL.
func isLine(text string) bool {
	return utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) })
}

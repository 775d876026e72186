package accounts

import (
	"golang.org/x/text/language"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// maxLocaleLen is the longest language tag, in bytes (RFC 5646, section 4.4.1, recommends room for 35).
const maxLocaleLen = 35

// cleanLocale returns a language tag (BCP 47) in its canonical form. Nil stays nil: none.
func cleanLocale(text *string) (*string, error) {
	if text == nil {
		return nil, nil
	}
	tag, err := language.Parse(*text)
	if clean := tag.String(); err == nil && tag != language.Und && len(*text) <= maxLocaleLen && len(clean) <= maxLocaleLen {
		return &clean, nil
	}
	return nil, problem.BadInput("locale", problem.Malformed,
		"A locale is a language tag, such as de or pt-BR; leave it out to have none.")
}

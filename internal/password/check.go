package password

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a password, in characters (code points) after NFC.
const (
	MinLength = 8
	MaxLength = 128
)

// maxBytes bounds the work that is done on any text before it is known to be a password. No acceptable password is
// longer: the canonical decomposition of a character has at most 4 code points, and a code point at most 4 bytes.
const maxBytes = MaxLength * 4 * 4

// Why a password is refused; callers turn these into sentences. ErrMalformed is text that is not UTF-8, or holds NUL.
var (
	ErrMalformed = errors.New("password: not UTF-8, or holds NUL")
	ErrTooShort  = errors.New("password: too short")
	ErrTooLong   = errors.New("password: too long")
	ErrAddress   = errors.New("password: the same as the e-mail address")
	ErrCommon    = errors.New("password: among the commonest")
)

// Normalize returns the password in NFC, so that "é" is one password on every keyboard (NIST SP 800-63B-4, section
// 3.1.1.2, asks for a stable normalization; NFC, unlike NFKC, keeps characters that look different apart). Nothing else
// is changed: not case, not white space, not length. Hash and Verify normalize by themselves.
func Normalize(pw string) string { return norm.NFC.String(pw) }

// Check returns nil for a password that may be chosen, and otherwise the reason why not: one of the errors above. Any
// characters will do (OWASP ASVS 5.0, 6.2.5). The address may be in any case; an empty one is not compared.
func Check(pw, email string) error {
	pw, err := prepare(pw)
	if err != nil {
		return err
	}
	switch {
	case utf8.RuneCountInString(pw) < MinLength:
		return ErrTooShort
	case strings.EqualFold(pw, Normalize(email)):
		return ErrAddress
	case isCommon(pw):
		return ErrCommon
	}
	return nil
}

// Possible reports whether an account can have the password: whether its length and its characters are such that Check
// has ever let it pass. What cannot be one need not be hashed.
func Possible(pw string) bool {
	pw, err := prepare(pw)
	return err == nil && utf8.RuneCountInString(pw) >= MinLength
}

// prepare returns the password as it is hashed, or why no account can have it.
func prepare(pw string) (string, error) {
	if len(pw) > maxBytes {
		return "", ErrTooLong
	}
	if !utf8.ValidString(pw) || strings.ContainsRune(pw, 0) {
		return "", ErrMalformed
	}
	pw = Normalize(pw)
	if utf8.RuneCountInString(pw) > MaxLength {
		return "", ErrTooLong
	}
	return pw, nil
}

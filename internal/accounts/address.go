package accounts

import (
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// maxAddress is the longest address that SMTP can deliver to (RFC 5321, section 4.5.3.1.3).
const maxAddress = 254

// foldAddress returns the one spelling of an e-mail address by which accounts are told apart: trimmed, NFC, its domain
// in ASCII form, all of it case-folded. It validates what it made, never what it was given, so that no later step can
// turn a valid address into another. It refuses with BAD_USER_INPUT.
func foldAddress(text string) (string, error) {
	refused := problem.BadInput("email", "This is not an e-mail address that mail can be sent to; write it as name@example.com.")
	if len(text) > 4*maxAddress {
		return "", refused
	}
	address := norm.NFC.String(strings.TrimSpace(text))
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", refused
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", refused.Because(err)
	}
	folded := norm.NFC.String(cases.Fold().String(address[:at])) + "@" + strings.ToLower(domain)
	if !deliverable(folded) {
		return "", refused
	}
	return folded, nil
}

// deliverable reports whether a folded address is plain: one local part without quotes, comments or white space, as
// net/mail would give it back unchanged.
func deliverable(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	if len(address) > maxAddress || len(local) > 64 || strings.Count(address, "@") != 1 {
		return false
	}
	if strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`"(),:;<>[\]`, r)
	}) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}

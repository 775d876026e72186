package accounts

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// maxAddressLen is the longest address that SMTP can deliver to (RFC 5321, section 4.5.3.1.3).
const maxAddressLen = 254

// domains looks up domain names (UTS 46, nontransitional) and checks their lengths for DNS.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))

// foldAddress is lookupAddress for an address that an account is to have. It also refuses what RFC 5321 and browsers take,
// and what would go to another place than the mailbox that it looks like. Problem: BAD_USER_INPUT.
func foldAddress(text string) (string, error) {
	folded, err := lookupAddress(text)
	if err == nil && !isMailbox(folded) {
		err = malformedAddress()
	}
	if err != nil {
		return "", err
	}
	return folded, nil
}

func malformedAddress() *problem.Problem {
	return problem.BadInput("email", problem.Malformed,
		"This is not an e-mail address that mail can be sent to; write it as name@example.com.")
}

// isMailbox reports whether a folded address names a mailbox of a domain. Mail servers send on what is for a%example.com
// or example.com!a before the @: by such addresses one mailbox would have many, each with as many mails as one may get.
// A domain that ends in a number is an IP address for some programs (URL Standard, section 3.5), and names below localhost
// are the mail server itself (RFC 6761, section 6.3).
func isMailbox(folded string) bool {
	local, domain, _ := strings.Cut(folded, "@")
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	number, hex := strings.CutPrefix(top, "0x")
	digits := "0123456789"
	if hex {
		digits += "abcdef"
	}
	return !strings.ContainsAny(local, "%!") && strings.Trim(number, digits) != "" && top != "localhost"
}

// lookupAddress returns the canonical spelling of an e-mail address, by which accounts are told apart: trimmed, NFKC, its
// domain in ASCII, all of it case-folded. It validates its result and not its argument, so that no later step can turn
// a valid address into another. Problem: BAD_USER_INPUT.
func lookupAddress(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", problem.BadInput("email", problem.Required, "An e-mail address is required.")
	}
	refused := malformedAddress()
	// U+FFFD stands for invalid UTF-8; two addresses that look the same with it need not be the same.
	if len(text) > 4*maxAddressLen || strings.ContainsRune(text, utf8.RuneError) { // which finds such bytes too
		return "", refused
	}
	address := norm.NFC.String(strings.TrimSpace(text))
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", refused
	}
	domain, err := domains.ToASCII(address[at+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", refused // without the cause: what stands behind the @ may be a password
	}
	// A few domains are valid as they are written and not as they are mapped, such as aℵ.com: nobody could sign in there.
	if again, err := domains.ToASCII(domain); err != nil || again != domain {
		return "", refused
	}
	folded := foldLocal(address[:at]) + "@" + strings.ToLower(domain)
	if !deliverable(folded) {
		return "", refused
	}
	return folded, nil
}

// foldPrefix returns the beginning of an address that reaches into its domain as lookupAddress would spell it, false for
// any other text. The last label of an internationalised domain counts as whole: its ASCII form begins with no other's.
func foldPrefix(text string) (string, bool) {
	text = norm.NFC.String(strings.TrimSpace(text))
	at := strings.LastIndexByte(text, '@')
	if at < 1 {
		return "", false
	}
	labels, dot := strings.CutSuffix(text[at+1:], ".")
	domain, err := domains.ToASCII(labels)
	if err != nil {
		return "", false
	}
	prefix := foldLocal(text[:at]) + "@" + strings.ToLower(domain)
	if dot {
		prefix += "."
	}
	return prefix, true
}

// foldLocal folds what stands before the @. Mail programs that normalize send mail for ｏps (full-width) to ops, so both
// are one account. It is folded before deliverable sees it: ＠ (U+FF20) becomes an @ there.
func foldLocal(text string) string { return norm.NFKC.String(foldCase(norm.NFKC.String(text))) }

// foldCase folds a text and returns it in NFC. Package cases swaps the two cases of Cherokee instead of folding one
// into the other, so those letters become capitals afterwards, as Unicode's CaseFolding.txt says.
func foldCase(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cherokee, r) {
			return unicode.ToUpper(r)
		}
		return r
	}, cases.Fold().String(text)))
}

// deliverable reports whether a folded address is plain: one local part, without quotes, comments, white space and
// invisible characters, which net/mail returns unchanged.
func deliverable(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	if len(address) > maxAddressLen || len(local) > 64 || strings.Count(address, "@") != 1 {
		return false
	}
	if strings.ContainsFunc(address, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`"(),:;<>[\]`+blanks, r) ||
			unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
	}) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}

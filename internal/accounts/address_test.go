package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestFoldAddress_SpellingsOfOneAddressAreEqual(t *testing.T) {
	label := strings.Repeat("d", 63)
	of254 := strings.Repeat("l", 64) + "@" + label + "." + label + "." + strings.Repeat("d", 58) + ".de"
	cases := []struct{ name, folded, spellings string }{
		{"case, space", "ada@example.com",
			"ada@example.com|ADA@EXAMPLE.COM|\t Ada@Example.Com \r\n|\u00a0ada@example.com\u3000"},
		{"plus and dots stay", "a.d-a+tag_1@example.com", "A.D-a+Tag_1@example.com"},
		{"composed or not", "\u00e9@example.com",
			"\u00e9@example.com|\u00c9@example.com|e\u0301@example.com|E\u0301@example.com"},
		{"domain in ASCII form", "a@xn--bcher-kva.example",
			"a@bücher.example|a@BÜCHER.EXAMPLE|a@bu\u0308cher.example|a@xn--bcher-kva.example|a@XN--BCHER-KVA.example"},
		{"full-width domain", "a@example.com", "a@ＥＸＡＭＰＬＥ．com|a@example。com"},
		{"invisible in the domain", "a@example.com", "a@exam\u00adple.com|a@example.com\ufeff"},
		{"sharp s", "strasse@example.com",
			"straße@example.com|STRASSE@example.com|Stra\u1e9ee@example.com|\u017ftrasse@example.com"},
		{"sharp s in a domain is its own", "a@xn--strae-oqa.de", "a@straße.de|A@XN--STRAE-OQA.de"},
		{"Kelvin sign", "kelvin@example.com", "\u212aelvin@example.com|Kelvin@example.com"},
		{"dotless i stays", "\u0131@example.com", "\u0131@example.com"},
		{"dotted capital I", "i\u0307@example.com", "\u0130@example.com|I\u0307@example.com|i\u0307@example.com"},
		{"plain I is i", "i@example.com", "I@example.com"},
		{"final sigma", "σσ@example.com", "Σς@example.com|σς@EXAMPLE.com"},
		{"full-width", "ops@example.com", "ｏps@example.com|ＯＰＳ@example.com|ｏｐｓ@ｅｘａｍｐｌｅ.com"},
		{"superscript", "ops2@example.com", "ops\u00b2@example.com"},
		{"ligature", "office@example.com", "o\ufb03ce@example.com"},
		{"marks in another order", "\u03ac\u03b9@example.com",
			"\u03b1\u0345\u0301@example.com|\u03b1\u0301\u0345@example.com|\u1fb4@example.com|\u0386\u0345@example.com"},
		{"Cherokee", "\u13a0\u13f0@example.com",
			"\u13a0\u13f0@example.com|\uab70\u13f8@example.com|\u13a0\u13f8@example.com"},
		{"254 bytes", of254, strings.ToUpper(of254) + "|" + of254},
		{"64 bytes before the @", strings.Repeat("é", 32) + "@example.com", strings.Repeat("É", 32) + "@example.com"},
	}
	for _, c := range cases {
		for spelling := range strings.SplitSeq(c.spellings, "|") {
			if got, err := accounts.FoldAddress(spelling); err != nil || got != c.folded {
				t.Errorf("%s: %q folds to %q, %v; want %q", c.name, spelling, got, err, c.folded)
			}
		}
	}
	if len(of254) != 254 {
		t.Fatalf("the longest address has %d bytes", len(of254))
	}
}

func TestFoldAddress_RefusesUndeliverableAddresses(t *testing.T) {
	label := strings.Repeat("d", 63)
	cases := []struct{ name, bad string }{
		{"nothing", "|@| |@@"},
		{"no domain", "ada|ada@|ada@ |ada@localhost"},
		{"nobody", "@example.com| @example.com"},
		{"two @", "a@b@example.com|a@example.com@|@a@example.com|a@@example.com"},
		{"full-width @", "a\uff20example.com|a\uff20b@example.com|a@b\uff20example.com|a\ufe6bb@example.com"},
		{"quotes", `"a"@example.com|"a b"@example.com|"a@b"@example.com|a"b@example.com|a@"example.com"`},
		{"full-width quotes", "\uff02a\uff02@example.com"},
		{"comments", "a(c)@example.com|(c)a@example.com|a@example.com(c)|a@(c)example.com|a\uff08c\uff09@example.com"},
		{"lists", "a@example.com,b@example.com|a,b@example.com|a@example.com;b@example.com|a@example.com b@example.com|a@example.com\uff0cb@example.com|a\uff0cb@example.com"},
		{"display names", "Ada <ada@example.com>|<ada@example.com>|\"Ada\" <ada@example.com>|a\uff1cb@example.com"},
		{"headers", "a@example.com\r\nBcc: b@example.com|a\r\n@example.com|a@example.com\nb"},
		{"white space inside", "a b@example.com|a@exam ple.com|a @example.com|a@ example.com|a\tb@example.com|a\u00a0b@example.com|a\u3000b@example.com|a\u2028b@example.com"},
		{"controls", "a\x00@example.com|\x00a@example.com|a@example.com\x00|a@exam\x00ple.com|a\x1b@example.com|a\x7f@example.com|a\u0085b@example.com"},
		{"directions", "a\u202e@example.com|\u202ea@example.com|a\u2066b@example.com|a\u200f@example.com|a@exam\u202eple.com"},
		{"mixed directions in the domain", "a@אa.example"},
		{"invisible", "a\u200b@example.com|a\u200db@example.com|a\u00ad@example.com|\ufeffa@example.com|a\u034f@example.com|a\ufe0f@example.com|a\U000e0101@example.com|a\u3164@example.com|a\u115f@example.com|a\u2060@example.com|a@exam\u200dple.com|\u2800a@example.com|a\u2800@example.com|a\U0001d159@example.com"},
		{"not UTF-8", "a\xff@example.com|\xc3@example.com|a@ex\xffample.com|a\xed\xa0\x80@example.com|a\ufffd@example.com|a@ex\ufffdample.com"},
		{"private and unassigned", "a\ue000@example.com|a\U000e0fff@example.com"},
		{"dots", ".a@example.com|a.@example.com|a..b@example.com|a@.example.com|a@example..com|a@example.com.|a@example.com\u3002|a@."},
		{"domains", "a@-example.com|a@example-.com|a@ex_ample.com|a@[127.0.0.1]|a@[::1]|a@exa%00mple.com|a@example.com:25|a@ex/ample.com|a@xn--zzzzzz.com|a@xn--.com|a@xn--a.com|a@ab--cd.com"},
		{"a label of 64 bytes", "a@" + label + "d.com"},
		{"255 bytes", strings.Repeat("l", 64) + "@" + label + "." + label + "." + strings.Repeat("d", 59) + ".de"},
		{"65 bytes before the @", strings.Repeat("l", 65) + "@example.com|" + strings.Repeat("é",
			32) + "e@example.com"},
		{"65 bytes once folded", strings.Repeat("\u0149", 22) + "@example.com"},
		{"a megabyte", strings.Repeat(" ", 1<<20) + "a@example.com"},
	}
	for _, c := range cases {
		for bad := range strings.SplitSeq(c.bad, "|") {
			got, err := accounts.FoldAddress(bad)
			if err == nil {
				t.Errorf("%s: %q folds to %q, want it refused", c.name, bad, got)
				continue
			}
			wantProblem(t, c.name, err, problem.BadUserInput, "email")
		}
	}
}

// TestFoldAddress_IsIdempotent says of every character: what is kept folds to itself, so that an account is found
// again by the address that it shows, and both cases of a letter are one account.
func TestFoldAddress_IsIdempotent(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || !unicode.IsGraphic(r) || unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hangul, r) {
			continue // letters without case, by far the most
		}
		checkFolded(t, "a"+string(r)+"@example.com")
		checkFolded(t, "a"+string(r)+"\u0345\u0301@example.com")
		upper, upErr := accounts.FoldAddress("a" + string(unicode.ToUpper(r)) + "@example.com")
		lower, lowErr := accounts.FoldAddress("a" + string(unicode.ToLower(r)) + "@example.com")
		turkish := r == '\u0130' || r == '\u0131' // İ keeps its dot, ı has none
		if upErr == nil && lowErr == nil && upper != lower && !turkish {
			t.Errorf("%U: %q in upper case, %q in lower case", r, upper, lower)
		}
	}
}

// TestFoldAddress_FormsOfOneCharacterAreOneAccount says of every character that has a compatibility form, such as
// full-width letters, superscripts and ligatures: before the @, with it and with its form, it is the same address or none.
// Of domains, IDNA says which are the same.
func TestFoldAddress_FormsOfOneCharacterAreOneAccount(t *testing.T) {
	forms := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		plain := norm.NFKC.String(string(r))
		if !utf8.ValidRune(r) || plain == string(r) {
			continue
		}
		for _, around := range []string{"%sps@example.com", "o%ss@example.com", "%s@example.com"} {
			one, err := accounts.FoldAddress(fmt.Sprintf(around, string(r)))
			other, _ := accounts.FoldAddress(fmt.Sprintf(around, plain))
			if err != nil {
				continue
			}
			if forms++; one != other {
				t.Errorf("%U: %q and %q are two accounts", r, one, other)
			}
		}
	}
	if forms < 10_000 {
		t.Errorf("%d forms", forms)
	}
}

func checkFolded(t *testing.T, text string) {
	t.Helper()
	once, err := accounts.FoldAddress(text)
	if err != nil {
		return
	}
	if twice, err := accounts.FoldAddress(once); err != nil || twice != once {
		t.Errorf("%q folds to %q, and that to %q, %v", text, once, twice, err)
	}
}

func FuzzFoldAddress(f *testing.F) {
	for _, seed := range []string{ada, "Ä@bücher.example", "a\uff20b@example.com", "a\u034f@example.com", "\uab70@x.de", "a\xff@x.de"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkFolded(t, text)
		folded, err := accounts.FoldAddress(text)
		if err == nil && (len(folded) > 254 || !utf8.ValidString(folded) || strings.Count(folded, "@") != 1 || strings.ContainsFunc(folded, unicode.IsControl)) {
			t.Errorf("%q folds to %q", text, folded)
		}
	})
}

// TestFoldAddress_ResultIsItsOwnForm: what is stored is found by what was stored, whatever character is in it. With
// TEST_LONG=characters also each of the million that have no other form.
func TestFoldAddress_ResultIsItsOwnForm(t *testing.T) {
	taken := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r > 0x1ffff && r&^0x3ff != 0x2f800 && r&^0xfff != 0xe0000 && !testenv.Long("characters") {
			r += 60 // ideographs without other forms, private characters, and those that are none
		}
		for _, around := range []string{"o%ss@example.com", "x@a%s.com", "x@%sa.com", "x@a.%s.com"} {
			folded, err := accounts.FoldAddress(fmt.Sprintf(around, string(r)))
			if err != nil {
				continue
			}
			taken++
			if again, err := accounts.FoldAddress(folded); err != nil || again != folded {
				t.Errorf("%U in %s: %q becomes %q, %v", r, around, folded, again, err)
			}
		}
	}
	if taken < 100_000 {
		t.Errorf("%d addresses were taken", taken)
	}
}

// TestAddresses_ThatAreNoMailboxOfADomainGetNoAccount, and accounts from before still sign in and choose new passwords.
func TestAddresses_ThatAreNoMailboxOfADomainGetNoAccount(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.verified(ada)
		for _, odd := range []string{"root@127.0.0.1", "root@1.2.3", "ops@example.0x7f", "ops@example.0x", "ops@example.42",
			"a%victim.example@relay.example", "victim.example!a@relay.example", "root@mail.localhost", "ａ％b@relay.example"} {
			wantProblem(t, "register "+odd, errOf(h.register(odd, goodPassword)), problem.BadUserInput, "email")
			_, err := h.ChangeEmail(t.Context(), p.Viewer, accounts.ChangeEmailInput{Email: odd})
			wantProblem(t, "change to "+odd, err, problem.BadUserInput, "email")
			_, err = h.CreateAdministrator(t.Context(), odd, goodPassword)
			wantProblem(t, "administrator "+odd, err, problem.BadUserInput, "email")

			was := must(accounts.LookupAddress(odd))
			h.exec("UPDATE users SET email = '" + was + "'")
			h.must(h.login(odd, goodPassword))
			check(t, h.requestReset(odd))
			p = h.must(h.resetPassword(h.letter(accounts.MailReset, was).Token, goodPassword))
			must(h.ResetAccount(t.Context(), p.User, goodPassword, false))
			h.told = nil
			h.exec("UPDATE users SET email = '" + ada + "'")
			p = h.must(h.login(ada, goodPassword))
		}
		for i, plain := range []string{"a@1.example", "a@example.0xyz", "a@example.x42", "a@localhost.example", "a.b+c#d=e@42.example"} {
			if _, err := h.register(plain, goodPassword); err != nil {
				t.Errorf("%d: %s: %v", i, plain, err)
			}
		}
	})
}

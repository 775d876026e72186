package token

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

var algorithms = []string{"EdDSA", "ES256", "RS256"}

func TestVerify_AnythingButThreeSegmentsIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	valid := f.control
	s := strings.Split(valid, ".")
	h, p, sig := s[0], s[1], s[2]
	one := fmt.Sprintf(`{"protected":%q,"signature":%q}`, h, sig)
	f.refuse(t, map[string]string{
		"empty": "", "spaces": "   ", "only the scheme": "Bearer",
		"one": h, "two": h + "." + p, "four": valid + "." + sig, "five": valid + "." + sig + "." + sig,
		"leading dot": "." + valid, "trailing dot": valid + ".", "two dots": h + ".." + p + "." + sig,
		"no header": "." + p + "." + sig, "no signature": h + "." + p + ".", "signature alone": ".." + sig,
		"payload alone": "." + p + ".", "header alone": h + "..", "no segment": "..",
		"a million dots": strings.Repeat(".", 1_000_000), "8 KiB of dots": strings.Repeat(".", MaxLength),
		"a dot after each letter": strings.Repeat("a.", MaxLength/2),
		"flattened JSON":          fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, h, p, sig),
		"general JSON":            fmt.Sprintf(`{"payload":%q,"signatures":[%s]}`, p, one),
		"general JSON, one bad":   fmt.Sprintf(`{"payload":%q,"signatures":[{},%s]}`, p, one),
		"detached payload":        h + ".." + sig,
		"SD-JWT":                  valid + "~", "PASETO": "v4.public." + p, "trailing letters": valid + "AAAA",
		"trailing space": valid + " ", "leading space": " " + valid, "a second token": valid + "," + valid,
	})
}

func TestVerify_OtherSpellingsOfBase64AreRefused(t *testing.T) {
	f := newForger("EdDSA")
	valid := f.control
	for n := 1; n < 8; n++ { // each combination of segments
		s := strings.Split(valid, ".")
		for i := range s {
			if n&(1<<i) != 0 {
				s[i] += strings.Repeat("=", max(1, (4-len(s[i])%4)%4))
			}
		}
		f.try(t, fmt.Sprintf("padding %03b", n), strings.Join(s, "."), ErrInvalid)
	}
	// Some token has the letters in both segments. Its header never has: JSON of our three parameters does without.
	swap := strings.NewReplacer("-", "+", "_", "/")
	s := strings.Split(valid, ".")
	for n := 0; !strings.ContainsAny(s[1], "-_") || !strings.ContainsAny(s[2], "-_"); n++ {
		s = strings.Split(f.claiming(f.payload().with("jti", fmt.Sprintf(`"~~~???>>>%d"`, n))), ".")
	}
	f.run(t, []attempt{
		{"control", strings.Join(s, "."), nil},
		{"header", "+" + valid[1:], ErrInvalid},
		{"payload", s[0] + "." + swap.Replace(s[1]) + "." + s[2], ErrInvalid},
		{"signature", s[0] + "." + s[1] + "." + swap.Replace(s[2]), ErrInvalid},
		{"payload, signed so", f.signText(s[0], swap.Replace(s[1])), ErrInvalid},
	})
	for segment, name := range []string{"header", "payload", "signature"} {
		for _, white := range []string{" ", "\t", "\r", "\n", "\r\n"} {
			s := strings.Split(valid, ".")
			s[segment] = s[segment][:8] + white + s[segment][8:]
			f.try(t, fmt.Sprintf("%q in the %s", white, name), strings.Join(s, "."), ErrInvalid)
			if segment < 2 {
				f.try(t, fmt.Sprintf("%q in the %s, signed so", white, name), f.signText(s[0], s[1]), ErrInvalid)
			}
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// respell returns every other text whose lenient decoding is the same.
func respell(segment string) []string {
	want, _ := base64.RawURLEncoding.DecodeString(segment)
	var others []string
	for _, letter := range alphabet {
		other := segment[:len(segment)-1] + string(letter)
		got, err := base64.RawURLEncoding.DecodeString(other)
		if err == nil && string(got) == string(want) && other != segment {
			others = append(others, other)
		}
	}
	return others
}

func TestVerify_StrayBitsAtTheEndOfASegmentAreRefused(t *testing.T) {
	for _, algorithm := range algorithms {
		f := newForger(algorithm)
		dot := strings.LastIndex(f.control, ".") + 1
		others := respell(f.control[dot:])
		if len(others) != 15 {
			t.Errorf("%s: %d spellings of the last signature letter, want 15", algorithm, len(others))
		}
		for _, other := range others {
			f.try(t, "signature …"+other[len(other)-1:], f.control[:dot]+other, ErrInvalid)
		}
		// A space in the JSON moves the end of a segment to where it has bits to spare.
		header, payload := f.header().String(), f.payload().String()
		for len(header)%3 != 1 {
			header += " "
		}
		for len(payload)%3 != 1 {
			payload += " "
		}
		h, p := encode(header), encode(payload)
		f.try(t, "control with spaces", f.signText(h, p), nil)
		f.try(t, "header, signed so", f.signText(respell(h)[0], p), ErrInvalid)
		f.try(t, "payload, signed so", f.signText(h, respell(p)[0]), ErrInvalid)
	}
}

func TestVerify_OtherEncodingsOfTheTextAreRefused(t *testing.T) {
	f := newForger("EdDSA")
	valid, header, payload := f.control, f.header().String(), f.payload()
	var wide []byte
	for _, unit := range utf16.Encode([]rune(header)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	f.refuse(t, map[string]string{
		"question mark": valid + "?", "fragment": valid + "#a", "escaped dots": strings.ReplaceAll(valid, ".", "%2E"),
		"NUL": valid + "\x00", "DEL": valid + "\x7f", "full-width dots": strings.ReplaceAll(valid, ".", "\uff0e"),
		"right-to-left mark": "\u200f" + valid, "byte order mark": "\ufeff" + valid,
		"base64 of it": encode(valid), "hex": hex.EncodeToString([]byte(valid)),
		"UTF-16 header":               f.sign(string(wide), payload.String()),
		"header with byte order mark": f.sign("\ufeff"+header, payload.String()),
		"header not UTF-8":            f.headed(f.header().with("typ", "\"at+jwt\xff\"")),
		"payload not UTF-8":           f.claiming(payload.with("jti", "\"a\xff\"")),
		"another name not UTF-8":      f.claiming(payload.and("\"\xff\":1")),
		"lone surrogate in jti":       f.claiming(payload.with("jti", `"a\ud800"`)),
		"lone surrogate in a role":    f.claiming(payload.with("roles", `["\udfff"]`)),
		"overlong UTF-8":              f.claiming(payload.with("jti", "\"\xc0\xaf\"")),
	})
	f.try(t, "a pair of surrogates in jti", f.claiming(payload.with("jti", `"\ud83d\udd11"`)), nil)
}

func TestVerify_LengthAndNestingAreBounded(t *testing.T) {
	f := newForger("EdDSA")
	// fill makes a token of exactly n bytes; white space in the header reaches the lengths that base64 skips.
	fill := func(n int) string {
		for spaces := range 4 {
			header := f.header().String() + strings.Repeat(" ", spaces)
			for pad := n*3/4 - 1200; pad < n; pad++ {
				text := f.sign(header, f.payload().and(`"pad":"`+strings.Repeat("x", pad)+`"`).String())
				if len(text) == n {
					return text
				}
				if len(text) > n {
					break
				}
			}
		}
		t.Fatalf("no token of %d bytes", n)
		return ""
	}
	f.run(t, []attempt{
		{"8 KiB", fill(MaxLength), nil},
		{"8 KiB and 1", fill(MaxLength + 1), ErrInvalid},
		{"1 MiB", f.claiming(f.payload().and(`"pad":"` + strings.Repeat("x", 1<<20) + `"`)), ErrInvalid},
		{"nesting", f.claiming(f.payload().and(`"pad":` + nested(jsonLimits.Depth-1))), nil},
		{"nesting too deep", f.claiming(f.payload().and(`"pad":` + nested(jsonLimits.Depth))), ErrInvalid},
		{"deep nesting", f.claiming(f.payload().and(`"pad":` + nested(2500))), ErrInvalid},
		{"deep nesting, not closed", f.claiming(f.payload().and(`"pad":` + strings.Repeat("[", 5000))), ErrInvalid},
		{"a number of 5,000 digits", f.claiming(f.payload().with("exp", strings.Repeat("9", 5000))), ErrInvalid},
		{"a name of 5,000 bytes", f.claiming(f.payload().and(`"` + strings.Repeat("x", 5000) + `":1`)), nil},
		{"1,000 names", f.claiming(f.payload().and(manyNames(1000)...)), ErrInvalid},
		{"500 names", f.claiming(f.payload().and(manyNames(500)...)), nil},
	})
	for name, text := range map[string]string{
		"a million dots":               strings.Repeat(".", 1_000_000),
		"a valid token and a megabyte": f.valid() + strings.Repeat("A", 1<<20),
	} {
		if n := testing.AllocsPerRun(10, func() { _, _ = f.issuer.Verify(text) }); n > 10 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if _, err := f.issuer.Verify(strings.Repeat("A", MaxLength+1)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func manyNames(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(`"n%d":1`, i))
	}
	return list
}

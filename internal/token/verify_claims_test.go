package token

import (
	"fmt"
	"strings"
	"testing"
)

// claim makes attempts with one member of the payload changed to each of the raw values.
func (f *forger) claim(t *testing.T, name string, want error, raws ...string) {
	t.Helper()
	for _, raw := range raws {
		f.try(t, name+" "+raw, f.claiming(f.payload().with(name, raw)), want)
	}
}

func (f *forger) missing(t *testing.T, name string) {
	t.Helper()
	f.try(t, name+" missing", f.claiming(f.payload().without(name)), ErrInvalid)
}

// at is theTime and some seconds, as a NumericDate.
func at(seconds int) string { return fmt.Sprint(theTime.Unix() + int64(seconds)) }

func TestVerify_ExpiryIsANumberAndExact(t *testing.T) {
	f := newForger("EdDSA")
	f.missing(t, "exp")
	f.claim(t, "exp", ErrInvalid, `null`, `""`, `"abc"`, `true`, `[]`, `{}`, `[`+at(60)+`]`)
	f.claim(t, "exp", ErrInvalid, `"9999999999"`, `"`+at(60)+`"`)
	f.claim(t, "exp", ErrInvalid, `0`, `-1`, `-1e18`, `-0.0`, `1.5`)
	f.claim(t, "exp", ErrExpired, at(0), at(-1), at(-30), at(-31), at(-1)+".5", at(0)+".0")
	f.claim(t, "exp", nil, at(1), at(0)+".5", at(1)+"e0", at(1)+".0")
	f.claim(t, "exp", ErrInvalid, `1e400`, `1e308`, `9223372036854775807`, `9223372036854775808`,
		`9007199254740993`, `253402300800`, `253402300799`, `1E3`, `18446744073709551616`, `-9223372036854775808`)
	f.claim(t, "exp", ErrInvalid, at(100*365*86400), at(24*3600-60+1))
	f.claim(t, "exp", nil, at(24*3600-60))
}

// The bounds of a life would refuse these too, but only where the conversion to an integer does what it does here.
func TestObject_DateOutOfRangeIsRefused(t *testing.T) {
	for raw, good := range map[string]bool{
		`253402300799`: true, `0`: true, `253402300800`: false, `-1`: false, `1e308`: false, `1e400`: false,
		`9223372036854775808`: false, `18446744073709551616`: false, `"1"`: false, `null`: false,
	} {
		o, err := readObject([]byte(`{"exp":` + raw + `}`))
		if date := o.date("exp"); (err == nil && o.err == nil) != good {
			t.Errorf("%s reads as %v, %v, %v", raw, date, err, o.err)
		}
	}
}

func TestVerify_OtherTimesAreNumbersAndNotAhead(t *testing.T) {
	f := newForger("EdDSA")
	for _, name := range []string{"iat", "nbf", "auth_time"} {
		f.missing(t, name)
		f.claim(t, name, ErrInvalid, `null`, `""`, `"`+at(-60)+`"`, `true`, `[]`, `{}`, `-1`, `1e400`)
		f.claim(t, name, ErrInvalid, at(31), at(30)+".5", at(3600), at(600))
		f.claim(t, name, nil, at(-1), at(0), at(30))
	}
	p := f.payload()
	f.run(t, []attempt{
		{"nbf = exp", f.claiming(p.with("nbf", at(20)).with("exp", at(20))), ErrInvalid},
		{"nbf < exp", f.claiming(p.with("nbf", at(20)).with("exp", at(21))), nil},
		{"iat = exp", f.claiming(p.with("iat", at(20)).with("exp", at(20))), ErrInvalid},
		{"iat < exp", f.claiming(p.with("iat", at(20)).with("exp", at(21))), nil},
		{"iat > exp, all past", f.claiming(p.with("iat", at(-10)).with("exp", at(-20))), ErrInvalid},
		{"over a day, all past", f.claiming(p.with("iat", at(-100_000)).with("exp", at(-1))), ErrInvalid},
		{"a day, all past", f.claiming(p.with("iat", at(-86_401)).with("exp", at(-1))), ErrExpired},
		{"years ago", f.claiming(p.with("auth_time", "1")), nil}, // who wants a recent proof asks for it
	})
}

func TestVerify_AnotherIssuerOrAudienceIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	f.missing(t, "iss")
	f.missing(t, "aud")
	f.claim(t, "iss", ErrInvalid, `null`, `""`, `1`, `"https://other.example.org"`,
		`"`+theIssuer+`/"`, `"HTTPS://ID.EXAMPLE.ORG"`, `["`+theIssuer+`"]`, `"https://іd.example.org"`,
		`" `+theIssuer+`"`, `"`+theIssuer+` "`, `"`+theIssuer[:len(theIssuer)-1]+`"`)
	f.claim(t, "aud", ErrInvalid, `null`, `""`, `1`, `{}`, `[]`, `[""]`, `"other"`, `"gate"`,
		`"Gatehouse"`, `"gatehouse "`, `["other"]`, `["gatehouse","other"]`, `["other","gatehouse"]`,
		`["gatehouse","gatehouse"]`,
		`["gatehouse",1]`, `[1]`, `[null]`, `[["gatehouse"]]`, `{"gatehouse":1}`, `"[gatehouse"`,
		`[`+strings.Repeat(`"a",`, 1000)+`"gatehouse"]`)
	f.claim(t, "aud", nil, `"gatehouse"`, `["gatehouse"]`, ` [ "gatehouse" ] `, `"\u0067atehouse"`)
}

func TestVerify_SubjectAndSessionAreCanonicalUUIDs(t *testing.T) {
	f := newForger("EdDSA")
	for name, id := range map[string]string{"sub": theUser.String(), "sid": theSession.String()} {
		f.missing(t, name)
		f.claim(t, name, ErrInvalid, `null`, `""`, `1`, `[]`, `{}`, `["`+id+`"]`, `"1"`,
			`"`+strings.ToUpper(id)+`"`, `"{`+id+`}"`, `"urn:uuid:`+id+`"`, `"`+strings.ReplaceAll(id, "-", "")+`"`,
			`" `+id+`"`, `"`+id+` "`, `"`+id+`\u0000"`, `"`+id+`' OR 1=1--"`,
			`"`+strings.Replace(id, "0", "０", 1)+`"`,
			`"\ufffd`+id[1:]+`"`, `"00000000-0000-0000-0000-000000000000"`, `"`+strings.Repeat("a", 5000)+`"`)
		f.claim(t, name, ErrInvalid, `"`+f.valid()+`"`)
	}
	f.missing(t, "jti")
	f.claim(t, "jti", ErrInvalid, `""`, `null`, `1`, `[]`, `"`+strings.Repeat("a", 129)+`"`)
	f.claim(t, "client_id", ErrInvalid, `""`, `null`, `1`, `["gatehouse"]`)
	f.claim(t, "client_id", nil, `"gatehouse"`, `"another"`)
	f.claim(t, "jti", nil, `"a"`, `"`+strings.Repeat("a", 128)+`"`)
}

func TestVerify_RolesAndScopesOfAnotherShapeAreRefused(t *testing.T) {
	f := newForger("EdDSA")
	f.claim(t, "roles", ErrInvalid, `"ADMIN"`, `1`, `null`, `{}`, `{"ADMIN":true}`, `[1]`,
		`[null]`, `[["ADMIN"]]`, `[""]`, `["USER",""]`)
	f.claim(t, "roles", nil, `[]`, `["USER"]`, `["USER","ADMIN"]`, `["UNKNOWN"]`)
	f.claim(t, "scope", ErrInvalid, `""`, `["read"]`, `1`, `null`, `{}`, `" "`, `"read "`, `" read"`,
		`"read  write"`, `"read\twrite"`, `"r\u00e9ad"`, `"re\"ad"`, `"re\\ad"`, `"read\n"`)
	f.claim(t, "scope", nil, `"read"`, `"read write"`, `"unknown:everything"`, `"read read"`, `"!~"`)
	// Both may be missing, which grants nothing.
	for _, name := range []string{"roles", "scope"} {
		claims, err := f.issuer.Verify(f.claiming(f.payload().without(name)))
		if granted := map[string][]string{"roles": claims.Roles, "scope": claims.Scopes}; err != nil || len(granted[name]) != 0 {
			t.Errorf("without %s: %v, %v", name, claims, err)
		}
	}
}

// What was proved may be missing, or unknown to this version, which grants nothing. acr follows from amr.
func TestVerify_ProofOfAnotherShapeIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	f.claim(t, "amr", ErrInvalid, `"mfa"`, `1`, `null`, `{}`, `{"mfa":true}`, `[1]`, `[null]`, `[["mfa"]]`)
	f.claim(t, "acr", ErrInvalid, `2`, `null`, `["aal2"]`, `{}`)
	for raw, want := range map[string]AMR{
		`[]`: 0, `["pwd"]`: Password, `["pwd","otp","mfa"]`: Password | OneTimeCode | MultiFactor, `["face","pwd"]`: Password,
		`["MFA"]`: 0, `["mfa "]`: 0, `["pwd mfa"]`: 0, `["hwk","user","mfa"]`: HardwareKey | UserPresence | MultiFactor,
	} {
		claims, err := f.issuer.Verify(f.claiming(f.payload().with("amr", raw).with("acr", `"aal2"`)))
		if err != nil || claims.AMR != want {
			t.Errorf("%s: %q, %v", raw, claims.AMR, err)
		}
	}
	for _, name := range []string{"amr", "acr"} {
		claims, err := f.issuer.Verify(f.claiming(f.payload().without(name)))
		if err != nil || claims.AMR.MFA() || name == "amr" && claims.AMR != 0 {
			t.Errorf("without %s: %v, %v", name, claims, err)
		}
	}
}

func TestVerify_AmbiguousPayloadIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	p := f.payload()
	other := `"0197c1b0-0000-7000-8000-0000000000ef"`
	for name, twice := range map[string]members{
		"sub, ours last": p.before(`"sub":` + other), "sub, ours first": p.and(`"sub":` + other),
		"sub the same": p.and(p[2]), "Sub": p.and(`"Sub":` + other), "SUB": p.and(`"SUB":` + other),
		"an escaped sub": p.and(`"\u0073ub":` + other), "a long s": p.and(`"ſub":` + other),
		"Sub alone":        p.without("sub").and(`"Sub":` + other),
		"exp past, future": p.before(`"exp":` + at(-60)), "exp future, past": p.and(`"exp":` + at(-60)),
		"Auth_Time": p.and(`"Auth_Time":` + at(0)), "ROLES": p.and(`"ROLES":["ADMIN"]`), "AMR": p.and(`"AMR":["mfa"]`),
		"an unknown one": p.and(`"x":1`, `"x":1`),
	} {
		f.try(t, name, f.claiming(twice), ErrInvalid)
	}
	header, text := f.header().String(), p.String()
	for name, payload := range map[string]string{
		"array": `[` + text + `]`, "string": `"a"`, "number": `1`, "null": `null`, "empty": ``, "empty object": `{}`,
		"two objects": text + text, "two empty objects": `{}{}`, "trailing text": text + ` x`,
		"trailing comma": strings.TrimSuffix(text, "}") + ",}",
		"NaN":            p.with("exp", `NaN`).String(), "Infinity": p.with("exp", `Infinity`).String(),
		"hexadecimal": p.with("exp", `0x7fffffff`).String(),
		"plus sign":   p.with("exp", "+"+at(60)).String(), "leading zero": p.with("exp", "0"+at(60)).String(),
		"comment": `{/**/` + text[1:], "NUL": text + "\x00", "a nested token": f.valid(),
	} {
		f.try(t, name, f.sign(header, payload), ErrInvalid)
	}
	f.run(t, []attempt{
		{"white space", f.sign(header, " \n"+text+"\t "), nil},
		{"an unknown claim", f.claiming(p.and(`"azp":["pwd"]`, `"ver":1`, `"nested":{"sub":1,"Sub":2}`)), nil},
		{"a name twice in an unknown claim", f.claiming(p.and(`"nested":{"sub":1,"sub":2}`)), ErrInvalid},
		{"an actor", f.claiming(p.and(`"act":{"sub":"` + f.valid()[:40] + `"}`)), ErrInvalid},
		{"bound to a key", f.claiming(p.and(`"cnf":{"jkt":"x"}`)), ErrInvalid},
	})
}

package token

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestVerify_UnknownKidIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	kid := f.key.ID()
	f.try(t, "missing", f.headed(f.header().without("kid")), ErrInvalid)
	add := func(name, raw string) { f.try(t, name, f.headed(f.header().with("kid", raw)), ErrInvalid) }
	for _, raw := range []string{`"unknown"`, `""`, `null`, `1`, `["` + kid + `"]`, `{}`} {
		add(raw, raw)
	}
	add("1 MiB", `"`+strings.Repeat("a", 1<<20)+`"`)
	for _, other := range []string{
		"../../../../dev/null", "/proc/self/environ", `..\..\`, "file:///dev/null", "%2e%2e/",
		kid + "\x00", "\x00" + kid,
		"' UNION SELECT 'k'--", `"; DROP TABLE users`, "*)(uid=*", "{{7*7}}", ";/bin/sleep 10",
		strings.ToUpper(kid), strings.ToLower(kid), kid + "=", kid[:42], " " + kid, testKeys()["ES256"].ID(),
		"a\r\nlevel=INFO", "\x1b[31mred", "__proto__",
	} {
		add(fmt.Sprintf("%q", other), string(must(json.Marshal(other))))
	}
	for _, raw := range []string{`\u0061lg`, `\u0041lg`} { // an escaped name is the name itself
		f.try(t, "duplicate "+raw, f.headed(f.header().and(`"`+raw+`":"EdDSA"`)), ErrInvalid)
	}
}

func TestVerify_UnknownHeaderParametersAreRefused(t *testing.T) {
	f := newForger("EdDSA")
	jwk := must(json.Marshal(f.key.public.jwk))
	list := []string{
		`"jwk":` + string(jwk), `"jwk":{"kty":"oct","k":"AAAA"}`, `"jwk":{}`, `"jwk":null`,
		`"x5c":["AAAA"]`, `"x5t":"AAAA"`, `"x5t#S256":"AAAA"`,
		`"crit":["exp"]`, `"crit":["b64"]`, `"crit":["unknown"]`, `"crit":[]`, `"crit":"exp"`, `"crit":[1]`,
		`"crit":["exp","exp"]`, `"crit":["alg"]`, `"crit":null`, `"Crit":["exp"]`,
		`"b64":false`, `"b64":false,"crit":["b64"]`, `"b64":true`,
		`"zip":"DEF"`, `"cty":"JWT"`, `"enc":"A256GCM"`, `"epk":{}`, `"p2s":"AAAA"`, `"apu":"AAAA"`,
		`"ALG":"none"`, `"Alg":"EdDSA"`, `"KID":"x"`, `"Typ":"JWT"`,
	}
	for _, where := range []string{
		"http://127.0.0.1:1/k", "https://id.example.org/k", "file:///etc/passwd", "data:,{}",
		"https://id.example.org@evil/k",
	} {
		list = append(list, `"jku":"`+where+`"`, `"x5u":"`+where+`"`)
	}
	for _, p := range list {
		f.try(t, p, f.headed(f.header().and(p)), ErrInvalid)
		f.try(t, p+" in front", f.headed(f.header().before(p)), ErrInvalid)
	}
}

func TestVerify_AnotherTypeIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	f.try(t, "missing", f.headed(f.header().without("typ")), ErrInvalid)
	for _, raw := range []string{`"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"Application/AT+jwt"`} {
		f.try(t, raw, f.headed(f.header().with("typ", raw)), nil)
	}
	for _, raw := range []string{
		`"JWT"`, `"jwt"`, `"JOSE"`, `"refresh+jwt"`, `"at+jwt "`, `" at+jwt"`, `"at jwt"`, `"at+jwt;a=b"`,
		`"text/at+jwt"`, `"application/application/at+jwt"`, `""`, `1`, `["at+jwt"]`, `null`, `"at+jwt\u0000"`,
		`"at+jwt-id"`, `"ａt+jwt"`,
	} {
		f.try(t, raw, f.headed(f.header().with("typ", raw)), ErrInvalid)
	}
}

func TestVerify_AmbiguousHeaderIsRefused(t *testing.T) {
	f := newForger("EdDSA")
	header, payload := f.header(), f.payload().String()
	for name, text := range map[string]string{
		"array": `["` + header.String() + `"]`, "string": `"a"`, "number": `1`, "null": `null`, "empty object": `{}`,
		"two objects": header.String() + header.String(), "comment": `{/**/` + header.String()[1:],
		"trailing comma": strings.TrimSuffix(header.String(), "}") + ",}", "trailing text": header.String() + "x",
		"single quotes": strings.ReplaceAll(header.String(), `"`, `'`),
		"unclosed":      strings.TrimSuffix(header.String(), "}"),
	} {
		f.try(t, name, f.sign(text, payload), ErrInvalid)
	}
	for name, twice := range map[string]members{
		"alg none first": header.before(`"alg":"none"`), "alg none last": header.and(`"alg":"none"`),
		"alg the same": header.and(`"alg":"EdDSA"`), "kid": header.and(`"kid":"x"`),
		"typ": header.before(`"typ":"JWT"`), "an unknown one": header.and(`"x":1`, `"x":1`),
	} {
		f.try(t, "twice "+name, f.headed(twice), ErrInvalid)
	}
	f.run(t, []attempt{
		{"white space", f.sign(" \t\r\n"+header.String()+" \n", payload), nil},
		{"another order", f.headed(members{header[2], header[0], header[1]}), nil},
		{"an escaped name alone", f.sign(strings.Replace(header.String(), "alg", `\u0061lg`, 1), payload), nil},
		{"1 MiB", f.headed(header.and(`"x":"` + strings.Repeat("x", 1<<20) + `"`)), ErrInvalid},
		{"100,000 names", f.headed(header.and(manyNames(100_000)...)), ErrInvalid},
		{"9,999 deep", f.headed(header.and(`"x":` + nested(9_999))), ErrInvalid},
		{"10,001 deep", f.headed(header.and(`"x":` + nested(10_001))), ErrInvalid},
		{"2,000 deep", f.headed(header.and(`"x":` + nested(2_000))), ErrInvalid},
	})
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

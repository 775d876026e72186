package token

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestVerify_UnknownKidIsRefused(t *testing.T) {
	f := newForger(t, "EdDSA")
	kid := f.key.ID()
	attempts := []attempt{{"missing", f.headed(f.header().without("kid")), ErrInvalid}}
	add := func(name, raw string) {
		attempts = append(attempts, attempt{name, f.headed(f.header().with("kid", raw)), ErrInvalid})
	}
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
		raw, err := json.Marshal(other)
		if err != nil {
			t.Fatal(err)
		}
		add(fmt.Sprintf("%q", other), string(raw))
	}
	for _, raw := range []string{`\u0061lg`, `\u0041lg`} { // an escaped name is the name itself
		attempts = append(attempts, attempt{"duplicate " + raw, f.headed(f.header().and(`"` + raw +
			`":"EdDSA"`)), ErrInvalid})
	}
	f.run(t, attempts)
}

func TestVerify_UnknownHeaderParametersAreRefused(t *testing.T) {
	f := newForger(t, "EdDSA")
	jwk, err := json.Marshal(f.key.public.jwk)
	if err != nil {
		t.Fatal(err)
	}
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
	var attempts []attempt
	for _, p := range list {
		attempts = append(attempts,
			attempt{p, f.headed(f.header().and(p)), ErrInvalid},
			attempt{p + " in front", f.headed(f.header().before(p)), ErrInvalid})
	}
	f.run(t, attempts)
}

func TestVerify_AnotherTypeIsRefused(t *testing.T) {
	f := newForger(t, "EdDSA")
	attempts := []attempt{{"missing", f.headed(f.header().without("typ")), ErrInvalid}}
	for raw, want := range map[string]error{
		`"at+jwt"`: nil, `"AT+JWT"`: nil, `"application/at+jwt"`: nil, `"Application/AT+jwt"`: nil,
		`"JWT"`: ErrInvalid, `"jwt"`: ErrInvalid, `"JOSE"`: ErrInvalid, `"refresh+jwt"`: ErrInvalid,
		`"at+jwt "`: ErrInvalid,
		`" at+jwt"`: ErrInvalid, `"at jwt"`: ErrInvalid, `"at+jwt;a=b"`: ErrInvalid, `"text/at+jwt"`: ErrInvalid,
		`"application/application/at+jwt"`: ErrInvalid, `""`: ErrInvalid, `1`: ErrInvalid, `["at+jwt"]`: ErrInvalid,
		`null`:           ErrInvalid,
		`"at+jwt\u0000"`: ErrInvalid, `"at+jwt-id"`: ErrInvalid, `"ａt+jwt"`: ErrInvalid,
	} {
		attempts = append(attempts, attempt{raw, f.headed(f.header().with("typ", raw)), want})
	}
	f.run(t, attempts)
}

func TestVerify_AmbiguousHeaderIsRefused(t *testing.T) {
	f := newForger(t, "EdDSA")
	header, payload := f.header(), f.payload().String()
	var attempts []attempt
	for name, text := range map[string]string{
		"array": `["` + header.String() + `"]`, "string": `"a"`, "number": `1`, "null": `null`, "empty object": `{}`,
		"two objects": header.String() + header.String(), "comment": `{/**/` + header.String()[1:],
		"trailing comma": strings.TrimSuffix(header.String(), "}") + ",}", "trailing text": header.String() + "x",
		"single quotes": strings.ReplaceAll(header.String(), `"`, `'`),
		"unclosed":      strings.TrimSuffix(header.String(), "}"),
	} {
		attempts = append(attempts, attempt{name, f.sign(text, payload), ErrInvalid})
	}
	for name, twice := range map[string]members{
		"alg none first": header.before(`"alg":"none"`), "alg none last": header.and(`"alg":"none"`),
		"alg the same": header.and(`"alg":"EdDSA"`), "kid": header.and(`"kid":"x"`),
		"typ":            header.before(`"typ":"JWT"`),
		"an unknown one": header.and(`"x":1`, `"x":1`),
	} {
		attempts = append(attempts, attempt{"twice " + name, f.headed(twice), ErrInvalid})
	}
	attempts = append(attempts,
		attempt{"white space", f.sign(" \t\r\n"+header.String()+" \n", payload), nil},
		attempt{"another order", f.headed(members{header[2], header[0], header[1]}), nil},
		attempt{"an escaped name alone", f.sign(strings.Replace(header.String(), "alg", `\u0061lg`, 1),
			payload), nil},
		attempt{"1 MiB", f.headed(header.and(`"x":"` + strings.Repeat("x", 1<<20) + `"`)), ErrInvalid},
		attempt{"100,000 names", f.headed(header.and(manyNames(100_000)...)), ErrInvalid},
		attempt{"9,999 deep", f.headed(header.and(`"x":` + nested(9_999))), ErrInvalid},
		attempt{"10,001 deep", f.headed(header.and(`"x":` + nested(10_001))), ErrInvalid},
		attempt{"2,000 deep", f.headed(header.and(`"x":` + nested(2_000))), ErrInvalid})
	f.run(t, attempts)
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

package token

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestTheKidNamesAKeyOrNothing(t *testing.T) {
	f := newForger(t, "EdDSA")
	kid := f.key.ID()
	attempts := []attempt{{"J-041", "missing", f.headed(f.header().without("kid")), ErrInvalid}}
	add := func(id, name, raw string) {
		attempts = append(attempts, attempt{id, name, f.headed(f.header().with("kid", raw)), ErrInvalid})
	}
	for _, raw := range []string{`"unknown"`, `""`, `null`, `1`, `["` + kid + `"]`, `{}`} {
		add("J-041", raw, raw)
	}
	add("J-041", "1 MiB", `"`+strings.Repeat("a", 1<<20)+`"`)
	for id, list := range map[string][]string{
		"J-042": {"../../../../dev/null", "/proc/self/environ", `..\..\`, "file:///dev/null", "%2e%2e/",
			kid + "\x00", "\x00" + kid},
		"J-043": {"' UNION SELECT 'k'--", `"; DROP TABLE users`, "*)(uid=*", "{{7*7}}", ";/bin/sleep 10"},
		"J-044": {strings.ToUpper(kid), strings.ToLower(kid), kid + "=", kid[:42], " " + kid, testKeys()["ES256"].ID()},
		"J-045": {"a\r\nlevel=INFO", "\x1b[31mred", "__proto__"},
	} {
		for _, other := range list {
			raw, err := json.Marshal(other)
			if err != nil {
				t.Fatal(err)
			}
			add(id, fmt.Sprintf("%q", other), string(raw))
		}
	}
	for _, raw := range []string{`\u0061lg`, `\u0041lg`} { // an escaped name is the name itself
		attempts = append(attempts, attempt{"J-054", "duplicate " + raw, f.headed(f.header().and(`"` + raw +
			`":"EdDSA"`)), ErrInvalid})
	}
	f.judge(t, attempts)
}

func TestParametersWeNeverWriteAreRefused(t *testing.T) {
	f := newForger(t, "EdDSA")
	whole, err := json.Marshal(f.key.public.jwk)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string][]string{
		"J-047": {`"jwk":` + string(whole), `"jwk":{"kty":"oct","k":"AAAA"}`, `"jwk":{}`, `"jwk":null`},
		"J-048": {`"x5c":["AAAA"]`, `"x5t":"AAAA"`, `"x5t#S256":"AAAA"`},
		"J-049": {
			`"crit":["exp"]`, `"crit":["b64"]`, `"crit":["unknown"]`, `"crit":[]`, `"crit":"exp"`, `"crit":[1]`,
			`"crit":["exp","exp"]`, `"crit":["alg"]`, `"crit":null`, `"Crit":["exp"]`,
		},
		"J-050": {`"b64":false`, `"b64":false,"crit":["b64"]`, `"b64":true`},
		"J-051": {`"zip":"DEF"`, `"cty":"JWT"`, `"enc":"A256GCM"`, `"epk":{}`, `"p2s":"AAAA"`, `"apu":"AAAA"`},
		"J-054": {`"ALG":"none"`, `"Alg":"EdDSA"`, `"KID":"x"`, `"Typ":"JWT"`},
	}
	for _, where := range []string{
		"http://127.0.0.1:1/k", "https://id.example.org/k", "file:///etc/passwd", "data:,{}",
		"https://id.example.org@evil/k",
	} {
		list["J-046"] = append(list["J-046"], `"jku":"`+where+`"`, `"x5u":"`+where+`"`)
	}
	var attempts []attempt
	for id, parameters := range list {
		for _, p := range parameters {
			attempts = append(attempts, attempt{id, p, f.headed(f.header().and(p)), ErrInvalid})
			attempts = append(attempts, attempt{id, p + " in front", f.headed(f.header().before(p)), ErrInvalid})
		}
	}
	f.judge(t, attempts)
}

func TestTheTypeIsOfAccessTokens(t *testing.T) {
	f := newForger(t, "EdDSA")
	attempts := []attempt{{"J-052", "missing", f.headed(f.header().without("typ")), ErrInvalid}}
	for raw, want := range map[string]error{
		`"at+jwt"`: nil, `"AT+JWT"`: nil, `"application/at+jwt"`: nil, `"Application/AT+jwt"`: nil,
		`"JWT"`: ErrInvalid, `"jwt"`: ErrInvalid, `"JOSE"`: ErrInvalid, `"refresh+jwt"`: ErrInvalid,
		`"at+jwt "`: ErrInvalid,
		`" at+jwt"`: ErrInvalid, `"at jwt"`: ErrInvalid, `"at+jwt;a=b"`: ErrInvalid, `"text/at+jwt"`: ErrInvalid,
		`"application/application/at+jwt"`: ErrInvalid, `""`: ErrInvalid, `1`: ErrInvalid, `["at+jwt"]`: ErrInvalid,
		`null`:           ErrInvalid,
		`"at+jwt\u0000"`: ErrInvalid, `"at+jwt-id"`: ErrInvalid, `"ａt+jwt"`: ErrInvalid,
	} {
		attempts = append(attempts, attempt{"J-052", raw, f.headed(f.header().with("typ", raw)), want})
	}
	f.judge(t, attempts)
}

func TestTheHeaderIsOneObjectOfOneReading(t *testing.T) {
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
		attempts = append(attempts, attempt{"J-053", name, f.sign(text, payload), ErrInvalid})
	}
	for name, twice := range map[string]members{
		"alg none first": header.before(`"alg":"none"`), "alg none last": header.and(`"alg":"none"`),
		"alg the same": header.and(`"alg":"EdDSA"`), "kid": header.and(`"kid":"x"`),
		"typ":            header.before(`"typ":"JWT"`),
		"an unknown one": header.and(`"x":1`, `"x":1`),
	} {
		attempts = append(attempts, attempt{"J-054", "twice " + name, f.headed(twice), ErrInvalid})
	}
	attempts = append(attempts,
		attempt{"J-053", "white space", f.sign(" \t\r\n"+header.String()+" \n", payload), nil},
		attempt{"J-053", "another order", f.headed(members{header[2], header[0], header[1]}), nil},
		attempt{"J-054", "an escaped name alone", f.sign(strings.Replace(header.String(), "alg", `\u0061lg`, 1),
			payload), nil},
		attempt{"J-055", "1 MiB", f.headed(header.and(`"x":"` + strings.Repeat("x", 1<<20) + `"`)), ErrInvalid},
		attempt{"J-055", "100,000 names", f.headed(header.and(manyNames(100_000)...)), ErrInvalid},
		attempt{"J-055", "9,999 deep", f.headed(header.and(`"x":` + nested(9_999))), ErrInvalid},
		attempt{"J-055", "10,001 deep", f.headed(header.and(`"x":` + nested(10_001))), ErrInvalid},
		attempt{"J-055", "2,000 deep", f.headed(header.and(`"x":` + nested(2_000))), ErrInvalid})
	f.judge(t, attempts)
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

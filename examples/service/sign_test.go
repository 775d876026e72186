package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"time"
)

var theTime = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// sign makes a token of a minute before theTime, with the key of RFC 8037, appendix A, which is public.
func sign() string {
	text := base64.RawURLEncoding
	seed := must(text.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
	input := text.EncodeToString([]byte(`{"alg":"EdDSA","kid":"test","typ":"at+jwt"}`)) + "." + text.EncodeToString([]byte(
		`{"iss":"https://id.example.org","aud":"gatehouse","sub":"0197c1b0-0000-7000-8000-0000000000ab",`+
			`"sid":"0197c1b0-0000-7000-8000-0000000000cd","iat":1782907140,"nbf":1782907140,"exp":1782907740,"jti":"one",`+
			`"auth_time":1782900000,"roles":["USER"],"client_id":"gatehouse"}`))
	return input + "." + text.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(input)))
}

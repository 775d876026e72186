package token

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// accessType is the typ of an access token (RFC 9068, section 2.1), which keeps every other kind of JWT out.
const accessType = "at+jwt"

// parse verifies a token that is not in the cache. golang-jwt splits and decodes it, lets keyOf find the key, verifies
// the signature and validates iss, aud, exp, nbf and iat; accessClaims does the rest.
func (v *Verifier) parse(text string, now time.Time) (*verified, error) {
	if strings.ContainsAny(text, "\r\n") { // encoding/base64 skips them, even with strict decoding
		return nil, invalid("line breaks in base64url")
	}
	var claims accessClaims
	var key *PublicKey
	_, err := v.parser.ParseWithClaims(text, &claims, func(t *jwt.Token) (public any, err error) {
		if key, err = v.keyOf(t, now); err != nil {
			return nil, err
		}
		return key.public, nil
	})
	if errors.Is(err, jwt.ErrTokenInvalidIssuer) { // which is validated after the signature
		return nil, IssuerError{claims.Issuer}
	}
	if err != nil {
		return nil, translate(err)
	}
	return newVerified(key, claims.claims, claims.validFrom()), nil
}

// keyOf returns the key that a header names. Issue writes three header parameters, so a token with any other was not
// made by it: crit (which MUST be refused, RFC 7515, section 4.1.11), jku, x5u, jwk and x5c (keys of the sender's
// choice), b64, zip, cty and enc (another payload than the one that is read). The header is decoded again, because
// golang-jwt takes the last of two members with one name.
func (v *Verifier) keyOf(t *jwt.Token, now time.Time) (*PublicKey, error) {
	segment, _, _ := strings.Cut(t.Raw, ".")
	data, _ := decode(segment)
	header, err := readObject(data)
	if err != nil {
		return nil, invalid("header: " + err.Error())
	}
	for name := range header.members {
		if name != "alg" && name != "kid" && name != "typ" {
			return nil, invalid("header: a parameter other than alg, kid and typ")
		}
	}
	kid, typ := header.text("kid"), header.text("typ")
	if header.err != nil {
		return nil, invalid("header: " + header.err.Error())
	}
	// A media type without a slash stands for application/…, and case does not count (RFC 7515, section 4.1.9).
	if !strings.EqualFold(typ, accessType) && !strings.EqualFold(typ, "application/"+accessType) {
		return nil, invalid("header: typ is not " + accessType)
	}
	key := v.config.Find(kid, now)
	if key == nil {
		return nil, ErrNoKey
	}
	if t.Method.Alg() != key.Algorithm() {
		return nil, invalid("header: alg is not the key's")
	}
	return key, nil
}

// jwtErrors are the refusals of golang-jwt that may come together with "expired", or instead of it.
var jwtErrors = []error{
	jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid,
	jwt.ErrTokenInvalidAudience, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenNotValidYet, jwt.ErrTokenRequiredClaimMissing,
}

// translate turns a refusal of golang-jwt into one of ours. Its own text is left out, because it may quote the token.
func translate(err error) error {
	if own, ok := errors.AsType[invalidError](err); ok {
		return own
	}
	for _, known := range jwtErrors {
		if errors.Is(err, known) {
			return invalid(known.Error())
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return ErrExpired
	}
	return invalid("for an unknown reason")
}

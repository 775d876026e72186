package token

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// accessType is the typ of an access token (RFC 9068, section 2.1), which keeps every other kind of JWT out.
const accessType = "at+jwt"

// check does all of Verify but the times. It reads the header only far enough to find the key, and no claim before the
// signature has held.
func (v *Verifier) check(text string, now time.Time) (checked, error) {
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	claims, ok := decode(payload)
	mac, ok2 := decode(signature) // a fourth segment leaves a dot in here, which is no base64url
	if !ok || !ok2 {
		return checked{}, invalid("not three segments of base64url")
	}
	key, err := v.keyOf(header, now)
	if err != nil {
		return checked{}, err
	}
	if !key.holds(text[:len(header)+1+len(payload)], mac) {
		return checked{}, invalid("the signature does not hold")
	}
	c, err := v.read(claims)
	c.key = key
	return c, err
}

// keyOf returns the key that a header names. Our issuer writes three header parameters, so any other is the sign of a
// token that it did not make: crit (which MUST be refused, RFC 7515, section 4.1.11), jku, x5u, jwk and x5c (keys of
// the sender's choice), b64, zip, cty and enc (another payload than the one that is read).
func (v *Verifier) keyOf(segment string, now time.Time) (*PublicKey, error) {
	data, ok := decode(segment)
	if !ok {
		return nil, invalid("not three segments of base64url")
	}
	header, err := readObject(data)
	if err != nil {
		return nil, invalid("header: " + err.Error())
	}
	for name := range header.members {
		if !slices.Contains([]string{"alg", "kid", "typ"}, name) {
			return nil, invalid("header: a parameter that we never write")
		}
	}
	alg, kid, typ := header.text("alg"), header.text("kid"), header.text("typ")
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
	if alg != key.Algorithm() {
		return nil, invalid("header: alg is not the key's")
	}
	return key, nil
}

// ourClaims are the names Issue writes. Another case of one of them is refused: somebody would read it for ours.
var ourClaims = []string{
	"iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti", "auth_time", "roles", "scope",
}

// read judges the claims of a payload whose signature held. Claims we do not know are ignored (RFC 7519, section 4),
// except the two that take away from what the token allows: to ignore them would be to allow too much.
func (v *Verifier) read(payload []byte) (checked, error) {
	o, err := readObject(payload)
	if err != nil {
		return checked{}, invalid("payload: " + err.Error())
	}
	for name := range o.members {
		if slices.Contains(ourClaims, name) {
			continue
		}
		if slices.ContainsFunc(ourClaims, func(ours string) bool { return strings.EqualFold(ours, name) }) {
			return checked{}, invalid("payload: the name of a claim in another case")
		}
		if name == "cnf" || name == "act" { // bound to a key (RFC 7800); used by another (RFC 8693)
			return checked{}, invalid("payload: a restriction that is not understood")
		}
	}
	c := v.collect(&o)
	if o.err != nil {
		return checked{}, invalid("payload: " + o.err.Error())
	}
	return c, nil
}

// collect takes the claims out of a payload and judges all but the times. Roles and scope may be missing, which grants
// nothing; everything else is required.
func (v *Verifier) collect(o *object) checked {
	if o.text("iss") != v.config.Issuer {
		o.fail("iss", "is another issuer")
	}
	if !v.isAudience(o) {
		o.fail("aud", "is another audience")
	}
	c := Claims{
		UserID:          o.id("sub"),
		SessionID:       o.id("sid"),
		ID:              o.text("jti"),
		AuthenticatedAt: o.date("auth_time"),
		IssuedAt:        o.date("iat"),
		ExpiresAt:       o.date("exp"),
	}
	notBefore := o.date("nbf")
	if !validID(c.ID) {
		o.fail("jti", "is empty or too long")
	}
	if o.has("roles") {
		c.Roles = o.list("roles")
	}
	if !validRoles(c.Roles) {
		o.fail("roles", "holds an empty role")
	}
	if o.has("scope") {
		if scope := o.text("scope"); scope != "" {
			c.Scopes = strings.Split(scope, " ")
		}
	}
	if !validScopes(c.Scopes) {
		o.fail("scope", "is not a list of scopes")
	}
	return checked{claims: c, notBefore: notBefore}
}

// isAudience takes our audience as a string or as the one element of an array, which mean the same (RFC 7519, section
// 4.1.3). A token that is for others too is not one of ours.
func (v *Verifier) isAudience(o *object) bool {
	if _, ok := o.members["aud"].([]any); ok {
		return slices.Equal(o.list("aud"), []string{v.config.Audience})
	}
	return o.text("aud") == v.config.Audience
}

// judge looks at the times, which change while a token does not: at expiry last, so that ErrExpired is said only of a
// token that was good once.
func (c checked) judge(now time.Time) error {
	soon := now.Add(Leeway)
	issued, ends := c.claims.IssuedAt, c.claims.ExpiresAt
	switch {
	case c.notBefore.After(soon) || issued.After(soon) || c.claims.AuthenticatedAt.After(soon):
		return invalid("payload: nbf, iat or auth_time lies ahead")
	case !ends.After(issued) || !ends.After(c.notBefore):
		return invalid("payload: it ends before it begins")
	case ends.Sub(issued) > MaxTTL:
		return invalid("payload: it lives too long")
	case !now.Before(ends):
		return fmt.Errorf("%w: %v ago", ErrExpired, now.Sub(ends).Truncate(time.Second))
	}
	return nil
}

func validID(id string) bool { return validText(id) && len(id) <= 128 }

func validRoles(roles []string) bool {
	return !slices.ContainsFunc(roles, func(role string) bool { return !validText(role) })
}

// validText reports whether JSON carries the text there and back. encoding/json writes U+FFFD for bytes that are not
// UTF-8 and reads it for lone surrogates, so that different texts would become equal; ContainsRune finds all of these.
func validText(text string) bool { return text != "" && !strings.ContainsRune(text, utf8.RuneError) }

// validScopes holds each scope to scope-token of RFC 6749, section 3.3.
func validScopes(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool {
		return scope == "" || strings.ContainsFunc(scope, func(r rune) bool {
			return r <= ' ' || r > '~' || r == '"' || r == '\\'
		})
	})
}

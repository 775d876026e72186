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

// Verify returns the claims of an access token, or ErrExpired, or ErrInvalid. It reads the header only far enough to
// find the key, and no claim before the signature has held. It never panics, and touches nothing but memory.
//
// Each token has one spelling. Even so, never key anything by a token's text: an ECDSA signature has a second, equally
// valid form (r, n-s) that anyone can compute. Key by jti or sid.
func (i *Issuer) Verify(text string) (Claims, error) {
	if len(text) > MaxLength {
		return Claims{}, invalid("too long")
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	claims, ok := decode(payload)
	mac, ok2 := decode(signature) // a fourth segment leaves a dot in here, which is no base64url
	if !ok || !ok2 {
		return Claims{}, invalid("not three segments of base64url")
	}
	key, err := i.keyOf(header)
	if err != nil {
		return Claims{}, err
	}
	if key.method.Verify(text[:len(header)+1+len(payload)], mac, key.private.Public()) != nil {
		return Claims{}, invalid("the signature does not hold")
	}
	return i.read(claims)
}

// keyOf returns the key that a header names. We are the only issuer and write three header parameters, so any other is
// the sign of a token we did not make: crit (which MUST be refused, RFC 7515, section 4.1.11), jku, x5u, jwk and x5c
// (keys of the sender's choice), b64, zip, cty and enc (another payload than the one that is read).
func (i *Issuer) keyOf(segment string) (*Key, error) {
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
	key := i.config.Keys.find(kid)
	if key == nil {
		return nil, invalid("header: no such kid")
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
func (i *Issuer) read(payload []byte) (Claims, error) {
	o, err := readObject(payload)
	if err != nil {
		return Claims{}, invalid("payload: " + err.Error())
	}
	for name := range o.members {
		if slices.Contains(ourClaims, name) {
			continue
		}
		if slices.ContainsFunc(ourClaims, func(ours string) bool { return strings.EqualFold(ours, name) }) {
			return Claims{}, invalid("payload: the name of a claim in another case")
		}
		if name == "cnf" || name == "act" { // bound to a key (RFC 7800); used by another (RFC 8693)
			return Claims{}, invalid("payload: a restriction that is not understood")
		}
	}
	c, nbf := i.collect(&o)
	if o.err != nil {
		return Claims{}, invalid("payload: " + o.err.Error())
	}
	if err := i.judgeTimes(c, nbf); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// collect takes the claims out of a payload and judges all but the times. Roles and scope may be missing, which grants
// nothing; everything else is required.
func (i *Issuer) collect(o *object) (c Claims, nbf time.Time) {
	if o.text("iss") != i.config.Issuer {
		o.fail("iss", "is another issuer")
	}
	if !i.isAudience(o) {
		o.fail("aud", "is another audience")
	}
	c = Claims{
		UserID:          o.id("sub"),
		SessionID:       o.id("sid"),
		ID:              o.text("jti"),
		AuthenticatedAt: o.date("auth_time"),
		IssuedAt:        o.date("iat"),
		ExpiresAt:       o.date("exp"),
	}
	nbf = o.date("nbf")
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
	return c, nbf
}

// isAudience takes our audience as a string or as the one element of an array, which mean the same (RFC 7519, section
// 4.1.3). A token that is for others too is not one of ours.
func (i *Issuer) isAudience(o *object) bool {
	if strings.HasPrefix(string(o.members["aud"]), "[") {
		return slices.Equal(o.list("aud"), []string{i.config.Audience})
	}
	return o.text("aud") == i.config.Audience
}

// judgeTimes looks at expiry last, so that ErrExpired is said only of a token that was good once.
func (i *Issuer) judgeTimes(c Claims, nbf time.Time) error {
	now := i.config.Clock()
	soon := now.Add(Leeway)
	switch {
	case nbf.After(soon) || c.IssuedAt.After(soon) || c.AuthenticatedAt.After(soon):
		return invalid("payload: nbf, iat or auth_time lies ahead")
	case !c.ExpiresAt.After(c.IssuedAt) || !c.ExpiresAt.After(nbf):
		return invalid("payload: it ends before it begins")
	case c.ExpiresAt.Sub(c.IssuedAt) > MaxTTL:
		return invalid("payload: it lives too long")
	case !now.Before(c.ExpiresAt):
		return fmt.Errorf("%w: %v ago", ErrExpired, now.Sub(c.ExpiresAt).Truncate(time.Second))
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

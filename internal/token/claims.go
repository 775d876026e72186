package token

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Claims are the claims of an access token (RFC 9068, section 2.2) in Go types. Times are whole seconds.
type Claims struct {
	UserID          uuid.UUID // sub
	SessionID       uuid.UUID // sid
	ID              string    // jti; Issue makes one where it is empty
	AuthenticatedAt time.Time // auth_time: when the user last proved who they are
	AMR             AMR       // amr, and acr, which follows from it: what they have proved
	IssuedAt        time.Time // iat and nbf; Issue reads the clock where it is zero
	ExpiresAt       time.Time // exp; Issue takes IssuedAt plus the TTL where it is zero, and never more
	Roles           []string  // roles
	Scopes          []string  // scope: words of RFC 6749, section 3.3
}

// claimNames are the names that Issue writes.
var claimNames = []string{
	"iss", "aud", "client_id", "sub", "sid", "iat", "nbf", "exp", "jti", "auth_time", "amr", "acr", "roles",
	"scope",
}

// accessClaims reads and validates claims for golang-jwt. It is stricter than a struct of encoding/json, which takes
// quoted numbers for dates, names in any case, and the last of two members with one name.
type accessClaims struct {
	jwt.RegisteredClaims        // what golang-jwt validates
	claims               Claims // what Verify returns
	client               string // client_id
}

// UnmarshalJSON reads a payload. Roles, scope, amr and acr may be missing, which grants nothing; everything else is
// required.
func (c *accessClaims) UnmarshalJSON(payload []byte) error {
	o, err := readObject(payload)
	if err != nil {
		return invalid("payload: " + err.Error())
	}
	checkNames(&o)
	c.claims = Claims{
		UserID:          o.id("sub"),
		SessionID:       o.id("sid"),
		ID:              o.text("jti"),
		AuthenticatedAt: o.date("auth_time"),
		IssuedAt:        o.date("iat"),
		ExpiresAt:       o.date("exp"),
	}
	if o.has("roles") {
		c.claims.Roles = o.list("roles")
	}
	if o.has("amr") {
		for _, name := range o.list("amr") {
			c.claims.AMR |= amrOf(name)
		}
	}
	if o.has("acr") {
		o.text("acr") // says nothing that amr does not
	}
	if o.has("scope") {
		c.claims.Scopes = strings.Split(o.text("scope"), " ")
	}
	c.client = o.text("client_id")
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer: o.text("iss"), Audience: o.audience(), NotBefore: &jwt.NumericDate{Time: o.date("nbf")},
		IssuedAt: &jwt.NumericDate{Time: c.claims.IssuedAt}, ExpiresAt: &jwt.NumericDate{Time: c.claims.ExpiresAt},
	}
	if o.err != nil {
		return invalid("payload: " + o.err.Error())
	}
	return nil
}

// checkNames refuses another case of a claim's name, which a lenient reader takes for the claim. Other unknown claims
// are ignored (RFC 7519, section 4), except the two that take away from what the token allows: cnf binds it to a key
// (RFC 7800), act says that another party uses it (RFC 8693).
func checkNames(o *object) {
	for name := range o.members {
		switch {
		case slices.Contains(claimNames, name):
		case slices.ContainsFunc(claimNames, func(known string) bool { return strings.EqualFold(known, name) }):
			o.fail("a claim", "has its name in another case")
		case name == "cnf" || name == "act":
			o.fail(name, "is a restriction that is not understood")
		}
	}
}

// audience returns aud: a string, or an array of one, which means the same (RFC 7519, section 4.1.3). A token that is
// for others too is not one of ours.
func (o *object) audience() []string {
	if text, ok := o.members["aud"].(string); ok {
		return []string{text}
	}
	list := o.list("aud")
	if len(list) != 1 {
		o.fail("aud", "is not one audience")
	}
	return list
}

// Validate checks what golang-jwt does not.
func (c *accessClaims) Validate() error {
	begin, end := c.claims.IssuedAt, c.claims.ExpiresAt
	switch {
	case !validID(c.claims.ID):
		return invalid("payload: jti is empty or too long")
	case !validText(c.client):
		return invalid("payload: client_id is empty")
	case !validRoles(c.claims.Roles) || !validScopes(c.claims.Scopes):
		return invalid("payload: a role or a scope is empty or has characters that it cannot have")
	case !end.After(begin) || !end.After(c.NotBefore.Time):
		return invalid("payload: it ends before it begins")
	case end.Sub(begin) > MaxTTL:
		return invalid("payload: its lifetime is too long")
	}
	return nil
}

// validFrom returns from when the token is good: none of its times may be further ahead than the leeway.
func (c *accessClaims) validFrom() time.Time {
	times := []time.Time{c.NotBefore.Time, c.claims.IssuedAt, c.claims.AuthenticatedAt}
	return slices.MaxFunc(times, time.Time.Compare).Add(-Leeway)
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

// Package token owns the secret, the signing keys, access tokens (JWTs) and refresh tokens (opaque).
//
// It knows keys, the clock, randomness and claims. It knows no user, no table, no HTTP and no GraphQL: whether a
// session still lives, or a refresh token was used before, is decided by who keeps the sessions. What it answers about
// a token is a fact of the token's text alone.
//
// No error of this package repeats any part of a token or a key, and printing a Secret, a Key or a Refresh with any
// verb of fmt shows no secret byte.
package token

import (
	"encoding/base64"
	"errors"
	"strings"
)

// The two answers of Verify and Parse that are not a token. Expired is said only of a token whose signature held and
// that is right in every other way; test with errors.Is. The text after the colon is for the log.
var (
	ErrInvalid = errors.New("token: invalid")
	ErrExpired = errors.New("token: expired")
)

// ErrNoKey is the ErrInvalid of a token whose kid names no key, for verifiers that have their keys from elsewhere and
// may ask there for newer ones.
var ErrNoKey = invalid("header: no such kid")

func invalid(reason string) error { return invalidError(reason) }

// invalidError is an ErrInvalid and why, for the log.
type invalidError string

func (e invalidError) Error() string { return ErrInvalid.Error() + ": " + string(e) }
func (e invalidError) Unwrap() error { return ErrInvalid }

var base64url = base64.RawURLEncoding.Strict()

// decode reads unpadded base64url (RFC 7515, section 2) in its one canonical spelling. Strict refuses stray bits at the
// end; CR and LF have to be refused here, because the standard decoder skips them, strict or not.
func decode(text string) ([]byte, bool) {
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	data, err := base64url.DecodeString(text)
	return data, err == nil
}

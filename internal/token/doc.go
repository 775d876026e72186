// Package token owns the secret, the signing keys, access tokens (JWTs) and refresh tokens (opaque).
//
// It knows keys, the clock, randomness and claims. It knows no user, no table, no HTTP and no GraphQL. Whether a
// session has ended, or a refresh token was used before, is decided by package accounts; what this package returns
// about a token follows from the token's text, the keys and the clock.
//
// The text of no error of this package repeats any part of a token or a key, and printing a Secret, a Key or a Refresh
// with any verb of fmt shows no secret byte.
package token

import (
	"encoding/base64"
	"errors"
	"strings"
)

// The errors of Verify and Parse; test with errors.Is. ErrExpired is returned only for a token whose signature is valid
// and that is right in every other way. The text after the colon is for the log.
var (
	ErrInvalid = errors.New("token: invalid")
	ErrExpired = errors.New("token: expired")
)

// ErrNoKey is the ErrInvalid of a token whose kid names no key. A verifier that fetches its keys may fetch newer ones.
var ErrNoKey = invalid("header: no such kid")

func invalid(reason string) error { return invalidError(reason) }

// invalidError is an ErrInvalid and why, for the log.
type invalidError string

func (e invalidError) Error() string { return ErrInvalid.Error() + ": " + string(e) }
func (e invalidError) Unwrap() error { return ErrInvalid }

// IssuerError is an ErrInvalid of a token whose signature is valid, and whose iss is not the configured one.
type IssuerError struct{ Issuer string }

func (IssuerError) Error() string { return ErrInvalid.Error() + ": it is of another issuer" }
func (IssuerError) Unwrap() error { return ErrInvalid }

var base64url = base64.RawURLEncoding.Strict()

// decode reads unpadded base64url (RFC 7515, section 2) in its canonical form. Strict refuses stray bits at the end; CR
// and LF are refused here, because encoding/base64 skips them even then.
func decode(text string) ([]byte, bool) {
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	data, err := base64url.DecodeString(text)
	return data, err == nil
}

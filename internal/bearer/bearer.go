// Package bearer reads the one place where a request may carry its token: the Authorization header (RFC 6750, section
// 2.1). It knows no tokens: what it returns is any text.
package bearer

import (
	"errors"
	"net/http"
	"strings"
)

// The answers of Token that are not a text.
var (
	ErrMissing   = errors.New("no credential was sent")
	ErrMultiple  = errors.New("more than one Authorization header was sent")
	ErrMalformed = errors.New("the Authorization header is not Bearer and one token")
)

// Token returns the token of a request's headers, never empty. A token anywhere else is not looked at.
func Token(h http.Header) (string, error) {
	headers := h.Values("Authorization")
	switch {
	case len(headers) == 0:
		return "", ErrMissing
	case len(headers) > 1:
		return "", ErrMultiple
	}
	return parse(headers[0])
}

// parse reads a header value; an empty one, and the scheme alone, are no credential. The scheme's case does not matter
// (RFC 9110, section 11.1); one space follows it, and nothing follows the token.
func parse(value string) (string, error) {
	value = strings.Trim(value, " \t")
	if value == "" || strings.EqualFold(value, "Bearer") {
		return "", ErrMissing
	}
	scheme, text, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(text, " \t,") {
		return "", ErrMalformed
	}
	return text, nil
}

// Package bearer reads the token of a request's Authorization header (RFC 6750, section 2.1), the only place where one
// may be. It does not know what tokens are: it returns any text.
package bearer

import (
	"errors"
	"net/http"
	"strings"
)

// The errors of Token.
var (
	ErrMissing   = errors.New("no credential was sent")
	ErrMultiple  = errors.New("more than one Authorization header was sent")
	ErrMalformed = errors.New("the Authorization header is not Bearer and one token")
)

// Token returns the bearer token of a request's headers, which is never empty.
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

// parse reads a header value. An empty one, and the scheme alone, are ErrMissing. The scheme's case does not matter
// (RFC 9110, section 11.1); one space or more follow it (RFC 6750, section 2.1), and nothing follows the
// token.
func parse(value string) (string, error) {
	value = strings.Trim(value, " \t")
	if value == "" || strings.EqualFold(value, "Bearer") {
		return "", ErrMissing
	}
	scheme, text, ok := strings.Cut(value, " ")
	text = strings.TrimLeft(text, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || hasSeparator(text) {
		return "", ErrMalformed
	}
	return text, nil
}

// hasSeparator is strings.ContainsAny of three characters. It compares many bytes of a long token at a time.
func hasSeparator(text string) bool {
	return strings.IndexByte(text, ' ') >= 0 || strings.IndexByte(text, '\t') >= 0 || strings.IndexByte(text, ',') >= 0
}

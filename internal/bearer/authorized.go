package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// Authorized reports whether a request's bearer token is one of those that are configured. It compares digests, in constant
// time whatever the lengths.
func Authorized(h http.Header, tokens []string) bool {
	sent, err := Token(h)
	if err != nil {
		return false
	}
	digest, equal := sha256.Sum256([]byte(sent)), 0
	for _, token := range tokens {
		want := sha256.Sum256([]byte(token))
		equal |= subtle.ConstantTimeCompare(digest[:], want[:])
	}
	return equal == 1
}
